//! The peers: real programs of other projects, built once. See the `seal-tools` crate.

use std::{
    ffi::OsStr,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use seal_tools::{KUBESEAL, Tool};

/// Returns the path of the real `kubeseal`.
pub fn kubeseal() -> PathBuf {
    path(&KUBESEAL)
}

/// Returns the path of a peer, built if it has to be.
///
/// # Panics
///
/// When it cannot be had, with the reason.
pub fn path(tool: &Tool) -> PathBuf {
    tool.path().unwrap_or_else(|error| panic!("{error}"))
}

/// What a peer answers to a text on its standard input, which it reads to the end.
///
/// # Panics
///
/// When it cannot be run, fails, or does not answer in UTF-8.
pub fn ask(tool: &Tool, arguments: &[&OsStr], input: String) -> String {
    let mut program = Command::new(path(tool))
        .args(arguments)
        .env_clear()
        // As in a container: no zone of the machine's own.
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was just built");
    let mut stdin = program.stdin.take().expect("standard input is a pipe");
    // It answers line by line, so nobody may wait for the other.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = program.wait_with_output().expect("it is our child");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    writer
        .join()
        .expect("writing does not panic")
        .expect("it reads everything");
    String::from_utf8(output.stdout).expect("it answers in UTF-8")
}
