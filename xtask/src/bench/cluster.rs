//! Controllers in a real cluster, ours and upstream's in the same run.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{
    picture::{self, Curve},
    table::{self, Row},
};
use crate::workspace::{self, Profile};

/// What `cluster-costs` measures.
const ROWS: [&str; 6] = [
    "applying",
    "restart",
    "unsealing",
    "middle",
    "memory",
    "growth",
];
const PICTURE: &str = "docs/growth.svg";

/// Measures the rows named, or all, and prints each as soon as it is known.
pub(super) fn controllers(only: &[String], objects: Option<usize>, minutes: u64) -> Result<()> {
    if let Some(unknown) = only.iter().find(|row| !ROWS.contains(&row.as_str())) {
        bail!("there is no row {unknown}; there are: {}", ROWS.join(", "));
    }
    let costs = build()?;
    let programs = workspace::programs(Profile::Release)?;
    table::print_head()?;
    for row in ROWS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == row) {
            continue;
        }
        eprintln!("{row}:");
        let mut command = Command::new(&costs);
        command.args([row, &minutes.to_string()]);
        command.env("SEAL_TEST_PROGRAMS", &programs);
        let mut typed = format!("cargo xtask bench --cluster --only {row}");
        if let Some(objects) = objects {
            command.arg(objects.to_string());
            typed += &format!(" --objects {objects}");
        }
        let report = workspace::output(&mut command)?;
        let report: Value = serde_json::from_str(&report).context("cluster-costs prints JSON")?;
        for figure in list(&report["figures"]) {
            table::print_row(&read(figure, &typed)?);
        }
        let curves: Vec<Curve> = list(&report["curves"])
            .iter()
            .map(curve)
            .collect::<Result<_>>()?;
        if !curves.is_empty() {
            let path = workspace::root().join(PICTURE);
            std::fs::write(path, picture::draw(&curves)).context("cannot write the picture")?;
            eprintln!("  {PICTURE} shows it");
        }
    }
    Ok(())
}

/// The program that measures, and that by which the control plane is reached.
fn build() -> Result<PathBuf> {
    let build = [
        "build",
        "--quiet",
        "--release",
        "--package=seal-tests",
        "--bin=forward",
        "--bin=inward",
        "--bin=cluster-costs",
    ];
    workspace::succeed(&mut workspace::cargo(build))?;
    Ok(workspace::target_folder()?.join("release/cluster-costs"))
}

fn read(figure: &Value, command: &str) -> Result<Row> {
    let text = |field: &str| -> Result<String> {
        let text = figure[field].as_str().context("a figure has texts")?;
        Ok(text.to_owned())
    };
    Ok(Row {
        what: text("what")?.into(),
        command: command.to_owned(),
        ours: text("ours")?,
        beside: text("beside")?,
        ratio: match figure["ratio"].as_f64() {
            // As a goal would be put.
            Some(ratio) if ratio < 0.1 => format!("{ratio:.4} ({:.0}x)", 1.0 / ratio),
            Some(ratio) => format!("{ratio:.2}"),
            None => String::new(),
        },
    })
}

fn curve(found: &Value) -> Result<Curve> {
    let text = |field: &str| {
        found[field]
            .as_str()
            .context("a curve has a name and a unit")
    };
    let points = list(&found["points"]).iter().map(|point| {
        let (x, y) = (point[0].as_f64(), point[1].as_f64());
        Ok((x.context("a number of objects")?, y.context("a figure")?))
    });
    Ok(Curve {
        name: text("name")?.to_owned(),
        unit: text("unit")?.to_owned(),
        points: points.collect::<Result<_>>()?,
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
