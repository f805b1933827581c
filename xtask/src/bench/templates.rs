//! The template language beside Go's, with the same templates and values on as many threads.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use seal_tools::TEMPLATES;
use serde_json::Value;

use super::{
    measure::{self, Cost, middle},
    table::Row,
};
use crate::workspace;

const OBJECTS: &str = "1000";

/// 1,000 objects with a template of 4 KiB each, parsed anew and rendered: on one thread, and on every core.
pub(super) fn rendering(runs: usize) -> Result<Vec<Row>> {
    let build = [
        "build",
        "--quiet",
        "--release",
        "--package=seal-tests",
        "--bin=template-costs",
    ];
    workspace::succeed(&mut workspace::cargo(build))?;
    let ours = workspace::target_folder()?.join("release/template-costs");
    let theirs = TEMPLATES.path()?;
    // Fails where a byte differs.
    let compared = workspace::output(Command::new(&ours).args(["compare", OBJECTS]))?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let cases = folder.path().join("cases");
    let lines = workspace::output(Command::new(&ours).args(["cases", OBJECTS]))?;
    fs::write(&cases, lines).context("cannot write the templates")?;

    let cores = thread::available_parallelism()?.get();
    let mut rows = Vec::new();
    for threads in [1, cores] {
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for _ in 0..runs.div_ceil(2) {
            here.push(time(&ours, threads, &cases, &compared)?);
            there.push(time(&theirs, threads, &cases, &compared)?);
        }
        let times = |of: &[(Duration, Cost)]| milliseconds(middle(of.iter().map(|run| run.0)));
        let memory = |of: &[(Duration, Cost)]| mebibytes(middle(of.iter().map(|run| run.1.memory)));
        let row = |what: &'static str, unit: &str, ours: f64, theirs: f64| Row {
            what: what.into(),
            command: format!("cargo xtask bench templates (threads: {threads})"),
            ours: format!("{ours:.0} {unit}"),
            beside: format!("{theirs:.0} {unit} (Go's text/template with sprig)"),
            ratio: format!("{:.2}", ours / theirs),
        };
        rows.push(row(
            "1,000 templates of 4 KiB parsed and rendered, wall time",
            "ms",
            times(&here),
            times(&there),
        ));
        rows.push(row(
            "1,000 templates of 4 KiB, peak memory of the process, which holds them all",
            "MiB",
            memory(&here),
            memory(&there),
        ));
        if cores == 1 {
            break;
        }
    }
    Ok(rows)
}

/// One process: the time for the templates alone, and what the whole of it cost.
fn time(program: &Path, threads: usize, cases: &Path, compared: &str) -> Result<(Duration, Cost)> {
    let mut command = Command::new(program);
    command
        .args(["time", &threads.to_string()])
        .env_clear()
        .env("TZ", "UTC");
    let (cost, said) = measure::run_saying(&mut command, cases)?;
    let field = |text: &str, name: &str| -> Result<u64> {
        let said: Value = serde_json::from_str(text).context("a program writes JSON")?;
        said[name].as_u64().context("a program counts")
    };
    ensure!(
        field(&said, "bytes")? == field(compared, "bytes")?,
        "what was measured is not what was compared"
    );
    Ok((Duration::from_nanos(field(&said, "nanoseconds")?), cost))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
