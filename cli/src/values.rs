//! Values for `seal create` and `seal set`: from the command line, files, a generator or the keyboard.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
};

use rand::{TryRng, rngs::SysRng};
use seal_api::Reason;
use seal_envelope::Plaintext;
use seal_sealing::{Secret, cautions, check_item_key};
use zeroize::Zeroizing;

use crate::{
    args::{FileValue, Generated, Literal, ValueArgs},
    input,
    problem::{Place, Problem},
    report::Reporter,
};

/// The characters of generated values: letters and digits, which need no quoting anywhere.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The values by key; each key once.
pub(crate) type Values = BTreeMap<String, Plaintext>;

/// Gathers every value that was asked for.
pub(crate) fn gather(args: &ValueArgs, reporter: &Reporter) -> Result<Values, Problem> {
    let mut values = Values::new();
    for Literal { key, value } in &args.from_literal {
        add(&mut values, key, value.as_bytes().into())?;
    }
    if !args.from_literal.is_empty() {
        reporter.warn(
            &Place::default(),
            "values given with --from-literal stay in the shell's history and are seen by other users of this machine",
        );
    }
    for FileValue { key, path } in &args.from_file {
        add(&mut values, key, read_value(path)?)?;
    }
    for path in &args.from_env_file {
        add_env_file(&mut values, path, reporter)?;
    }
    for Generated { key, length } in &args.generate {
        add(&mut values, key, generate(*length)?)?;
    }
    for key in &args.prompt {
        let value = ask(
            &format!("value of {key}: "),
            "give the value with --from-file KEY=- on standard input instead",
        )?;
        add(&mut values, key, value)?;
    }
    Ok(values)
}

/// Warns of values that are allowed but seldom meant.
pub(crate) fn warn(values: &Values, place: &Place, reporter: &Reporter) {
    let mut secret = Secret::new("", None);
    secret.data.clone_from(values);
    for caution in cautions(&secret) {
        reporter.warn(place, &caution.to_string());
    }
}

/// Adds a value; a key given twice is a conflict.
pub(crate) fn add(values: &mut Values, key: &str, value: Plaintext) -> Result<(), Problem> {
    if values.insert(key.to_owned(), value).is_some() {
        return Err(Problem::new(
            Reason::Conflict,
            format!("the key {key:?} is given twice"),
        ));
    }
    Ok(())
}

/// Reads a value byte for byte.
pub(crate) fn read_value(path: &Path) -> Result<Plaintext, Problem> {
    input::read_bytes(path).map(|(_, bytes)| bytes.into())
}

/// Reads KEY=VALUE lines as kubectl does: `#` begins a comment line, blank lines are skipped, nothing is unquoted.
fn add_env_file(values: &mut Values, path: &Path, reporter: &Reporter) -> Result<(), Problem> {
    let input = input::read(path)?;
    let text = input.text.as_str().trim_start_matches('\u{feff}');
    for (number, line) in text.lines().enumerate() {
        let place = Place {
            line: Some(number + 1),
            ..input.place()
        };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| {
            Problem::new(Reason::InvalidValue, "the line is not KEY=VALUE").at(place.clone())
        })?;
        add_at(values, key, value, &place)?;
        if value.len() > 1
            && ["\"", "'"]
                .iter()
                .any(|quote| value.starts_with(quote) && value.ends_with(quote))
        {
            reporter.warn(
                &place,
                &format!("the quotes around the value of {key} become part of it"),
            );
        }
    }
    Ok(())
}

/// Adds a value from a file. A key that is no name is not repeated in the message, since it may be part of a value.
fn add_at(values: &mut Values, key: &str, value: &str, place: &Place) -> Result<(), Problem> {
    if let Err(error) = check_item_key(key) {
        return Err(
            Problem::new(Reason::InvalidName, format!("the key of this line {error}"))
                .at(place.clone()),
        );
    }
    add(values, key, value.as_bytes().into()).map_err(|problem| problem.at(place.clone()))
}

/// A random text of letters and digits, each equally likely.
fn generate(length: usize) -> Result<Plaintext, Problem> {
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    let mut random = Zeroizing::new([0; 64]);
    // Bytes from 248 on are thrown away: 248 is the largest multiple of 62 that a byte holds.
    let limit = u8::try_from(256 - 256 % ALPHABET.len()).expect("it is below 256");
    while text.len() < length {
        SysRng.try_fill_bytes(random.as_mut_slice()).map_err(|_| {
            Problem::new(
                Reason::Retrying,
                "the operating system gives no random bytes",
            )
        })?;
        let usable = random.iter().filter(|byte| **byte < limit);
        let left = length - text.len();
        text.extend(
            usable
                .take(left)
                .map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()]),
        );
    }
    Ok(text.into())
}

/// Asks on the terminal, without showing what is typed; `instead` is the hint where there is none.
pub(crate) fn ask(prompt: &str, instead: &str) -> Result<Plaintext, Problem> {
    let failed = |error: io::Error| {
        Problem::new(
            Reason::Unreadable,
            format!("cannot ask on the terminal: {error}"),
        )
        .hint(instead)
    };
    let _ = io::stderr().flush();
    let text = Zeroizing::new(rpassword::prompt_password(prompt).map_err(failed)?);
    Ok(text.as_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_values_have_the_length_and_differ() {
        let (one, two) = (
            generate(40).expect("there are random bytes"),
            generate(40).expect("there are random bytes"),
        );
        assert_eq!(one.len(), 40);
        assert!(one != two);
        assert!(one.as_bytes().iter().all(u8::is_ascii_alphanumeric));
    }
}
