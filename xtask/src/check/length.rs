//! No file of our libraries and programs is longer than can be read in one go.

use std::fs;

use anyhow::{Context, Result};

use super::source;
use crate::workspace;

const LONGEST: usize = 500;
const FOLDERS: [&str; 5] = ["crates/", "shell/", "cli/", "controller/", "xtask/"];

/// Returns a sentence for each file that is too long without its tests.
pub(super) fn check(files: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for name in files
        .iter()
        .filter(|name| name.ends_with(".rs") && !source::is_test(name))
    {
        if !FOLDERS.iter().any(|folder| name.starts_with(folder)) {
            continue;
        }
        let text =
            fs::read_to_string(workspace::root().join(name)).with_context(|| name.clone())?;
        let lines = source::without_tests(&text).lines().count();
        if lines > LONGEST {
            findings.push(format!(
                "{name}: {lines} lines without its tests, more than {LONGEST}"
            ));
        }
    }
    Ok(findings)
}
