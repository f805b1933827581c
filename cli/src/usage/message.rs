//! The words of an error in the command line: never a value, and in parts for machines.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

const NOT_SHOWN: &str = "(not shown)";
const MAY_BE_VALUE: &str = "(not shown: it may be a value)";

/// Takes what may be a secret out of the message: the value of a flag, or an argument that has no place, as in
/// `seal set sealed.yaml password=...`.
pub(super) fn without_value(mut error: Error) -> Error {
    // An empty value is said to be missing.
    if text(&error, ContextKind::InvalidValue).is_some_and(|value| !value.is_empty()) {
        hide(&mut error, ContextKind::InvalidValue, NOT_SHOWN);
    }
    match error.kind() {
        ErrorKind::UnknownArgument
            if text(&error, ContextKind::InvalidArg).is_some_and(|text| !is_flag(text)) =>
        {
            hide(&mut error, ContextKind::InvalidArg, MAY_BE_VALUE);
            let ways = "values are given with --from-file, --from-env-file, --prompt, --generate or --from-literal";
            let ways = ContextValue::StyledStrs(vec![ways.into()]);
            error.insert(ContextKind::Suggested, ways);
        }
        ErrorKind::InvalidSubcommand
            if text(&error, ContextKind::InvalidSubcommand).is_some_and(|text| !is_word(text)) =>
        {
            hide(&mut error, ContextKind::InvalidSubcommand, MAY_BE_VALUE);
        }
        _ => {}
    }
    error
}

fn hide(error: &mut Error, kind: ContextKind, with: &str) {
    error.insert(kind, ContextValue::String(with.to_owned()));
}

fn text(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// Whether a text may be a mistyped flag, and not a value that begins with a dash.
fn is_flag(text: &str) -> bool {
    match text.strip_prefix("--") {
        Some(name) => is_word(name),
        None => text.starts_with('-') && text.chars().count() == 2,
    }
}

/// Whether a text may be a mistyped command.
fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The message on one line, and what clap advises.
pub(super) fn parts(error: &Error) -> (String, Option<String>) {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return ("a command is missing".to_owned(), None);
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let message = paragraphs.next().unwrap_or_default();
    let message = joined(message.strip_prefix("error: ").unwrap_or(message));
    let tips = paragraphs
        .filter(|paragraph| paragraph.starts_with("  tip: "))
        .map(|tips| joined(&tips.replace("  tip: ", "")));
    let tips: Vec<String> = tips.collect();
    (message, (!tips.is_empty()).then(|| tips.join("; ")))
}

fn joined(lines: &str) -> String {
    lines.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn error(arguments: &[&str]) -> Error {
        without_value(Cli::try_parse_from(arguments).expect_err("it is wrong"))
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_repeated() {
        for arguments in [
            ["seal", "set", "sealed.yaml", "password=Marker1"],
            ["seal", "create", "db", "Marker1"],
            ["seal", "create", "db", "--Marker1"],
            ["seal", "create", "db", "--Marker1=x"],
            ["seal", "raw", "--", "-Marker1"],
        ] {
            let message = error(&arguments).to_string();
            assert!(!message.contains("Marker1"), "{message}");
            assert!(message.contains("--from-file"), "{message}");
        }
        let message = error(&["seal", "Marker1"]).to_string();
        assert!(!message.contains("Marker1"), "{message}");
    }

    #[test]
    fn a_flag_or_command_that_does_not_exist_is_named() {
        assert!(
            error(&["seal", "--no-such-flag"])
                .to_string()
                .contains("--no-such-flag")
        );
        for (argument, named) in [
            ("--password=Marker1", "'--password'"),
            ("-pMarker1", "'-p'"),
        ] {
            let message = error(&["seal", "create", "db", argument]).to_string();
            assert!(message.contains(named), "{message}");
            assert!(!message.contains("Marker1"), "{message}");
        }
        assert!(
            error(&["seal", "encrpyt"])
                .to_string()
                .contains("'encrpyt'")
        );
    }

    #[test]
    fn machines_get_message_and_advice_apart() {
        let (message, tip) = parts(&error(&["seal", "create", "db", "Marker1"]));
        assert_eq!(
            message,
            "unexpected argument '(not shown: it may be a value)' found"
        );
        assert!(tip.is_some_and(|tip| tip.starts_with("values are given with")));
        let (message, tip) = parts(&error(&["seal", "completions", "4711"]));
        assert!(
            message.ends_with("[possible values: bash, elvish, fish, powershell, zsh]"),
            "{message}"
        );
        assert_eq!(tip, None);
        assert_eq!(parts(&error(&["seal", "cert"])).0, "a command is missing");
    }
}
