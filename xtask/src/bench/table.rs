//! The figures as a Markdown table, with the machine and the commands that made them.

use std::{borrow::Cow, fs, thread};

use anyhow::Result;

use crate::workspace;

/// One figure.
pub(super) struct Row {
    /// What was measured, in words.
    pub(super) what: Cow<'static, str>,
    /// The command, as a user would type it.
    pub(super) command: String,
    /// Ours.
    pub(super) ours: String,
    /// The peer's, or the bound that was measured.
    pub(super) beside: String,
    /// Ours to the other.
    pub(super) ratio: String,
}

/// Prints the table.
pub(super) fn print(rows: &[Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    print_head()?;
    rows.iter().for_each(print_row);
    Ok(())
}

/// Prints what comes before the rows.
pub(super) fn print_head() -> Result<()> {
    let cores = thread::available_parallelism()?;
    println!("{}, {cores} cores, commit {}.\n", processor(), commit());
    println!("| what | command | seal | beside | ratio |\n|---|---|---|---|---|");
    Ok(())
}

/// Prints a row.
pub(super) fn print_row(row: &Row) {
    let Row {
        what,
        command,
        ours,
        beside,
        ratio,
    } = row;
    println!("| {what} | `{command}` | {ours} | {beside} | {ratio} |");
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(
        || "Unknown processor".to_owned(),
        |(_, name)| name.to_owned(),
    )
}

fn commit() -> String {
    let mut git = std::process::Command::new("git");
    git.args(["describe", "--always", "--dirty"])
        .current_dir(workspace::root());
    workspace::output(&mut git).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}
