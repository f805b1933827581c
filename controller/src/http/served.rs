//! What there is to serve.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use seal_sealing::KeyRing;
use tokio::sync::watch;

/// What there is to serve: the shell fills it, the answers read it.
#[derive(Debug, Default)]
pub(crate) struct Served {
    is_ready: AtomicBool,
    /// None before it is known which there are.
    keys: watch::Sender<Option<Arc<KeyRing>>>,
}

impl Served {
    /// Says whether the work is under way, so that others may rely on it.
    pub(crate) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Release);
    }

    /// Says which keys open, and with them the certificate to seal with: that of [`KeyRing::current`]. They may be in
    /// use elsewhere at the same time.
    pub(crate) fn set_keys(&self, keys: Arc<KeyRing>) {
        self.keys.send_replace(Some(keys));
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }

    /// The keys; none where it is not known yet which there are.
    pub(super) fn keys(&self) -> Arc<KeyRing> {
        self.keys.borrow().clone().unwrap_or_default()
    }

    /// Waits until it is known which keys there are: before that nothing can be said not to open.
    pub(super) async fn keys_known(&self) {
        // It fails only when nothing is served any more.
        drop(self.keys.subscribe().wait_for(Option::is_some).await);
    }
}
