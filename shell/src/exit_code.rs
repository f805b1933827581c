//! The exit codes of both programs, each once.

/// How a program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitCode {
    /// All that was asked for is done.
    Done = 0,
    /// Something could not be done; what could be done is done.
    Failed = 1,
    /// The command line is wrong; nothing was done.
    Usage = 2,
    /// The command itself worked and found something that is not right: `seal inspect` a problem, `seal-controller
    /// --once` a SealedSecret without its Secret.
    Problems = 3,
}

impl ExitCode {
    /// All codes, in order.
    pub const ALL: [Self; 4] = [Self::Done, Self::Failed, Self::Usage, Self::Problems];

    /// What it means, for the documentation.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Done => "all that was asked for is done",
            Self::Failed => {
                "something could not be done; the rest is done, and each failure is on stderr"
            }
            Self::Usage => {
                "the command line is wrong: an unknown or missing argument, a value that a flag does not take, or flags \
                 that contradict each other; nothing was done"
            }
            Self::Problems => {
                "the command worked and found something that is not right: \
                 `seal inspect` a problem, `seal-controller --once` a SealedSecret without its Secret"
            }
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
