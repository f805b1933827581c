//! What kstatus and Argo CD make of the states that a SealedSecret goes through.

use seal_tests::health::verdicts;
use serde_json::{Value, json};

/// An object of generation 2 with this status.
fn with_status(status: Value) -> Value {
    json!({
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": "shop", "generation": 2},
        "spec": {"encryptedData": {}},
        "status": status,
    })
}

fn status(observed: i64, conditions: &[(&str, &str)]) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status)| json!({"type": kind, "status": status, "reason": "X", "message": kind}))
        .collect();
    with_status(json!({"observedGeneration": observed, "conditions": conditions}))
}

#[test]
fn each_state_is_read_as_it_is_meant() {
    let reconciling = [
        ("Synced", "Unknown"),
        ("Ready", "False"),
        ("Reconciling", "True"),
    ];
    let stalled = [("Synced", "False"), ("Ready", "False"), ("Stalled", "True")];
    let done = [("Synced", "True"), ("Ready", "True")];
    let retrying = [
        ("Synced", "True"),
        ("Ready", "False"),
        ("Reconciling", "True"),
    ];
    let mut deleted = status(2, &done);
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let states = [
        (
            "just made",
            with_status(json!({"observedGeneration": -1})),
            "InProgress",
            "Progressing",
        ),
        (
            "worked on",
            status(2, &reconciling),
            "InProgress",
            "Progressing",
        ),
        (
            "failed until its input changes",
            status(2, &stalled),
            "Failed",
            "Degraded",
        ),
        ("done", status(2, &done), "Current", "Healthy"),
        // It was in sync, and its Secret still is what it was.
        ("tried again", status(2, &retrying), "InProgress", "Healthy"),
        // Argo CD's script does not compare generations.
        ("changed since", status(1, &done), "InProgress", "Healthy"),
        ("being deleted", deleted, "Terminating", "Progressing"),
        // What upstream's controller leaves: kstatus knows nothing of Synced.
        (
            "failed under upstream",
            status(2, &[("Synced", "False")]),
            "Current",
            "Degraded",
        ),
        (
            "done under upstream",
            status(2, &[("Synced", "True")]),
            "Current",
            "Healthy",
        ),
        (
            "without a status",
            with_status(Value::Null),
            "Current",
            "Progressing",
        ),
    ];
    let objects: Vec<Value> = states
        .iter()
        .map(|(_, object, ..)| object.clone())
        .collect();
    for ((name, _, kstatus, argo), found) in states.iter().zip(verdicts(&objects)) {
        assert_eq!(
            (found.kstatus.as_str(), found.argo.as_str()),
            (*kstatus, *argo),
            "{name}"
        );
    }
}

#[test]
fn argo_cd_shows_the_message_of_synced() {
    let found = verdicts(&[status(2, &[("Ready", "False"), ("Synced", "False")])]);
    assert_eq!(found[0].argo_message, "Synced");
}
