//! A server: a process with a log, which can be killed and started again.

use std::{
    fs::{self, OpenOptions},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

const TAIL: usize = 25;

#[derive(Debug)]
pub(super) struct Server {
    /// None while it was killed.
    process: Option<Child>,
    program: PathBuf,
    flags: Vec<String>,
    log: PathBuf,
}

impl Server {
    /// Starts `program` by the command that runs it, logging into a file named after it.
    pub(super) fn start(
        command: Command,
        program: &Path,
        flags: &[String],
        input: Stdio,
        logs: &Path,
    ) -> Self {
        let name = program.file_name().expect("a program has a name");
        let mut server = Self {
            process: None,
            program: program.to_owned(),
            flags: flags.to_owned(),
            log: logs.join(name).with_extension("log"),
        };
        server.run(command, input);
        server
    }

    /// Starts it once more after [`Self::kill`], by the command that runs it, with the same flags.
    pub(super) fn start_again(&mut self, command: Command) {
        assert!(self.process.is_none(), "it runs already");
        self.run(command, Stdio::null());
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Kills it (SIGKILL), if it runs, and waits for its end.
    pub(super) fn kill(&mut self) {
        let Some(mut command) = self.process.take() else {
            return;
        };
        // The command waits for the program, which is its only child, and ends with it.
        let process = only_child(command.id())
            .unwrap_or_else(|| panic!("it ended before: {}", self.log.display()));
        kill_process(process, Signal::KILL)
            .unwrap_or_else(|error| panic!("it ended before: {error}: {}", self.log.display()));
        command.wait().expect("a child of ours can be waited for");
    }

    fn run(&mut self, mut command: Command, input: Stdio) {
        let log = &self.log;
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let same = file.try_clone().expect("an open file can be shared");
        let process = command
            .args(&self.flags)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a PATH is set"))
            .stdin(input)
            .stdout(file)
            .stderr(same)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        self.process = Some(process);
    }

    /// Panics with the end of the log when the process has ended by itself.
    pub(super) fn check(&mut self) {
        let ended = self.process.as_mut().and_then(|process| {
            let ended = process.try_wait();
            ended.expect("a child of ours can be waited for")
        });
        if let Some(status) = ended {
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
            panic!("ended ({status}): {}\n{tail}", self.log.display());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The network it ran in is gone, so it ends by itself.
        if let Some(process) = &mut self.process {
            drop(process.wait());
        }
    }
}

/// The child of a process that has one only.
fn only_child(process: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    let mut children = children.split_whitespace();
    let child = children.next()?.parse().ok().and_then(Pid::from_raw);
    child.filter(|_| children.next().is_none())
}
