//! A server: a process with a log.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const TAIL: usize = 25;

#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    log: PathBuf,
}

impl Server {
    /// Starts what `command` runs, logging into a file named after `program`.
    pub(super) fn start(
        mut command: Command,
        program: &Path,
        flags: &[String],
        input: Stdio,
        logs: &Path,
    ) -> Self {
        let name = program.file_name().expect("a program has a name");
        let log = logs.join(name).with_extension("log");
        let file = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let same = file.try_clone().expect("an open file can be shared");
        let process = command
            .args(flags)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a PATH is set"))
            .stdin(input)
            .stdout(file)
            .stderr(same)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Self { process, log }
    }

    /// Panics with the end of the log when the process has ended.
    pub(super) fn check(&mut self) {
        let ended = self
            .process
            .try_wait()
            .expect("a child of ours can be waited for");
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
        drop(self.process.wait());
    }
}
