//! The command line and the environment read into values.

use std::{env, ffi::OsString};

use super::{FLAGS, Flag, Takes, Values};

/// What is wrong with a command line, in the words of pflag, without the value.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Wrong {
    /// Not to be understood.
    Flag(String),
    /// A variable of the environment cannot be used.
    Variable(String),
    /// `-h`, which kubeseal does not declare and answers with its help.
    Help,
}

/// A command line that was read.
#[derive(Debug, Default)]
pub(in super::super) struct CommandLine {
    pub(in super::super) values: Values,
    /// Whether something stands there that belongs to no flag.
    pub(in super::super) has_strays: bool,
    /// Whether `--rotate` was given by its old name.
    pub(in super::super) is_deprecated: bool,
}

/// Reads the environment, then the arguments behind the program's name, which win.
pub(in super::super) fn read(arguments: &[OsString]) -> Result<CommandLine, Wrong> {
    let mut line = CommandLine::default();
    for flag in FLAGS {
        read_variable(flag, &mut line.values)?;
    }
    let mut arguments = arguments.iter().map(|argument| {
        let text = argument.to_str();
        text.ok_or_else(|| Wrong::Flag("an argument is not UTF-8".to_owned()))
    });
    while let Some(argument) = arguments.next().transpose()? {
        let mut next = || arguments.next().transpose();
        if argument == "--" {
            line.has_strays |= next()?.is_some();
            break;
        } else if let Some(long) = argument.strip_prefix("--") {
            line.read_long(long, &mut next)?;
        } else if argument.len() > 1 && argument.starts_with('-') {
            line.read_letters(&argument[1..], &mut next)?;
        } else {
            line.has_strays = true;
        }
    }
    Ok(line)
}

/// Sets a flag from its variable; an empty one is an empty value, which counts as none.
fn read_variable(flag: &Flag, values: &mut Values) -> Result<(), Wrong> {
    let Some(name) = flag.variable() else {
        return Ok(());
    };
    let Some(value) = env::var_os(&name) else {
        return Ok(());
    };
    let unusable = |why: &str| Wrong::Variable(format!("the environment variable {name} {why}"));
    let value = value.to_str().ok_or_else(|| unusable("is not UTF-8"))?;
    if value.is_empty() {
        return Ok(());
    }
    // Names that others have a use for as well, such as a build's `SEALED_SECRETS_VERSION=v0.40.0`.
    let is_common = matches!(flag.name, "version" | "help");
    match values.set(flag, value) {
        Err(_) if is_common => Ok(()),
        result => result.map_err(unusable),
    }
}

type Next<'n, 'a> = &'n mut dyn FnMut() -> Result<Option<&'a str>, Wrong>;

impl CommandLine {
    fn read_long(&mut self, text: &str, next: Next<'_, '_>) -> Result<(), Wrong> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if name.is_empty() || name.starts_with('-') {
            return Err(Wrong::Flag("bad flag syntax".to_owned()));
        }
        let flag = FLAGS.iter().find(|flag| flag.name == name);
        let flag = flag.ok_or_else(|| Wrong::Flag(format!("unknown flag: {}", shown(name))))?;
        let value = match value {
            Some(value) => value,
            None if flag.takes == Takes::Switch => "true",
            None => {
                next()?.ok_or_else(|| Wrong::Flag(format!("flag needs an argument: --{name}")))?
            }
        };
        self.set(flag, value)
    }

    /// Letters behind one dash: switches, then at most one flag with its value.
    fn read_letters(&mut self, letters: &str, next: Next<'_, '_>) -> Result<(), Wrong> {
        let Some(letter) = letters.chars().next() else {
            return Ok(());
        };
        let Some(flag) = FLAGS.iter().find(|flag| flag.letter == Some(letter)) else {
            return Err(match letter {
                'h' => Wrong::Help,
                _ => Wrong::Flag(format!("unknown shorthand flag: '{letter}'")),
            });
        };
        // Every flag with a letter takes a value.
        let rest = &letters[letter.len_utf8()..];
        let value = if rest.is_empty() {
            next()?.ok_or_else(|| {
                Wrong::Flag(format!("flag needs an argument: '{letter}' in -{letter}"))
            })?
        } else {
            rest.strip_prefix('=').unwrap_or(rest)
        };
        self.set(flag, value)
    }

    fn set(&mut self, flag: &Flag, value: &str) -> Result<(), Wrong> {
        self.is_deprecated |= flag.name == "rotate";
        let letter = flag.letter.map(|letter| format!("-{letter}, "));
        self.values.set(flag, value).map_err(|why| {
            let letter = letter.unwrap_or_default();
            Wrong::Flag(format!(
                "invalid argument for \"{letter}--{}\" flag: {why}",
                flag.name
            ))
        })
    }
}

/// A mistyped flag as it may be shown: what is no word may be a value.
fn shown(name: &str) -> String {
    let is_word = |c: char| c.is_ascii_lowercase() || c == '-' || c == '_';
    if name.chars().all(is_word) {
        format!("--{name}")
    } else {
        "(not shown: it may be a value)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Result<CommandLine, Wrong> {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        read(&words)
    }

    #[track_caller]
    fn check(words: &str, flag: &str, expected: &[&str]) {
        assert_eq!(
            line(words).expect(words).values.texts(flag),
            expected,
            "{words}"
        );
    }

    #[track_caller]
    fn wrong(words: &str, expected: &str) {
        let wrong = line(words).expect_err(words);
        assert_eq!(wrong, Wrong::Flag(expected.to_owned()), "{words}");
    }

    #[test]
    fn values_stand_behind_a_blank_or_an_equals_sign() {
        check("--name db", "name", &["db"]);
        check("--name=db", "name", &["db"]);
        check("-n db", "namespace", &["db"]);
        check("-ndb", "namespace", &["db"]);
        check("-n=db", "namespace", &["db"]);
        check(
            "--controller-name --version",
            "controller-name",
            &["--version"],
        );
        check("-v 4", "v", &["4"]);
    }

    #[test]
    fn a_switch_takes_its_value_behind_an_equals_sign_only() {
        check("--validate false", "validate", &["true"]);
        check("--validate=F", "validate", &["false"]);
        assert!(line("--validate false").unwrap().has_strays);
    }

    #[test]
    fn the_last_of_several_counts_and_lists_grow() {
        check("--name a --name b", "name", &["b"]);
        check("-n ns/a -n namespace/b", "namespace", &["b"]);
        check(
            "--recovery-private-key a,b --recovery-private-key c",
            "recovery-private-key",
            &["a", "b", "c"],
        );
        check("--from-file a,b", "from-file", &["a,b"]);
    }

    #[test]
    fn flags_end_at_two_dashes() {
        let line = line("-o yaml -- --name a").unwrap();
        assert_eq!(line.values.text("format"), Some("yaml"));
        assert_eq!(line.values.text("name"), None);
        assert!(line.has_strays);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        wrong("--no-such-flag", "unknown flag: --no-such-flag");
        wrong(
            "--Marker1=x",
            "unknown flag: (not shown: it may be a value)",
        );
        wrong("-x", "unknown shorthand flag: 'x'");
        wrong("--cert", "flag needs an argument: --cert");
        wrong("-n", "flag needs an argument: 'n' in -n");
        wrong("--=x", "bad flag syntax");
        wrong(
            "--validate=Marker1",
            "invalid argument for \"--validate\" flag: must be true or false",
        );
        wrong(
            "--scope Marker1",
            "invalid argument for \"--scope\" flag: must be one of: strict, namespace-wide, cluster-wide",
        );
        wrong(
            "-vv",
            "invalid argument for \"-v, --v\" flag: must be a whole number",
        );
        assert_eq!(line("-h").expect_err("it asks for help"), Wrong::Help);
    }
}
