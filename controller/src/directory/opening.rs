//! Opening SealedSecrets, by all processors: each item costs a private-key operation, and nothing else costs as much.

use std::{
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use seal_api::SealedSecret;
use seal_sealing::{Failure, KeyRing, UnsealOptions, unseal};

/// What a SealedSecret opens to, or why it does not.
pub(super) struct Opened {
    pub(super) all: Result<seal_sealing::Opened, Failure>,
    /// How long it took.
    pub(super) took: Duration,
}

/// Opens all of them, by as many threads as there are processors; the results in order.
pub(super) fn open_all(
    sealed: &[&SealedSecret],
    ring: &KeyRing,
    options: &UnsealOptions,
) -> Vec<Opened> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    if sealed.len() < 2 || processors < 2 {
        return sealed
            .iter()
            .map(|sealed| open(sealed, ring, options))
            .collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, sealed)) = take(&next, sealed) {
            done.push((index, open(sealed, ring, options)));
        }
        done
    };
    let mut done: Vec<(usize, Opened)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..processors.min(sealed.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let results = workers.into_iter().map(|worker| {
            worker
                .join()
                .unwrap_or_else(|payload| panic::resume_unwind(payload))
        });
        results.flatten().collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, opened)| opened).collect()
}

fn take<'s>(next: &AtomicUsize, sealed: &[&'s SealedSecret]) -> Option<(usize, &'s SealedSecret)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    sealed.get(index).map(|sealed| (index, *sealed))
}

fn open(sealed: &SealedSecret, ring: &KeyRing, options: &UnsealOptions) -> Opened {
    let begun = Instant::now();
    let all = unseal(sealed, ring, options);
    Opened {
        all,
        took: begun.elapsed(),
    }
}
