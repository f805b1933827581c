//! What controllers cost in a real cluster, ours and upstream's one after the other.
//!
//! `cluster-costs ROW MINUTES [OBJECTS]` measures one row, with so many SealedSecrets, and where nothing is to happen for so
//! many minutes, and prints its figures as JSON, ready for a table; what it is at goes to standard error.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]
#![allow(clippy::print_stderr, reason = "a program for the terminal")]

mod applying;
mod figure;
mod ground;
mod growth;
mod memory;
mod middle;
mod process;
mod restart;
mod sealing;
mod unsealing;

use std::{env, process::ExitCode};

use figure::Report;

/// Measures with so many objects, and for so many minutes where nothing happens.
type Measure = fn(usize, u64) -> Report;

/// The rows, each with the number of objects that it has where none is given.
const ROWS: [(&str, Measure, usize); 6] = [
    ("applying", applying::measure, 200),
    ("restart", |objects, _| restart::measure(objects), 4_000),
    ("unsealing", |objects, _| unsealing::measure(objects), 1_000),
    ("middle", |objects, _| middle::measure(objects), 1_000),
    ("memory", |objects, _| memory::measure(objects), 10_000),
    ("growth", |objects, _| growth::measure(objects), 16_000),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |place: usize| arguments.get(place).map(|number| number.parse::<usize>());
    let row = ROWS
        .iter()
        .find(|(name, ..)| Some(*name) == arguments.first().map(String::as_str));
    let (Some((_, measure, usual)), Some(Ok(minutes)), Ok(objects)) =
        (row, number(1), number(2).transpose())
    else {
        let names = ROWS.map(|(name, ..)| name).join("|");
        eprintln!("usage: cluster-costs {names} MINUTES [OBJECTS]");
        return ExitCode::from(2);
    };
    let report = measure(objects.unwrap_or(*usual), minutes as u64);
    println!("{}", report.json());
    ExitCode::SUCCESS
}

/// Says what is being done.
fn say(what: &str) {
    eprintln!("  {what}");
}
