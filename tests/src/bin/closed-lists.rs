//! `closed-lists SEEN < LISTS`: fails when something declared was never seen in a test run; see `seal_tests::seen`.
#![allow(clippy::print_stderr, reason = "a program for the terminal")]

use std::{env, error::Error, fs, io, process::ExitCode};

use seal_tests::seen::{Declared, Exemptions, Observed, compare};

const EXEMPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/exempt.toml");

fn main() -> ExitCode {
    match check() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<bool, Box<dyn Error>> {
    let seen = env::args_os()
        .nth(1)
        .ok_or("usage: closed-lists SEEN < LISTS")?;
    let declared = Declared::from_json(&serde_json::from_reader(io::stdin())?);
    let observed = Observed::from_lines(&fs::read_to_string(seen)?, &declared)?;
    let exempt = Exemptions::parse(&fs::read_to_string(EXEMPT)?)
        .map_err(|error| format!("tests/exempt.toml: {error}"))?;
    let verdict = compare(&declared, &observed, &exempt);
    for (title, names) in [
        ("declared, but no test made it happen", &verdict.never_seen),
        (
            "exempt in tests/exempt.toml, but a test made it happen",
            &verdict.exempt_but_seen,
        ),
        (
            "exempt in tests/exempt.toml, but declared nowhere",
            &verdict.exempt_but_unknown,
        ),
        ("happened, but declared nowhere", &verdict.undeclared),
    ] {
        for name in names {
            eprintln!("{title}: {name}");
        }
    }
    Ok(verdict.is_well() && !declared.0.is_empty())
}
