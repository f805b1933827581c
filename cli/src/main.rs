//! The program `seal`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: seal_shell::Allocator = seal_shell::allocator();

fn main() -> ExitCode {
    seal_shell::harden();
    seal_shell::quiet_panics("seal");
    seal_cli::run().into()
}
