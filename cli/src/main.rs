//! The program `seal`.

use std::process::ExitCode;

use seal_cli::{parse, run};

#[global_allocator]
static ALLOCATOR: seal_shell::Allocator = seal_shell::allocator();

fn main() -> ExitCode {
    seal_shell::harden();
    seal_shell::quiet_panics("seal");
    parse().map_or_else(|code| code, run).into()
}
