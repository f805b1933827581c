//! How a program was called, without the values: those may be secret even in a test's record.

use std::ffi::{OsStr, OsString};

/// How a program was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The program's name.
    pub program: String,
    /// The arguments that could name a subcommand, in order.
    pub words: Vec<String>,
    /// The flags, without their values.
    pub flags: Vec<String>,
    /// The names of the environment variables it was given.
    pub environment: Vec<String>,
}

impl Invocation {
    /// Keeps what can be a subcommand, a flag or a name.
    pub fn new<'a>(
        program: &str,
        arguments: &[OsString],
        environment: impl IntoIterator<Item = &'a OsStr>,
    ) -> Self {
        let arguments: Vec<&str> = arguments
            .iter()
            .filter_map(|argument| argument.to_str())
            .take_while(|argument| *argument != "--")
            .collect();
        let words = arguments.iter().filter(|argument| is_word(argument));
        let flags = arguments.iter().filter_map(|argument| flag(argument));
        let environment = environment.into_iter().filter_map(OsStr::to_str);
        Self {
            program: program.to_owned(),
            words: words.map(|&word| word.to_owned()).collect(),
            flags: flags.map(str::to_owned).collect(),
            environment: environment.map(str::to_owned).collect(),
        }
    }
}

fn is_word(argument: &str) -> bool {
    let letters = argument
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    letters && !argument.is_empty() && !argument.starts_with('-')
}

/// `--cert` of `--cert=FILE`, `-o` of `-oFILE`.
fn flag(argument: &str) -> Option<&str> {
    if argument.starts_with("--") {
        return argument.split('=').next();
    }
    let letter = argument.strip_prefix('-')?.chars().next()?;
    argument.get(..1 + letter.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out() {
        let arguments: Vec<OsString> = [
            "create",
            "db",
            "--from-literal=p=Hunter2",
            "-n",
            "prod",
            "-oX",
            "-",
            "--",
            "--no",
        ]
        .map(OsString::from)
        .into();
        let invocation = Invocation::new("seal", &arguments, [OsStr::new("SEAL_CERT")]);
        assert_eq!(invocation.words, ["create", "db", "prod"]);
        assert_eq!(invocation.flags, ["--from-literal", "-n", "-o"]);
        assert_eq!(invocation.environment, ["SEAL_CERT"]);
    }
}
