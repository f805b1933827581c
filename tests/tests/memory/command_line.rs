//! What `seal` holds while it writes: its input and the values given to it, each once, and nothing that it made on the way.
//!
//! It is held alive by a pipe that is full and that nobody reads.

use std::{
    fs,
    io::{Read, Write},
    process::{Child, Command},
};

use seal_tests::{fault, keys, programs::Program, scratch::Scratch};

use crate::{
    process::{found, start_in, wait_until_still},
    samples::{MARKER, holds_marker, sealed, secret, to_yaml},
};

/// More than the kernel's buffer of a pipe holds.
const MUCH: usize = 300_000;

/// A program that waits for somebody to read what it writes.
struct Held(Child);

impl Held {
    fn start(scratch: &Scratch, arguments: &[&str], input: &[u8]) -> Self {
        let mut seal = Command::new(Program::Seal.path());
        let mut child = start_in(scratch, seal.args(arguments));
        child.stdin.take().unwrap().write_all(input).unwrap();
        Self(child)
    }

    fn finish(mut self) -> Vec<u8> {
        let mut output = Vec::new();
        self.0
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut output)
            .unwrap();
        assert!(self.0.wait().unwrap().success());
        output
    }
}

/// A Secret with the marker three times, and enough beside it to fill a pipe.
fn cleartext() -> String {
    let filler = ".".repeat(MUCH);
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: app}}\n\
         stringData:\n  filler: {filler}\n  plain: {MARKER}\n  quoted: 'x {MARKER}'\n  \
         block: |\n    line\n    {MARKER}\n"
    )
}

#[track_caller]
fn check(arguments: &[&str], input: &[u8], expected: &[&str]) {
    let scratch = Scratch::new();
    scratch.write("secret.yaml", cleartext());
    scratch.write("filler", ".".repeat(MUCH));
    scratch.write("small", MARKER);
    scratch.write("env", format!("ENV={MARKER}\n"));
    let held = Held::start(&scratch, arguments, input);
    wait_until_still(held.0.id());
    assert_eq!(found(held.0.id(), MARKER), expected, "{arguments:?}");
    let output = held.finish();
    assert!(output.len() > MUCH && !holds_marker(&output));
}

#[test]
fn encrypt_holds_its_input_once() {
    check(
        &["encrypt"],
        cleartext().as_bytes(),
        &["3 in the heap, as it is"],
    );
    check(
        &["encrypt", "secret.yaml"],
        b"",
        &["3 in the heap, as it is"],
    );
    let three = [cleartext(), cleartext(), cleartext()].join("---\n");
    check(&["encrypt"], three.as_bytes(), &["9 in the heap, as it is"]);
    let secret = to_yaml(&secret("db", &[MARKER.to_owned(), ".".repeat(MUCH)]));
    check(
        &["encrypt"],
        secret.as_bytes(),
        &["1 in the heap, in base64"],
    );
}

#[test]
fn create_holds_each_value_once() {
    let start = ["create", "db", "-n", "app", "--from-file=filler"];
    let with = |more: &[&'static str]| [&start[..], more].concat();
    check(
        &with(&["--from-file=small"]),
        b"",
        &["1 in the heap, as it is"],
    );
    check(
        &with(&["--from-file", "in=-"]),
        MARKER.as_bytes(),
        &["1 in the heap, as it is"],
    );
    check(
        &with(&["--from-env-file=env"]),
        b"",
        &["1 in the heap, as it is"],
    );
}

#[test]
fn a_value_on_the_command_line_is_also_in_the_arguments() {
    let literal = format!("--from-literal=a={MARKER}");
    check(
        &["create", "db", "-n", "app", "--from-file=filler", &literal],
        b"",
        &[
            "2 in the heap, as it is",
            "1 on the first thread's stack, as it is",
        ],
    );
}

#[test]
fn raw_holds_its_value_once() {
    let input = format!("{MARKER}{}", ".".repeat(MUCH));
    check(
        &["raw", "-n", "app", "--name", "db"],
        input.as_bytes(),
        &["1 in the heap, as it is"],
    );
}

#[test]
fn kubeseal_holds_no_value_when_it_writes() {
    let cert = keys::path("rsa-2048.crt");
    let cert = cert.to_str().unwrap();
    let seal = ["kubeseal", "--cert", cert];
    check(&seal, cleartext().as_bytes(), &[]);
    // What is named by a flag was read before anything else, and stays.
    let of_file = [&seal[..], &["-f", "secret.yaml"]].concat();
    check(&of_file, b"", &["3 in the heap, as it is"]);
    let raw = [&seal[..], &["--raw", "-n", "app", "--name", "db"]].concat();
    let input = format!("{MARKER}{}", ".".repeat(MUCH));
    check(&raw, input.as_bytes(), &[]);
}

#[test]
fn set_holds_the_new_value_once() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fault::fifo(&path);
    let mut held = Held::start(
        &scratch,
        &["set", "pipe", "--from-file", "a=-"],
        MARKER.as_bytes(),
    );
    // It reads the object before it takes the value and after it, then waits for somebody to read what it became.
    let object = to_yaml(&sealed(&secret("db", &["old".to_owned()])));
    for _ in 0..2 {
        fs::write(&path, &object).unwrap();
        wait_until_still(held.0.id());
        assert!(held.0.try_wait().unwrap().is_none(), "seal ended early");
    }
    assert_eq!(found(held.0.id(), MARKER), ["1 in the heap, as it is"]);
    let output = fs::read(&path).unwrap();
    assert!(
        !holds_marker(&output) && String::from_utf8_lossy(&output).contains("kind: SealedSecret")
    );
    held.finish();
}

#[test]
fn unseal_holds_its_output_once() {
    let scratch = Scratch::new();
    let values = [MARKER.to_owned(), ".".repeat(MUCH)];
    scratch.write("sealed.yaml", to_yaml(&sealed(&secret("db", &values))));
    scratch.write("key", keys::pem("rsa-2048.key"));
    let held = Held::start(&scratch, &["unseal", "sealed.yaml", "--key", "key"], b"");
    wait_until_still(held.0.id());
    assert_eq!(found(held.0.id(), MARKER), ["1 in the heap, in base64"]);
    assert!(holds_marker(&held.finish()));
}
