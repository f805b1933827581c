//! The steps of a test run: each named in one line with its time, and a summary.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Error, Result};

/// The steps so far.
#[derive(Default)]
pub(super) struct Steps(Vec<Step>);

struct Step {
    name: &'static str,
    time: Duration,
    error: Option<Error>,
}

impl Steps {
    /// Runs a step; its result is there if it succeeded.
    pub(super) fn run<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T>,
    ) -> Option<T> {
        println!("==> {name}");
        let begun = Instant::now();
        let outcome = step();
        let (value, outcome) = match outcome {
            Ok(value) => (Some(value), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.ran(name, begun.elapsed(), outcome);
        value
    }

    /// Takes down a step that ran elsewhere.
    pub(super) fn ran(&mut self, name: &'static str, time: Duration, outcome: Result<()>) {
        let step = Step {
            name,
            time,
            error: outcome.err(),
        };
        println!("<== {step}");
        self.0.push(step);
    }

    /// How many there were.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many failed.
    pub(super) fn failed(&self) -> usize {
        self.0.iter().filter(|step| step.error.is_some()).count()
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = if self.error.is_none() { "ok" } else { "FAILED" };
        write!(
            f,
            "{outcome:6} {:7.1} s  {}",
            self.time.as_secs_f64(),
            self.name
        )?;
        self.error
            .as_ref()
            .map_or(Ok(()), |error| write!(f, ": {error:#}"))
    }
}
