//! Values for `seal create` and `seal set`: from the command line, files, a generator or the keyboard.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rand::{TryRng, rngs::SysRng};
use seal_api::Reason;
use seal_envelope::Plaintext;
use seal_sealing::{Secret, cautions, check_item_key};
use zeroize::Zeroizing;

use crate::{
    args::ValueArgs,
    input,
    problem::{Place, Problem},
    report::Reporter,
};

/// The characters of generated values: letters and digits, which need no quoting anywhere.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The longest generated value.
const LONGEST: usize = 4096;

/// The values by key; each key once.
pub(crate) type Values = BTreeMap<String, Plaintext>;

/// Gathers every value that was asked for; `others` are files that the command reads besides.
pub(crate) fn gather(
    args: &ValueArgs,
    others: &[&Path],
    reporter: &Reporter,
) -> Result<Values, Problem> {
    check_stdin(args, others)?;
    let mut values = Values::new();
    for literal in &args.from_literal {
        let (key, value) = split(literal.as_str(), "--from-literal", "KEY=VALUE")?;
        add(&mut values, key, value.as_bytes().into())?;
    }
    if !args.from_literal.is_empty() {
        reporter.warn(
            &Place::default(),
            "values given with --from-literal stay in the shell's history and are seen by other users of this machine",
        );
    }
    for file in &args.from_file {
        let (key, path) = key_and_path(file)?;
        add(&mut values, &key, read_value(&path)?)?;
    }
    for path in &args.from_env_file {
        add_env_file(&mut values, path, reporter)?;
    }
    for wanted in &args.generate {
        let (key, length) = split(wanted, "--generate", "KEY=LENGTH")?;
        add(&mut values, key, generate(length)?)?;
    }
    for key in &args.prompt {
        check_key(key)?;
        let value = ask(&format!("value of {key}: "))?;
        add(&mut values, key, value)?;
    }
    Ok(values)
}

/// Standard input can be read once only: the second reader would find it empty.
fn check_stdin(args: &ValueArgs, others: &[&Path]) -> Result<(), Problem> {
    let path =
        |text: &String| PathBuf::from(text.split_once('=').map_or(&**text, |(_, path)| path));
    let from_files = args.from_file.iter().map(path);
    let all = from_files
        .chain(args.from_env_file.iter().cloned())
        .chain(others.iter().map(|path| path.to_path_buf()));
    if all.filter(|path| input::is_stdin(path)).count() < 2 {
        return Ok(());
    }
    Err(Problem::new(
        Reason::Conflict,
        "standard input is named more than once, and can be read once only",
    )
    .hint("give the other values from files"))
}

/// Warns of values that are allowed but seldom meant.
pub(crate) fn warn(values: &Values, place: &Place, reporter: &Reporter) {
    let mut secret = Secret::new("", None);
    secret.data.clone_from(values);
    for caution in cautions(&secret) {
        reporter.warn(place, &caution.to_string());
    }
}

/// Adds a value; a key given twice is a conflict, and the name is checked first.
pub(crate) fn add(values: &mut Values, key: &str, value: Plaintext) -> Result<(), Problem> {
    check_key(key)?;
    if values.insert(key.to_owned(), value).is_some() {
        return Err(Problem::new(
            Reason::Conflict,
            format!("the key {key:?} is given twice"),
        ));
    }
    Ok(())
}

/// The message does not repeat the key, which may be a value in the wrong place.
fn check_key(key: &str) -> Result<(), Problem> {
    check_item_key(key)
        .map_err(|error| Problem::new(Reason::InvalidName, format!("an item's key {error}")))
}

/// Splits at the first `=`. The message does not repeat the text, which may be a value.
fn split<'t>(text: &'t str, flag: &str, form: &str) -> Result<(&'t str, &'t str), Problem> {
    text.split_once('=').ok_or_else(|| {
        Problem::new(
            Reason::InvalidValue,
            format!("{flag} needs the form {form}"),
        )
    })
}

fn key_and_path(text: &str) -> Result<(String, PathBuf), Problem> {
    if let Some((key, path)) = text.split_once('=') {
        return Ok((key.to_owned(), PathBuf::from(path)));
    }
    let path = PathBuf::from(text);
    match path
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|_| !input::is_stdin(&path))
    {
        Some(name) => Ok((name.to_owned(), path)),
        None => Err(Problem::new(
            Reason::InvalidValue,
            "--from-file needs a key for this path: KEY=PATH",
        )),
    }
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
        add_at(values, key, value, &place)?;
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
fn generate(length: &str) -> Result<Plaintext, Problem> {
    let length = length
        .parse()
        .ok()
        .filter(|length| (1..=LONGEST).contains(length))
        .ok_or_else(|| {
            Problem::new(
                Reason::InvalidValue,
                format!("--generate needs a length from 1 to {LONGEST}"),
            )
        })?;
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

/// Asks on the terminal, without showing what is typed.
pub(crate) fn ask(prompt: &str) -> Result<Plaintext, Problem> {
    let failed = |error: io::Error| {
        Problem::new(
            Reason::Unreadable,
            format!("cannot ask on the terminal: {error}"),
        )
        .hint("give the value with --from-file KEY=- on standard input instead")
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
            generate("40").expect("it is a length"),
            generate("40").expect("it is a length"),
        );
        assert_eq!(one.len(), 40);
        assert!(one != two);
        assert!(one.as_bytes().iter().all(u8::is_ascii_alphanumeric));
        for wrong in ["0", "-1", "x", "4097", ""] {
            assert!(generate(wrong).is_err());
        }
    }

    #[test]
    fn a_file_names_its_key_unless_one_is_given() {
        let check = |text: &str| {
            key_and_path(text)
                .ok()
                .map(|(key, path)| (key, path.display().to_string()))
        };
        assert_eq!(
            check("dir/tls.crt"),
            Some(("tls.crt".into(), "dir/tls.crt".into()))
        );
        assert_eq!(
            check("ca=dir/tls.crt"),
            Some(("ca".into(), "dir/tls.crt".into()))
        );
        assert_eq!(check("-"), None);
    }
}
