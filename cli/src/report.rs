//! What the user sees besides the result: errors, warnings and notes on standard error, and the exit code they mean.

use std::io::Write;

use seal_shell::{ExitCode, Sanitised};
use serde::Serialize;

use crate::{
    args::Format,
    problem::{Place, Problem},
};

/// Collects what happened. Data goes to standard output through `output`; everything else goes through here.
pub(crate) struct Reporter {
    format: Format,
    /// Whether errors look as those of kubeseal, on which scripts match.
    is_kubeseal: bool,
    code: ExitCode,
}

impl Reporter {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            is_kubeseal: false,
            code: ExitCode::Done,
        }
    }

    /// One whose errors look as those of kubeseal: `error: ` and the message.
    pub(crate) fn kubeseal() -> Self {
        Self {
            is_kubeseal: true,
            ..Self::new(Format::Text)
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Something could not be done: the program goes on and remembers it.
    pub(crate) fn problem(&mut self, problem: &Problem) {
        self.code = ExitCode::Failed;
        match self.format {
            Format::Text if self.is_kubeseal => say(&problem.without_reason()),
            Format::Text => say(&problem.to_string()),
            Format::Json => say_json(problem),
        }
    }

    /// Something that was looked at is not right, though the command itself worked.
    pub(crate) fn found_problem(&mut self) {
        if self.code == ExitCode::Done {
            self.code = ExitCode::Problems;
        }
    }

    /// Something to look at; the result stands.
    pub(crate) fn warn(&self, place: &Place, message: &str) {
        self.remark("warning", place, message);
    }

    /// Something worth knowing.
    pub(crate) fn note(&self, place: &Place, message: &str) {
        self.remark("note", place, message);
    }

    fn remark(&self, level: &'static str, place: &Place, message: &str) {
        #[derive(Serialize)]
        struct Line<'l> {
            level: &'static str,
            #[serde(flatten)]
            place: &'l Place,
            message: &'l str,
        }
        match self.format {
            Format::Text => say(&format!("{level}: {place}{}", Sanitised(message))),
            Format::Json => say_json(&Line {
                level,
                place,
                message,
            }),
        }
    }

    /// Whether anything failed so far.
    pub(crate) fn has_problems(&self) -> bool {
        self.code == ExitCode::Failed
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        self.code
    }
}

/// Tells a person at the keyboard that the program waits for them.
pub(crate) fn tell_waiting() {
    say("reading standard input; end it with Ctrl-D");
}

fn say_json(line: &impl Serialize) {
    say(&serde_json::to_string(line).unwrap_or_default());
}

/// Writes one line to standard error. Where that is closed there is nobody left to tell.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
