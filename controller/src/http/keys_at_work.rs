//! Private keys at work for callers: off the asynchronous threads, one request an endpoint at a time, not for ever.

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use tokio::{
    runtime::Handle,
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
    workers: Handle,
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
    pub(super) fn new(cores: Arc<Cores>, workers: Handle) -> Self {
        Self {
            place: Arc::new(Semaphore::new(1)),
            cores,
            workers,
        }
    }

    /// Waits for the place, takes the request apart by `read`, and does `work` with what it says, which asks now and then
    /// whether to go on; all of it within `limit`. Reading needs no core of those that the keys have, and gives way to
    /// them.
    pub(super) async fn run<T, E, W>(
        &self,
        limit: Duration,
        read: impl FnOnce() -> Result<T, E> + Send + 'static,
        work: W,
    ) -> Result<Result<Response, E>, Overdue>
    where
        T: Send + 'static,
        E: Send + 'static,
        W: FnOnce(T, &mut dyn FnMut() -> bool) -> Response + Send + 'static,
    {
        let until = Instant::now()
            .checked_add(limit)
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
        let place = timeout_at(until, Arc::clone(&self.place).acquire_owned())
            .await
            .map_err(|_| Overdue)?
            .map_err(|_| Overdue)?;
        let reading = task::spawn_blocking(move || (read(), place));
        let Ok(Ok((read, place))) = timeout_at(until, reading).await else {
            return Err(Overdue);
        };
        let read = match read {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        let job = self.cores.job(CLASS, CALLERS);
        let _leaving = Leaving(job.handle());
        // A thread has the priority of the one that makes it, so those for the keys must not be made from here.
        let working = self.workers.spawn(async move {
            if !job.begin().await {
                return Err(Overdue);
            }
            let working = task::spawn_blocking(move || {
                let _place = place;
                let mut operations = 0;
                work(read, &mut || {
                    operations += 1;
                    job.go_on(if operations > PROMPT {
                        Class::Backlog
                    } else {
                        CLASS
                    })
                })
            });
            working.await.map_err(|_| Overdue)
        });
        match timeout_at(until, working).await {
            Ok(Ok(response)) => response.map(Ok),
            Ok(Err(_)) | Err(_) => Err(Overdue),
        }
    }
}
