//! A network of a control plane's own: only loopback, with one address more, and its processes end with it.
//!
//! It is a network namespace, and a namespace of process ids, whose first process waits for the end of its input: when
//! the owner ends, however it ends, so does that process, and the kernel ends all others with it.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// An address of the network that is not loopback: the API server refuses to proxy to that.
pub const ADDRESS: &str = "10.99.0.1";

/// Runs the first process; afterwards everything is gone, and so is the folder, but for logs that are wanted.
const AROUND: &str = r#"
unshare "$@"
rm -rf -- "$0/etcd" "$0/credentials" "$0/kubeconfig"
test -e "$0/keep" || rm -rf -- "$0"
"#;
/// The shell reads its process id as it is seen from outside; its own is 1.
const FIRST: &str = r#"
ip link set lo up && ip address add "$0/32" dev lo && read -r pid rest </proc/self/stat && echo "$pid" && read -r end
"#;

#[derive(Debug)]
pub(super) struct Network {
    shell: Child,
    lifeline: Option<ChildStdin>,
    first: u32,
    folder: PathBuf,
}

impl Network {
    /// Makes the network; the folder is removed with it.
    pub(super) fn start(folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", AROUND]).arg(folder);
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        let mut shell = command
            .args(["--net", "--pid", "--fork", "--kill-child"])
            .args(["sh", "-c", FIRST, ADDRESS])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for the owner only: the folder has to be removed still.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let lifeline = shell.stdin.take();
        let mut answer = String::new();
        let output = shell.stdout.take().expect("standard output is a pipe");
        BufReader::new(output)
            .read_line(&mut answer)
            .unwrap_or_default();
        let Ok(first) = answer.trim().parse() else {
            let mut said = String::new();
            let mut errors = shell.stderr.take().expect("standard error is a pipe");
            drop(lifeline);
            errors.read_to_string(&mut said).unwrap_or_default();
            drop(shell.wait());
            panic!(
                "this machine allows no network of our own: it takes root or user namespaces, `unshare` (Debian: \
                 package util-linux) and `ip` (iproute2)\n{said}"
            );
        };
        Self {
            shell,
            lifeline,
            first,
            folder: folder.to_owned(),
        }
    }

    /// A program in the network, with the process id of the command.
    pub(super) fn enter(&self, program: impl AsRef<OsStr>) -> Command {
        self.within(self.first, ["--net"], program)
    }

    /// A program in the network that ends with it. The command is its parent and ends after it.
    pub(super) fn enclose(&self, program: impl AsRef<OsStr>) -> Command {
        self.enclose_beside(self.first, program)
    }

    /// A program that ends with this network, but is in the network of another process.
    pub(super) fn enclose_beside(&self, process: u32, program: impl AsRef<OsStr>) -> Command {
        self.within(process, ["--net", "--pid"], program)
    }

    fn within<const N: usize>(
        &self,
        process: u32,
        namespaces: [&str; N],
        program: impl AsRef<OsStr>,
    ) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(process.to_string());
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(namespaces).arg("--").arg(program);
        command
    }

    /// Keeps the logs when everything else goes, and says where.
    #[expect(
        clippy::print_stderr,
        reason = "whoever reads of a failure needs the logs"
    )]
    pub(super) fn keep_logs(&self) {
        if fs::write(self.folder.join("keep"), "").is_ok() {
            eprintln!("logs are kept in {}", self.folder.join("logs").display());
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It fails only for a shell that is gone already, and the network with it.
        drop(self.shell.wait());
    }
}
