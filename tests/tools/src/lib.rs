//! The peers our tests and benchmarks compare with, such as the real `kubeseal`.
//!
//! Each is a Go module of its own beside this crate (`go.mod` and a committed `go.sum`), built once by the Go toolchain
//! and kept outside `target/`, in a folder named after a hash of everything that decides what is built. A new peer is a
//! row in [`TOOLS`] and a folder. Checksum verification is never switched off: the build is `-mod=readonly`, so every
//! module must match the committed `go.sum`.

mod build;
mod error;

use std::path::PathBuf;

pub use error::Error;

/// A program built from a pinned Go module.
#[derive(Debug)]
pub struct Tool {
    /// The program's name, and that of the folder with its `go.mod`.
    pub name: &'static str,
    /// The Go package that is the program.
    pub package: &'static str,
    /// What the linker is told, beside leaving symbols out.
    pub ldflags: &'static str,
}

/// The command line of the project we are compatible with.
pub const KUBESEAL: Tool = Tool {
    name: "kubeseal",
    package: "github.com/bitnami/sealed-secrets/cmd/kubeseal",
    ldflags: "-X main.VERSION=v0.40.0",
};

/// Every peer.
pub const TOOLS: &[Tool] = &[KUBESEAL];

impl Tool {
    /// Returns the peer with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// Returns the path of the built program, building it first where no earlier build is there.
    ///
    /// Several processes may ask at once: one builds, the others wait for it.
    ///
    /// # Errors
    ///
    /// When Go is missing or the build fails.
    pub fn path(&self) -> Result<PathBuf, Error> {
        build::path(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_module_with_checksums() {
        for tool in TOOLS {
            for file in ["go.mod", "go.sum"] {
                let path = build::module(tool).join(file);
                assert!(path.is_file(), "{} is missing", path.display());
            }
        }
    }

    #[test]
    fn a_tool_is_found_by_its_name() {
        assert_eq!(
            Tool::named("kubeseal").map(|tool| tool.package),
            Some(KUBESEAL.package)
        );
        assert!(Tool::named("no-such-tool").is_none());
    }
}
