//! The workspace these commands work on: its folder, its files, Cargo in it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask/ is in the workspace's folder")
}

/// The Cargo that runs this, to be run in the workspace's folder.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end; its failure is an error that names it.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command to its end and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    command.stderr(std::process::Stdio::inherit());
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{} failed ({})", shown(command), output.status);
    }
    String::from_utf8(output.stdout).context("a program wrote something else than UTF-8")
}

/// What `cargo metadata` says of our own packages.
pub(crate) fn metadata() -> Result<Value> {
    let text = output(&mut cargo(["metadata", "--no-deps", "--format-version=1"]))?;
    serde_json::from_str(&text).context("cannot read cargo metadata")
}

/// The folder Cargo builds into.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo names no target folder")?;
    Ok(PathBuf::from(folder))
}

/// The folder with our programs, built here in the profile named.
pub(crate) fn programs(profile: Profile) -> Result<PathBuf> {
    let (build, folder) = match profile {
        Profile::Dev => (&["--workspace", "--bins"][..], "debug"),
        Profile::Release => (
            &[
                "--release",
                "--package=seal-cli",
                "--package=seal-controller",
            ][..],
            "release",
        ),
    };
    succeed(cargo(["build", "--quiet"]).args(build))?;
    Ok(target_folder()?.join(folder))
}

/// The controller built with the feature `otlp`, in a folder of its own. The programs have to be built afterwards: Cargo
/// puts it in their place.
pub(crate) fn controller_with_traces() -> Result<PathBuf> {
    succeed(&mut cargo([
        "build",
        "--quiet",
        "--workspace",
        "--bin=seal-controller",
        "--features=seal-controller/otlp",
    ]))?;
    let built = target_folder()?.join("debug");
    let folder = built.join("otlp");
    fs::create_dir_all(&folder).context("cannot make a folder for the controller")?;
    let program = folder.join("seal-controller");
    // It may be running, from a test that was broken off.
    let _ = fs::remove_file(&program);
    fs::copy(built.join("seal-controller"), &program).context("cannot copy the controller")?;
    Ok(program)
}

/// How a program is built.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Every program of the workspace, quick to build: all with the same features, so that no library is built twice.
    Dev,
    /// The two that users get, as they get them.
    Release,
}

/// Every file of the project, by its path from the root: what Git knows, and what it would take in.
pub(crate) fn files() -> Result<Vec<String>> {
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(root());
    let listed = output(&mut list)?;
    let there = |name: &&str| !name.is_empty() && root().join(name).is_file();
    Ok(listed
        .split('\0')
        .filter(there)
        .map(str::to_owned)
        .collect())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
