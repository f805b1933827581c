//! `seal encrypt --in-place`: files replaced whole, each by itself, with everything else in them kept.

use std::{fs, os::unix::fs::PermissionsExt};

use seal_tests::{keys, scratch::Scratch};

use crate::samples::{
    MARKER, SECRET, document, documents, fails_once, nothing_leaked, texts, values, with_cert,
};

#[test]
fn the_file_is_replaced_and_other_documents_keep_their_bytes() {
    let scratch = Scratch::new();
    let path = scratch.write(
        "s.yaml",
        format!("# top\na:   1\n---\n{SECRET}---\nb: 2 # y"),
    );
    fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("it is ours");
    let run = with_cert(&scratch, ["encrypt", "--in-place", "s.yaml"])
        .finish()
        .exits(0);
    assert_eq!((run.out(), run.err()), ("", ""));
    let text = scratch.read("s.yaml");
    assert!(text.starts_with("# top\na:   1\n---\n") && text.ends_with("---\nb: 2 # y"));
    assert_eq!(values(&documents(&text)[1]), texts([("password", MARKER)]));
    let mode = fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    nothing_leaked(&scratch, &[]);
}

#[test]
fn a_symbolic_link_stays_one() {
    let scratch = Scratch::new();
    scratch.write("real/s.yaml", SECRET);
    let link = scratch.path().join("link.yaml");
    std::os::unix::fs::symlink("real/s.yaml", &link).expect("links can be made");
    with_cert(&scratch, ["encrypt", "--in-place", "link.yaml"])
        .finish()
        .exits(0);
    assert!(
        fs::symlink_metadata(&link)
            .expect("it is there")
            .is_symlink()
    );
    assert_eq!(
        document(&scratch.read("real/s.yaml"))["kind"],
        "SealedSecret"
    );
    nothing_leaked(&scratch, &[]);
}

#[test]
fn the_sealing_key_is_not_sealed_with_its_own_certificate() {
    let scratch = Scratch::new();
    let new = ["keys", "new", "-o=k/key.yaml", "--size=2048", "-n=prod"];
    fs::create_dir(scratch.path().join("k")).expect("the folder is ours");
    let new = scratch.seal(new).arg("--cert-output=own.pem").finish();
    new.exits(0);
    scratch.write("k/s.yaml", SECRET);
    let key = scratch.read("k/key.yaml");
    let encrypt = |cert: &str| scratch.seal(["encrypt", "--in-place", "k", "--cert", cert]);
    let run = fails_once(encrypt("own.pem").finish(), "Conflict");
    let run = run.says("k/key.yaml:1:1: document 1: the Secret is the sealing key itself");
    assert!(!run.err().contains("PRIVATE KEY"));
    assert_eq!(scratch.read("k/key.yaml"), key);
    assert_eq!(document(&scratch.read("k/s.yaml"))["kind"], "SealedSecret");
    let other = keys::path("rsa-2048.crt");
    encrypt(&other.display().to_string()).finish().exits(0);
    assert_eq!(
        document(&scratch.read("k/key.yaml"))["kind"],
        "SealedSecret"
    );
}

#[test]
fn a_file_called_dash_is_another_one_than_standard_input() {
    let scratch = Scratch::new();
    scratch.write("-", SECRET);
    let run = with_cert(&scratch, ["encrypt", "-", "./-"]);
    let run = run.stdin(SECRET).finish().exits(0).never_shows(MARKER);
    assert_eq!(documents(run.out()).len(), 2);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let scratch = Scratch::new();
    scratch.write("k/s.yaml", SECRET);
    let twice = ["encrypt", "k", "k/s.yaml", "./k/../k/s.yaml"];
    let run = with_cert(&scratch, twice).finish().exits(0);
    assert_eq!(documents(run.out()).len(), 1);
    let run = with_cert(&scratch, twice).arg("--in-place");
    run.finish().exits(0);
    assert_eq!(document(&scratch.read("k/s.yaml"))["kind"], "SealedSecret");
    nothing_leaked(&scratch, &[]);
}

#[test]
fn one_bad_document_leaves_the_others_of_its_file_sealed() {
    let scratch = Scratch::new();
    let bad = "apiVersion: v1\nkind: Secret\nmetadata: {name: bad}\nstringData: {p: x} # bad\n";
    scratch.write("a.yaml", format!("{SECRET}---\n{bad}---\nb: [\n"));
    scratch.write("b.yaml", SECRET);
    let run = with_cert(&scratch, ["encrypt", "--in-place", "a.yaml", "b.yaml"])
        .finish()
        .exits(1)
        .says("error[MissingNamespace]: a.yaml:9:1: document 2")
        .says("error[InvalidSyntax]: a.yaml:14:")
        .never_shows(MARKER);
    assert_eq!(run.out(), "");
    let text = scratch.read("a.yaml");
    assert!(text.ends_with(&format!("---\n{bad}---\nb: [\n")), "{text}");
    assert!(text.starts_with("apiVersion: bitnami.com/v1alpha1\n"));
    assert_eq!(
        values(&document(&scratch.read("b.yaml"))),
        texts([("password", MARKER)])
    );
    nothing_leaked(&scratch, &[]);
}

#[test]
fn a_folder_is_sealed_and_files_without_secrets_are_not_touched() {
    let scratch = Scratch::new();
    scratch.write("k/a.yaml", SECRET);
    let other = scratch.write("k/b.yaml", "a: 1\r\n");
    let written = || {
        fs::metadata(&other)
            .and_then(|data| data.modified())
            .expect("it is there")
    };
    let before = written();
    with_cert(&scratch, ["encrypt", "k", "--in-place"])
        .finish()
        .exits(0);
    assert_eq!(written(), before);
    assert_eq!(scratch.read("k/b.yaml"), "a: 1\r\n");
    assert_eq!(document(&scratch.read("k/a.yaml"))["kind"], "SealedSecret");

    let sealed = scratch.read("k/a.yaml");
    with_cert(&scratch, ["encrypt", "k", "--in-place"])
        .finish()
        .exits(0)
        .says("no Secret found");
    assert_eq!(scratch.read("k/a.yaml"), sealed);
}

#[test]
fn one_unreadable_file_hides_no_other() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", SECRET);
    let run = with_cert(
        &scratch,
        ["encrypt", "--in-place", "missing.yaml", "a.yaml"],
    )
    .finish()
    .exits(1);
    assert!(run.err().starts_with("error[Unreadable]: missing.yaml: "));
    assert_eq!(document(&scratch.read("a.yaml"))["kind"], "SealedSecret");
}

#[test]
fn utf16_files_become_utf8_and_that_is_said() {
    let scratch = Scratch::new();
    let bytes: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    scratch.write("a.yaml", bytes);
    with_cert(&scratch, ["encrypt", "--in-place", "a.yaml"])
        .finish()
        .exits(0)
        .says("note: a.yaml: the input is UTF-16; the output is UTF-8");
    assert_eq!(
        values(&document(&scratch.read("a.yaml"))),
        texts([("password", MARKER)])
    );
}
