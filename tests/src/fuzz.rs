//! Fuzzing every parser of foreign bytes: a target is a function over bytes that panics when a promise is broken.
//!
//! The same functions run here, on stable and seeded, and under libFuzzer (`fuzz/`). A crash is written into the
//! target's corpus, so that it is a test from then on.

mod dictionary;
pub mod envelope;
mod features;
pub mod keys;
pub mod manifest;
mod mutate;
mod progress;
pub mod template;
mod watch;

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

pub use features::Features;
use mutate::Mutator;
use progress::Progress;
use watch::Watch;

/// The environment variable that says for how many seconds each target is fuzzed.
pub const SECONDS: &str = "SEAL_FUZZ_SECONDS";
/// The environment variable that repeats a run: the seed it printed.
pub const SEED: &str = "SEAL_FUZZ_SEED";

/// Four targets take 20 seconds together.
const DEFAULT_SECONDS: u64 = 5;
/// Far more than an input of the mutator's size may take, even unoptimised on a busy machine.
const SLOW: Duration = Duration::from_secs(5);

/// As many as an hour finds; more would only be inputs that are changed less often.
const KEPT: usize = 10_000;

/// A function over bytes that panics when a promise is broken, and notes what it saw of an input.
pub type Target = fn(&[u8], &mut Features);

/// Runs a target over its corpus and `more` inputs, then over mutations of them until its time is over. A mutation that
/// shows something new is mutated further.
///
/// # Panics
///
/// When an input breaks a promise or takes too long; it is in the corpus folder then, and the seed is in the message.
pub fn drive(name: &str, target: Target, more: Vec<Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut corpus = inputs_in(&folder);
    corpus.extend(more);
    assert!(!corpus.is_empty(), "the target {name} has no corpus");

    let seed = number(SEED).unwrap_or_else(fresh_seed);
    let watch = Watch::start(&folder, seed);
    let mut features = Features::default();
    for input in &corpus {
        attempt(target, input, &mut features, &folder, seed, &watch);
    }
    features.take_news();

    let time = Duration::from_secs(number(SECONDS).unwrap_or(DEFAULT_SECONDS));
    let mut progress = Progress::new(name, seed, time);
    let mut mutator = Mutator::new(seed, dictionary::read(name));
    while progress.goes_on(corpus.len()) {
        let input = mutator.mutation(&corpus);
        attempt(target, &input, &mut features, &folder, seed, &watch);
        if features.take_news() && corpus.len() < KEPT {
            corpus.push(input);
        }
    }
}

fn attempt(
    target: Target,
    input: &[u8],
    features: &mut Features,
    folder: &Path,
    seed: u64,
    watch: &Watch,
) {
    watch.begins(input);
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target(input, features)));
    let (kept, time) = (|| keep(folder, input), begun.elapsed());
    assert!(
        outcome.is_ok(),
        "{} breaks a promise ({SEED}={seed})",
        kept().display()
    );
    assert!(
        time < SLOW,
        "{} takes {time:?} ({SEED}={seed})",
        kept().display()
    );
}

/// Writes an input into the corpus and returns its path.
fn keep(folder: &Path, input: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = folder.join(format!("crash-{:016x}", hasher.finish()));
    fs::write(&path, input).expect("the corpus folder can be written to");
    path
}

/// The files of a folder, sorted by name so that a seed means the same everywhere.
fn inputs_in(folder: &Path) -> Vec<Vec<u8>> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("a corpus holds files only"))
        .collect()
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is no number")),
    )
}

fn fresh_seed() -> u64 {
    let mut hasher = DefaultHasher::new();
    (SystemTime::now(), std::process::id()).hash(&mut hasher);
    hasher.finish()
}
