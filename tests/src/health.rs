//! What others make of an object's status: kstatus, which Flux and Helm wait by, and Argo CD's own script for SealedSecrets.

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
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let answer = tools::ask(&HEALTH, &[argo.join(SCRIPT).as_os_str()], lines);
    let found: Vec<Health> = answer.lines().map(health).collect();
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
