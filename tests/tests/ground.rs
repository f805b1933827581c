//! The harness itself: that it finds what it looks for, and that its faults are real ones.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::fs::FileTypeExt,
    process::{Command, Stdio},
};

use seal_tests::{fault, memory, scratch::Scratch, tools};

const MARKER: &str = "marker-5f0d2b9c41";

#[test]
fn a_marker_in_another_process_is_found_and_an_absent_one_is_not() {
    let mut shell = Command::new("sh")
        .args(["-c", "read marker; echo ready; read end"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let mut input = shell.stdin.take().expect("standard input is a pipe");
    let mut answer = String::new();
    writeln!(input, "{MARKER}").expect("the shell reads");
    BufReader::new(shell.stdout.take().expect("standard output is a pipe"))
        .read_line(&mut answer)
        .expect("the shell answers");

    let found = memory::find(shell.id(), MARKER.as_bytes()).expect("a child of ours can be read");
    assert!(
        found.iter().any(|place| place.form == "as it is"),
        "{found:?}"
    );
    let absent = memory::find(shell.id(), b"marker-that-nobody-planted").expect("it can be read");
    assert_eq!(absent, []);

    drop(input);
    shell.wait().expect("the shell ends with its input");
}

#[test]
fn a_full_volume_refuses_a_byte_and_keeps_its_files() {
    let volume = fault::Volume::new(64);
    let kept = volume.path().join("kept");
    fs::write(&kept, "before").unwrap();
    volume.fill();
    let refused = fs::write(volume.path().join("new"), [0; 100]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::StorageFull);
    assert_eq!(fs::read(&kept).unwrap(), b"before");
}

#[test]
fn a_read_only_volume_refuses_even_root() {
    let mut volume = fault::Volume::new(64);
    fs::write(volume.path().join("kept"), "before").unwrap();
    volume.make_read_only();
    let refused = File::create(volume.path().join("new")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnlyFilesystem);
    assert_eq!(fs::read(volume.path().join("kept")).unwrap(), b"before");
}

#[test]
fn a_volume_is_gone_with_its_owner() {
    let volume = fault::Volume::new(64);
    let path = volume.path();
    drop(volume);
    assert!(!path.exists());
}

#[test]
fn a_fifo_is_one() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fault::fifo(&path);
    assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
}

#[test]
fn a_program_without_privileges_is_started_in_the_tests_folder() {
    let scratch = Scratch::new();
    fault::unreadable(&scratch.write("secret.yaml", "value"));
    scratch
        .seal(["--no-such-flag"])
        .without_privileges()
        .finish()
        .exits(2);
}

#[test]
fn the_peer_says_the_version_it_was_pinned_to() {
    let scratch = Scratch::new();
    let run = scratch.kubeseal(["--version"]).finish().exits(0);
    assert_eq!(run.out(), "kubeseal version: v0.40.0\n");
}

#[test]
fn files_of_a_scratch_folder_show_every_change() {
    let scratch = Scratch::new();
    let before = scratch.files();
    scratch.write("a/b.yaml", "x");
    assert!(before.is_empty());
    assert_eq!(scratch.files().len(), 1);
    assert_eq!(scratch.read("a/b.yaml"), "x");
}

#[test]
#[should_panic(expected = "it does not end")]
fn a_program_that_does_not_end_fails_the_test() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fault::fifo(&path);
    // It waits for somebody to write into the pipe.
    let limit = std::time::Duration::from_millis(300);
    drop(scratch.kubeseal(["--cert"]).arg(path).limit(limit).finish());
}

#[test]
fn the_peer_is_built_once() {
    assert_eq!(tools::kubeseal(), tools::kubeseal());
}
