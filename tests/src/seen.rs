//! What the runs of a test run showed, and the comparison with what is declared: lists closed by machine.
//!
//! Every run of a program under test appends one line of JSON to the file that [`FILE`] names. `cargo xtask test` makes a
//! fresh file for each test run, so an older run cannot satisfy the check; without the variable nothing is recorded.

mod audits;
mod closed;
mod exempt;
mod invocation;
mod reasons;

use std::{env, fs::OpenOptions, io::Write};

use serde_json::{Value, json};

pub use audits::audits_in;
pub use closed::{Declared, Observed, Verdict, compare};
pub use exempt::{Exemptions, NotAnExemption};
pub use invocation::Invocation;
pub use reasons::{reasons_in, reasons_in_status_files};

/// The environment variable that names the file of this test run.
pub const FILE: &str = "SEAL_TEST_SEEN";

/// Records one run of a program, where the test run records at all.
///
/// # Panics
///
/// When the file cannot be written.
pub fn record(invocation: &Invocation, code: Option<i32>, reasons: &[String]) {
    append(&json!({
        "program": invocation.program,
        "words": invocation.words,
        "flags": invocation.flags,
        "environment": invocation.environment,
        "exit": code,
        "reasons": reasons,
    }));
}

/// Records the audit lines in an output of the controller.
///
/// # Panics
///
/// When the file cannot be written.
pub fn record_audits(output: &[u8]) {
    let audits = audits_in(output);
    if !audits.is_empty() {
        append(&json!({"audit": audits}));
    }
}

/// Records an answer of the controller over HTTP.
///
/// # Panics
///
/// When the file cannot be written.
pub fn record_answer(path: &str, code: u16) {
    // What is not there is the same wherever it is not.
    let answer = match code {
        404 | 431 => code.to_string(),
        _ => format!("{path} {code}"),
    };
    append(&json!({"http": [answer]}));
}

/// Records which metrics a text in Prometheus' format tells of: those that something was counted in, and those that
/// only have labels.
///
/// # Panics
///
/// When the file cannot be written.
pub fn record_metrics(text: &str) {
    let mut names: Vec<String> = Vec::new();
    let mut declared = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            declared = rest.split(' ').next().unwrap_or_default();
        } else if line.starts_with(declared) && !declared.is_empty() {
            let value = line.rsplit(' ').next().and_then(|value| value.parse().ok());
            let says = declared.ends_with("_info") || value.is_some_and(|value: f64| value != 0.0);
            if says && names.last().is_none_or(|last| last != declared) {
                names.push(declared.to_owned());
            }
        }
    }
    append(&json!({"metrics": names}));
}

/// Records which functions of templates gave a result.
///
/// # Panics
///
/// When the file cannot be written.
pub fn record_functions(names: &[&str]) {
    append(&json!({"functions": names}));
}

/// Appends a line to the record, where the test run records at all.
fn append(line: &Value) {
    let Some(path) = env::var_os(FILE) else {
        return;
    };
    // One write of one line: runs of several processes may end at the same moment.
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
        .expect("what was seen can be written down");
}
