//! Faults of the machine: a full disk, a read-only folder, a file nobody may read. What was there is still there.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use seal_tests::{fault, programs::Program, scratch::Scratch};

use crate::samples::{
    MARKER, SECRET, cert, fails_once, key, nothing_leaked, sealed_secret, with_cert,
};

/// Every command that writes a file, run in a folder that takes none; `sealed` is a SealedSecret.
fn writers() -> Vec<Vec<&'static str>> {
    vec![
        vec!["encrypt", "s.yaml", "--in-place"],
        vec!["encrypt", "s.yaml", "-o", "new.yaml"],
        vec!["set", "sealed.yaml", "--from-file=password=-"],
        vec![
            "create",
            "db",
            "-n=prod",
            "--from-file=p=-",
            "-o",
            "new.yaml",
        ],
        vec![
            "create",
            "db",
            "-n=prod",
            "--from-file=p=-",
            "-o",
            "sealed.yaml",
            "--force",
        ],
        vec!["cert", "fetch", "-o", "cert.pem"],
        vec!["cert", "pin", "-o", "cert.pem"],
        vec!["keys", "new", "--size=2048", "-o", "key.yaml"],
    ]
}

/// Checks that none of them leaves a trace on the volume.
#[track_caller]
fn nothing_changes(volume: &fault::Volume, says: &str) {
    let scratch = Scratch::new();
    let names = || {
        let entries = fs::read_dir(volume.path()).expect("the volume is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("it can be listed").file_name())
            .collect();
        names.sort();
        names
    };
    let contents = || {
        ["s.yaml", "sealed.yaml"]
            .map(|name| fs::read(volume.path().join(name)).expect("it is there"))
    };
    let before = (names(), contents());
    let on_volume = |argument: &str| match argument.rsplit_once('.') {
        Some((_, "yaml" | "pem")) => volume.path().join(argument).into_os_string(),
        _ => argument.into(),
    };
    for arguments in writers() {
        let run = scratch
            .seal(arguments.iter().map(|argument| on_volume(argument)))
            .env("SEAL_CERT", cert())
            .stdin(MARKER)
            .finish();
        let run = fails_once(run, "Unwritable")
            .says(says)
            .says("a file that was there is as it was");
        assert!(!run.err().contains("/.seal-"), "{}", run.err());
        assert_eq!((names(), contents()), before, "{arguments:?}");
    }
}

fn volume() -> fault::Volume {
    let volume = fault::Volume::new(256);
    fs::write(volume.path().join("s.yaml"), SECRET).expect("there is space");
    let sealed = sealed_secret(&Scratch::new());
    fs::write(volume.path().join("sealed.yaml"), sealed).expect("there is space");
    volume
}

#[test]
fn a_full_disk_loses_nothing() {
    let volume = volume();
    volume.fill();
    nothing_changes(&volume, "No space left on device");
}

#[test]
fn a_read_only_folder_loses_nothing() {
    let mut volume = volume();
    volume.make_read_only();
    nothing_changes(&volume, "Read-only file system");
}

#[test]
fn a_folder_that_cannot_be_synced_is_said_though_the_file_is_written() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    scratch.write("k/s.yaml", "x");
    let folder = scratch.path().join("k");
    // Files can be made in it, but it cannot be opened to be synced.
    let closed = fs::Permissions::from_mode(0o333);
    fs::set_permissions(&folder, closed).expect("the folder is ours");
    let new = ["keys", "new", "--size=2048", "-o=k/key.yaml"];
    let run = scratch.seal(new).without_privileges().finish();
    fails_once(run, "Unwritable")
        .says("k/key.yaml: the file is written, but may not survive a power cut")
        .says("Permission denied")
        .says("run \"sync\"");
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&folder, open).expect("the folder is ours");
    assert!(scratch.read("k/key.yaml").contains("tls.key"));
}

#[test]
fn a_full_standard_output_is_an_error() {
    let scratch = Scratch::new();
    scratch.write("s.yaml", SECRET);
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("the device is there");
    let output = Command::new(Program::Seal.path())
        .args(["encrypt", "s.yaml", "--cert"])
        .arg(cert())
        .current_dir(scratch.path())
        .stdout(full)
        .output()
        .expect("it can be started");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.starts_with("error[Unwritable]: standard output: cannot be written"),
        "{said}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scratch = Scratch::new();
    scratch.write(
        "s.yaml",
        "a: 1\n".to_owned() + &"# comment\n".repeat(100_000),
    );
    let mut child = Command::new(Program::Seal.path())
        .args(["encrypt", "s.yaml", "--cert"])
        .arg(cert())
        .current_dir(scratch.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be started");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn files_and_folders_nobody_may_read_are_named_and_hide_no_other() {
    let scratch = Scratch::new();
    fault::unreadable(&scratch.write("k/a.yaml", SECRET));
    scratch.write("k/b.yaml", SECRET);
    scratch.write("k/c/d.yaml", SECRET);
    fault::unreadable(&scratch.path().join("k/c"));
    scratch.write("cert.pem", fs::read(cert()).expect("it is there"));
    let run = scratch
        .seal(["encrypt", "k", "--cert=cert.pem"])
        .without_privileges()
        .finish()
        .exits(1)
        .never_shows(MARKER)
        .says("error[Unreadable]: k/a.yaml: cannot be read: Permission denied")
        .says("error[Unreadable]: k/c: ");
    assert_eq!(run.out().matches("kind: SealedSecret").count(), 1);
}

#[test]
fn a_key_nobody_may_read_is_named() {
    let scratch = Scratch::new();
    fault::unreadable(&scratch.write("key.pem", fs::read(key()).expect("it is there")));
    let run = scratch
        .seal(["unseal", "-", "--key=key.pem"])
        .stdin(sealed_secret(&scratch))
        .without_privileges()
        .finish();
    fails_once(run, "Unreadable").says("key.pem: cannot be read: Permission denied");
}

#[test]
fn an_output_in_a_folder_that_is_not_there() {
    let scratch = Scratch::new();
    scratch.write("s.yaml", SECRET);
    let run = with_cert(&scratch, ["encrypt", "s.yaml", "-o", "nothere/out.yaml"]).finish();
    fails_once(run, "Unwritable")
        .says("nothere/out.yaml: cannot be written: No such file or directory");
    nothing_leaked(&scratch, &["s.yaml"]);
}
