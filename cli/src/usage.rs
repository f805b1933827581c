//! The command line parsed, and what is said of one that is wrong.

use clap::{
    Parser,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};
use seal_shell::ExitCode;

use crate::args::Cli;

/// Reads this process's command line.
///
/// # Errors
///
/// The exit code, when it is wrong or asks for help only; that is said already.
pub fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        let error = without_value(error);
        // Where the stream is closed there is nobody left to tell.
        let _ = error.print();
        if error.use_stderr() {
            ExitCode::Usage
        } else {
            ExitCode::Done
        }
    })
}

/// Takes an argument that has no place out of the message: it may be a value, as in `seal set sealed.yaml password=...`.
fn without_value(mut error: Error) -> Error {
    let surplus = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => !argument.starts_with('-'),
        _ => false,
    };
    if error.kind() == ErrorKind::UnknownArgument && surplus {
        let what = ContextValue::String("(not shown: it may be a value)".to_owned());
        error.insert(ContextKind::InvalidArg, what);
        let ways = "values are given with --from-file, --from-env-file, --prompt, --generate or --from-literal";
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![ways.into()]),
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn message(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from(arguments).expect_err("it is wrong");
        without_value(error).to_string()
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_repeated() {
        for arguments in [
            ["seal", "set", "sealed.yaml", "password=marker"],
            ["seal", "create", "db", "marker"],
        ] {
            let message = message(&arguments);
            assert!(!message.contains("marker"), "{message}");
            assert!(message.contains("--from-file"), "{message}");
        }
    }

    #[test]
    fn a_flag_that_does_not_exist_is_named() {
        assert!(message(&["seal", "--no-such-flag"]).contains("--no-such-flag"));
    }
}
