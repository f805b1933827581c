//! The folder of a Go module, for the files in it that are no programs: charts, manifests, scripts.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Error,
    build::{SETTINGS, in_file, module, without_go},
};

/// A Go module that is read, not built.
#[derive(Debug)]
pub struct Module {
    /// What it is called in messages.
    pub name: &'static str,
    /// The folder with the `go.mod` that pins it.
    pub pinned_in: &'static str,
    /// Its path in that `go.mod`.
    pub path: &'static str,
}

impl Module {
    /// Returns the folder with its files, downloaded where they are not there yet and checked against `go.sum`.
    ///
    /// # Errors
    ///
    /// When Go is missing or the download fails.
    pub fn folder(&self) -> Result<PathBuf, Error> {
        self.go(&["mod", "download", self.path])?;
        let listed = self.go(&["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", self.path])?;
        Ok(PathBuf::from(listed.trim()))
    }

    fn go(&self, arguments: &[&str]) -> Result<String, Error> {
        let folder = module(self.pinned_in);
        let output = Command::new("go")
            .args(arguments)
            .current_dir(&folder)
            .envs(SETTINGS.iter().copied())
            .output()
            .map_err(|error| without_go(self.name, &folder, error))?;
        if !output.status.success() {
            let messages = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Build {
                tool: self.name,
                messages,
            });
        }
        String::from_utf8(output.stdout)
            .map_err(|_| in_file(Path::new("go"))(std::io::ErrorKind::InvalidData.into()))
    }
}
