//! `seal-controller`: parses the command line, starts the shell it asks for, and ends with a documented exit code.

use std::io::{self, Write};

use seal_controller::{Args, cluster, directory, telemetry};
use seal_shell::ExitCode;
use tracing::warn;

#[global_allocator]
static ALLOCATOR: seal_shell::Allocator = seal_shell::allocator();

fn main() -> std::process::ExitCode {
    seal_shell::harden();
    seal_shell::quiet_panics("seal-controller");
    let code = match Args::read() {
        Ok(args) => run(args),
        // Where nobody reads what is printed there is nobody left to tell.
        Err(error) => {
            let _ = error.print();
            if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Done
            }
        }
    };
    code.into()
}

fn run(args: Args) -> ExitCode {
    if args.version {
        let line = format!("controller version: v{}\n", env!("CARGO_PKG_VERSION"));
        return match io::stdout().write_all(line.as_bytes()) {
            Ok(()) => ExitCode::Done,
            Err(_) => ExitCode::Failed,
        };
    }
    let collector = args.otlp_endpoint.as_deref();
    let started = telemetry::start(
        args.log_format,
        args.log_level,
        args.log_info_stdout,
        collector,
    );
    // They are sent until the end.
    let _traces = match started {
        Ok(traces) => traces,
        Err(error) => return failed(&error),
    };
    for notice in &args.notices {
        warn!("{notice}");
    }
    let outcome = match args.directory.clone() {
        Some(root) => directory::run(args, &root),
        None => cluster::run(args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {error:#}");
    ExitCode::Failed
}
