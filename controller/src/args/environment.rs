//! The environment, as the Go project's controller has it: a variable whose value cannot be read counts as not set.
//!
//! There nothing is said of it; here it is, once. What can be read and still is wrong, such as a key size of 1000, is an
//! error, as with the flag.

use std::{env, ffi::OsStr};

use clap::{Arg, Command, ValueEnum};

use super::{
    LogFormat,
    values::{boolean, collector, number, rate},
};
use crate::{duration, telemetry::Threshold};

/// The definition without the environment variables that cannot be read, and a sentence for each of these.
pub(super) fn without_unusable(command: Command) -> (Command, Vec<String>) {
    let mut notices = Vec::new();
    let command = command.mut_args(|arg| {
        let Some(name) = arg.get_env().and_then(OsStr::to_str) else {
            return arg;
        };
        let problem = match env::var(name) {
            Ok(text) => problem(value_name(&arg), &text),
            Err(env::VarError::NotPresent) => None,
            Err(env::VarError::NotUnicode(_)) => Some("is not UTF-8".to_owned()),
        };
        let Some(problem) = problem else {
            return arg;
        };
        notices.push(format!(
            "the environment variable {name} is ignored: its value {problem}"
        ));
        arg.env(None::<&'static str>)
    });
    (command, notices)
}

/// What the help calls the value of an argument, which says how it is read.
pub(super) fn value_name(arg: &Arg) -> &str {
    arg.get_value_names()
        .and_then(|names| names.first())
        .map_or("", |name| name.as_str())
}

/// Why Go could not read a value.
fn problem(value_name: &str, text: &str) -> Option<String> {
    match value_name {
        "BOOL" => boolean(text).err(),
        "NUMBER" => number(text).err(),
        "RATE" => rate(text).err(),
        "DURATION" => duration::parse(text.strip_prefix('-').unwrap_or(text)).err(),
        "URL" => collector(text).err(),
        "LEVEL" => text.parse::<Threshold>().err().map(str::to_owned),
        "FORMAT" => LogFormat::from_str(text, false)
            .err()
            .map(|_| "must be text or json".to_owned()),
        _ => None,
    }
}
