//! The command line: what the user typed becomes a request, the crates do the work, and this writes the result.
//!
//! `args` says what may be typed, one module a command carries it out, `problem` and `report` say how errors look, `input`,
//! `certificate` and `settings` are the ways in from files, URLs and the environment.

pub mod args;
mod cert;
mod certificate;
mod completions;
mod create;
mod documents;
mod encrypt;
mod fetch;
mod input;
mod inspect;
mod key_files;
mod keys;
mod malformed;
mod output;
mod parallel;
mod pin;
mod problem;
mod raw;
mod report;
mod role;
mod set;
mod settings;
mod unseal;
mod usage;
mod values;

use seal_shell::ExitCode;

use args::{CertCommand, Cli, Command, EncryptArgs, KeysCommand};
use report::Reporter;

pub use settings::ENVIRONMENT;
pub use usage::parse;

/// Carries out a command line.
pub fn run(cli: Cli) -> ExitCode {
    let mut reporter = Reporter::new(cli.global.format);
    let outcome = match cli.command {
        None => encrypt::standard_input(EncryptArgs::from_stdin(cli.encrypt), &mut reporter),
        Some(Command::Encrypt(args)) => encrypt::run(&args, &mut reporter),
        Some(Command::Create(args)) => create::run(&args, &reporter),
        Some(Command::Raw(args)) => raw::run(&args, &reporter),
        Some(Command::Set(args)) => set::run(&args, &reporter),
        Some(Command::Cert(CertCommand::Fetch(args))) => cert::fetch(&args, &reporter),
        Some(Command::Cert(CertCommand::Show(args))) => cert::show(&args, &reporter),
        Some(Command::Cert(CertCommand::Pin(args))) => cert::pin(&args, &reporter),
        Some(Command::Inspect(args)) => inspect::run(&args, &mut reporter),
        Some(Command::Unseal(args)) => unseal::run(&args, &mut reporter),
        Some(Command::Keys(KeysCommand::New(args))) => keys::new(&args, &reporter),
        Some(Command::Completions(args)) => completions::run(&args),
    };
    if let Err(problem) = outcome {
        reporter.problem(&problem);
    }
    reporter.exit_code()
}
