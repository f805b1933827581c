//! Who uses the private keys now: as many jobs at a time as there are cores, in the order of [`Fair`].
//!
//! A job asks before each operation whether to go on. That is when it gives its core to a more urgent one, or after a while
//! to one of another namespace, and waits for its next turn; so an object with a thousand items holds nobody up for
//! longer than an operation takes.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::fair::{Class, Fair};

/// After so many operations it is another one's turn, where one waits that is as urgent.
const OPERATIONS_A_TURN: u32 = 8;

/// The cores, shared by all who use private keys.
#[derive(Debug)]
pub(crate) struct Cores(Mutex<State>);

/// Somebody who uses private keys. Its place is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Job {
    cores: Arc<Cores>,
    number: u64,
}

/// The way to a job that goes on elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct JobHandle {
    cores: Arc<Cores>,
    number: u64,
}

struct State {
    free: usize,
    waiting: Fair<()>,
    jobs: HashMap<u64, JobState>,
    count: u64,
}

struct JobState {
    class: Class,
    namespace: String,
    stage: Stage,
    is_broken_off: bool,
}

enum Stage {
    /// It has not asked for a core.
    New,
    /// It has the turn when this is sent.
    Waiting(Class, oneshot::Sender<()>),
    /// It has a core for so many operations more; for all of them where it is its class's share.
    Working { left: u32, is_share: bool },
}

impl Cores {
    /// So many of them.
    pub(crate) fn new(number: usize) -> Self {
        Self(Mutex::new(State {
            free: number.max(1),
            waiting: Fair::new(),
            jobs: HashMap::new(),
            count: 0,
        }))
    }

    /// A job that has no core yet.
    pub(crate) fn job(self: &Arc<Self>, class: Class, namespace: &str) -> Job {
        let mut state = self.state();
        state.count += 1;
        let number = state.count;
        let job = JobState {
            class,
            namespace: namespace.to_owned(),
            stage: Stage::New,
            is_broken_off: false,
        };
        state.jobs.insert(number, job);
        drop(state);
        Job {
            cores: Arc::clone(self),
            number,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    pub(crate) fn handle(&self) -> JobHandle {
        JobHandle {
            cores: Arc::clone(&self.cores),
            number: self.number,
        }
    }

    /// Waits for the first turn. Whether the job is still wanted.
    pub(crate) async fn begin(&self) -> bool {
        let turn = self.cores.state().ask(self.number, Class::Change);
        turn.await.is_ok()
    }

    /// Counts an operation that follows, in no more urgent a class than `at_most`. Before that it waits, as often as it is
    /// somebody else's turn; so it may only be called where a thread may wait, and after [`Self::begin`]. Whether the
    /// job is still wanted.
    pub(crate) fn go_on(&self, at_most: Class) -> bool {
        let turn = {
            let mut state = self.cores.state();
            match state.go_on(self.number, at_most) {
                Some(turn) => turn,
                None => return !state.is_broken_off(self.number),
            }
        };
        turn.blocking_recv().is_ok()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.cores.state().end(self.number);
    }
}

impl JobHandle {
    /// The job is not wanted any more.
    pub(crate) fn break_off(&self) {
        let mut state = self.cores.state();
        state.stop_waiting(self.number);
        if let Some(job) = state.jobs.get_mut(&self.number) {
            job.is_broken_off = true;
        }
    }

    /// The job is as urgent as `class`, if not more.
    pub(crate) fn raise(&self, class: Class) {
        self.cores.state().raise(self.number, class);
    }
}

impl State {
    /// Asks for a turn.
    fn ask(&mut self, number: u64, at_most: Class) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        if let Some(job) = self.jobs.get_mut(&number).filter(|job| !job.is_broken_off) {
            let class = job.class.max(at_most);
            job.stage = Stage::Waiting(class, sender);
            self.waiting.add(class, &job.namespace, number, ());
            self.give();
        }
        receiver
    }

    /// Gives free cores to those whose turn it is.
    fn give(&mut self) {
        while self.free > 0 {
            let Some(turn) = self.waiting.take(|_| true, |_, _| true) else {
                return;
            };
            let Some(job) = self.jobs.get_mut(&turn.number) else {
                continue;
            };
            let stage = Stage::Working {
                left: OPERATIONS_A_TURN,
                is_share: turn.is_share,
            };
            if let Stage::Waiting(_, sender) = std::mem::replace(&mut job.stage, stage) {
                self.free -= 1;
                // Where nobody listens, the job is about to be dropped, and gives the core back.
                let _ = sender.send(());
            }
        }
    }

    /// Counts an operation, or asks for another turn.
    fn go_on(&mut self, number: u64, at_most: Class) -> Option<oneshot::Receiver<()>> {
        let job = self.jobs.get_mut(&number)?;
        if job.is_broken_off {
            return None;
        }
        let class = job.class.max(at_most);
        let Stage::Working { left, is_share } = &mut job.stage else {
            return None;
        };
        let is_over = *left == 0 || (!*is_share && self.waiting.has_more_urgent(class));
        *left = left.saturating_sub(1);
        self.waiting.charge(class, &job.namespace, 1);
        if !is_over || self.waiting.is_empty() {
            return None;
        }
        self.free += 1;
        Some(self.ask(number, at_most))
    }

    fn raise(&mut self, number: u64, class: Class) {
        let Some(job) = self.jobs.get_mut(&number) else {
            return;
        };
        job.class = job.class.min(class);
        if let Stage::Waiting(now, _) = &mut job.stage
            && class < *now
        {
            self.waiting.remove(*now, &job.namespace, number);
            self.waiting.add(class, &job.namespace, number, ());
            *now = class;
        }
    }

    /// Whoever waits learns that no turn comes.
    fn stop_waiting(&mut self, number: u64) {
        if let Some(job) = self.jobs.get_mut(&number)
            && let Stage::Waiting(class, _) = job.stage
        {
            self.waiting.remove(class, &job.namespace, number);
            job.stage = Stage::New;
        }
    }

    fn end(&mut self, number: u64) {
        self.stop_waiting(number);
        let job = self.jobs.remove(&number);
        if job.is_some_and(|job| matches!(job.stage, Stage::Working { .. })) {
            self.free += 1;
            self.give();
        }
    }

    fn is_broken_off(&self, number: u64) -> bool {
        self.jobs.get(&number).is_none_or(|job| job.is_broken_off)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("State");
        shown.field("free", &self.free).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
