//! What the benchmarks seal: Secrets with values of a usual size.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

/// How many Secrets make many.
pub(super) const MANY: usize = 1000;
/// How many values each of them has.
pub(super) const VALUES: usize = 5;

/// One Secret with some values of 24 bytes.
pub(super) fn secret(number: usize, values: usize) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app-{number}\n  namespace: prod\nstringData:\n"
    );
    for value in 0..values {
        writeln!(text, "  value-{value}: not-a-secret-{number:05}-{value:05}").unwrap_or_default();
    }
    text
}

/// Many Secrets in one file.
pub(super) fn stream() -> String {
    (0..MANY)
        .map(|number| secret(number, VALUES))
        .collect::<Vec<_>>()
        .join("---\n")
}

/// Many Secrets, each in a file of its own, in a folder that may be there already.
pub(super) fn folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).context("cannot make a folder")?;
    for number in 0..MANY {
        let path = folder.join(format!("secret-{number:04}.yaml"));
        fs::write(&path, secret(number, VALUES)).context("cannot write a Secret")?;
    }
    Ok(())
}
