//! Reaching a cluster, and failing to: what is said of it, and what of a kubeconfig shows up nowhere.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use seal_tests::{run::Finished, scratch::Scratch};
use serde_json::{Value, json};

use crate::{
    samples::{MARKER, sealed_secret},
    server::Server,
};

/// How long the rest of a request takes at most to arrive on this machine.
const REST: Duration = Duration::from_millis(100);

/// An API server that gives these answers, and the last one for ever.
fn api_server(answers: Vec<(&'static str, Value)>) -> Server {
    let given = AtomicUsize::new(0);
    Server::new(move |stream| {
        // The body of a request is of no interest, but has to be taken.
        stream.set_read_timeout(Some(REST))?;
        let _ = stream.read_to_end(&mut Vec::new());
        let number = given.fetch_add(1, Ordering::Relaxed);
        let (status, body) = &answers[number.min(answers.len() - 1)];
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    })
}

/// What an API server says of a failure.
fn status(message: &str) -> Value {
    json!({"kind": "Status", "message": message})
}

/// A SealedSecret as the API server has it, with one condition.
fn condition(kind: &str, reason: &str, message: &str) -> Value {
    json!({
        "metadata": {"generation": 1},
        "status": {"observedGeneration": 1, "conditions": [
            {"type": kind, "status": "True", "reason": reason, "message": message},
        ]},
    })
}

fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         clusters: [{{name: a, cluster: {{server: \"{server}\"}}}}]\n\
         users:\n- name: a\n  user: {user}\n"
    )
}

/// What `seal` says with such an API server.
fn with(answers: Vec<(&'static str, Value)>, arguments: &[&str]) -> Finished {
    let server = api_server(answers);
    let scratch = Scratch::new();
    scratch.write("db.yaml", sealed_secret(&scratch));
    scratch.write("kubeconfig", kubeconfig(&server.url(""), "{}"));
    let run = scratch.seal(arguments);
    run.args(["--kubeconfig", "kubeconfig"]).finish()
}

const APPLY: [&str; 3] = ["apply", "db.yaml", "--wait"];

#[test]
fn an_api_server_that_fails_for_a_while_does_not_end_the_waiting() {
    let answers = vec![
        ("201 Created", json!({})),
        ("503 Service Unavailable", status("no etcd")),
        ("500 Internal Server Error", json!("nonsense")),
        ("200 OK", condition("Ready", "Unsealed", "")),
    ];
    let run = with(answers, &APPLY).exits(0);
    assert_eq!(run.out(), "prod/db created\nprod/db ready\n");
    let answers = vec![
        ("201 Created", json!({})),
        ("503 Service Unavailable", status("no etcd")),
    ];
    let _ = with(answers, &["apply", "db.yaml", "--wait", "--timeout", "1"])
        .exits(1)
        .says("prod/db: not ready after 1 s: no etcd");
}

#[test]
fn a_controller_that_does_not_work_is_asked_after() {
    let unseen = json!({"metadata": {"generation": 1}});
    let answers = vec![("201 Created", json!({})), ("200 OK", unseen)];
    let _ = with(answers, &["apply", "db.yaml", "--wait", "--timeout", "1"])
        .exits(1)
        .says("prod/db: not ready after 1 s: the controller has not looked at it yet")
        .says("hint: is a controller running, and does it work in this namespace?");
    let service = ("200 OK", json!({"spec": {"ports": [{"name": "http"}]}}));
    let down = ("503 Service Unavailable", status("no endpoints available"));
    let _ = with(vec![service, down], &["verify", "--cluster", "db.yaml"])
        .exits(1)
        .says("cannot validate sealed secret: no endpoints available")
        .says("hint: is the controller running and ready?");
}

#[test]
fn an_api_server_that_refuses_ends_it() {
    let answers = vec![
        ("201 Created", json!({})),
        ("403 Forbidden", status("you may not look")),
    ];
    let _ = with(answers, &APPLY)
        .exits(1)
        .says("error[FetchFailed]: db.yaml:1:1: document 1: prod/db: you may not look");
}

#[test]
fn what_the_controller_says_of_a_key_comes_with_what_helps() {
    let stalled = condition("Stalled", "UnknownKey", "sealed with another key");
    let _ = with(
        vec![("201 Created", json!({})), ("200 OK", stalled)],
        &APPLY,
    )
    .exits(1)
    .says("error[UnknownKey]: db.yaml:1:1: document 1: prod/db: sealed with another key")
    .says("hint: seal it again with the current certificate");
}

#[test]
fn what_is_missing_in_the_cluster_is_said() {
    let missing = status("namespaces \"prod\" not found");
    let _ = with(vec![("404 Not Found", missing)], &APPLY)
        .exits(1)
        .says("prod/db: namespaces \"prod\" not found")
        .says("hint: \"kubectl create namespace prod\" makes it");
    for command in [&APPLY[..], &["migrate", "back"]] {
        let _ = with(
            vec![("404 Not Found", json!("404 page not found"))],
            command,
        )
        .exits(1)
        .says("404 Not Found")
        .says("hint: the CustomResourceDefinition sealedsecrets.bitnami.com is not there");
    }
}

/// A list of one SealedSecret that has more conditions than the Go project's controller writes.
fn list() -> (&'static str, Value) {
    let mut object = condition("Ready", "Unsealed", "");
    object["metadata"] = json!({"namespace": "prod", "name": "db"});
    ("200 OK", json!({"items": [object]}))
}

#[test]
fn a_check_that_finds_no_key_says_where_it_looked() {
    let check = ["migrate", "check", "--controller-namespace", "elsewhere"];
    let _ = with(vec![("200 OK", json!({"items": []}))], &check)
        .exits(0)
        .says("warning: no key Secret in the namespace elsewhere")
        .says("0 SealedSecrets; nothing would be different");
}

#[test]
fn what_going_back_would_change_is_told_to_machines_as_well() {
    let dry = ["migrate", "back", "--dry-run", "--format", "json"];
    let there = || ("200 OK", json!({}));
    let gone = ("404 Not Found", status("it is not there"));
    let run = with(vec![list(), there(), there(), gone], &dry).exits(0);
    let lines: Vec<Value> = run
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let expected = [
        json!({"what": "prod/db", "wouldBe": "changed"}),
        json!({"what": "the ConfigMap kube-system/sealed-secrets-controller-certificate", "wouldBe": "deleted"}),
        json!({"what": "the Secret kube-system/sealed-secrets-controller-record-key", "wouldBe": "deleted"}),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_status_that_cannot_be_written_comes_with_a_hint_only_where_a_controller_may_be_at_work() {
    let hint = "is a controller still running?";
    let back = ["migrate", "back", "--namespace", "prod"];
    let conflict = ("409 Conflict", status("it has been modified"));
    let _ = with(vec![list(), conflict], &back)
        .exits(1)
        .says("the status of prod/db cannot be written: it has been modified")
        .says(hint);
    let forbidden = ("403 Forbidden", status("you may not"));
    let run = with(vec![list(), forbidden], &back)
        .exits(1)
        .says("you may not");
    assert!(!run.err().contains(hint), "{}", run.err());
}

#[test]
fn a_name_in_a_file_does_nothing_to_the_terminal() {
    let service = ("200 OK", json!({"spec": {"ports": [{"name": "http"}]}}));
    let server = api_server(vec![service, ("200 OK", json!(""))]);
    let scratch = Scratch::new();
    let object = sealed_secret(&scratch).replacen("name: db", "name: \"db\\e[2J\\nx\"", 1);
    scratch.write("db.yaml", object);
    scratch.write("kubeconfig", kubeconfig(&server.url(""), "{}"));
    let run = scratch
        .seal([
            "verify",
            "--cluster",
            "db.yaml",
            "--kubeconfig",
            "kubeconfig",
        ])
        .finish()
        .exits(0);
    assert_eq!(run.out(), "db.yaml:1: prod/db\\u{1b}[2J\\nx opens\n");
}

#[test]
fn credentials_that_do_not_count_are_said() {
    for command in [&APPLY[..], &["migrate", "check"], &["cert", "fetch"]] {
        let _ = with(vec![("401 Unauthorized", status("Unauthorized"))], command)
            .exits(1)
            .says("Unauthorized: the credentials of the kubeconfig are not accepted");
    }
}

#[test]
fn an_api_server_that_is_not_there_is_named_once_and_without_a_password() {
    let scratch = Scratch::new();
    let server = format!("https://me:{MARKER}@127.0.0.1:1");
    scratch.write("kubeconfig", kubeconfig(&server, "{}"));
    let says = "the API server https://127.0.0.1:1 cannot be reached: ";
    let run = scratch
        .seal(["cert", "fetch", "--kubeconfig", "kubeconfig"])
        .finish()
        .exits(1)
        .never_shows(MARKER)
        .says("hint: check the context of the kubeconfig");
    assert_eq!(run.err().matches(says).count(), 1, "{}", run.err());
}

/// A folder with a kubeconfig whose user signs in with a program that does this.
fn signs_in_with(script: &str) -> Scratch {
    let scratch = Scratch::new();
    let program = scratch.write("sign-in", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let user = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": program,
        "interactiveMode": "Never",
        "env": [{"name": "PASSWORD", "value": MARKER}],
    }});
    let server = "https://127.0.0.1:1";
    scratch.write("kubeconfig", kubeconfig(server, &user.to_string()));
    scratch
}

#[track_caller]
fn check(script: &str, says: &str) {
    let scratch = signs_in_with(script);
    let run = scratch
        .seal(["cert", "fetch", "--kubeconfig", "kubeconfig"])
        .finish()
        .exits(1)
        .says(says)
        .never_shows(MARKER);
    assert_eq!(run.err().matches(says).count(), 1, "{}", run.err());
    let _ = scratch
        .seal(["kubeseal", "--fetch-cert", "--kubeconfig", "kubeconfig"])
        .finish()
        .exits(1)
        .says(says)
        .never_shows(MARKER);
    let _ = scratch
        .controller(["--kubeconfig", "kubeconfig", "--listen-addr", "127.0.0.1:0"])
        .finish()
        .exits(1)
        .says(says)
        .never_shows(MARKER);
}

#[test]
fn a_program_that_fails_is_named_by_how_it_ended_and_what_it_says_for_people() {
    check(
        &format!("echo {MARKER}; echo the session has expired >&2; exit 3"),
        "the program that the kubeconfig signs in with ended with exit status: 3: the session has expired",
    );
}

#[test]
fn a_program_that_prints_something_else_is_not_quoted() {
    check(
        &format!("echo '{{\"kind\": \"ExecCredential\", \"status\": {{\"token\": \"{MARKER}\", ]'"),
        "the program that the kubeconfig signs in with printed something else than credentials",
    );
}

#[test]
fn a_kubeconfig_that_cannot_be_read_is_not_quoted() {
    for broken in [
        "users: [{name: a, user: {token: MARKER, ]",
        "users: [{name: a, user: {token: [MARKER]}}]",
    ] {
        let scratch = Scratch::new();
        scratch.write("kubeconfig", broken.replace("MARKER", MARKER));
        for run in [
            scratch.seal(["cert", "fetch", "--kubeconfig", "kubeconfig"]),
            scratch.seal(["kubeseal", "--fetch-cert", "--kubeconfig", "kubeconfig"]),
            scratch.controller(["--kubeconfig", "kubeconfig"]),
        ] {
            let _ = run
                .finish()
                .exits(1)
                .says("the kubeconfig kubeconfig ")
                .says("not YAML of the form that kubectl reads")
                .never_shows(MARKER);
        }
    }
}
