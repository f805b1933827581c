//! Where the programs under test are: never stale, whatever the target folder, also under a plain `cargo test`.
//!
//! Cargo does not hand one package the programs of another, so the first question builds them (a fraction of a second
//! when nothing changed), in the way that shares the most with the tests' own build. `cargo xtask test` has built them and says where in [`BUILT`].

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use seal_tools::UPSTREAM_CONTROLLER;
use serde_json::Value;

use crate::tools;

/// The environment variable that names the folder with the programs, when whoever runs the tests has built them.
pub const BUILT: &str = "SEAL_TEST_PROGRAMS";

/// The environment variable that names the controller built with the feature `otlp`, when it was built beforehand.
pub const WITH_TRACES: &str = "SEAL_TEST_CONTROLLER_WITH_TRACES";

/// A program that tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Our command line.
    Seal,
    /// Our controller.
    Controller,
    /// Our controller, built with the feature `otlp`.
    ControllerWithTraces,
    /// The command line of the project we are compatible with.
    Kubeseal,
    /// The controller of the project we are compatible with.
    UpstreamController,
}

impl Program {
    /// The name users know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Controller | Self::ControllerWithTraces => "seal-controller",
            Self::Kubeseal => "kubeseal",
            Self::UpstreamController => "upstream-controller",
        }
    }

    /// Whether it is one of ours, whose runs are recorded.
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            Self::Seal | Self::Controller | Self::ControllerWithTraces
        )
    }

    /// Where it is, built if it has to be.
    pub fn path(self) -> PathBuf {
        match self {
            Self::Seal | Self::Controller => folder().join(self.name()),
            Self::ControllerWithTraces => with_traces().to_owned(),
            Self::Kubeseal => tools::kubeseal(),
            Self::UpstreamController => tools::path(&UPSTREAM_CONTROLLER),
        }
    }
}

/// The folder with our programs.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| env::var_os(BUILT).map_or_else(build, PathBuf::from))
}

/// The controller built with the feature `otlp`: by whoever runs the tests, or into a folder of its own.
fn with_traces() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = env::var_os(WITH_TRACES).map(PathBuf::from);
        built.unwrap_or_else(|| {
            let target = folder().join("otlp");
            let status = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--workspace", "--bin=seal-controller"])
                .args(["--features=seal-controller/otlp", "--target-dir"])
                .arg(&target)
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status()
                .expect("cargo, which built this test, can be run");
            assert!(
                status.success(),
                "the controller does not build with traces"
            );
            target.join("debug/seal-controller")
        })
    })
}

fn build() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .args([
            "--workspace",
            "--bin=seal",
            "--bin=seal-controller",
            "--bin=forward",
            "--bin=inward",
            "--bin=load",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo, which built this test, can be run");
    assert!(
        output.status.success(),
        "the programs under test do not build"
    );
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| {
            let ours = message["target"]["name"] == Program::Seal.name();
            message["executable"]
                .as_str()
                .filter(|_| ours)
                .map(PathBuf::from)
        })
        .and_then(|program| program.parent().map(Path::to_owned))
        .expect("cargo says where it put the program")
}
