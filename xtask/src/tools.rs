//! `cargo xtask tools`: the programs we compare with, built once.

use anyhow::{Context, Result};
use seal_tools::{TOOLS, Tool};

/// What to build.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The one to build; all when left out
    name: Option<String>,
}

/// Builds and prints one path a line.
pub(crate) fn run(args: &Args) -> Result<()> {
    let Some(name) = &args.name else {
        return TOOLS.iter().try_for_each(show);
    };
    let names = || {
        TOOLS
            .iter()
            .map(|tool| tool.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    show(Tool::named(name).with_context(|| format!("there is no tool {name}, only: {}", names()))?)
}

fn show(tool: &Tool) -> Result<()> {
    println!("{}", tool.path()?.display());
    Ok(())
}
