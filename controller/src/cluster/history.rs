//! The API server's database may be restored from a snapshot. Versions of objects then go back, and come again and stand
//! for something else. A watch that goes on from a version of before is told of nothing until the new history has come as
//! far, and no error says so.
//!
//! It is noticed by what is read again and again: the Lease, or the version of a list where there is no Lease to hold. From
//! then on nothing counts that is known by a version, and every watch begins anew.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tracing::{debug, warn};

use super::{Cluster, api_server::Kind, objects::number};

/// What is known of how far the API server's history has come.
#[derive(Debug)]
pub(super) struct History {
    /// The version that the Lease had last.
    lease: AtomicU64,
    /// The newest version of a SealedSecret, or of a list of them.
    newest: AtomicU64,
    /// How often it was rewritten.
    rewritten: AtomicU64,
    /// Told when a watch breaks off.
    doubt: Notify,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            lease: AtomicU64::default(),
            newest: AtomicU64::default(),
            rewritten: AtomicU64::default(),
            doubt: Notify::new(),
        }
    }

    /// How often it was rewritten.
    pub(super) fn number(&self) -> u64 {
        self.rewritten.load(Ordering::Relaxed)
    }

    /// A watch broke off: perhaps the API server was stopped for its database to be restored.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Waits until there is a doubt.
    pub(super) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// A SealedSecret of this version was seen.
    pub(super) fn sees(&self, version: &str) {
        self.newest.fetch_max(number(version), Ordering::Relaxed);
    }

    /// The Lease was read or written: whether it was newer before.
    fn sees_lease(&self, version: u64) -> bool {
        // An answer without a version says nothing of the history.
        version > 0 && self.lease.swap(version, Ordering::Relaxed) > version
    }

    /// A list that was asked for when `newest` was the newest version is of this one: whether it is older.
    fn sees_list(&self, newest: u64, version: u64) -> bool {
        if version == 0 {
            return false;
        }
        if version >= newest {
            self.newest.fetch_max(version, Ordering::Relaxed);
            return false;
        }
        self.newest.store(version, Ordering::Relaxed);
        true
    }
}

impl Cluster {
    /// The Lease was read or written, and has this version. Each replica does so every few seconds.
    pub(super) fn lease_seen(&self, version: &str) {
        if self.history.sees_lease(number(version)) {
            self.history_was_rewritten();
        }
    }

    /// Asks how far the history has come, where there is no Lease by which it is seen. Whether the API server answered.
    pub(super) async fn look_at_history(&self) -> bool {
        // Read before the question, as a watch may be ahead of the answer.
        let newest = self.history.newest.load(Ordering::Relaxed);
        let namespace = self.scope.as_ref().map(|_| self.own.as_str());
        match self.api.newest_version(Kind::SealedSecret, namespace).await {
            Ok(version) => {
                if self.history.sees_list(newest, number(&version)) {
                    self.history_was_rewritten();
                }
                true
            }
            Err(error) => {
                // What is refused lasts, and is asked for again in its time.
                let has_failed = error.is_failure();
                if has_failed {
                    self.history.doubt();
                }
                debug!("how far the API server's history has come cannot be seen: {error}");
                !has_failed
            }
        }
    }

    /// Everything is listed again, and looked at where it is not right by its record.
    pub(super) fn history_was_rewritten(&self) {
        warn!(
            "the API server's database was restored to what it was: everything is looked at again"
        );
        // Held, so that what is being looked at either knows of it or is forgotten.
        let mut objects = self.objects();
        objects.forget_versions();
        self.keys.forget_list();
        self.keys_listed.send_replace(false);
        let mut said = self.said();
        said.listed_in = self.history.number() + 1;
        said.listed.clear();
        self.sealed_secrets_known.send_replace(false);
        if self.watches_secrets() {
            said.secrets_listed.clear();
            self.secrets_known.send_replace(false);
        }
        drop(said);
        self.history.rewritten.fetch_add(1, Ordering::Relaxed);
        self.watch_anew.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_gets_older_tells_once() {
        let history = History::new();
        let seen = [5, 5, 0, 9, 7, 0, 7, 8].map(|version| history.sees_lease(version));
        let expected = [false, false, false, false, true, false, false, false];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_list_that_is_older_than_what_was_known_before_it_was_asked_for_tells_once() {
        let history = History::new();
        history.sees("5");
        assert!(!history.sees_list(5, 7));
        // A watch that was ahead of the answer.
        history.sees("9");
        assert!(!history.sees_list(7, 8));
        let newest = || history.newest.load(Ordering::Relaxed);
        assert_eq!(newest(), 9);
        assert!(history.sees_list(newest(), 6));
        assert!(!history.sees_list(newest(), 6));
    }
}
