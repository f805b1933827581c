//! The file that the programs under test leave their traces in; `seal_tests::seen` writes it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{self, Command},
};

use anyhow::{Context, Result};

use crate::workspace;

/// The record of one test run: a file of its own, empty at first, so that nothing older can count.
pub(super) struct Record(PathBuf);

impl Record {
    /// Makes the file, in `seen/` of the target folder.
    pub(super) fn fresh() -> Result<Self> {
        let folder = workspace::target_folder()?.join("seen");
        fs::create_dir_all(&folder).context("cannot make the folder for records")?;
        let path = folder.join(format!("{}.jsonl", process::id()));
        File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Lets a test run write to it.
    pub(super) fn hand_to(&self, command: &mut Command) {
        command.env("SEAL_TEST_SEEN", &self.0);
    }
}
