//! SealedSecrets waiting to be looked at: each once, in the order of [`Fair`], and none by two workers at a time.
//!
//! As many are looked at at once as there are workers. A part of them is for changes alone, and one for each other class;
//! the rest is for whose turn it is. So neither one namespace nor one class gets all of the workers: what comes newly finds one
//! that is free, and what is less urgent goes on also where more urgent work has no end.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};

use super::object_name::ObjectName;
use crate::fair::{Class, Fair};

/// Of so many workers one is for changes alone.
const CHANGES: usize = 4;
/// One for each class. Where there are fewer, who takes is decided by which are free.
const FEWEST: usize = Class::ALL.len();

/// A queue shared by those who find work and those who do it.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    /// Tells those who wait for something else before they take anything.
    closed: watch::Sender<bool>,
}

/// What waits in a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Depth {
    pub(super) class: Class,
    /// How many SealedSecrets are due.
    pub(super) waiting: usize,
    /// For how long the first of them has been.
    pub(super) oldest: Duration,
}

#[derive(Debug)]
struct State {
    workers: usize,
    /// What is due, since when.
    due: Fair<(ObjectName, Instant)>,
    /// What will be due, with the number of the wish.
    later: BTreeSet<(Instant, u64)>,
    wishes: HashMap<ObjectName, Wish>,
    /// The name of each wish that is for later.
    names: HashMap<u64, ObjectName>,
    /// What is being worked on.
    working: HashMap<ObjectName, Working>,
    /// How many are, by class.
    by_class: [usize; 4],
    /// The same of each namespace of which some are.
    by_namespace: HashMap<String, [usize; 4]>,
    count: u64,
    is_closed: bool,
}

/// That something is to be looked at.
#[derive(Debug, Clone, Copy)]
struct Wish {
    number: u64,
    class: Class,
    /// When it is due; none where it is.
    at: Option<Instant>,
}

#[derive(Debug)]
struct Working {
    class: Class,
    /// What was asked for meanwhile.
    again: Option<(Instant, Class)>,
}

/// What a look into the queue gives.
enum Look {
    Work(ObjectName, Class),
    Wait(Option<Instant>),
    Closed,
}

impl Queue {
    /// An empty queue for so many workers.
    pub(super) fn new(workers: usize) -> Self {
        Self {
            state: Mutex::new(State {
                workers: workers.max(FEWEST),
                due: Fair::new(),
                later: BTreeSet::new(),
                wishes: HashMap::new(),
                names: HashMap::new(),
                working: HashMap::new(),
                by_class: [0; 4],
                by_namespace: HashMap::new(),
                count: 0,
                is_closed: false,
            }),
            changed: Notify::new(),
            closed: watch::Sender::new(false),
        }
    }

    /// Asks for a look at once. What waits already moves up to the more urgent of both classes.
    pub(super) fn add(&self, name: ObjectName, class: Class) {
        let now = Instant::now();
        self.state().add(name, class, now, now);
        self.changed.notify_one();
    }

    /// Asks for a look after a while; what is asked for earlier as well comes earlier.
    pub(super) fn add_after(&self, name: ObjectName, class: Class, wait: Duration) {
        let now = Instant::now();
        self.state().add(name, class, now + wait, now);
        self.changed.notify_one();
    }

    /// The next name whose turn it is, which nobody else gets before [`Self::done`], and why it is to be looked at; `None`
    /// once the queue is closed.
    pub(super) async fn next(&self) -> Option<(ObjectName, Class)> {
        loop {
            let look = self.state().take(Instant::now());
            match look {
                Look::Work(name, class) => {
                    // Another one may be due as well, for another worker.
                    self.changed.notify_one();
                    return Some((name, class));
                }
                Look::Wait(None) => self.changed.notified().await,
                // It is over when the time has come, or when something else did.
                Look::Wait(Some(until)) => drop(timeout_at(until, self.changed.notified()).await),
                Look::Closed => {
                    self.changed.notify_one();
                    return None;
                }
            }
        }
    }

    /// Says that the work on a name is over; it comes again if it was asked for meanwhile.
    pub(super) fn done(&self, name: &ObjectName) {
        self.state().done(name, Instant::now());
        // One more may be worked on.
        self.changed.notify_one();
    }

    /// What somebody asked for meanwhile where a name is being worked on, if it is due.
    pub(super) fn asked_again(&self, name: &ObjectName) -> Option<Class> {
        let now = Instant::now();
        let again = self.state().working.get(name)?.again;
        again.filter(|(at, _)| *at <= now).map(|(_, class)| class)
    }

    /// So many private-key operations were made for a namespace, which count for whose turn it is.
    pub(super) fn charge(&self, class: Class, namespace: &str, operations: u64) {
        self.state().due.charge(class, namespace, operations);
    }

    /// Whether something is due that is more urgent than `class`.
    pub(super) fn has_more_urgent(&self, class: Class) -> bool {
        self.state().due.has_more_urgent(class)
    }

    /// What is due, by class, the most urgent first.
    pub(super) fn depths(&self) -> [Depth; 4] {
        let now = Instant::now();
        let state = self.state();
        Class::ALL.map(|class| {
            let since = || state.due.waiting(class).map(|(_, since)| *since);
            let oldest = since().min().unwrap_or(now);
            Depth {
                class,
                waiting: since().count(),
                oldest: now.saturating_duration_since(oldest),
            }
        })
    }

    /// Ends it: nobody gets anything any more.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
        self.closed.send_replace(true);
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        // It fails only when there is no queue any more.
        drop(self.closed.subscribe().wait_for(|closed| *closed).await);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, name: ObjectName, class: Class, at: Instant, now: Instant) {
        if let Some(working) = self.working.get_mut(&name) {
            let again = working.again.get_or_insert((at, class));
            *again = (again.0.min(at), again.1.min(class));
            return;
        }
        let mut wish = Wish {
            number: self.count,
            class,
            at: (at > now).then_some(at),
        };
        if let Some(before) = self.wishes.get(&name).copied() {
            wish.class = wish.class.min(before.class);
            // `None` is earlier than any time.
            wish.at = wish.at.min(before.at);
            if (wish.class, wish.at) == (before.class, before.at) {
                return;
            }
            let since = self.take_back(&name, before);
            if wish.at.is_none() {
                return self.put(name, wish, since.unwrap_or(now));
            }
        }
        self.put(name, wish, now);
    }

    fn done(&mut self, name: &ObjectName, now: Instant) {
        let Some(working) = self.working.remove(name) else {
            return;
        };
        let place = working.class.place();
        self.by_class[place] -= 1;
        if let Some(has) = self.by_namespace.get_mut(&name.namespace) {
            has[place] -= 1;
            if *has == [0; 4] {
                self.by_namespace.remove(&name.namespace);
            }
        }
        if let Some((at, class)) = working.again {
            self.add(name.clone(), class, at, now);
        }
    }

    /// Takes a wish back; since when it was due, where it was.
    fn take_back(&mut self, name: &ObjectName, wish: Wish) -> Option<Instant> {
        if let Some(at) = wish.at {
            self.later.remove(&(at, wish.number));
            self.names.remove(&wish.number);
            return None;
        }
        let namespace = &name.namespace;
        let due = self.due.remove(wish.class, namespace, wish.number);
        due.map(|(_, since)| since)
    }

    fn put(&mut self, name: ObjectName, wish: Wish, since: Instant) {
        self.count += 1;
        self.wishes.insert(name.clone(), wish);
        match wish.at {
            Some(at) => {
                self.later.insert((at, wish.number));
                self.names.insert(wish.number, name);
            }
            None => {
                let namespace = name.namespace.clone();
                let entry = (name, since);
                self.due.add(wish.class, &namespace, wish.number, entry);
            }
        }
    }

    /// What has become due.
    fn come_due(&mut self, now: Instant) {
        while let Some(&(at, number)) = self.later.first().filter(|(at, _)| *at <= now) {
            self.later.pop_first();
            let Some(name) = self.names.remove(&number) else {
                continue;
            };
            let Some(mut wish) = self.wishes.get(&name).copied() else {
                continue;
            };
            // It comes after what has been due before.
            wish.number = self.count;
            wish.at = None;
            self.put(name, wish, at);
        }
    }

    /// How many workers are free for each class: all but those that are kept for other classes.
    fn free(&self) -> [usize; 4] {
        let unused = |place: usize| {
            let own = if place == Class::Change.place() {
                (self.workers / CHANGES).max(1)
            } else {
                1
            };
            own.saturating_sub(self.by_class[place])
        };
        let kept: usize = (0..Class::ALL.len()).map(unused).sum();
        let free = self.workers.saturating_sub(self.working.len());
        std::array::from_fn(|place| free.saturating_sub(kept - unused(place)))
    }

    fn take(&mut self, now: Instant) -> Look {
        if self.is_closed {
            return Look::Closed;
        }
        self.come_due(now);
        let mut free = self.free();
        if self.due.has_more_urgent(Class::Diagnosis) {
            // Workers that others leave, for their namespace's sake, are not for finding out why something does not open.
            let place = Class::Diagnosis.place();
            free[place] = free[place].min(1_usize.saturating_sub(self.by_class[place]));
        }
        let by_namespace = &self.by_namespace;
        let turn = self.due.take(
            |class| free[class.place()] > 0,
            |class, namespace| {
                let has = by_namespace.get(namespace);
                let has = has.map_or(0, |has| has[class.place()]);
                // So half of what is free goes to one namespace, a third to each of two, and something is left for another.
                has < free[class.place()]
            },
        );
        let Some(turn) = turn else {
            return Look::Wait(self.later.first().map(|(at, _)| *at));
        };
        let (name, _) = turn.entry;
        self.wishes.remove(&name);
        let place = turn.class.place();
        self.by_class[place] += 1;
        let namespace = name.namespace.clone();
        self.by_namespace.entry(namespace).or_default()[place] += 1;
        let working = Working {
            class: turn.class,
            again: None,
        };
        self.working.insert(name.clone(), working);
        Look::Work(name, turn.class)
    }
}

#[cfg(test)]
mod tests;
