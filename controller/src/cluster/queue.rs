//! Names waiting to be looked at: each once, the earliest first, and none by two workers at a time.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// A queue shared by those who find work and those who do it.
#[derive(Debug)]
pub(super) struct Queue<K> {
    state: Mutex<State<K>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<K> {
    waiting: BTreeSet<(Instant, u64, K)>,
    places: HashMap<K, (Instant, u64)>,
    /// What is being worked on, with the time for which it was asked for again meanwhile.
    working: HashMap<K, Option<Instant>>,
    count: u64,
    is_closed: bool,
}

/// What a look into the queue gives.
enum Look<K> {
    Work(K),
    Wait(Option<Instant>),
    Closed,
}

impl<K: Clone + Ord + Hash> Queue<K> {
    /// An empty queue.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: BTreeSet::new(),
                places: HashMap::new(),
                working: HashMap::new(),
                count: 0,
                is_closed: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Asks for a look at once.
    pub(super) fn add(&self, name: K) {
        self.add_at(name, Instant::now());
    }

    /// Asks for a look after a while.
    pub(super) fn add_after(&self, name: K, wait: Duration) {
        self.add_at(name, Instant::now() + wait);
    }

    fn add_at(&self, name: K, at: Instant) {
        self.state().add(name, at);
        self.changed.notify_one();
    }

    /// The next name that is due, which nobody else gets before [`Self::done`]; `None` once the queue is closed.
    pub(super) async fn next(&self) -> Option<K> {
        loop {
            let look = self.state().take(Instant::now());
            match look {
                Look::Work(name) => {
                    // Another one may be due as well, for another worker.
                    self.changed.notify_one();
                    return Some(name);
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
    pub(super) fn done(&self, name: &K) {
        let mut state = self.state();
        if let Some(Some(at)) = state.working.remove(name) {
            state.add(name.clone(), at);
            self.changed.notify_one();
        }
    }

    /// Ends it: nobody gets anything any more.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Ord + Hash> State<K> {
    fn add(&mut self, name: K, at: Instant) {
        if let Some(again) = self.working.get_mut(&name) {
            *again = Some(again.map_or(at, |other| other.min(at)));
            return;
        }
        if let Some((before, number)) = self.places.get(&name).copied() {
            if before <= at {
                return;
            }
            self.waiting.remove(&(before, number, name.clone()));
        }
        self.count += 1;
        self.waiting.insert((at, self.count, name.clone()));
        self.places.insert(name, (at, self.count));
    }

    fn take(&mut self, now: Instant) -> Look<K> {
        if self.is_closed {
            return Look::Closed;
        }
        match self.waiting.first() {
            Some((at, _, _)) if *at > now => Look::Wait(Some(*at)),
            None => Look::Wait(None),
            Some(_) => match self.waiting.pop_first() {
                Some((_, _, name)) => {
                    self.places.remove(&name);
                    self.working.insert(name.clone(), None);
                    Look::Work(name)
                }
                None => Look::Wait(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::{advance, pause};

    use super::*;

    #[tokio::test]
    async fn a_name_comes_once_however_often_it_was_asked_for() {
        let queue = Queue::new();
        queue.add("a");
        queue.add("b");
        queue.add("a");
        assert_eq!(queue.next().await, Some("a"));
        assert_eq!(queue.next().await, Some("b"));
        assert!(matches!(
            queue.state().take(Instant::now()),
            Look::Wait(None)
        ));
    }

    #[tokio::test]
    async fn what_is_asked_for_during_the_work_comes_again_and_never_at_the_same_time() {
        let queue = Queue::new();
        queue.add("a");
        assert_eq!(queue.next().await, Some("a"));
        queue.add("a");
        assert!(matches!(
            queue.state().take(Instant::now()),
            Look::Wait(None)
        ));
        queue.done(&"a");
        assert_eq!(queue.next().await, Some("a"));
        queue.done(&"a");
        assert!(matches!(
            queue.state().take(Instant::now()),
            Look::Wait(None)
        ));
    }

    #[tokio::test]
    async fn an_earlier_wish_wins_over_a_later_one() {
        pause();
        let queue = Queue::new();
        queue.add_after("slow", Duration::from_secs(60));
        queue.add_after("slow", Duration::from_secs(5));
        queue.add_after("slow", Duration::from_secs(90));
        queue.add_after("slower", Duration::from_secs(6));
        let begun = Instant::now();
        assert_eq!(queue.next().await, Some("slow"));
        assert_eq!(begun.elapsed().as_secs(), 5);
        assert_eq!(queue.next().await, Some("slower"));
        assert_eq!(begun.elapsed().as_secs(), 6);
    }

    #[tokio::test]
    async fn all_waiting_workers_end_when_it_is_closed() {
        let queue = Arc::new(Queue::<u8>::new());
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let queue = Arc::clone(&queue);
                tokio::spawn(async move { queue.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.close();
        for worker in workers {
            assert_eq!(worker.await.expect("it does not panic"), None);
        }
    }

    #[tokio::test]
    async fn several_workers_share_what_is_due() {
        pause();
        let queue = Arc::new(Queue::new());
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                tokio::spawn(async move { queue.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        for name in 0..3 {
            queue.add_after(name, Duration::from_secs(1));
        }
        advance(Duration::from_secs(2)).await;
        let mut names = Vec::new();
        for worker in workers {
            names.extend(worker.await.expect("it does not panic"));
        }
        names.sort_unstable();
        assert_eq!(names, [0, 1, 2]);
    }
}
