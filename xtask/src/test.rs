//! `cargo xtask test`: every test there is, step by step, going on after a step that failed.

mod fuzz;
mod record;
mod steps;
mod tally;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};
use seal_tools::{Error, TOOLS};

use crate::{check, generate, workspace, workspace::Profile};
use record::Record;
use steps::Steps;
use tally::Tally;

/// Which tests to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Repeats what happens at random more often, fuzzes every target for an hour, and for ten minutes under libFuzzer where a nightly toolchain and
    /// cargo-fuzz are there, and hands Secrets to podman
    #[arg(long, conflicts_with = "filter")]
    long: bool,

    /// Runs only tests whose name has this text, and none of the other steps
    filter: Option<String>,
}

/// Runs the steps, prints a summary and fails when one of them did.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    let mut tally = Tally::default();
    // Go builds beside Rust: the one mostly waits for the linker when the other does not.
    let peers = thread::spawn(|| {
        let begun = Instant::now();
        (build_peers(), begun.elapsed())
    });
    if args.filter.is_none() {
        steps.run("format", || {
            workspace::succeed(&mut workspace::cargo(["fmt", "--all", "--check"]))
        });
        steps.run("lints", lints);
    }
    let record = Record::fresh()?;
    let with_traces = steps.run("build the controller with traces", || {
        workspace::controller_with_traces()
    });
    let programs = steps.run("build the programs under test", || {
        workspace::programs(Profile::Dev)
    });
    steps.run("build the tests", || {
        workspace::succeed(&mut workspace::cargo([
            "test",
            "--quiet",
            "--workspace",
            "--no-run",
        ]))
    });
    let (built, time) = peers
        .join()
        .map_err(|_| anyhow!("building the peers panicked"))?;
    steps.ran("build the peers", time, built.map_err(Into::into));
    if let (Some(programs), Some(with_traces)) = (programs, with_traces) {
        steps.run("tests", || {
            tests(args, &programs, &with_traces, &record, &mut tally)
        });
        if args.long {
            steps.run("podman", || podman(&programs));
        }
    }
    if args.long {
        steps.run("fuzz for an hour", fuzz::for_an_hour);
        steps.run("fuzz under libFuzzer", fuzz::under_libfuzzer);
    }
    if args.filter.is_none() {
        steps.run("closed lists", || closed_lists(&record));
        steps.run("generated files", generate::check);
        steps.run("rules", check::run);
    }
    println!("\n{steps}\n{tally}");
    if steps.failed() > 0 || tally.failed > 0 {
        bail!("{} of {} steps failed", steps.failed(), steps.len());
    }
    Ok(())
}

/// Builds what tests run beside our programs, one after the other: each keeps every core busy.
fn build_peers() -> Result<(), Error> {
    TOOLS.iter().try_for_each(|tool| tool.path().map(drop))
}

fn lints() -> Result<()> {
    // What only a long run runs is no target of all.
    let podman = ["--package=seal-tests", "--test=podman"];
    let with_traces = [
        "--package=seal-controller",
        "--all-targets",
        "--features=otlp",
    ];
    for targets in [&["--workspace", "--all-targets"][..], &podman, &with_traces] {
        let mut clippy = workspace::cargo(["clippy", "--quiet"]);
        workspace::succeed(clippy.args(targets).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// Runs the tests, doc tests included, and counts them while their output passes by.
fn tests(
    args: &Args,
    programs: &Path,
    with_traces: &Path,
    record: &Record,
    tally: &mut Tally,
) -> Result<()> {
    let mut command = workspace::cargo(["test", "--workspace", "--no-fail-fast"]);
    command.args(&args.filter);
    record.hand_to(&mut command);
    command.env("SEAL_TEST_PROGRAMS", programs);
    if args.long {
        command.env("SEAL_TEST_LONG", "1");
    }
    command.env("SEAL_TEST_CONTROLLER_WITH_TRACES", with_traces);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo test")?;
    let output = child.stdout.take().context("standard output is a pipe")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.count(&line);
    }
    if !child.wait()?.success() {
        bail!("cargo test failed");
    }
    if tally.passed == 0 {
        bail!("not one test ran");
    }
    Ok(())
}

/// Runs the test that needs podman, which few machines have.
fn podman(programs: &Path) -> Result<()> {
    let mut command =
        workspace::cargo(["test", "--quiet", "--package=seal-tests", "--test=podman"]);
    workspace::succeed(command.env("SEAL_TEST_PROGRAMS", programs))
}

fn closed_lists(record: &Record) -> Result<()> {
    let lists = generate::lists()?.to_string();
    let mut command = Command::new(workspace::programs(Profile::Dev)?.join("closed-lists"));
    feed(command.arg(record.path()), &lists)
}

fn feed(command: &mut Command, input: &str) -> Result<()> {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run closed-lists")?;
    child
        .stdin
        .take()
        .context("standard input is a pipe")?
        .write_all(input.as_bytes())?;
    if !child.wait()?.success() {
        bail!("a list is not closed (tests/exempt.toml holds the exceptions)");
    }
    Ok(())
}
