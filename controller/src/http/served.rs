//! What there is to serve.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use seal_sealing::KeyRing;

/// What there is to serve: the shell fills it, the answers read it.
#[derive(Debug, Default)]
pub(crate) struct Served {
    is_ready: AtomicBool,
    keys: RwLock<Arc<KeyRing>>,
}

impl Served {
    /// Says whether the work is under way, so that others may rely on it.
    pub(crate) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Release);
    }

    /// Says which keys open, and with them the certificate to seal with: that of [`KeyRing::current`]. They may be in
    /// use elsewhere at the same time.
    pub(crate) fn set_keys(&self, keys: Arc<KeyRing>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }

    pub(super) fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}
