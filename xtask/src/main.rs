//! The project's own commands: `cargo xtask --help` lists them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod bench;
mod check;
mod control_plane;
mod demo;
mod generate;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Builds both programs and walks through the main job with them.
    Demo,
    /// Runs every test: format, lints, units, transcripts, end to end, closed lists, generated files, rules.
    Test(test::Args),
    /// Checks the rules that a machine can see: dependencies, the functional core, unfinished marks, long files.
    Check,
    /// Writes the generated files.
    Gen(generate::Args),
    /// Builds the programs we compare with, and prints where they are.
    Tools(tools::Args),
    /// Starts a real cluster without nodes, prints how kubectl reaches it, and runs until it is ended.
    ControlPlane,
    /// Measures, and prints the tables of docs/benchmarks.md.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Demo => demo::run(),
        Command::Test(args) => test::run(&args),
        Command::Check => check::run(),
        Command::Gen(args) => generate::run(&args),
        Command::Tools(args) => tools::run(&args),
        Command::ControlPlane => control_plane::run(),
        Command::Bench(args) => bench::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
