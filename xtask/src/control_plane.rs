//! `cargo xtask control-plane`: a real cluster to use by hand.

use std::process::Command;

use anyhow::Result;
use seal_tools::CONTROL_PLANE;

use crate::workspace::{self, Profile};

/// Starts it, prints its kubeconfig and waits until it is ended.
pub(crate) fn run() -> Result<()> {
    for tool in CONTROL_PLANE {
        // Standard output is for the line that a shell takes.
        eprintln!(
            "finding {}, or building it once, which takes minutes",
            tool.name
        );
        tool.path()?;
    }
    let programs = workspace::programs(Profile::Dev)?;
    let mut command = Command::new(programs.join("control-plane"));
    workspace::succeed(command.env("SEAL_TEST_PROGRAMS", &programs))
}
