//! The flags of the personality: what they are called, what they take, and where their values come from.
//!
//! A command line is read by the rules of Go's pflag, which kubeseal uses: flags stand anywhere, the last one of several
//! counts, lists grow, a switch takes its value behind `=` only.

mod declared;
mod read;

use std::{collections::BTreeMap, fmt};

use seal_api::Scope;

pub use declared::FLAGS;
pub(super) use read::{Wrong, read};

/// The beginning of the name of the environment variable that stands for a flag.
const PREFIX: &str = "SEALED_SECRETS_";

/// A flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without dashes.
    pub name: &'static str,
    /// Its letter, where it has one.
    pub letter: Option<char>,
    /// What it takes.
    pub takes: Takes,
    /// Its value where none is given, for the help.
    pub default: Option<&'static str>,
    /// Whose it is.
    pub belongs: Belongs,
    /// What it does.
    pub help: &'static str,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, or `=true` and `=false`.
    Switch,
    /// One text.
    Text,
    /// One text at a time, as often as it is given.
    Texts,
    /// Texts with commas between them, as often as it is given.
    List,
    /// The name of a scope.
    Scope,
    /// A whole number.
    Number,
}

/// Whose a flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// kubeseal's own.
    Own,
    /// It says how to reach a cluster.
    Client,
    /// It is one of the logging library of kubeseal, and has no effect here: there is no log.
    Log,
}

impl Flag {
    /// The environment variable that stands for it.
    pub fn variable(&self) -> Option<String> {
        let name = self.name.to_ascii_uppercase().replace('-', "_");
        (self.belongs != Belongs::Log).then(|| format!("{PREFIX}{name}"))
    }
}

/// The values that were given. `Debug` shows none: passwords are among them.
#[derive(Default)]
pub(super) struct Values {
    given: BTreeMap<&'static str, Vec<String>>,
}

impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.given.keys()).finish()
    }
}

impl Values {
    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The text of a flag; an empty one counts as none, as it does for kubeseal.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let last = self.given.get(name)?.last()?;
        Some(last.as_str()).filter(|text| !text.is_empty())
    }

    /// The text of a flag, or what it is when none is given.
    pub(super) fn text_or<'v>(&'v self, name: &str, default: &'v str) -> &'v str {
        self.text(name).unwrap_or(default)
    }

    /// Every text of a flag that may be given several times.
    pub(super) fn texts(&self, name: &str) -> &[String] {
        self.given.get(name).map_or(&[], Vec::as_slice)
    }

    /// The scope, where one is asked for.
    pub(super) fn scope(&self) -> Option<Scope> {
        self.text("scope").and_then(|text| text.parse().ok())
    }

    fn set(&mut self, flag: &Flag, value: &str) -> Result<(), &'static str> {
        let value = checked(flag, value)?;
        let values = self.given.entry(flag.name).or_default();
        match flag.takes {
            Takes::List => values.extend(parts(&value)?),
            Takes::Texts => values.push(value),
            Takes::Switch | Takes::Text | Takes::Scope | Takes::Number => *values = vec![value],
        }
        Ok(())
    }
}

/// A value in the one form it is kept in, or what it must be instead. The value itself is never repeated: it may be a
/// secret behind the wrong flag.
fn checked(flag: &Flag, value: &str) -> Result<String, &'static str> {
    match flag.takes {
        Takes::Switch => match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok("true".to_owned()),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok("false".to_owned()),
            _ => Err("must be true or false"),
        },
        Takes::Scope if value.is_empty() => Ok(String::new()),
        Takes::Scope => match value.parse::<Scope>() {
            Ok(scope) => Ok(scope.to_string()),
            Err(_) => Err("must be one of: strict, namespace-wide, cluster-wide"),
        },
        Takes::Number => match value.parse::<u64>() {
            Ok(_) => Ok(value.to_owned()),
            Err(_) => Err("must be a whole number"),
        },
        Takes::Text if flag.name == "namespace" => Ok(without_kind(value).to_owned()),
        Takes::Text | Takes::Texts | Takes::List => Ok(value.to_owned()),
    }
}

/// A namespace may be written as kubectl prints it, `namespace/prod`.
fn without_kind(namespace: &str) -> &str {
    ["namespaces/", "namespace/", "ns/"]
        .iter()
        .find_map(|kind| namespace.strip_prefix(kind))
        .unwrap_or(namespace)
}

/// The parts of a list, which may stand in quotes to hold commas themselves.
fn parts(list: &str) -> Result<Vec<String>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (part, after) = quoted
                    .split_once('"')
                    .filter(|(_, after)| after.is_empty() || after.starts_with(','))
                    .ok_or("has a quote in the wrong place")?;
                (part, after.strip_prefix(',').unwrap_or(after))
            }
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        parts.push(part.to_owned());
        rest = after;
    }
    Ok(parts)
}

/// How the flags are listed by `--help`.
pub(super) fn help() -> String {
    let mut flags: Vec<&Flag> = FLAGS.iter().filter(|flag| flag.name != "rotate").collect();
    flags.sort_by_key(|flag| flag.name);
    let names: Vec<String> = flags.iter().map(|flag| name_in_help(flag)).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default() + 3;
    let mut text = String::new();
    for (flag, name) in flags.iter().zip(names) {
        let default = flag.default.map(|text| format!(" (default {text})"));
        let default = default.unwrap_or_default();
        text.push_str(&format!("{name:width$}{}{default}\n", flag.help));
    }
    text
}

fn name_in_help(flag: &Flag) -> String {
    let letter = flag
        .letter
        .map_or_else(|| "      ".to_owned(), |letter| format!("  -{letter}, "));
    let takes = match flag.takes {
        Takes::Switch => "",
        Takes::Text | Takes::Scope => " string",
        Takes::Texts => " stringArray",
        Takes::List => " strings",
        Takes::Number => " uint",
    };
    format!("{letter}--{}{takes}", flag.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_at_commas_outside_quotes() {
        let parts = |list| parts(list).unwrap();
        assert_eq!(parts("a,b"), ["a", "b"]);
        assert_eq!(parts("\"a,b\",c"), ["a,b", "c"]);
        assert!(super::parts("\"a").is_err());
    }

    #[test]
    fn no_two_flags_share_a_name_or_letter() {
        for (number, flag) in FLAGS.iter().enumerate() {
            for other in &FLAGS[number + 1..] {
                assert_ne!(flag.name, other.name);
                assert!(flag.letter.is_none() || flag.letter != other.letter);
            }
        }
    }

    #[test]
    fn log_flags_have_no_variable() {
        let variable = |name| {
            let flag = FLAGS.iter().find(|flag| flag.name == name);
            flag.and_then(Flag::variable)
        };
        assert_eq!(
            variable("controller-name").as_deref(),
            Some("SEALED_SECRETS_CONTROLLER_NAME")
        );
        assert_eq!(variable("v"), None);
    }
}
