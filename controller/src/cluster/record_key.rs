//! The key of the records: read where it is there, made where statuses turn out to keep records.
//!
//! Who leads makes it, and the others come to know of it by the first record that they hear of. Where it is denied it is
//! asked for again.

use std::{
    future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use seal_api::SecretRecord;
use seal_sealing::Secret;
use serde_json::Value;
use tokio::{sync::Notify, time::sleep};
use tracing::{info, warn};

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    feature::Feature,
    object_name::ObjectName,
    reconcile::{FIRST_RETRY, wait_after},
    refusal::without_values,
};
use crate::{fair::Class, record::RecordKey};

/// Added to the name of the installation: the name of the Secret with the key of the records.
const KEY_SECRET: &str = "-record-key";
/// The item that holds the key.
const KEY_ITEM: &str = "key";
/// A field of statuses that the resource definition of the Go project does not keep, as it keeps no record.
pub(super) const OURS: &str = "/status/conditions/0/observedGeneration";
/// So often the key is asked for at the start before the controller goes on without it.
const TRIES: u32 = 10;
/// The longest wait before it is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Whether records are kept in statuses.
#[derive(Debug, Clone)]
enum Kept {
    /// Nobody has tried yet, and there is no key.
    NotYet,
    /// They are, made with this key.
    With(Arc<RecordKey>),
    /// There is no key that may be used. `by_statuses` says whether statuses are known to keep records.
    Denied { by_statuses: bool },
    /// They are not.
    No,
}

/// The keys of the records.
#[derive(Debug)]
pub(super) struct Records {
    kept: Mutex<Kept>,
    /// The key of those that are in memory only.
    local: Option<Arc<RecordKey>>,
    /// Wakes who looks for the key.
    wanted: Notify,
}

impl Records {
    pub(super) fn new() -> Self {
        let local = RecordKey::new_bytes().and_then(|bytes| RecordKey::new(&bytes));
        Self {
            kept: Mutex::new(Kept::NotYet),
            local: local.map(Arc::new),
            wanted: Notify::new(),
        }
    }

    fn kept(&self) -> Kept {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes what turned out. That statuses keep no records is so for good. Whether that is news.
    fn set(&self, kept: Kept) -> bool {
        let mut known = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = match (&*known, &kept) {
            (Kept::No, _) | (Kept::With(_), Kept::NotYet | Kept::Denied { .. }) => false,
            (Kept::With(before), Kept::With(now)) => before.id() != now.id(),
            (
                Kept::Denied {
                    by_statuses: before,
                },
                Kept::Denied { by_statuses: now },
            ) => !before && *now,
            (Kept::NotYet, Kept::NotYet) => false,
            _ => true,
        };
        if is_news {
            *known = kept;
        }
        is_news
    }

    /// Nobody knows any more whether there is a key.
    fn forget_key(&self) {
        let mut known = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*known, Kept::With(_)) {
            *known = Kept::NotYet;
        }
    }

    /// The key of the records in statuses.
    pub(super) fn key(&self) -> Option<Arc<RecordKey>> {
        match self.kept() {
            Kept::With(key) => Some(key),
            Kept::NotYet | Kept::Denied { .. } | Kept::No => None,
        }
    }

    /// The key by which a new record is made.
    pub(super) fn key_or_local(&self) -> Option<Arc<RecordKey>> {
        self.key().or_else(|| self.local.clone())
    }

    /// Whether nobody knows yet whether they are kept.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self.kept(), Kept::NotYet)
    }

    fn is_denied(&self) -> bool {
        matches!(self.kept(), Kept::Denied { .. })
    }

    /// The key that a record is made with, where it is at hand.
    pub(super) fn key_of(&self, record: &SecretRecord) -> Option<Arc<RecordKey>> {
        [self.key(), self.local.clone()]
            .into_iter()
            .flatten()
            .find(|key| key.id() == record.hmac_key)
    }

    /// A record was heard of: where it is made with a key that is not at hand, there may be another one than was known.
    pub(super) fn heard_of(&self, record: &SecretRecord) {
        if self.key_of(record).is_none() {
            self.wanted.notify_one();
        }
    }
}

impl Cluster {
    fn record_key_name(&self) -> ObjectName {
        ObjectName::new(&self.own, format!("{}{KEY_SECRET}", self.args.name))
    }

    /// Reads the key of the records, before SealedSecrets are listed, at the start and where the history was rewritten, in
    /// which it may be another one, or none. Without it the records say nothing, and everything is opened.
    pub(super) async fn know_record_key(&self) {
        let mut read_in = self.record_key.lock().await;
        let history = Some(self.history.number());
        if *read_in != history {
            self.records.forget_key();
            self.read_record_key().await;
            *read_in = history;
        }
    }

    async fn read_record_key(&self) {
        if !self.args.update_status {
            self.records.set(Kept::No);
            return;
        }
        for _ in 0..TRIES {
            if self.look_for_record_key().await {
                return;
            }
            sleep(FIRST_RETRY).await;
        }
        warn!(
            "the key of the records cannot be read: what was known before the start is found out again"
        );
    }

    /// Looks for the key when a record is heard of that is made with another one, and ever again where it is denied or nobody
    /// answers; without an end.
    pub(super) async fn look_after_record_key(self: Arc<Self>) {
        if !self.args.update_status {
            return future::pending().await;
        }
        let mut times = 0;
        let mut is_answered = true;
        loop {
            // What was heard before is not told again.
            if is_answered && !self.records.is_denied() {
                self.records.wanted.notified().await;
            }
            let wait = wait_after(FIRST_RETRY, times).min(ASK_AGAIN);
            if self.records.is_denied() {
                sleep(wait).await;
            }
            let outcome = self.look_again_for_record_key().await;
            is_answered = matches!(&outcome, Ok(_) | Err(ApiError::Forbidden(_)));
            if outcome.unwrap_or(false) {
                times = 0;
                continue;
            }
            times += 1;
            if !self.records.is_denied() {
                // Whoever edits statuses must not cause a request each time.
                sleep(wait).await;
            }
        }
    }

    /// Whether something else is known of the key than before.
    async fn look_again_for_record_key(&self) -> Result<bool, ApiError> {
        let found = self.api.get(Kind::Secret, &self.record_key_name()).await?;
        Ok(match found {
            Some(object) => self.found_record_key(&object),
            None => match self.records.kept() {
                Kept::Denied { by_statuses: true } => {
                    self.leads() && self.make_record_key(false).await
                }
                Kept::Denied { by_statuses: false } => {
                    let is_news = self.records.set(Kept::NotYet);
                    self.look_at_unrecorded();
                    is_news
                }
                Kept::NotYet | Kept::With(_) | Kept::No => false,
            },
        })
    }

    /// Whether it is known now whether there is a key.
    pub(super) async fn look_for_record_key(&self) -> bool {
        match self.api.get(Kind::Secret, &self.record_key_name()).await {
            Ok(None) => {}
            Ok(Some(object)) => {
                self.found_record_key(&object);
            }
            Err(ApiError::Forbidden(_)) => self.record_key_is_denied(false),
            Err(_) => return false,
        }
        true
    }

    /// Whether it is another key than before. What was heard before can be judged then.
    fn found_record_key(&self, object: &Value) -> bool {
        let is_news = self.take_record_key(object);
        if is_news {
            self.hear_again.send_replace(());
        }
        is_news
    }

    /// Whether it is another key than before.
    fn take_record_key(&self, object: &Value) -> bool {
        let secret = Secret::from_json(object).ok();
        let key = secret
            .as_ref()
            .and_then(|secret| RecordKey::new(secret.data.get(KEY_ITEM)?.as_bytes()));
        match key {
            Some(key) => {
                let is_news = self.records.set(Kept::With(Arc::new(key)));
                if is_news {
                    self.feature_on(Feature::RecordKey);
                    self.look_at_unrecorded();
                }
                is_news
            }
            None => {
                if self.records.is_undecided() {
                    warn!(secretname = %self.record_key_name(), "this Secret holds no key of 32 bytes: no records are kept; delete it, and one is made");
                    self.record_key_is_denied(false);
                }
                false
            }
        }
    }

    /// There is no key that may be used, so that records are kept in memory only. It is asked for again.
    fn record_key_is_denied(&self, by_statuses: bool) {
        self.records.set(Kept::Denied { by_statuses });
        self.feature_off(Feature::RecordKey);
        self.records.wanted.notify_one();
    }

    /// Statuses keep no records.
    fn without_records(&self) {
        self.records.set(Kept::No);
        self.feature_on(Feature::RecordKey);
        self.feature_off(Feature::Record);
    }

    /// Looks again at what is known by a record in memory only, as it can be kept now, and at what was said for want of a
    /// record that can be judged now.
    fn look_at_unrecorded(&self) {
        let names = self.objects().forget_unrecorded();
        for name in names {
            self.queue.add(name, Class::Backlog);
        }
    }

    /// Looks at a status as the API server stored it: whether it keeps records. Whether they are kept from now on, where
    /// they were not before.
    pub(super) async fn look_whether_kept(&self, sent: &Value, stored: &Value) -> bool {
        match self.records.kept() {
            Kept::No | Kept::Denied { .. } => false,
            Kept::With(_) => {
                if !sent["status"]["record"].is_null() && stored["status"]["record"].is_null() {
                    self.without_records();
                }
                false
            }
            Kept::NotYet => {
                if stored.pointer(OURS).is_some() {
                    self.make_record_key(true).await
                } else {
                    if sent.pointer(OURS).is_some() {
                        self.without_records();
                    }
                    false
                }
            }
        }
    }

    /// Whether there is a key now. `is_first` where nobody was told yet that it cannot be made.
    async fn make_record_key(&self, is_first: bool) -> bool {
        let name = self.record_key_name();
        let Some(bytes) = RecordKey::new_bytes() else {
            return false;
        };
        let mut secret = Secret::new(&name.name, Some(&name.namespace));
        secret
            .data
            .insert(KEY_ITEM.to_owned(), bytes.as_slice().into());
        let made = self.api.create(Kind::Secret, &self.own, &secret).await;
        match made {
            Ok(object) => {
                info!(secretname = %name, "the key of the records was made");
                self.take_record_key(&object);
                self.records.key().is_some()
            }
            Err(ApiError::AlreadyExists) => {
                self.look_for_record_key().await && self.records.key().is_some()
            }
            Err(
                ApiError::Forbidden(_)
                | ApiError::Denied(_)
                | ApiError::Refused(_)
                | ApiError::TooLarge(_),
            ) => {
                self.record_key_is_denied(true);
                false
            }
            Err(ApiError::NotLeading) => false,
            Err(error) => {
                let problem = without_values(&error, [&secret]).unwrap_or_else(str::to_owned);
                if is_first {
                    warn!(secretname = %name, "the key of the records cannot be made, will retry: {problem}");
                }
                false
            }
        }
    }
}
