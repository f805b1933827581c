//! Writes the files that are generated from the code, and lists what the code declares.
//!
//! `seal-gen write --root DIR` writes them below a folder; `seal-gen lists` prints, as JSON, every reason, exit code, flag
//! and environment variable, which the test run compares with what it saw happen.

#![allow(clippy::print_stdout, reason = "it prints what it was asked for")]

mod lists;
mod reference;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};

/// Writes generated files, or lists what is declared.
#[derive(Parser)]
enum Cli {
    /// Writes every generated file below a folder.
    Write {
        /// The root of the project, or of a copy to compare with.
        #[arg(long)]
        root: PathBuf,
    },
    /// Prints the declared lists as JSON.
    Lists,
}

fn main() -> Result<()> {
    match Cli::parse() {
        Cli::Write { root } => write(&root),
        Cli::Lists => {
            println!("{}", lists::lists());
            Ok(())
        }
    }
}

/// Every generated file, by its path below the root.
fn files() -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let definition = seal_manifest::write::yaml(&seal_api::custom_resource_definition())?;
    let mut files = vec![
        (
            PathBuf::from("deploy/crd/sealedsecrets.yaml"),
            definition.as_bytes().to_vec(),
        ),
        (
            PathBuf::from("docs/cli.md"),
            reference::commands().into_bytes(),
        ),
        (
            PathBuf::from("docs/reasons.md"),
            reference::reasons().into_bytes(),
        ),
        (
            PathBuf::from("docs/metrics.md"),
            reference::metrics().into_bytes(),
        ),
        (
            PathBuf::from("docs/audit.md"),
            reference::audit().into_bytes(),
        ),
        (
            PathBuf::from("docs/template-functions.md"),
            reference::template_functions().into_bytes(),
        ),
    ];
    for command in [
        seal_cli::args::Cli::command(),
        seal_controller::Args::command(),
    ] {
        files.extend(reference::man_pages(command)?);
    }
    Ok(files)
}

fn write(root: &std::path::Path) -> Result<()> {
    for (path, contents) in files()? {
        let path = root.join(path);
        let folder = path.parent().context("a generated file has a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
