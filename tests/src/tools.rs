//! The peers: real programs of other projects, built once. See the `seal-tools` crate.

use std::path::PathBuf;

use seal_tools::{KUBESEAL, Tool};

/// Returns the path of the real `kubeseal`.
pub fn kubeseal() -> PathBuf {
    path(&KUBESEAL)
}

fn path(tool: &Tool) -> PathBuf {
    tool.path().unwrap_or_else(|error| panic!("{error}"))
}
