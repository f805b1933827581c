//! The program `seal`.

use std::process::ExitCode;

use clap::Parser;
use seal_cli::{args::Cli, run};

#[global_allocator]
static ALLOCATOR: seal_shell::Allocator = seal_shell::allocator();

fn main() -> ExitCode {
    seal_shell::harden();
    seal_shell::quiet_panics("seal");
    run(Cli::parse()).into()
}
