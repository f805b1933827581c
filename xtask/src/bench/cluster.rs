//! Controllers in a real cluster, ours and upstream's in the same run.

use anyhow::{Context, Result};
use serde_json::Value;

use super::table::Row;
use crate::workspace::{self, Profile};

/// The time from applying a SealedSecret to its Secret, and the requests of a controller that has nothing to do.
pub(super) fn controllers() -> Result<Vec<Row>> {
    let programs = workspace::programs(Profile::Release)?;
    // The control plane is reached through it.
    let forward = [
        "build",
        "--quiet",
        "--release",
        "--package=seal-tests",
        "--bin=forward",
    ];
    workspace::succeed(&mut workspace::cargo(forward))?;
    let mut command = workspace::cargo([
        "run",
        "--quiet",
        "--release",
        "--package=seal-tests",
        "--bin=cluster-costs",
    ]);
    let text = workspace::output(command.env("SEAL_TEST_PROGRAMS", programs))?;
    let costs: Value = serde_json::from_str(&text).context("cluster-costs prints JSON")?;
    let row = |what, field: &str, unit: &str| -> Result<Row> {
        let figure = |of: &str| costs[of][field].as_f64().context("cluster-costs counts");
        let (ours, theirs) = (figure("ours")?, figure("upstream")?);
        Ok(Row {
            what,
            command: "cargo xtask bench --cluster".to_owned(),
            ours: format!("{ours:.0}{unit}"),
            beside: format!("{theirs:.0}{unit} (upstream v0.40.0, its defaults)"),
            ratio: if theirs == 0.0 {
                "-".to_owned()
            } else {
                format!("{:.3}", ours / theirs)
            },
        })
    };
    Ok(vec![
        row("apply until the Secret exists, median", "p50", " ms")?,
        row("apply until the Secret exists, p99", "p99", " ms")?,
        row(
            "requests for objects in a minute at rest",
            "requestsAtRest",
            "",
        )?,
    ])
}
