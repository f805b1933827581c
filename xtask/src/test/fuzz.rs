//! Fuzzing at length: every target for an hour, side by side, then under libFuzzer where that can be had.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::workspace;

const TARGETS: [&str; 4] = ["envelope", "keys", "manifest", "template"];
const HOUR: &str = "3600";
const LIBFUZZER_SECONDS: &str = "600";
const LINE: Duration = Duration::from_secs(60);

/// Runs every target for an hour, all at the same time; each says once a minute how far it is.
pub(super) fn for_an_hour() -> Result<()> {
    let mut command = workspace::cargo(["test", "--quiet", "--package=seal-tests", "--test=fuzz"]);
    command.args(["--", &format!("--test-threads={}", TARGETS.len())]);
    workspace::succeed(command.env("SEAL_FUZZ_SECONDS", HOUR))
}

/// Runs every target for ten minutes under libFuzzer, all at the same time; only says so where that cannot be had.
pub(super) fn under_libfuzzer() -> Result<()> {
    if let Some(missing) = missing() {
        println!("libFuzzer did not run: there is no {missing}");
        return Ok(());
    }
    workspace::succeed(nightly().args(["fuzz", "build"]))?;
    let folder = workspace::target_folder()?.join("fuzz");
    let mut runs = TARGETS
        .iter()
        .map(|name| Run::start(name, &folder))
        .collect::<Result<Vec<_>>>()?;
    let mut said = Instant::now();
    while !all_ended(&mut runs)? {
        thread::sleep(Duration::from_secs(1));
        if said.elapsed() >= LINE {
            said = Instant::now();
            runs.iter()
                .for_each(|run| println!("{}: {}", run.name, run.last_line()));
        }
    }
    let failed: Vec<_> = runs.iter_mut().filter_map(Run::failure).collect();
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

/// The first thing that libFuzzer needs and that is not there.
fn missing() -> Option<&'static str> {
    let answers = |arguments: &[&str]| {
        let command = &mut nightly();
        let command = command.args(arguments).stderr(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    };
    if !answers(&["--version"]) {
        Some("nightly toolchain (`rustup toolchain install nightly`)")
    } else if !answers(&["fuzz", "--version"]) {
        Some("cargo-fuzz (`cargo install cargo-fuzz`)")
    } else {
        None
    }
}

/// The Cargo of the nightly toolchain: rustup's, not the one that runs this.
fn nightly() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").current_dir(workspace::root());
    command
}

/// A target under libFuzzer, as a process of its own.
struct Run {
    name: &'static str,
    child: Child,
    log: PathBuf,
    inputs: PathBuf,
}

impl Run {
    fn start(name: &'static str, folder: &Path) -> Result<Self> {
        let (corpus, inputs) = (folder.join("corpus").join(name), folder.join("found"));
        for folder in [&corpus, &inputs] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let child = nightly()
            .args(["fuzz", "run", name])
            .arg(corpus)
            .args([&format!("tests/corpus/{name}"), "--"])
            .args([
                &format!("-max_total_time={LIBFUZZER_SECONDS}"),
                &format!("-artifact_prefix={}/{name}-", inputs.display()),
                &format!("-dict=tests/dictionaries/{name}.dict"),
            ])
            .args(["-max_len=16384", "-timeout=60"])
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .context("cannot run cargo fuzz")?;
        Ok(Self {
            name,
            child,
            log,
            inputs,
        })
    }

    /// How far it is, in libFuzzer's words.
    fn last_line(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let line = log.lines().next_back().unwrap_or_default();
        line.chars().take(100).collect()
    }

    fn failure(&mut self) -> Option<String> {
        let ended = self.child.wait();
        if ended.is_ok_and(|status| status.success()) {
            return None;
        }
        let (log, inputs) = (self.log.display(), self.inputs.display());
        Some(format!(
            "{} failed; {log} says how, and the input is in {inputs}",
            self.name
        ))
    }
}

fn all_ended(runs: &mut [Run]) -> Result<bool> {
    let mut ended = true;
    for run in runs {
        ended &= run
            .child
            .try_wait()
            .context("cannot wait for cargo fuzz")?
            .is_some();
    }
    Ok(ended)
}
