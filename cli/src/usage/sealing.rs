//! The command lines that hooks run by the hundred: `seal` alone and `seal encrypt`.
//!
//! Declaring every command takes a good part of the time that sealing one Secret takes, so these two are tried by
//! themselves first. Whatever is not one of them, or is wrong, is read by the whole definition, which has the words for it.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::args::{Cli, Command, EncryptArgs, GlobalArgs, SealArgs};

/// The part of [`Cli`] that seals, under the same names.
#[derive(Debug, Parser)]
#[command(name = "seal")]
struct Sealing {
    #[command(subcommand)]
    command: Option<Encrypt>,
    #[command(flatten)]
    encrypt: SealArgs,
    #[command(flatten)]
    global: GlobalArgs,
}

#[derive(Debug, Subcommand)]
enum Encrypt {
    Encrypt(EncryptArgs),
}

/// The command line, where it is one of the two and each value is right by itself.
pub(super) fn read(arguments: &[OsString]) -> Option<(Cli, ArgMatches)> {
    let matches = Sealing::command().try_get_matches_from(arguments).ok()?;
    let Sealing {
        command,
        encrypt,
        global,
    } = Sealing::from_arg_matches(&matches).ok()?;
    let cli = Cli {
        command: command.map(|Encrypt::Encrypt(args)| Command::Encrypt(args)),
        encrypt,
        global,
    };
    Some((cli, matches))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(line: &str) -> bool {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        read(&words).is_some()
    }

    #[test]
    fn sealing_is_read_and_everything_else_is_left_to_the_whole() {
        for line in [
            "seal",
            "seal --cert a.pem --namespace app",
            "seal encrypt --cert a.pem --in-place set",
            "seal --format json encrypt -",
        ] {
            assert!(reads(line), "{line}");
        }
        for line in [
            "seal set a.yaml",
            "seal --help",
            "seal --version",
            "seal encrypt --help",
            "seal encrypt --no-such-flag",
            "seal encrypt --in-place --output x",
            "seal kubeseal",
        ] {
            assert!(!reads(line), "{line}");
        }
    }
}
