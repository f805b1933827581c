use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use futures::FutureExt;
use tokio::runtime;

use super::*;

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// Jobs on cores, each on a thread of its own, which does an operation when it is told to.
struct Site {
    cores: Arc<Cores>,
    said: mpsc::Receiver<String>,
    says: mpsc::Sender<String>,
}

impl Site {
    fn new(cores: usize) -> Self {
        let (says, said) = mpsc::channel();
        Self {
            cores: Arc::new(Cores::new(cores)),
            said,
            says,
        }
    }

    /// A job of so many operations, which says its name at each.
    fn begin(&self, name: &str, class: Class, namespace: &str, operations: u32) -> JobHandle {
        self.begin_with(name, class, namespace, operations, Class::Change)
    }

    fn begin_with(
        &self,
        name: &str,
        class: Class,
        namespace: &str,
        operations: u32,
        at_most: Class,
    ) -> JobHandle {
        let job = self.cores.job(class, namespace);
        let handle = job.handle();
        let (says, name) = (self.says.clone(), name.to_owned());
        let waiting = self.waiting();
        let was_free = self.cores.state().free > 0;
        thread::spawn(move || {
            if !block_on(job.begin()) {
                says.send(format!("{name}!")).expect("somebody listens");
                return;
            }
            for _ in 0..operations {
                if !job.go_on(at_most) {
                    says.send(format!("{name}!")).expect("somebody listens");
                    return;
                }
                says.send(name.clone()).expect("somebody listens");
            }
        });
        if !was_free {
            self.until(|site| site.waiting() > waiting);
        }
        handle
    }

    fn waiting(&self) -> usize {
        let state = self.cores.state();
        Class::ALL
            .iter()
            .map(|class| state.waiting.waiting(*class).count())
            .sum()
    }

    fn until(&self, is: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is(self) {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never is");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Keeps a core, so that all that begins meanwhile waits.
    fn hold(&self) -> Job {
        let job = self.cores.job(Class::Change, "holds");
        assert!(block_on(job.begin()));
        job
    }

    /// What all jobs said, one after the other.
    fn all(self) -> Vec<String> {
        let Self { cores, said, says } = self;
        drop(says);
        let all = said.iter().collect();
        let state = cores.state();
        assert!(state.jobs.is_empty() && state.waiting.is_empty());
        all
    }

    /// The same as names with how often each was said in a row.
    fn turns(self) -> Vec<(String, usize)> {
        let mut turns: Vec<(String, usize)> = Vec::new();
        for name in self.all() {
            match turns.last_mut() {
                Some((last, times)) if *last == name => *times += 1,
                _ => turns.push((name, 1)),
            }
        }
        turns
    }
}

fn turns(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    let owned = expected.iter();
    owned
        .map(|(name, times)| ((*name).to_owned(), *times))
        .collect()
}

#[test]
fn an_urgent_job_has_the_next_operation_and_the_other_goes_on_afterwards() {
    let site = Site::new(1);
    let slow = site.cores.job(Class::Backlog, "a");
    assert!(block_on(slow.begin()));
    let says = site.says.clone();
    for _ in 0..3 {
        assert!(slow.go_on(Class::Change));
        says.send("slow".to_owned()).expect("somebody listens");
    }
    site.begin("urgent", Class::Change, "b", 20);
    for _ in 0..3 {
        assert!(slow.go_on(Class::Change));
        says.send("slow".to_owned()).expect("somebody listens");
    }
    drop((slow, says));
    assert_eq!(
        site.turns(),
        turns(&[("slow", 3), ("urgent", 20), ("slow", 3)])
    );
}

#[test]
fn as_urgent_jobs_of_several_namespaces_take_turns_and_those_of_one_come_one_after_the_other() {
    let site = Site::new(1);
    let held = site.hold();
    for (name, namespace) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        site.begin(name, Class::Change, namespace, 16);
    }
    drop(held);
    let of_a_turn = OPERATIONS_A_TURN as usize;
    let expected = ["a1", "b1", "a1", "b1"].map(|name| (name, of_a_turn));
    let expected = [&expected[..], &[("a2", 2 * of_a_turn)]].concat();
    assert_eq!(site.turns(), turns(&expected));
}

#[test]
fn the_less_urgent_have_a_share() {
    let site = Site::new(1);
    let held = site.hold();
    site.begin("slow", Class::Backlog, "a", 100);
    for number in 0..40 {
        site.begin("urgent", Class::Change, &format!("u{number}"), 8);
    }
    drop(held);
    let all = site.all();
    let first: Vec<_> = all[..256].iter().filter(|name| *name == "slow").collect();
    assert_eq!(first.len(), 256 / 8);
}

#[test]
fn finding_out_why_something_does_not_open_waits_for_all_else() {
    let site = Site::new(1);
    let held = site.hold();
    site.begin_with("why", Class::Change, "a", 4, Class::Diagnosis);
    site.begin("slow", Class::Backlog, "a", 4);
    drop(held);
    // The first turn was asked for before it was known what for.
    let all = site.turns();
    assert_eq!(all, turns(&[("slow", 4), ("why", 4)]));
}

#[test]
fn what_is_broken_off_ends_at_once_wherever_it_is_and_what_is_raised_moves_up() {
    let site = Site::new(1);
    let held = site.hold();
    let waits = site.begin("waits", Class::Backlog, "a", 5);
    let other = site.begin("other", Class::Backlog, "a", 5);
    site.begin("drift", Class::Drift, "a", 5);
    waits.break_off();
    // It does not wait for a core.
    assert_eq!(site.said.recv().as_deref(), Ok("waits!"));
    other.raise(Class::Change);
    held.handle().break_off();
    assert!(!held.go_on(Class::Change));
    drop(held);
    assert_eq!(site.turns(), turns(&[("other", 5), ("drift", 5)]));
}

#[test]
fn no_more_work_at_a_time_than_there_are_cores() {
    let site = Site::new(2);
    let (first, second) = (site.hold(), site.hold());
    site.begin("third", Class::Change, "a", 1);
    assert!(site.said.try_recv().is_err());
    drop(second);
    assert_eq!(site.said.recv().as_deref(), Ok("third"));
    drop(first);
}

#[test]
fn who_does_not_wait_any_more_has_no_core() {
    let site = Site::new(1);
    let held = site.hold();
    let gone = site.cores.job(Class::Change, "a");
    let mut waiting = Box::pin(gone.begin());
    let now = waiting.as_mut().now_or_never();
    assert_eq!(now, None);
    drop(waiting);
    drop(gone);
    site.begin("next", Class::Change, "a", 1);
    drop(held);
    assert_eq!(site.said.recv().as_deref(), Ok("next"));
}
