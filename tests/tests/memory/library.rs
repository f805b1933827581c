//! The library's own part: what an operation made on its way is gone when the caller has dropped what it got.
//!
//! No wiping allocator helps here, so this is what a program has that uses the library with an ordinary one.

use std::{
    env,
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
};

use seal_envelope::{Ciphertext, Label, OpeningKey, Plaintext};
use seal_sealing::{HeldKey, KeyRing, Secret, UnsealOptions, unseal};
use seal_tests::keys;

use crate::{
    process::{found, wait_until_still},
    samples::{certificate, sealed, secret},
};

/// In the environment of the child, which is the same test started once more.
const IS_CHILD: &str = "SEAL_TEST_IS_CHILD";
/// What the child says when the operation is over.
const DONE: &str = "the operation is over";
/// Not the marker of the other tests, which stands in this program itself. Made when the test runs.
const MARKER_LENGTH: usize = 12;

/// Does an operation in a process of its own, gives it a value, and checks what is left of the value in that process.
#[track_caller]
fn check(test: &str, operation: fn(Plaintext), expected: &[&str]) {
    if env::var_os(IS_CHILD).is_some() {
        // Exactly as long as the value, so that nothing is copied while it is read.
        let mut value = vec![0; MARKER_LENGTH];
        File::open("/dev/stdin")
            .unwrap()
            .read_exact(&mut value)
            .unwrap();
        operation(value.into());
        io::stdout()
            .write_all(format!("\n{DONE}\n").as_bytes())
            .unwrap();
        loop {
            thread::park();
        }
    }
    let marker = format!("mk{:010x}", std::process::id());
    assert_eq!(marker.len(), MARKER_LENGTH);
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(IS_CHILD, "yes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(marker.as_bytes()).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == DONE));
    wait_until_still(child.id());
    let found = found(child.id(), &marker);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found, expected, "{test}");
}

fn opening_key() -> OpeningKey {
    OpeningKey::from_pem(keys::pem("rsa-2048.key").as_bytes()).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(vec![HeldKey {
        opening_key: opening_key(),
        certificate: None,
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
    }])
}

#[test]
fn a_value_that_is_kept_is_found() {
    let keep = |value: Plaintext| std::mem::forget(value);
    check(
        "library::a_value_that_is_kept_is_found",
        keep,
        &["1 in the heap, as it is"],
    );
}

#[test]
fn a_dropped_value_is_gone() {
    check("library::a_dropped_value_is_gone", drop, &[]);
}

#[test]
fn sealing_a_value_leaves_nothing() {
    let seal = |value: Plaintext| {
        certificate()
            .seal(value.as_bytes(), &Label::cluster_wide())
            .unwrap();
    };
    check("library::sealing_a_value_leaves_nothing", seal, &[]);
}

#[test]
fn opening_a_value_leaves_nothing() {
    let open = |value: Plaintext| {
        let label = Label::strict("prod", "db");
        let text = certificate()
            .seal(value.as_bytes(), &label)
            .unwrap()
            .as_str()
            .to_owned();
        drop(value);
        let ciphertext = Ciphertext::parse(&text).unwrap();
        let opened = opening_key().open(&ciphertext, &label).unwrap();
        assert_eq!(opened.len(), MARKER_LENGTH);
    };
    check("library::opening_a_value_leaves_nothing", open, &[]);
}

#[test]
fn sealing_and_unsealing_a_secret_leaves_nothing() {
    let both = |value: Plaintext| {
        let mut secret = Secret::new("db", Some("app"));
        secret.data.insert("a".to_owned(), value);
        let object = sealed(&secret);
        drop(secret);
        let opened = unseal(&object, &ring(), &UnsealOptions::default()).unwrap();
        assert_eq!(opened.secret.data["a"].len(), MARKER_LENGTH);
    };
    check(
        "library::sealing_and_unsealing_a_secret_leaves_nothing",
        both,
        &[],
    );
}

#[test]
fn writing_a_secret_as_yaml_and_json_leaves_nothing() {
    let write = |value: Plaintext| {
        let mut secret = secret("db", &[]);
        secret.data.insert("a".to_owned(), value);
        assert!(
            seal_manifest::write::yaml(&secret)
                .unwrap()
                .contains("kind: Secret")
        );
        assert!(
            seal_manifest::write::json(&secret)
                .unwrap()
                .contains("\"Secret\"")
        );
    };
    check(
        "library::writing_a_secret_as_yaml_and_json_leaves_nothing",
        write,
        &[],
    );
}
