//! Random sequences of what users do and what fails, against a model that says what is right in the end.
//!
//! `truth.rs` is the model, `action.rs` what happens, `case.rs` carries a sequence out in both, `history.rs` looks at
//! everything that was ever to be seen. A sequence that fails is shortened as long as it fails, and printed.
//! `SEAL_MODEL_SEED` and `SEAL_MODEL_CASES` begin with another sequence, and make so many.

mod action;
mod case;
mod content;
mod ground;
mod history;
mod regressions;
mod truth;

use std::{
    cell::{Cell, RefCell},
    env, thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use seal_tests::long::rounds;

use action::{Action, sequences};
use ground::Ground;

/// Sequences are mostly waiting, so several go on at the same time.
const LANES: u64 = 3;
/// For everything to come to rest. Repairs may be some seconds apart.
const LIMIT: Duration = Duration::from_secs(60);
/// While a sequence is shortened.
const SHORT_LIMIT: Duration = Duration::from_secs(25);

#[test]
fn sequences_that_once_failed_end_well() {
    let ground = RefCell::new(None);
    let failures = regressions::sequences()
        .into_iter()
        .filter_map(|(what, actions)| {
            let problem = run_actions(&actions, &ground, LIMIT).err()?;
            Some(format!("{what}: {problem}\n{}", list(&actions)))
        });
    let failures: Vec<String> = failures.collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn after_any_sequence_of_actions_and_faults_every_secret_is_right_and_nothing_is_written_any_more()
{
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("SEAL_MODEL_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("it is after 1970").as_secs() * 1_000
    });
    let cases = number("SEAL_MODEL_CASES").unwrap_or_else(|| rounds(12, 800) as u64);
    println!("SEAL_MODEL_SEED={seed}");
    let begun = Instant::now();
    thread::scope(|scope| {
        let lanes = (0..LANES.min(cases)).map(|lane| {
            scope.spawn(move || run_lane((seed + lane..seed + cases).step_by(LANES as usize)))
        });
        let lanes: Vec<_> = lanes.collect();
        let failures: Vec<String> = lanes
            .into_iter()
            .flat_map(|lane| lane.join().expect("a lane catches what fails"))
            .collect();
        println!("{cases} sequences in {} s", begun.elapsed().as_secs());
        let failed = failures.len();
        assert_eq!(failed, 0, "sequences failed as said above");
    });
}

/// How often a shortened sequence is tried before it counts as one that does not fail.
const LUCK: usize = 4;

/// Makes one sequence for each seed, and returns what failed.
fn run_lane(seeds: impl Iterator<Item = u64>) -> Vec<String> {
    let ground = RefCell::new(None);
    let mut failures = Vec::new();
    for seed in seeds {
        if let Err(failure) = run_seed(seed, &ground) {
            say(&failure);
            failures.push(failure);
        }
        if failures.len() >= 3 {
            break;
        }
    }
    failures
}

fn run_seed(seed: u64, ground: &RefCell<Option<Ground>>) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: 1,
        failure_persistence: None,
        // The greatest number stands for a small one.
        max_shrink_iters: u32::MAX - 1,
        max_shrink_time: rounds(300_000, 1_200_000) as u32,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let limit = Cell::new(LIMIT);
    let outcome = runner.run(&sequences(), |actions| {
        // What fails may need luck to do it again.
        let times = if limit.get() == LIMIT { 1 } else { LUCK };
        let mut outcomes = (0..times).map(|_| run_actions(&actions, ground, limit.get()));
        let outcome = outcomes.find(Result::is_err).unwrap_or(Ok(()));
        if outcome.is_err() {
            limit.set(SHORT_LIMIT);
        }
        outcome.map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, actions)) => Err(format!(
            "SEAL_MODEL_SEED={seed}: {reason}\n{}",
            list(&actions)
        )),
        Err(TestError::Abort(reason)) => Err(format!("SEAL_MODEL_SEED={seed}: {reason}")),
    }
}

/// Carries out a sequence. After one that failed there is new ground.
fn run_actions(
    actions: &[Action],
    ground: &RefCell<Option<Ground>>,
    limit: Duration,
) -> Result<(), String> {
    // Where it panics, it is not put back.
    let mut on = ground.take().unwrap_or_else(new_ground);
    let outcome = case::run(&mut on, actions, limit);
    match &outcome {
        Ok(()) => drop(ground.replace(Some(on))),
        Err(problem) => say(&format!(
            "a sequence of {} fails: {}",
            actions.len(),
            first_lines(problem)
        )),
    }
    outcome
}

fn new_ground() -> Ground {
    let mut ground = Ground::new();
    if rounds(0, 1) == 1 {
        ground.wait_for_collection();
    }
    ground
}

/// A long run is not to end before it tells.
#[expect(clippy::print_stdout, reason = "it is a test")]
fn say(text: &str) {
    println!("{text}");
}

fn first_lines(text: &str) -> String {
    text.lines().take(6).collect::<Vec<_>>().join("\n")
}

/// As it can be copied into `regressions.rs`.
fn list(actions: &[Action]) -> String {
    actions
        .iter()
        .map(|action| format!("    {action:?},\n"))
        .collect()
}
