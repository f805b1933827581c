//! The command line parsed, and what is said of one that is wrong.

mod combinations;
mod message;
mod sealing;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, error::Error};
use seal_api::Reason;
use seal_shell::ExitCode;

use crate::{
    args::{Cli, Format},
    problem::Problem,
    report::Reporter,
};
use combinations::Wrong;

/// Reads the command line of this process.
///
/// # Errors
///
/// The exit code, when it is wrong or asks for help only; that is said already.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, ExitCode> {
    read(arguments).map_err(|error| {
        if !error.use_stderr() {
            // Where the stream is closed there is nobody left to tell.
            let _ = error.print();
            return ExitCode::Done;
        }
        match format_of(arguments) {
            Format::Text => {
                let _ = error.print();
            }
            Format::Json => Reporter::new(Format::Json).problem(&problem(&error)),
        }
        ExitCode::Usage
    })
}

/// Reads a command line: each value by itself, then what goes together.
fn read(arguments: &[OsString]) -> Result<Cli, Error> {
    if let Some((cli, matches)) = sealing::read(arguments)
        && combinations::check_order(&matches).is_ok()
        && combinations::check(&cli).is_ok()
    {
        return Ok(cli);
    }
    let matches = Cli::command()
        .try_get_matches_from(arguments)
        .map_err(message::without_value)?;
    let cli = Cli::from_arg_matches(&matches).map_err(message::without_value)?;
    match combinations::check_order(&matches).and_then(|()| combinations::check(&cli)) {
        Ok(()) => Ok(cli),
        Err(wrong) => Err(error_of(&wrong)),
    }
}

/// The error in the form that clap gives its own.
fn error_of(wrong: &Wrong) -> Error {
    let mut command = Cli::command();
    command.build();
    let mut of = &mut command;
    for name in wrong.command {
        of = of
            .find_subcommand_mut(name)
            .expect("a command that was parsed is declared");
    }
    of.error(wrong.kind, &wrong.message)
}

/// The format asked for on a command line that cannot be parsed: JSON as soon as it is named.
fn format_of(arguments: &[OsString]) -> Format {
    let is_json = |text: &OsString| text == "json";
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        let json = match argument.to_str() {
            Some("--format") => arguments.next().is_some_and(is_json),
            Some(text) => text == "--format=json",
            None => false,
        };
        if json {
            return Format::Json;
        }
    }
    Format::Text
}

/// The error as one of ours, for machines.
fn problem(error: &Error) -> Problem {
    let (message, tip) = message::parts(error);
    let problem = Problem::new(Reason::InvalidCommandLine, message);
    match tip {
        Some(tip) => problem.hint(tip),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn a_flag_before_the_command_counts_for_all_commands_or_is_refused() {
        let cli = read(&words("seal --format json inspect a.yaml")).expect("it is right");
        assert_eq!(cli.global.format, Format::Json);
        for line in [
            "seal --cert a.pem create a --generate b=20",
            "seal --allow-empty-data set a.yaml --prompt a",
        ] {
            let error = read(&words(line)).expect_err("it is wrong").to_string();
            let flag = line.split(' ').nth(1).expect("it has a flag");
            let message = format!("{flag} stands before the command");
            assert!(error.contains(&message), "{error}");
        }
    }

    #[test]
    fn every_wrong_combination_belongs_to_a_command() {
        for line in [
            "seal encrypt --in-place -",
            "seal inspect - -",
            "seal inspect - /dev/stdin",
            "seal create a",
            "seal set a.yaml",
            "seal unseal - --key -",
            "seal render - --values -",
            "seal keys new -o a --cert-output a",
        ] {
            let error = read(&words(line)).expect_err("it is wrong").to_string();
            let command: Vec<&str> = line
                .split(" -")
                .next()
                .expect("it has a start")
                .split(' ')
                .collect();
            assert!(
                error.contains(&format!("Usage: {} {}", command[0], command[1])),
                "{error}"
            );
        }
    }

    /// Every command that is run, by its words, with the long flags of it that take a value.
    fn flags_with_values(command: &clap::Command, path: &str) -> Vec<String> {
        let own = command
            .get_arguments()
            .filter(|arg| arg.get_action().takes_values());
        let own = own.filter_map(|arg| Some(format!("{path} --{}", arg.get_long()?)));
        let below = command.get_subcommands();
        let below =
            below.flat_map(|sub| flags_with_values(sub, &format!("{path} {}", sub.get_name())));
        own.chain(below).collect()
    }

    #[test]
    fn no_flag_repeats_its_value() {
        let mut command = Cli::command();
        command.build();
        let flags = flags_with_values(&command, "seal");
        assert!(
            flags.contains(&"seal create --from-literal".to_owned()),
            "{flags:?}"
        );
        for flag in &flags {
            for value in ["Marker 4711!", "Marker 4711!=x", "a=Marker 4711!", "-"] {
                let mut line = words(flag);
                line.push(value.into());
                let Err(error) = read(&line) else { continue };
                let problem = problem(&error).to_string();
                for said in [error.to_string(), problem] {
                    assert!(!said.contains("4711"), "{flag}: {said}");
                }
            }
        }
    }

    #[test]
    fn the_format_is_known_though_the_rest_is_wrong() {
        let check = |line: &str, format| assert_eq!(format_of(&words(line)), format, "{line}");
        check("seal --nonsense --format json", Format::Json);
        check("seal keys --format=json nonsense", Format::Json);
        check("seal --nonsense", Format::Text);
        check("seal --format text", Format::Text);
        check("seal encrypt -- --format json", Format::Text);
    }
}
