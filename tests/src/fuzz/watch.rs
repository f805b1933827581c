//! Watches for an input that never ends: nothing else could tell which one it was.
#![allow(
    clippy::print_stderr,
    reason = "the last words of a process that gives up"
)]

use std::{
    path::Path,
    process,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

const ENDLESS: Duration = Duration::from_secs(60);

/// Knows the input that runs. Ends the whole process, with the input kept, when one runs for a minute.
#[derive(Debug)]
pub(super) struct Watch(Arc<Mutex<Current>>);

#[derive(Debug)]
struct Current {
    input: Vec<u8>,
    begun: Instant,
}

impl Watch {
    pub(super) fn start(folder: &Path, seed: u64) -> Self {
        let current = Arc::new(Mutex::new(Current {
            input: Vec::new(),
            begun: Instant::now(),
        }));
        let (weak, folder) = (Arc::downgrade(&current), folder.to_owned());
        thread::spawn(move || watch(&weak, &folder, seed));
        Self(current)
    }

    /// An input begins, and the one before it has ended.
    pub(super) fn begins(&self, input: &[u8]) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.input.clear();
        current.input.extend_from_slice(input);
        current.begun = Instant::now();
    }
}

fn watch(current: &Weak<Mutex<Current>>, folder: &Path, seed: u64) {
    while let Some(current) = current.upgrade() {
        let current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.begun.elapsed() > ENDLESS {
            let kept = super::keep(folder, &current.input);
            eprintln!("{} does not end ({}={seed})", kept.display(), super::SEED);
            process::abort();
        }
        drop(current);
        thread::sleep(Duration::from_secs(1));
    }
}
