//! What the controller counts.

use std::fs;

use seal_tests::{
    http::{free_port, get, post},
    run::Running,
};

use crate::store::{KEY, MARKER, Store, key_secret, sealed};

/// The controller with metrics, after its first pass.
fn start<const N: usize>(store: &Store, port: u16, metrics: u16, flags: [&str; N]) -> Running {
    let address = format!("127.0.0.1:{port}");
    let run = store.run(["--listen-addr", &address]);
    let mut controller = run
        .arg(format!("--listen-metrics-addr=127.0.0.1:{metrics}"))
        .args(flags)
        .start();
    controller.wait_for("HTTP metrics server serving");
    controller.wait_for("looked at all SealedSecrets");
    controller
}

#[track_caller]
fn check(text: &str, line: &str) {
    assert!(text.lines().any(|other| other == line), "{line}\n{text}");
}

#[test]
fn what_happens_is_counted() {
    let store = Store::new();
    store.put_db("one");
    store.put(
        "sealed/moved.yaml",
        sealed("app", "a", "x").replace("name: a", "name: b"),
    );
    store.put(
        "keys/broken.yaml",
        key_secret(KEY, Some("active"))
            .replace("RSA PRIVATE KEY", "NO KEY")
            .replace("PRIVATE KEY", "NO KEY"),
    );
    let (port, metrics) = (free_port(), free_port());
    let mut controller = start(&store, port, metrics, []);
    assert_eq!(post(port, "/v1/verify", sealed("app", "x", "x")).code, 200);
    // Somebody else changes the Secret.
    let path = store.path("secrets/app/db.yaml");
    let secret = fs::read_to_string(&path).expect("it was made");
    fs::write(&path, secret.replace("password:", "other:")).expect("it is ours");
    controller.wait_until("it is repaired", |_| store.db() == "one");
    controller.wait_for("cause=\"drifted\"");
    let answer = get(metrics, "/metrics");
    assert!(
        answer
            .head
            .contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{}",
        answer.head
    );
    let text = answer.body;
    for line in [
        "sealed_secrets_controller_unseal_errors_total{reason=\"unseal\",namespace=\"app\"} 1",
        "sealed_secrets_controller_condition_info{namespace=\"app\",name=\"db\",condition=\"Synced\",ss_app_kubernetes_io_instance=\"\"} 1",
        "sealed_secrets_controller_condition_info{namespace=\"app\",name=\"b\",condition=\"Synced\",ss_app_kubernetes_io_instance=\"\"} -1",
        "sealed_secrets_controller_http_requests_total{path=\"/v1/verify\",code=\"200\",method=\"post\"} 1",
        "sealed_secrets_controller_http_request_duration_seconds_count{path=\"/v1/verify\",method=\"post\"} 1",
        "seal_controller_objects{namespace=\"app\",reason=\"Unsealed\"} 1",
        "seal_controller_keys 1",
        "seal_controller_key_problems{reason=\"UnreadableKey\"} 1",
        "seal_controller_objects{namespace=\"app\",reason=\"SealedForAnotherName\"} 1",
        "seal_controller_objects_by_key{key=\"_other\"} 0",
        "seal_controller_drift_repaired_total{namespace=\"app\"} 1",
    ] {
        check(&text, line);
    }
    for started in [
        "seal_controller_key_problems{reason=",
        "seal_controller_private_key_operations_total ",
        "seal_controller_objects_by_key{key=\"",
        "seal_controller_key_not_before_timestamp_seconds{key=\"",
        "seal_controller_reconcile_duration_seconds_count ",
        "seal_controller_certificate_expiry_timestamp_seconds ",
        "sealed_secrets_controller_build_info{revision=\"v",
        "sealed_secrets_controller_unseal_requests_total ",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(started)),
            "{started}\n{text}"
        );
    }
    assert!(!text.contains(MARKER));
    assert_eq!(get(metrics, "/healthz").code, 404);
    assert_eq!(get(port, "/metrics").code, 404);
    controller.stop().exits(0).never_shows(MARKER);
}

#[test]
fn objects_are_not_named_where_that_is_switched_off() {
    let store = Store::new();
    store.put_db("one");
    let (port, metrics) = (free_port(), free_port());
    let controller = start(&store, port, metrics, ["--metrics-omit-secret-labels"]);
    let text = get(metrics, "/metrics").body;
    check(
        &text,
        "seal_controller_objects{namespace=\"app\",reason=\"Unsealed\"} 1",
    );
    assert!(!text.contains("name=\"db\""), "{text}");
    controller.stop().exits(0);
}

#[test]
fn an_address_for_metrics_that_is_taken_is_an_error() {
    let store = Store::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let address = format!("127.0.0.1:{port}");
    store
        .run(["--listen-metrics-addr", &address])
        .finish()
        .exits(1)
        .says(&format!("error: cannot listen on {address}: "));
}
