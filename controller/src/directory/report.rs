//! What people are told: the log while running, the lines of `--once`.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use seal_shell::{ExitCode, Sanitised};
use tracing::{info, warn};

use super::{pass::Outcome, problem::Problem};

/// Tells each thing once, when it is new and when it is over.
#[derive(Debug, Default)]
pub(super) struct Log {
    told: BTreeSet<Problem>,
    counts: Option<(usize, usize)>,
}

impl Log {
    pub(super) fn tell(&mut self, outcome: &Outcome) {
        let present: BTreeSet<Problem> = outcome
            .problems
            .iter()
            .chain(&outcome.warnings)
            .cloned()
            .collect();
        for problem in present.difference(&self.told) {
            let Problem {
                file,
                document,
                line,
                object,
                reason,
                message,
            } = problem;
            let object = object.as_ref().map(ToString::to_string);
            let message = Sanitised(message);
            warn!(
                reason = reason.as_str(),
                object, file, document, line, "{message:#}"
            );
        }
        for problem in self.told.difference(&present) {
            let Problem {
                file,
                object,
                reason,
                ..
            } = problem;
            let object = object.as_ref().map(ToString::to_string);
            info!(reason = reason.as_str(), object, file, "no longer so");
        }
        let counts = (outcome.objects, outcome.in_sync);
        if self.counts.replace(counts) != Some(counts) {
            info!(
                objects = counts.0,
                in_sync = counts.1,
                ignored = outcome.ignored,
                "looked at all SealedSecrets"
            );
        }
        self.told = present;
    }
}

/// Prints what is not right, one line each, and a summary; the exit code that follows.
pub(super) fn print(outcome: &Outcome) -> ExitCode {
    let mut errors = io::stderr().lock();
    // Where nobody reads, there is nobody to tell that nobody reads.
    for problem in &outcome.problems {
        let _ = writeln!(errors, "error{problem}");
    }
    for warning in &outcome.warnings {
        let _ = writeln!(errors, "warning{warning}");
    }
    let Outcome {
        objects,
        in_sync,
        ignored,
        ..
    } = outcome;
    let others = match ignored {
        0 => String::new(),
        1 => ", 1 document of another kind ignored".to_owned(),
        more => format!(", {more} documents of other kinds ignored"),
    };
    let _ = writeln!(
        io::stdout(),
        "{in_sync} of {objects} SealedSecrets in sync, {} problems{others}",
        outcome.problems.len()
    );
    if outcome.is_blind {
        ExitCode::Failed
    } else if outcome.problems.is_empty() {
        ExitCode::Done
    } else {
        ExitCode::Problems
    }
}
