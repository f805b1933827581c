//! `cargo xtask check`: the rules a machine can see. Each rule returns sentences; no sentence, nothing wrong.

mod arrows;
mod core;
mod length;
mod marks;
mod reasons;
mod source;

use anyhow::{Result, bail};

use crate::workspace;

/// Checks every rule, prints every finding and fails when there is one.
pub(crate) fn run() -> Result<()> {
    let files = workspace::files()?;
    let metadata = workspace::metadata()?;
    let rules = [
        Ok(arrows::check(&metadata)),
        core::check(&files),
        length::check(&files),
        marks::check(&files),
        reasons::check(&files),
    ];
    // A rule that cannot be checked hides none of the others' findings.
    let cannot = |error| vec![format!("cannot check: {error:#}")];
    let findings: Vec<String> = rules
        .into_iter()
        .flat_map(|rule| rule.unwrap_or_else(cannot))
        .collect();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    Ok(())
}
