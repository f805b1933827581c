//! `cargo xtask gen`: the generated files, written, or compared with what is there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::{self, Profile};

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Writes nothing and fails where a file is not as it would be generated
    #[arg(long)]
    check: bool,
}

/// Writes or checks the generated files.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.check {
        check()
    } else {
        write(workspace::root())
    }
}

/// Fails, naming every generated file that differs from what the tree has.
pub(crate) fn check() -> Result<()> {
    let fresh = tempfile::tempdir().context("cannot make a temporary folder")?;
    write(fresh.path())?;
    let names = files_below(fresh.path())?;
    if names.is_empty() {
        bail!("seal-gen wrote no file at all");
    }
    let differs = |name: &&PathBuf| {
        fs::read(fresh.path().join(name)).ok() != fs::read(workspace::root().join(name)).ok()
    };
    let stale: Vec<String> = names
        .iter()
        .filter(differs)
        .map(|name| name.display().to_string())
        .collect();
    if !stale.is_empty() {
        bail!("not as `cargo xtask gen` writes it: {}", stale.join(", "));
    }
    Ok(())
}

/// The lists the programs declare: reasons, exit codes, flags, environment variables.
pub(crate) fn lists() -> Result<Value> {
    let text = workspace::output(seal_gen()?.arg("lists"))?;
    serde_json::from_str(&text).context("seal-gen lists printed something else than JSON")
}

fn write(root: &Path) -> Result<()> {
    workspace::succeed(seal_gen()?.args(["write", "--root"]).arg(root))
}

fn seal_gen() -> Result<Command> {
    Ok(Command::new(
        workspace::programs(Profile::Dev)?.join("seal-gen"),
    ))
}

fn files_below(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![PathBuf::new()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            let kind = if entry.file_type()?.is_dir() {
                &mut folders
            } else {
                &mut files
            };
            kind.push(name);
        }
    }
    files.sort();
    Ok(files)
}
