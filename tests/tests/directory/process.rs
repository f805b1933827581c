//! The process: HTTP, start and stop, flags and environment.

use std::{
    fs,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use seal_tests::{
    http::{self, free_port},
    keys,
    run::Run,
};

use crate::store::{MARKER, Store, document, sealed};

/// The status line and headers, and the body, of the answer to a GET.
fn get(port: u16, path: &str) -> (String, String) {
    let answer = http::get(port, path);
    (answer.head, answer.body)
}

fn listening(store: &Store, port: u16) -> Run {
    store.run(["--listen-addr", &format!("127.0.0.1:{port}")])
}

#[test]
fn health_readiness_and_the_certificate_are_served() {
    let store = Store::new();
    let port = free_port();
    let mut controller = listening(&store, port).start();
    controller.wait_for("looked at all SealedSecrets");
    controller.wait_until("it is ready", |_| get(port, "/readyz").1 == "ok\n");
    let (head, body) = get(port, "/healthz");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: text/plain; charset=utf-8"),
        "{head}"
    );
    assert_eq!(body, "ok\n");
    let (head, body) = get(port, "/v1/cert.pem");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: application/x-pem-file"),
        "{head}"
    );
    let plain = |pem: &str| pem.split_whitespace().collect::<String>();
    assert_eq!(plain(&body), plain(&keys::pem("rsa-2048.crt")));
    assert!(get(port, "/v1/other").0.starts_with("http/1.1 404"));
    controller.stop().exits(0);
}

#[test]
fn before_the_first_pass_it_is_not_ready_and_can_be_stopped() {
    let store = Store::without_key();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    // Making a key of this size takes seconds.
    let run = store.run(["--key-size", "8192", "--listen-addr", &address]);
    let mut controller = run.start();
    controller.wait_for("HTTP server serving");
    let (head, body) = get(port, "/readyz");
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(body, "not ready\n");
    assert_eq!(get(port, "/healthz").1, "ok\n");
    let asked = Instant::now();
    controller.stop().exits(0);
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn without_a_key_there_is_no_certificate() {
    let store = Store::without_key();
    // A key folder that is a file: no key can be made.
    store.put("keys", "");
    let port = free_port();
    let mut controller = listening(&store, port).start();
    controller.wait_for("looked at all SealedSecrets");
    let (head, body) = get(port, "/v1/cert.pem");
    assert!(head.starts_with("http/1.1 500"), "{head}");
    assert_eq!(body, "cannot get certificate\n");
    controller.stop().exits(0);
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let store = Store::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    listening(&store, port)
        .finish()
        .exits(1)
        .says(&format!("error: cannot listen on 127.0.0.1:{port}: "));
}

#[test]
fn an_address_that_others_reach_is_refused() {
    let store = Store::new();
    for address in ["0.0.0.0:8080", ":8080", "[::]:8080"] {
        store
            .run(["--listen-addr", address])
            .finish()
            .exits(2)
            .says("must be a loopback address");
    }
}

// Start and stop

#[test]
fn a_restart_changes_nothing() {
    let store = Store::new();
    store.put_db("one");
    store.put("sealed/foreign.yaml", sealed("other", "db", "2"));
    store.put(
        "secrets/other/db.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: other}\n",
    );
    store.put("sealed/bad.yaml", "a: [");
    store.start().stop().exits(0);
    let before = store.scratch.files();
    let modified = |name: &str| fs::metadata(store.path(name)).unwrap().modified().unwrap();
    let times = [
        modified("secrets/app/db.yaml"),
        modified("status/app/status.yaml"),
    ];
    thread::sleep(Duration::from_millis(1100));
    store.start().stop().exits(0);
    store.once().exits(3);
    assert_eq!(store.scratch.files(), before);
    assert_eq!(
        [
            modified("secrets/app/db.yaml"),
            modified("status/app/status.yaml")
        ],
        times
    );
}

#[test]
fn it_stops_soon_when_asked_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let store = Store::new();
        let controller = store.start();
        let asked = Instant::now();
        controller.signal(signal);
        controller.finish().exits(0);
        assert!(asked.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_second_controller_in_the_folder_is_refused() {
    let store = Store::new();
    let first = store.start();
    store
        .run([])
        .finish()
        .exits(1)
        .says("error: another seal-controller works in store already");
    store.once().exits(1).says("another seal-controller");
    first.stop().exits(0);
    store.once().exits(0);
}

#[test]
fn what_a_killed_controller_left_is_swept() {
    let store = Store::new();
    store.put("secrets/app/.seal-abc.tmp", MARKER);
    store.put("sealed/.seal-abc.tmp", "of another program");
    store.once().exits(0);
    assert!(!store.path("secrets/app/.seal-abc.tmp").exists());
    assert!(store.path("sealed/.seal-abc.tmp").exists());
}

#[test]
fn a_folder_far_from_any_other_is_not_made() {
    let store = Store::new();
    let run = store
        .scratch
        .controller(["--once", "--directory", "nowhere/at/all"]);
    run.finish()
        .exits(1)
        .says("the folder nowhere/at/all is not there");
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error() {
    let store = Store::new();
    store.put("file", "text");
    for flags in [&["--once"][..], &[]] {
        let run =
            store
                .scratch
                .controller(["--directory", "store/file", "--listen-addr", "127.0.0.1:0"]);
        run.args(flags.iter().copied())
            .finish()
            .exits(1)
            .says("error: store/file is not a folder");
    }
    assert_eq!(store.text("file"), "text");
}

#[test]
fn a_folder_that_cannot_be_read_is_a_failure() {
    let store = Store::new();
    store.put_db("one");
    store.once().exits(0);
    fs::remove_dir_all(store.path("sealed")).unwrap();
    store.put("sealed", "a file");
    store.once().exits(1).says("error[Unreadable]: sealed: ");
    assert_eq!(store.db(), "one");
}

// Flags and environment

#[test]
fn the_version_has_upstreams_form() {
    let store = Store::new();
    let run = store.scratch.controller(["--version"]).finish().exits(0);
    assert_eq!(
        run.out(),
        format!("controller version: v{}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn with_neither_folder_nor_cluster_it_says_what_may_be_given() {
    let store = Store::new();
    let run = store.scratch.controller([] as [&str; 0]).finish();
    run.exits(1)
        .says("error: this is no pod with a ServiceAccount; use --kubeconfig FILE")
        .says("or --directory DIR without a cluster");
}

#[test]
fn upstreams_environment_variables_count() {
    let store = Store::without_key();
    let run = store.scratch.controller(["--once", "--directory", "store"]);
    run.env("SEALED_SECRETS_KEY_PREFIX", "from-env")
        .env("SEALED_SECRETS_KEY_SIZE", "2048")
        .env("SEALED_SECRETS_KEY_TTL", "1h30m")
        .env("SEALED_SECRETS_KEY_RENEW_PERIOD", "1h")
        .env("SEALED_SECRETS_MY_CN", "x")
        .env("SEALED_SECRETS_LISTEN_ADDR", "127.0.0.1:0")
        .env("SEALED_SECRETS_ACCEPT_DEPRECATED_V1_DATA", "false")
        .env("SEALED_SECRETS_LOG_FORMAT", "json")
        .env("SEALED_SECRETS_LOG_LEVEL", "info")
        .finish()
        .exits(0);
    let keys = store.text("status/keys.yaml");
    assert!(keys.contains("file: keys/from-env"), "{keys}");
    let refused = store
        .run(["--once"])
        .env("SEALED_SECRETS_KEY_SIZE", "1024")
        .finish();
    refused.exits(2).says("2048, 3072, 4096 or 8192");
}

#[test]
fn the_log_is_json_where_asked_for_and_warnings_go_to_standard_error() {
    let store = Store::new();
    store.put_db("one");
    store.put("sealed/bad.yaml", "a: [");
    let mut controller = store
        .run(["--log-format", "json", "--log-level", "INFO"])
        .start();
    controller.wait_for("looked at all SealedSecrets");
    let run = controller.stop().exits(0).never_shows(MARKER);
    let lines = |text: &str| text.lines().map(document).collect::<Vec<_>>();
    assert!(
        lines(run.out())
            .iter()
            .any(|line| line["message"] == "Secret made" && line["secret"] == "app/db")
    );
    let warning = &lines(run.err())[0];
    assert_eq!(
        (&warning["level"], &warning["reason"]),
        (&"WARN".into(), &"InvalidSyntax".into())
    );
    assert_eq!(warning["file"], "sealed/bad.yaml");
    store
        .run(["--once", "--log-level", "LOUD"])
        .finish()
        .exits(2);
}
