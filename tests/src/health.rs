//! What others make of an object's status: kstatus, which Flux and Helm wait by, and Argo CD's own script for SealedSecrets.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use seal_tools::{ARGO_CD, HEALTH};
use serde_json::Value;

use crate::tools;

const SCRIPT: &str = "resource_customizations/bitnami.com/SealedSecret/health.lua";

/// What is made of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// By kstatus: `Current`, `InProgress`, `Failed`, `Terminating`.
    pub kstatus: String,
    /// By Argo CD: `Healthy`, `Progressing`, `Degraded`.
    pub argo: String,
    /// What Argo CD shows beside it.
    pub argo_message: String,
}

/// The verdicts on objects as the API server has them, in their order.
///
/// # Panics
///
/// When they cannot be judged.
pub fn verdicts(objects: &[Value]) -> Vec<Health> {
    let argo = ARGO_CD.folder().unwrap_or_else(|error| panic!("{error}"));
    let mut program = Command::new(tools::path(&HEALTH))
        .arg(argo.join(SCRIPT))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was just built");
    let mut input = program.stdin.take().expect("standard input is a pipe");
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    // It answers line by line, so nobody may wait for the other.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = program.wait_with_output().expect("it is our child");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    writer
        .join()
        .expect("writing does not panic")
        .expect("it reads everything");
    let found: Vec<Health> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(health)
        .collect();
    assert_eq!(found.len(), objects.len());
    found
}

fn health(line: &str) -> Health {
    let verdict: Value = serde_json::from_str(line).expect("it writes JSON");
    let text = |path: &str| {
        let text = verdict.pointer(path).and_then(Value::as_str);
        text.expect("it writes both verdicts").to_owned()
    };
    Health {
        kstatus: text("/kstatus/status"),
        argo: text("/argo/status"),
        argo_message: text("/argo/message"),
    }
}
