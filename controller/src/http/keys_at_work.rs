//! Private keys at work for callers: off the asynchronous threads, one request an endpoint at a time, not for ever.

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use tokio::{
    sync::Semaphore,
    task,
    time::{Instant, timeout_at},
};

use crate::{
    cores::{Cores, JobHandle},
    fair::Class,
};

/// The place at the keys of one endpoint, which has its turns at the cores as what SealedSecrets are looked at for.
pub(super) struct KeysAtWork {
    place: Arc<Semaphore>,
    cores: Arc<Cores>,
}

/// Less urgent than what people change, and not held up by what was there at the start.
const CLASS: Class = Class::Drift;
/// After so many operations it takes turns with that as well: a few callers must not keep it waiting.
const PROMPT: u32 = 32;
/// All callers together have the turns of one namespace; this is the name of none.
const CALLERS: &str = "";

/// The time for an answer is over.
#[derive(Debug)]
pub(super) struct Overdue;

/// Tells the work that nobody waits for it any more, as when the caller has hung up.
struct Leaving(JobHandle);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

impl KeysAtWork {
    pub(super) fn new(cores: Arc<Cores>) -> Self {
        Self {
            place: Arc::new(Semaphore::new(1)),
            cores,
        }
    }

    /// Waits for the place and does `work`, which asks now and then whether to go on; all of it within `limit`.
    pub(super) async fn run<W>(&self, limit: Duration, work: W) -> Result<Response, Overdue>
    where
        W: FnOnce(&mut dyn FnMut() -> bool) -> Response + Send + 'static,
    {
        let until = Instant::now()
            .checked_add(limit)
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
        let place = timeout_at(until, Arc::clone(&self.place).acquire_owned())
            .await
            .map_err(|_| Overdue)?
            .map_err(|_| Overdue)?;
        let job = self.cores.job(CLASS, CALLERS);
        let begun = timeout_at(until, job.begin()).await;
        if !begun.map_err(|_| Overdue)? {
            return Err(Overdue);
        }
        let _leaving = Leaving(job.handle());
        let working = task::spawn_blocking(move || {
            let _place = place;
            let mut operations = 0;
            work(&mut || {
                operations += 1;
                job.go_on(if operations > PROMPT {
                    Class::Backlog
                } else {
                    CLASS
                })
            })
        });
        match timeout_at(until, working).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_)) | Err(_) => Err(Overdue),
        }
    }
}
