//! Every reason a program may give is explained to its users: it stands in a file below `docs/`.

use std::fs;

use anyhow::{Context, Result};

use crate::{generate, workspace};

/// Returns a sentence for each reason that no document names.
pub(super) fn check(files: &[String]) -> Result<Vec<String>> {
    let lists = generate::lists()?;
    let mut documents = String::new();
    for name in files
        .iter()
        .filter(|name| name.starts_with("docs/") && name.ends_with(".md"))
    {
        documents +=
            &fs::read_to_string(workspace::root().join(name)).with_context(|| name.clone())?;
    }
    let reasons = lists["reasons"]
        .as_array()
        .context("seal-gen lists has no reasons")?;
    let reasons = reasons.iter().filter_map(|reason| reason.as_str());
    let missing = reasons.filter(|reason| !documents.contains(&format!("`{reason}`")));
    Ok(missing
        .map(|reason| format!("docs/: no document explains the reason `{reason}`"))
        .collect())
}
