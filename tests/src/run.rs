//! A program run the same way everywhere: clean environment, folder of the test, a time limit; and recorded in [`seen`].
//!
//! Of this machine's environment a program sees the PATH and nothing else.

mod output;
mod running;

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

pub use output::Finished;
pub use running::Running;

use crate::{programs::Program, scratch::Scratch, seen::Invocation};

const NOBODY: u32 = 65534;

/// A run being prepared.
#[derive(Debug)]
#[must_use = "nothing runs before `finish` or `start`"]
pub struct Run {
    program: Program,
    path: PathBuf,
    home: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    folder: PathBuf,
    limit: Duration,
    user: Option<u32>,
}

impl Run {
    /// Prepares a run of `program`, built if it has to be, in the folder of a test: no arguments, empty standard input, at most a minute.
    pub fn new(scratch: &Scratch, program: Program) -> Self {
        let path = std::env::var_os("PATH").expect("a PATH is set");
        Self {
            program,
            path: program.path(),
            home: scratch.home(),
            arguments: Vec::new(),
            environment: vec![
                ("PATH".into(), path),
                ("HOME".into(), scratch.home().into()),
            ],
            input: Vec::new(),
            folder: scratch.path(),
            limit: Duration::from_secs(60),
            user: None,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives bytes to standard input, which then ends.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Runs in another folder than the test's `work/`.
    pub fn within(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = folder.as_ref().to_owned();
        self
    }

    /// Ends the run, and the test with it, when it takes longer.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs as a user that may not read everything, where the test itself is root. Opens the test's folder to that
    /// user, and copies the program into it: a target folder may be closed.
    ///
    /// # Panics
    ///
    /// When either cannot be done.
    pub fn without_privileges(mut self) -> Self {
        if rustix::process::geteuid().is_root() {
            for folder in [self.home.as_path(), &self.folder]
                .into_iter()
                .chain(self.home.parent())
            {
                fs::set_permissions(folder, Permissions::from_mode(0o777))
                    .expect("the folder is ours");
            }
            let copy = self.home.join(self.program.name());
            fs::copy(&self.path, &copy).expect("the program can be copied");
            self.path = copy;
            self.user = Some(NOBODY);
        }
        self
    }

    /// Runs to the end.
    ///
    /// # Panics
    ///
    /// When the program cannot be started or does not end in time.
    pub fn finish(self) -> Finished {
        self.start().finish()
    }

    /// Starts a program that goes on until it is told to stop.
    ///
    /// # Panics
    ///
    /// When the program cannot be started.
    pub fn start(self) -> Running {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let begun = SystemTime::now();
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.path.display()));
        let names = self.environment.iter().map(|(name, _)| name.as_os_str());
        let invocation = (self.program.is_ours())
            .then(|| Invocation::new(self.program.name(), &self.arguments, names));
        Running::new(
            child,
            invocation,
            self.input,
            self.folder,
            begun,
            self.limit,
        )
    }
}
