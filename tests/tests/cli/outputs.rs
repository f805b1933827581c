//! Where results are written: never over what the user did not mean, and nothing that changed meanwhile is lost.

use std::{fs, io::Write, os::unix::fs::symlink};

use seal_tests::{keys, scratch::Scratch};

use crate::{
    samples::{SECRET, document, fails_once, sealed_secret, texts, values, with_cert},
    server::Server,
};

#[test]
fn a_key_and_its_certificate_need_a_file_each() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("dir")).expect("the folder is writable");
    for other in ["same", "./same", "dir/../same"] {
        let run = scratch
            .seal(["keys", "new", "--size=2048", "-o=same", "--cert-output"])
            .arg(other)
            .finish();
        run.exits(2).says("same file");
        assert!(scratch.files().is_empty());
    }
}

#[test]
fn a_certificate_without_its_key_does_not_stay() {
    let scratch = Scratch::new();
    let run = scratch
        .seal(["keys", "new", "--size=2048", "-o=nothere/key.yaml"])
        .arg("--cert-output=cert.pem")
        .finish();
    fails_once(run, "Unwritable").says("nothere/key.yaml");
    assert!(scratch.files().is_empty());
}

#[test]
fn links_to_nothing_are_written_through_or_refused() {
    let scratch = Scratch::new();
    let link = scratch.path().join("link.yaml");
    symlink("target.yaml", &link).expect("links can be made");
    let create = ["create", "db", "-n=prod", "--from-file=p=-", "-o=link.yaml"];
    let run = with_cert(&scratch, create).stdin("x").finish();
    fails_once(run, "Conflict").says("link.yaml: the file exists already");
    let run = scratch
        .seal(["keys", "new", "-o=link.yaml", "--size=2048"])
        .finish();
    fails_once(run, "Conflict");
    assert!(scratch.files().is_empty());

    with_cert(&scratch, ["encrypt", "-o=link.yaml"])
        .stdin(SECRET)
        .finish()
        .exits(0);
    assert!(link.is_symlink());
    assert!(scratch.read("target.yaml").contains("kind: SealedSecret"));
}

#[test]
fn what_is_edited_while_values_are_gathered_stays() {
    let scratch = Scratch::new();
    let text = sealed_secret(&scratch);
    let path = scratch.write("s.yaml", &text);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        keys::pem("rsa-2048.crt")
    );
    let server = Server::new(move |stream| {
        fs::write(&path, format!("# edited\n{text}"))?;
        stream.write_all(answer.as_bytes())
    });
    scratch
        .seal(["set", "s.yaml", "--from-file=user=-", "--cert"])
        .arg(server.url(""))
        .env("NO_PROXY", "127.0.0.1")
        .stdin("admin")
        .finish()
        .exits(0);
    let changed = scratch.read("s.yaml");
    assert!(changed.starts_with("# edited\n"), "{changed}");
    let marker = crate::samples::MARKER;
    assert_eq!(
        values(&document(&changed)),
        texts([("password", marker), ("user", "admin")])
    );
}

#[test]
fn links_in_a_folder_are_left_out_and_that_is_said() {
    let scratch = Scratch::new();
    scratch.write("k/a.yaml", "a: 1\n");
    scratch.write("secret.yaml", SECRET);
    for (target, link) in [
        ("../secret.yaml", "k/b.yaml"),
        ("..", "k/up"),
        ("x", "k/note.txt"),
    ] {
        symlink(target, scratch.path().join(link)).expect("links can be made");
    }
    let run = with_cert(&scratch, ["encrypt", "k"])
        .finish()
        .exits(0)
        .says("note: k/b.yaml: left out")
        .says("note: k/up: left out");
    assert_eq!(run.out(), "a: 1\n");
    assert!(!run.err().contains("note.txt"), "{}", run.err());
}
