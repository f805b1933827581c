//! Whole processes: the real kubeseal beside ours, or the bound that the same machine sets.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use seal_tools::KUBESEAL;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    inputs,
    measure::{self, Cost, median},
    table::Row,
};
use crate::workspace::{self, Profile};

/// The programs, a certificate and a folder to work in.
struct Ground {
    seal: PathBuf,
    certificate: PathBuf,
    folder: TempDir,
}

impl Ground {
    fn new() -> Result<Self> {
        Ok(Self {
            seal: workspace::programs(Profile::Release)?.join("seal"),
            certificate: workspace::root().join("tests/keys/rsa-4096.crt"),
            folder: tempfile::tempdir().context("cannot make a temporary folder")?,
        })
    }

    fn seal(&self) -> Command {
        let mut command = Command::new(&self.seal);
        command
            .env_clear()
            .arg("encrypt")
            .arg("--cert")
            .arg(&self.certificate);
        command.current_dir(self.folder.path());
        command
    }

    fn kubeseal(&self) -> Result<Command> {
        let mut command = Command::new(KUBESEAL.path()?);
        command
            .env_clear()
            .args(["--format", "yaml", "--cert"])
            .arg(&self.certificate);
        command.current_dir(self.folder.path());
        Ok(command)
    }

    fn file(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, content).context("cannot write an input")?;
        Ok(path)
    }
}

/// One small Secret, sealed offline by ours and by kubeseal in turn.
pub(super) fn small(runs: usize) -> Result<Vec<Row>> {
    let ground = Ground::new()?;
    let input = ground.file("secret.yaml", &inputs::secret(0, 1))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        ours.push(measure::run(&mut ground.seal(), &input)?);
        theirs.push(measure::run(&mut ground.kubeseal()?, &input)?);
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    let row = |what: &'static str, figure: fn(&Cost) -> f64, unit: &str| Row {
        what: what.into(),
        command: "seal encrypt --cert CERT < secret.yaml".to_owned(),
        ours: format!("{:.1} {unit}", figure(&ours)),
        beside: format!("{:.1} {unit} (kubeseal v0.40.0)", figure(&theirs)),
        ratio: format!("{:.2}", figure(&ours) / figure(&theirs)),
    };
    Ok(vec![
        row(
            "one small Secret, CPU time",
            |cost| milliseconds(cost.cpu),
            "ms",
        ),
        row(
            "one small Secret, peak memory",
            |cost| cost.memory as f64 / f64::from(1 << 20),
            "MiB",
        ),
        row(
            "one small Secret, wall time",
            |cost| milliseconds(cost.wall),
            "ms",
        ),
    ])
}

/// 1,000 Secrets of 5 values in one file, against what the RSA operations alone cost on all cores.
pub(super) fn many(runs: usize) -> Result<Vec<Row>> {
    let ground = Ground::new()?;
    let input = ground.file("secrets.yaml", &inputs::stream())?;
    let (mut ours, mut bounds) = (Vec::new(), Vec::new());
    for _ in 0..runs.div_ceil(2) {
        bounds.push(bound()?);
        ours.push(measure::run(&mut ground.seal(), &input)?);
    }
    let theirs = measure::run(&mut ground.kubeseal()?, &input)?;
    bounds.sort_unstable();
    let (ours, bound) = (median(&ours), bounds[bounds.len() / 2]);
    let seals = bound * u32::try_from(cores()?)?;
    let command = "seal encrypt --cert CERT < secrets.yaml".to_owned();
    let row = |what: &'static str, ours: Duration, other: Duration, name: &str| Row {
        what: what.into(),
        command: command.clone(),
        ours: format!("{:.0} ms", milliseconds(ours)),
        beside: format!("{:.0} ms ({name})", milliseconds(other)),
        ratio: format!("{:.2}", ours.as_secs_f64() / other.as_secs_f64()),
    };
    let (wall, cpu) = (
        "1,000 Secrets of 5 values, wall time",
        "1,000 Secrets of 5 values, CPU time",
    );
    Ok(vec![
        row(wall, ours.wall, bound, "5,000 RSA seals / cores"),
        row(cpu, ours.cpu, seals, "5,000 RSA seals"),
        row(wall, ours.wall, theirs.wall, "kubeseal v0.40.0, one run"),
    ])
}

/// 1,000 files sealed in place, against the RSA operations and as many files written, synced and renamed.
pub(super) fn in_place(runs: usize) -> Result<Vec<Row>> {
    let ground = Ground::new()?;
    let folder = ground.folder.path().join("secrets");
    let (mut ours, mut writing) = (Vec::new(), Vec::new());
    for _ in 0..runs.div_ceil(8) {
        inputs::folder(&folder)?;
        ours.push(
            measure::run(
                ground.seal().arg("--in-place").arg(&folder),
                Path::new("/dev/null"),
            )?
            .wall,
        );
        writing.push(synced_files(&ground.folder.path().join("synced"))?);
    }
    ours.sort_unstable();
    writing.sort_unstable();
    let (ours, writing) = (ours[ours.len() / 2], writing[writing.len() / 2]);
    let bound = bound()?;
    Ok(vec![Row {
        what: "1,000 files of 5 values in place, wall time".into(),
        command: "seal encrypt --cert CERT --in-place DIR".to_owned(),
        ours: format!("{:.0} ms", milliseconds(ours)),
        beside: format!(
            "{:.0} ms (5,000 RSA seals / cores) + {:.0} ms (1,000 files written, synced, renamed, one after the other)",
            milliseconds(bound),
            milliseconds(writing)
        ),
        ratio: format!(
            "{:.2}",
            ours.as_secs_f64() / (bound + writing).as_secs_f64()
        ),
    }])
}

/// Private-key operations an item, where its line names the right key.
pub(super) fn opening(_runs: usize) -> Result<Vec<Row>> {
    let costs = costs("opening")?;
    let counts = costs
        .as_object()
        .context("envelope-costs counts operations")?;
    let row = |(keys, operations): (&String, &Value)| Row {
        what: "opening an item with the right hint".into(),
        command: format!("cargo xtask bench opening ({keys} keys)"),
        ours: format!("{operations} private-key operations"),
        beside: "1".to_owned(),
        ratio: operations.to_string(),
    };
    Ok(counts.iter().map(row).collect())
}

/// What the RSA operations of [`many`] take when all cores do nothing else.
fn bound() -> Result<Duration> {
    let seal = costs("seal")?["nanoseconds"]
        .as_u64()
        .context("envelope-costs measures a seal")?;
    let seals = u64::try_from(inputs::MANY * inputs::VALUES)?;
    Ok(Duration::from_nanos(
        seal * seals / u64::try_from(cores()?)?,
    ))
}

fn cores() -> Result<usize> {
    Ok(thread::available_parallelism()?.get())
}

fn costs(of: &str) -> Result<Value> {
    let run = [
        "run",
        "--quiet",
        "--release",
        "--package=seal-tests",
        "--bin=envelope-costs",
        "--",
        of,
    ];
    let text = workspace::output(&mut workspace::cargo(run))?;
    serde_json::from_str(&text).context("envelope-costs prints JSON")
}

fn synced_files(folder: &Path) -> Result<Duration> {
    fs::create_dir_all(folder).context("cannot make a folder")?;
    let content = vec![b'.'; 4500];
    let begun = Instant::now();
    for number in 0..inputs::MANY {
        let unfinished = folder.join("unfinished");
        let mut file = File::create(&unfinished).context("cannot write a file")?;
        file.write_all(&content)?;
        file.sync_all()?;
        fs::rename(&unfinished, folder.join(number.to_string()))?;
    }
    Ok(begun.elapsed())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
