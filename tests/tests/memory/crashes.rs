//! A crash leaves no core file, whatever limit the program was started with.

use std::{
    fs,
    io::Write,
    os::unix::{
        fs::MetadataExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::SystemTime,
};

use rustix::process::{Pid, Signal, kill_process};
use seal_tests::{keys, programs::Program, scratch::Scratch};

use crate::{
    process::{found, start_in, wait_until_still},
    samples::{MARKER, holds_marker, key_secret, sealed, secret, to_yaml},
};

/// Starts a program that may leave core files as far as its limits go.
fn start(scratch: &Scratch, program: Program, arguments: &[&str]) -> Child {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -c unlimited && exec \"$@\"", "sh"])
        .arg(program.path())
        .args(arguments)
        .stderr(Stdio::piped());
    start_in(scratch, &mut command)
}

/// Asserts that the process forbids core files and being read by its own user.
#[track_caller]
fn is_closed(pid: u32) {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "the limits of core files");
    // proc(5): the files of a process that is not dumpable belong to root. Who runs as root is not told apart by that.
    let owner = fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid();
    assert_eq!(owner, 0, "the process is dumpable");
}

/// Ends the process by a signal and asserts that nothing of it is left in a file.
#[track_caller]
fn crash(mut child: Child, signal: Signal, scratch: &Scratch) {
    let begun = SystemTime::now();
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .unwrap();
    // The first SIGSEGV may be taken for a stack that ran over and looked into.
    let status = loop {
        let _ = kill_process(pid, signal);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.signal(), Some(signal.as_raw()));
    assert!(!status.core_dumped(), "the kernel wrote a core file");
    for file in recent_files(begun) {
        let content = fs::read(&file).unwrap_or_default();
        assert!(!holds_marker(&content), "{}", file.display());
    }
    for (name, content) in scratch.files() {
        let is_ours = name.starts_with("store/secrets") || name.starts_with("secret.yaml");
        assert!(is_ours || !holds_marker(&content), "{}", name.display());
    }
}

/// Where the kernel puts core files, but for the folder of the process. Where it hands them to a program instead, that would
/// show by [`ExitStatusExt::core_dumped`].
fn core_folder() -> Option<PathBuf> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let folder = Path::new(pattern.trim()).parent()?;
    folder.is_absolute().then(|| folder.to_owned())
}

/// The files in the folders for anything that are younger.
fn recent_files(begun: SystemTime) -> Vec<PathBuf> {
    let folders = [Some(std::env::temp_dir()), core_folder()];
    let entries = folders
        .into_iter()
        .flatten()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            let is_recent = metadata.is_file() && metadata.modified().ok()? >= begun;
            is_recent.then(|| entry.path())
        })
        .collect()
}

#[test]
fn a_program_that_does_not_forbid_it_does_leave_a_core_file() {
    let scratch = Scratch::new();
    let status = Command::new("sh")
        .args(["-c", "ulimit -c unlimited && kill -ABRT $$"])
        .current_dir(scratch.path())
        .status()
        .unwrap();
    assert!(
        status.core_dumped(),
        "this machine writes no core files at all, so these tests show nothing"
    );
}

const CRASHES: [Signal; 2] = [Signal::ABORT, Signal::SEGV];

#[test]
fn seal_leaves_no_core_file() {
    for signal in CRASHES {
        let scratch = Scratch::new();
        let mut child = start(&scratch, Program::Seal, &["encrypt"]);
        let values = [MARKER.to_owned(), ".".repeat(300_000)];
        let cleartext = to_yaml(&secret("db", &values));
        child
            .stdin
            .take()
            .unwrap()
            .write_all(cleartext.as_bytes())
            .unwrap();
        wait_until_still(child.id());
        assert_ne!(
            found(child.id(), MARKER),
            [] as [&str; 0],
            "it holds its input"
        );
        is_closed(child.id());
        crash(child, signal, &scratch);
    }
}

#[test]
fn seal_leaves_no_core_file_of_what_it_opened() {
    let unseal = ["unseal", "sealed.yaml", "--key", "key"];
    let recover = [
        "kubeseal",
        "--recovery-unseal",
        "--recovery-private-key",
        "key",
        "-f",
        "sealed.yaml",
    ];
    for (arguments, signal) in [(&unseal[..], CRASHES[0]), (&recover[..], CRASHES[1])] {
        let scratch = Scratch::new();
        let values = [MARKER.to_owned(), ".".repeat(300_000)];
        scratch.write("sealed.yaml", to_yaml(&sealed(&secret("db", &values))));
        scratch.write("key", keys::pem("rsa-2048.key"));
        // Nobody reads what it writes.
        let child = start(&scratch, Program::Seal, arguments);
        wait_until_still(child.id());
        assert_ne!(
            found(child.id(), MARKER),
            [] as [&str; 0],
            "{arguments:?}: it holds its output"
        );
        is_closed(child.id());
        crash(child, signal, &scratch);
    }
}

/// Whether a process of the user `nobody` may read a file.
fn nobody_reads(path: &str) -> bool {
    let mut head = Command::new("head");
    head.args(["-c1", path]).uid(65534).gid(65534);
    let output = head.stderr(Stdio::null()).output().unwrap();
    output.status.success()
}

/// Asserts that a program of the user `nobody` shows itself to no other one of that user. What the kernel asks before it
/// lets these files be opened is what it asks before one process traces another.
#[track_caller]
fn is_closed_to_its_user(pid: u32) {
    is_closed(pid);
    for file in ["environ", "maps", "mem", "auxv"] {
        assert!(!nobody_reads(&format!("/proc/{pid}/{file}")), "{file}");
    }
}

#[test]
fn the_controller_leaves_no_core_file() {
    for signal in CRASHES {
        let scratch = Scratch::new();
        scratch.write("store/keys/fixed.yaml", key_secret().to_string());
        let object = sealed(&secret("db", &[MARKER.to_owned()]));
        scratch.write("store/sealed/db.yaml", to_yaml(&object));
        let flags = ["--directory", "store", "--listen-addr", "127.0.0.1:0"];
        let child = start(&scratch, Program::Controller, &flags);
        while !scratch.path().join("store/secrets/app/db.yaml").exists() {
            std::thread::yield_now();
        }
        // In the middle of its work, and with a key in its memory.
        is_closed(child.id());
        crash(child, signal, &scratch);
    }
}

#[test]
fn both_programs_close_themselves_to_their_own_user() {
    let scratch = Scratch::new();
    scratch.write("store/keys/fixed.yaml", key_secret().to_string());
    let flags = ["--directory", "store", "--listen-addr", "127.0.0.1:0"];
    let mut controller = scratch.controller(flags).without_privileges().start();
    controller.wait_for("looked at all SealedSecrets");
    is_closed_to_its_user(controller.pid());
    let seal = scratch.seal(["encrypt", "pipe"]).without_privileges();
    seal_tests::fault::fifo(&scratch.path().join("pipe"));
    std::os::unix::fs::chown(scratch.path().join("pipe"), Some(65534), None).unwrap();
    let mut seal = seal.env("SEAL_CERT", keys::path("rsa-2048.crt")).start();
    seal.wait_until("it is at work", |seal| {
        let name = fs::read_to_string(format!("/proc/{}/comm", seal.pid()));
        name.is_ok_and(|name| name == "seal\n")
    });
    wait_until_still(seal.pid());
    is_closed_to_its_user(seal.pid());
    // Another program of that user does show itself.
    let mut other = Command::new("sleep")
        .arg("60")
        .uid(65534)
        .gid(65534)
        .spawn()
        .unwrap();
    wait_until_still(other.id());
    assert!(nobody_reads(&format!("/proc/{}/environ", other.id())));
    other.kill().unwrap();
    other.wait().unwrap();
}
