//! The command line: what the user typed becomes a request, the crates do the work, and this writes the result.
//!
//! `args` says what may be typed, one module a command carries it out, `problem` and `report` say how errors look, `input`,
//! `certificate` and `settings` are the ways in from files, URLs and the environment.

mod apply;
pub mod args;
mod cert;
mod certificate;
mod cluster;
mod completions;
mod create;
mod documents;
mod encrypt;
mod fetch;
mod input;
mod inspect;
mod key_files;
mod keys;
pub mod kubeseal;
mod malformed;
mod migrate;
mod output;
mod parallel;
mod pin;
mod problem;
mod raw;
mod render;
mod report;
mod role;
mod set;
mod settings;
mod templates;
mod unseal;
mod usage;
mod values;
mod verify;

use std::{env, ffi::OsString, path::Path};

use seal_shell::ExitCode;

use args::{CertCommand, Cli, Command, EncryptArgs, KeysCommand, MigrateCommand};
use report::Reporter;

pub use cluster::ENVIRONMENT as CLUSTER_ENVIRONMENT;
pub use settings::ENVIRONMENT;

/// Carries out this process's command line, as the program it is called as.
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if let Some((program, arguments)) = as_kubeseal(&arguments) {
        return kubeseal::run(&program, arguments);
    }
    let parsed = usage::parse(&arguments);
    // A value may be among them, which is held once by now.
    drop(arguments);
    parsed.map_or_else(|code| code, carry_out)
}

/// The name and arguments of a call as kubeseal: by that name, or as `seal kubeseal`.
fn as_kubeseal(arguments: &[OsString]) -> Option<(String, &[OsString])> {
    let (program, rest) = arguments.split_first()?;
    let name = Path::new(program).file_stem()?.to_string_lossy();
    if name == kubeseal::NAME {
        return Some((program.to_string_lossy().into_owned(), rest));
    }
    let (first, rest) = rest.split_first()?;
    let program = || format!("seal {}", kubeseal::NAME);
    (first == kubeseal::NAME).then(|| (program(), rest))
}

/// Carries out a command line of `seal`.
fn carry_out(cli: Cli) -> ExitCode {
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
        Some(Command::Verify(args)) => verify::run(&args, &mut reporter),
        Some(Command::Apply(args)) => apply::run(&args, &mut reporter),
        Some(Command::Migrate(MigrateCommand::Check(args))) => migrate::check(&args, &mut reporter),
        Some(Command::Migrate(MigrateCommand::Back(args))) => migrate::back(&args, &mut reporter),
        Some(Command::Unseal(args)) => unseal::run(&args, &mut reporter),
        Some(Command::Render(args)) => render::run(&args, &mut reporter),
        Some(Command::Keys(KeysCommand::New(args))) => keys::new(&args, &reporter),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Kubeseal(args)) => return kubeseal::run(kubeseal::NAME, &args.arguments),
    };
    if let Err(problem) = outcome {
        reporter.problem(&problem);
    }
    reporter.exit_code()
}
