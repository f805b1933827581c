//! `cargo xtask bench`: criterion for functions, whole processes beside the real kubeseal in the same run, and with
//! `--cluster` the controller beside upstream's in a real cluster.
//!
//! Machines differ and so do moments on one machine: what counts are the ratios, between runs that alternate.

mod cluster;
mod inputs;
mod measure;
mod picture;
mod processes;
mod table;
mod templates;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace;
use table::Row;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// One of: functions, small, many, in-place, opening, templates; all when left out
    name: Option<String>,

    /// Measures controllers in a real cluster, and nothing else: two hours with all rows as they are
    #[arg(long, conflicts_with = "name")]
    cluster: bool,

    /// With --cluster: only these rows, of applying, restart, unsealing, middle, memory, growth
    #[arg(long, value_name = "ROW", requires = "cluster")]
    only: Vec<String>,

    /// With --cluster: so many SealedSecrets instead of as many as each row has
    #[arg(long, value_name = "NUMBER", requires = "cluster")]
    objects: Option<usize>,

    /// With --cluster: for how many minutes requests are counted while nothing happens
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "cluster",
        default_value_t = 10
    )]
    minutes: u64,

    /// How often each process runs
    #[arg(long, default_value_t = 40)]
    runs: usize,
}

type Benchmark = fn(usize) -> Result<Vec<Row>>;

const BENCHMARKS: [(&str, Benchmark); 6] = [
    ("functions", functions),
    ("small", processes::small),
    ("many", processes::many),
    ("in-place", processes::in_place),
    ("opening", processes::opening),
    ("templates", templates::rendering),
];

/// Measures and prints a table for docs/benchmarks.md.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.runs == 0 {
        bail!("--runs has to be at least 1");
    }
    if args.cluster {
        return cluster::controllers(&args.only, args.objects, args.minutes);
    }
    let wanted = |name: &str| args.name.as_deref().is_none_or(|wanted| wanted == name);
    let chosen: Vec<_> = BENCHMARKS
        .into_iter()
        .filter(|(name, _)| wanted(name))
        .collect();
    if chosen.is_empty() {
        let names = BENCHMARKS.map(|(name, _)| name).join(", ");
        bail!("there is no such benchmark; there are: {names}");
    }
    let mut rows = Vec::new();
    for (_, benchmark) in chosen {
        rows.extend(benchmark(args.runs)?);
    }
    table::print(&rows)
}

/// The criterion benchmarks, which print their own figures, of every crate that has some.
fn functions(_runs: usize) -> Result<Vec<Row>> {
    let crates = workspace::root().join("crates");
    for entry in fs::read_dir(crates).context("cannot list crates/")? {
        let folder = entry?.path();
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if folder.join("benches").is_dir() {
            let package = format!("--package=seal-{name}");
            workspace::succeed(&mut workspace::cargo([
                "bench",
                "--quiet",
                &package,
                "--benches",
            ]))?;
        }
    }
    Ok(Vec::new())
}
