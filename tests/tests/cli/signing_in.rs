//! Signing in at a cluster by a program that the kubeconfig names: what it hands over shows up nowhere.

use std::{fs, os::unix::fs::PermissionsExt};

use seal_tests::scratch::Scratch;

use crate::samples::MARKER;

/// A folder with a kubeconfig whose user signs in with a program that does this.
fn signs_in_with(script: &str) -> Scratch {
    let scratch = Scratch::new();
    let program = scratch.write("sign-in", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         clusters: [{{name: a, cluster: {{server: \"https://127.0.0.1:1\"}}}}]\n\
         users:\n- name: a\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      \
         command: {}\n      interactiveMode: Never\n      env: [{{name: PASSWORD, value: {MARKER}}}]\n",
        program.display()
    );
    scratch.write("kubeconfig", kubeconfig);
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
                .says("not YAML of the form that kubectl reads")
                .never_shows(MARKER);
        }
    }
}
