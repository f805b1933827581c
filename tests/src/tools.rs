//! The peers: real programs of other projects, built once. See the `seal-tools` crate.

use std::path::PathBuf;

use seal_tools::{KUBESEAL, Tool};

/// Returns the path of the real `kubeseal`.
pub fn kubeseal() -> PathBuf {
    path(&KUBESEAL)
}

/// Returns the path of a peer, built if it has to be.
///
/// # Panics
///
/// When it cannot be had, with the reason.
pub fn path(tool: &Tool) -> PathBuf {
    tool.path().unwrap_or_else(|error| panic!("{error}"))
}
