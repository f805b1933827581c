//! What the process gives away: no core dump, no memory for a debugger, nothing left in freed memory.

use std::{alloc::System, io::Write};

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use zeroizing_alloc::ZeroAlloc;

/// The heap of both programs: every block is wiped when it is freed, so that copies which libraries make of cleartext do
/// not outlive their use.
pub type Allocator = ZeroAlloc<System>;

/// The allocator, for `#[global_allocator]`.
pub const fn allocator() -> Allocator {
    ZeroAlloc(System)
}

/// Forbids core dumps and reading of the process's memory by other processes of the same user.
///
/// Best effort: where the system refuses, the program runs all the same.
pub fn harden() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Makes a panic print the program and the place in the code, never the payload, which may hold a value.
pub fn quiet_panics(program: &'static str) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(String::new, |place| {
            format!(" at {}:{}", place.file(), place.line())
        });
        let _ = writeln!(
            std::io::stderr(),
            "{program}: internal error{place}; please report it"
        );
    }));
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::*;

    #[test]
    fn a_panic_never_shows_its_payload() {
        const CHILD: &str = "SEAL_SHELL_TEST_PANICS";
        if env::var_os(CHILD).is_some() {
            quiet_panics("seal");
            panic!("{}", ["correct-horse", "battery"].join("-"));
        }
        let output = Command::new(env::current_exe().expect("the test runs from a file"))
            .args(["a_panic_never_shows_its_payload", "--nocapture"])
            .env(CHILD, "1")
            .env("RUST_BACKTRACE", "full")
            .output()
            .expect("it can be started");
        assert!(!output.status.success());
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("seal: internal error at "), "{said}");
        assert!(said.contains("process.rs:"), "{said}");
        assert!(!said.contains("correct-horse"), "{said}");
    }
}
