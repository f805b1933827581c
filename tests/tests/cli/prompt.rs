//! Questions on a terminal, a real one made by `script` (Debian: package bsdutils): what is typed is never shown.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use seal_tests::{keys, programs::Program, scratch::Scratch, seen};

use crate::samples::{MARKER, cert, document, sealed_secret, texts, values};

/// Runs `seal` on a terminal of its own, types this, and returns all that the terminal showed and the exit code.
#[track_caller]
fn on_terminal(
    scratch: &Scratch,
    arguments: &[&str],
    question: &str,
    typed: &str,
) -> (String, Option<i32>) {
    let seal = Program::Seal.path();
    let command = format!("{} {}", seal.display(), arguments.join(" "));
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("SEAL_CERT", cert())
        .env("SHELL", "/bin/sh")
        .current_dir(scratch.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script (Debian: package bsdutils) can be run");
    let mut keyboard = child.stdin.take().expect("it is a pipe");
    let mut screen = child.stdout.take().expect("it is a pipe");
    let mut shown = Vec::new();
    let mut buffer = [0; 1024];
    let mut answered = false;
    while let Ok(length @ 1..) = screen.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..length]);
        if !answered && String::from_utf8_lossy(&shown).contains(question) {
            // The terminal stops showing what is typed just before or after the question is there.
            thread::sleep(Duration::from_millis(200));
            // A program that only tells something may be gone by now.
            drop(writeln!(keyboard, "{typed}"));
            answered = true;
        }
    }
    drop(keyboard);
    let code = child.wait().expect("it ends").code();
    record(arguments, &shown, code);
    assert!(answered, "the question never came");
    (String::from_utf8(shown).expect("it is UTF-8"), code)
}

/// Records the run as those of the harness are.
fn record(arguments: &[&str], shown: &[u8], code: Option<i32>) {
    let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
    let invocation = seen::Invocation::new("seal", &arguments, []);
    seen::record(&invocation, code, &seen::reasons_in(shown));
}

#[test]
fn a_value_is_asked_for_and_not_shown() {
    let scratch = Scratch::new();
    let arguments = [
        "create", "db", "-n", "prod", "--prompt", "password", "-o", "s.yaml",
    ];
    let (shown, code) = on_terminal(&scratch, &arguments, "value of password: ", MARKER);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains(MARKER));
    assert_eq!(
        values(&document(&scratch.read("s.yaml"))),
        texts([("password", MARKER)])
    );

    let (shown, code) = on_terminal(
        &scratch,
        &["set", "s.yaml", "--prompt=password"],
        "value of password: ",
        "other",
    );
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(
        values(&document(&scratch.read("s.yaml"))),
        texts([("password", "other")])
    );
}

#[test]
fn a_registry_password_is_asked_for() {
    let scratch = Scratch::new();
    let arguments = [
        "create",
        "pull",
        "-n",
        "prod",
        "--docker-registry",
        "r.example.com",
        "robot",
        "-o",
        "s.yaml",
    ];
    let (shown, code) = on_terminal(
        &scratch,
        &arguments,
        "password of robot at r.example.com: ",
        MARKER,
    );
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains(MARKER));
    assert!(values(&document(&scratch.read("s.yaml")))[".dockerconfigjson"].contains(MARKER));
}

#[test]
fn reading_from_the_keyboard_is_said() {
    let scratch = Scratch::new();
    let end = "\u{4}";
    let (shown, code) = on_terminal(
        &scratch,
        &["encrypt"],
        "end it with Ctrl-D",
        &format!("a: 1\n{end}"),
    );
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("no Secret found"), "{shown}");
}

#[test]
fn seal_alone_on_a_terminal_says_what_it_is_for() {
    let (shown, code) = on_terminal(&Scratch::new(), &[], "seal --help", "");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("error[NothingToDo]"), "{shown}");
}

/// What `seal` says where there is no terminal to ask on.
#[track_caller]
fn fails_without_terminal(
    scratch: &Scratch,
    arguments: &[&str],
    certificate: Option<PathBuf>,
) -> String {
    let output = Command::new("setsid")
        .args(["--wait"])
        .arg(Program::Seal.path())
        .args(arguments)
        .env_remove("SEAL_CERT")
        .envs(certificate.map(|path| ("SEAL_CERT", path)))
        .current_dir(scratch.path())
        .stdin(Stdio::null())
        .output()
        .expect("setsid (Debian: package util-linux) can be run");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("it is UTF-8")
}

#[test]
fn a_prompt_without_a_terminal_fails() {
    let create = ["create", "db", "-n", "prod"];
    let check = |flags: &[&str], hint: &str| {
        let arguments = [&create, flags].concat();
        let said = fails_without_terminal(&Scratch::new(), &arguments, Some(cert()));
        let says = "error[Unreadable]: cannot ask on the terminal";
        assert!(said.contains(says) && said.contains(hint), "{said}");
    };
    check(&["--prompt", "password"], "--from-file KEY=-");
    check(
        &["--docker-registry", "r.example.com", "robot"],
        "--docker-password-file",
    );
}

#[test]
fn nobody_is_asked_for_a_value_in_vain() {
    let scratch = Scratch::new();
    scratch.write("s.yaml", sealed_secret(&scratch));
    let check = |arguments: &[&str], certificate: Option<PathBuf>, reason: &str| {
        let said = fails_without_terminal(&scratch, arguments, certificate);
        assert!(said.starts_with(&format!("error[{reason}]")), "{said}");
    };
    let create = ["create", "db", "--prompt=a"];
    check(&create, Some(cert()), "MissingNamespace");
    let token = ["-n=prod", "--type=bootstrap.kubernetes.io/token"];
    check(
        &[&create[..], &token].concat(),
        Some(cert()),
        "TypeNotAllowed",
    );
    check(&[&create[..], &["-n=prod"]].concat(), None, "NoCertificate");
    check(&["set", "s.yaml", "--prompt=a"], None, "NoCertificate");
    let expired = keys::path("expired.crt");
    check(
        &["set", "s.yaml", "--prompt=a"],
        Some(expired),
        "CertificateExpired",
    );
}
