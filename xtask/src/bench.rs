//! later
use anyhow::Result;
/// x
#[derive(clap::Args)]
pub(crate) struct Args {}
/// x
pub(crate) fn run(_: &Args) -> Result<()> {
    Ok(())
}
