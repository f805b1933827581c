//! `seal-controller`: parses the command line, starts the shell it asks for, and ends with a documented exit code.

use std::io::{self, Write};

use clap::{CommandFactory, Parser, error::ErrorKind};
use seal_controller::{Args, directory, telemetry};
use seal_shell::ExitCode;

#[global_allocator]
static ALLOCATOR: seal_shell::Allocator = seal_shell::allocator();

fn main() -> std::process::ExitCode {
    seal_shell::harden();
    seal_shell::quiet_panics("seal-controller");
    run(Args::parse()).into()
}

fn run(args: Args) -> ExitCode {
    if args.version {
        let line = format!("controller version: v{}\n", env!("CARGO_PKG_VERSION"));
        return match io::stdout().write_all(line.as_bytes()) {
            Ok(()) => ExitCode::Done,
            Err(_) => ExitCode::Failed,
        };
    }
    let Some(root) = args.directory.clone() else {
        let message = "--directory DIR is needed: working in a cluster is not there yet";
        let _ = Args::command()
            .error(ErrorKind::MissingRequiredArgument, message)
            .print();
        return ExitCode::Usage;
    };
    telemetry::start(args.log_format, args.log_level);
    match directory::run(args, &root) {
        Ok(code) => code,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::Failed
        }
    }
}
