//! Private keys at work for callers: off the asynchronous threads, one request an endpoint at a time, not for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::response::Response;
use tokio::{
    sync::Semaphore,
    task,
    time::{Instant, timeout_at},
};

/// The place at the keys of one endpoint. Reconciling has the other processors to itself.
pub(super) struct KeysAtWork(Arc<Semaphore>);

/// The time for an answer is over.
#[derive(Debug)]
pub(super) struct Overdue;

/// Tells the work that nobody waits for it any more, as when the caller has hung up.
struct Leaving(Arc<AtomicBool>);

impl Default for KeysAtWork {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl KeysAtWork {
    /// Waits for the place and does `work`, which asks now and then whether to go on; all of it within `limit`.
    pub(super) async fn run<W>(&self, limit: Duration, work: W) -> Result<Response, Overdue>
    where
        W: FnOnce(&dyn Fn() -> bool) -> Response + Send + 'static,
    {
        let until = Instant::now()
            .checked_add(limit)
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
        let place = timeout_at(until, Arc::clone(&self.0).acquire_owned())
            .await
            .map_err(|_| Overdue)?
            .map_err(|_| Overdue)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let _leaving = Leaving(Arc::clone(&is_over));
        let working = task::spawn_blocking(move || {
            let _place = place;
            work(&|| !is_over.load(Ordering::Acquire))
        });
        match timeout_at(until, working).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_)) | Err(_) => Err(Overdue),
        }
    }
}
