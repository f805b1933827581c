//! What transcripts (`tests/cmd/`) run in: no variable of this machine's environment reaches the program.

use std::env;

use crate::{programs::BUILT, seen::FILE};

/// The environment variable with the names of all variables the test run itself was started with, comma-separated: the
/// program of a transcript gets every other one, that is, those the transcript sets.
pub const INHERITED: &str = "SEAL_TRANSCRIPT_INHERITED";

/// The value for [`INHERITED`] in this process.
pub fn inherited() -> String {
    let names: Vec<String> = env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .chain([INHERITED, BUILT, FILE].map(str::to_owned))
        .collect();
    names.join(",")
}
