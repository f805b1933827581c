//! Faults of the operating system, real ones: a full disk, a read-only folder, a pipe for a file, an unreadable file.
//!
//! Nothing here is skipped: where the machine allows no mount even in a namespace of its own, the test fails and says so.

use std::{
    fs::{self, File, Permissions},
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use rustix::fs::{CWD, FileType, Mode};

/// A file system of its own, that only exists in the mount namespace of a shell that waits. Its files are reached
/// through `/proc`, by every program. It is gone when this is dropped, and also when the test is killed: the shell's
/// input ends then.
#[derive(Debug)]
pub struct Volume {
    shell: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    mountpoint: tempfile::TempDir,
}

impl Volume {
    /// Makes a volume that holds about as many KiB.
    ///
    /// # Panics
    ///
    /// When this machine allows neither root nor a user namespace to mount.
    pub fn new(kib: u32) -> Self {
        Self::mounted(&format!("size={kib}k"))
    }

    /// Makes a volume with room for so many files and folders.
    ///
    /// # Panics
    ///
    /// As [`Self::new`].
    pub fn of_few_files(files: u32) -> Self {
        // Its root is one as well.
        Self::mounted(&format!("nr_inodes={}", files + 1))
    }

    fn mounted(options: &str) -> Self {
        let mountpoint = tempfile::tempdir().expect("a temporary folder can be made");
        let mut unshare = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            unshare.args(["--user", "--map-root-user"]);
        }
        let mut shell = unshare
            .args(["--mount", "sh"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare (Debian: package util-linux) can be run");
        let commands = shell.stdin.take().expect("standard input is a pipe");
        let answers = BufReader::new(shell.stdout.take().expect("standard output is a pipe"));
        let mut volume = Self {
            shell,
            commands,
            answers,
            mountpoint,
        };
        volume.tell(&format!(
            "mount -t tmpfs -o {options},mode=755 tmpfs \"$folder\""
        ));
        volume
    }

    /// The folder, for every program on this machine.
    pub fn path(&self) -> PathBuf {
        let inside = self
            .mountpoint
            .path()
            .strip_prefix("/")
            .expect("a temporary folder's path is absolute");
        PathBuf::from(format!("/proc/{}/root", self.shell.id())).join(inside)
    }

    /// Fills it to the last byte with a file `filler`.
    ///
    /// # Panics
    ///
    /// When it never gets full.
    pub fn fill(&self) {
        let mut filler =
            File::create(self.path().join("filler")).expect("a fresh volume has space");
        for length in [4096, 1] {
            while filler.write_all(&vec![b'.'; length]).is_ok() {}
        }
        let still = fs::write(self.path().join("probe"), [b'.'; 4096]);
        assert!(still.is_err(), "the volume does not get full");
        // The empty file that is left behind by a write that failed.
        fs::remove_file(self.path().join("probe")).unwrap_or_default();
    }

    /// Leaves no room for another file or folder, by a folder `fillers` with empty files.
    ///
    /// # Panics
    ///
    /// When there is always room.
    pub fn fill_with_files(&self) {
        let fillers = self.path().join("fillers");
        fs::create_dir(&fillers).expect("a fresh volume has room for a folder");
        let made = (0..100_000).take_while(|number| {
            let filler = fillers.join(number.to_string());
            File::create(filler).is_ok()
        });
        assert!(
            made.count() < 100_000,
            "there is room for any number of files"
        );
    }

    /// Takes away what fills it.
    ///
    /// # Panics
    ///
    /// When nothing does.
    pub fn empty(&self) {
        let gone = fs::remove_file(self.path().join("filler"));
        gone.or_else(|_| fs::remove_dir_all(self.path().join("fillers")))
            .expect("something fills it");
    }

    /// Makes it read-only, with all that is in it.
    pub fn make_read_only(&mut self) {
        self.tell("mount -o remount,ro \"$folder\"");
    }

    /// Makes it writable again.
    pub fn make_writable(&mut self) {
        self.tell("mount -o remount,rw \"$folder\"");
    }

    fn tell(&mut self, command: &str) {
        let folder = self.mountpoint.path().display();
        let mut answer = String::new();
        writeln!(
            self.commands,
            "folder='{folder}'; {command} && echo done || echo failed"
        )
        .and_then(|()| self.answers.read_line(&mut answer).map(drop))
        .unwrap_or_default();
        assert_eq!(
            answer.trim(),
            "done",
            "this machine does not allow `{command}`, not even in a namespace"
        );
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Both fail only for a shell that is gone already, and its volume with it.
        drop(self.shell.kill());
        drop(self.shell.wait());
    }
}

/// Makes a FIFO: it looks like a file, and whoever opens it without care waits for ever.
///
/// # Panics
///
/// When it cannot be made.
pub fn fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .expect("a FIFO can be made");
}

/// Makes a file that its owner may not read either. Root reads it still; see
/// [`without_privileges`](crate::run::Run::without_privileges).
///
/// # Panics
///
/// When it cannot be made so.
pub fn unreadable(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o000))
        .expect("a file of ours can be made unreadable");
}
