//! The time of a run, and a line of progress each minute.

use std::{
    io::{Write, stderr},
    time::{Duration, Instant},
};

const LINE: Duration = Duration::from_secs(60);

/// Counts inputs until the time is over.
#[derive(Debug)]
pub(super) struct Progress<'n> {
    name: &'n str,
    begun: Instant,
    time: Duration,
    next: Duration,
    inputs: u64,
}

impl<'n> Progress<'n> {
    /// Begins; a run that is long enough for lines names its seed first.
    pub(super) fn new(name: &'n str, seed: u64, time: Duration) -> Self {
        if time >= LINE {
            say(&format!("{name}: {}={seed}", super::SEED));
        }
        Self {
            name,
            begun: Instant::now(),
            time,
            next: LINE,
            inputs: 0,
        }
    }

    /// Whether there is time for another input, of a corpus that has grown to `corpus`.
    pub(super) fn goes_on(&mut self, corpus: usize) -> bool {
        let elapsed = self.begun.elapsed();
        if elapsed >= self.next {
            self.next += LINE;
            let (minutes, of) = (elapsed.as_secs() / 60, self.time.as_secs() / 60);
            let (name, inputs) = (self.name, self.inputs);
            say(&format!(
                "{name}: {minutes} of {of} minutes, {inputs} inputs, {corpus} kept"
            ));
        }
        self.inputs += 1;
        elapsed < self.time
    }
}

/// Past libtest, which shows what it captured only of a test that failed.
fn say(line: &str) {
    writeln!(stderr().lock(), "{line}").unwrap_or_default();
}
