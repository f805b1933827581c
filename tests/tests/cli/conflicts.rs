//! Two sources that say different things are an error that names both values; nothing is guessed.

use seal_tests::{keys, run::Run, scratch::Scratch};

use crate::samples::{MARKER, SECRET, cert, fails_once, with_cert};

/// Checks that the run fails with one conflict that names all of these, and seals nothing.
#[track_caller]
fn conflicts(run: Run, names: &[&str]) {
    let run = fails_once(run.stdin(SECRET).finish(), "Conflict");
    for name in names {
        assert!(run.err().contains(name), "{name} is not in {}", run.err());
    }
    assert_eq!(run.out(), "");
}

fn annotated(scope: &str) -> String {
    let annotation = format!("  annotations: {{sealedsecrets.bitnami.com/{scope}: \"true\"}}\n");
    SECRET.replace("stringData", &format!("{annotation}stringData"))
}

#[test]
fn namespace_and_name_of_file_and_flag() {
    let scratch = Scratch::new();
    conflicts(
        with_cert(&scratch, ["encrypt", "--namespace=staging"]),
        &["\"prod\"", "--namespace", "\"staging\""],
    );
    conflicts(
        with_cert(&scratch, ["encrypt", "--name", "cache"]),
        &["\"db\"", "--name", "\"cache\""],
    );
    with_cert(&scratch, ["encrypt", "--name=db", "--namespace=prod"])
        .stdin(SECRET)
        .finish()
        .exits(0);
}

#[test]
fn namespace_of_file_flag_and_environment() {
    let scratch = Scratch::new();
    let run = || with_cert(&scratch, ["encrypt"]);
    conflicts(
        run().env("SEAL_NAMESPACE", "staging"),
        &["\"prod\"", "SEAL_NAMESPACE", "\"staging\""],
    );
    conflicts(
        run()
            .args(["-n", "prod"])
            .env("SEALED_SECRETS_NAMESPACE", "staging"),
        &[
            "--namespace",
            "\"prod\"",
            "SEALED_SECRETS_NAMESPACE",
            "\"staging\"",
        ],
    );
    conflicts(
        run()
            .env("SEAL_NAMESPACE", "prod")
            .env("SEALED_SECRETS_NAMESPACE", "staging"),
        &[
            "SEAL_NAMESPACE",
            "\"prod\"",
            "SEALED_SECRETS_NAMESPACE",
            "\"staging\"",
        ],
    );
}

#[test]
fn scope_of_annotation_flag_and_environment() {
    let scratch = Scratch::new();
    let run = || with_cert(&scratch, ["encrypt"]);
    let refused = run()
        .arg("--scope=strict")
        .stdin(annotated("cluster-wide"))
        .finish();
    let refused = fails_once(refused, "Conflict");
    for name in ["cluster-wide", "--scope", "strict"] {
        assert!(refused.err().contains(name), "{}", refused.err());
    }
    conflicts(
        run()
            .arg("--scope=strict")
            .env("SEAL_SCOPE", "cluster-wide"),
        &["--scope", "\"strict\"", "SEAL_SCOPE", "\"cluster-wide\""],
    );
    conflicts(
        run()
            .env("SEAL_SCOPE", "strict")
            .env("SEALED_SECRETS_SCOPE", "cluster-wide"),
        &["SEAL_SCOPE", "SEALED_SECRETS_SCOPE"],
    );
}

#[test]
fn certificate_and_pin_of_flag_and_environment() {
    let scratch = Scratch::new();
    let (own, other) = (cert(), keys::path("rsa-3072.crt"));
    conflicts(
        with_cert(&scratch, ["encrypt"]).env("SEAL_CERT", &other),
        &["--cert", "rsa-2048.crt", "SEAL_CERT", "rsa-3072.crt"],
    );
    conflicts(
        scratch
            .seal(["encrypt"])
            .env("SEAL_CERT", &own)
            .env("SEALED_SECRETS_CERT", &other),
        &[
            "SEAL_CERT",
            "rsa-2048.crt",
            "SEALED_SECRETS_CERT",
            "rsa-3072.crt",
        ],
    );
    conflicts(
        with_cert(&scratch, ["encrypt", "--pin", &"a".repeat(64)]).env("SEAL_PIN", "b".repeat(64)),
        &["--pin", &"a".repeat(64), "SEAL_PIN", &"b".repeat(64)],
    );
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    with_cert(&Scratch::new(), ["encrypt"])
        .env("SEAL_NAMESPACE", "")
        .env("SEAL_SCOPE", "")
        .env("SEAL_PIN", "")
        .stdin(SECRET)
        .finish()
        .exits(0)
        .never_shows(MARKER);
}

#[test]
fn a_variable_that_cannot_be_used_is_named_and_not_repeated() {
    let check = |variable: &str, says: &str| {
        let run = with_cert(&Scratch::new(), ["encrypt"])
            .env(variable, MARKER.to_uppercase())
            .stdin(SECRET)
            .finish()
            .never_shows(&MARKER.to_uppercase());
        fails_once(run, "InvalidValue")
            .says(&format!(
                "the environment variable {variable} cannot be used"
            ))
            .says(says);
    };
    for prefix in ["SEAL", "SEALED_SECRETS"] {
        check(
            &format!("{prefix}_SCOPE"),
            "strict, namespace-wide, cluster-wide",
        );
        check(&format!("{prefix}_NAMESPACE"), "a namespace must be");
    }
    check("SEAL_PIN", "seal cert show");
}

#[test]
fn a_variable_that_is_no_text_is_named() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .env("SEAL_NAMESPACE", OsStr::from_bytes(b"\xff"))
        .stdin(SECRET)
        .finish();
    fails_once(run, "InvalidEncoding").says("SEAL_NAMESPACE");
}
