//! Records of written Secrets: the key they are made with, where they are kept, and what they prove.
//!
//! A record stands in the status of its SealedSecret. Where it cannot, it is kept in memory, made with a key of this
//! process, so that nothing but a restart costs an opening.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use seal_api::{RecordedSecret, SecretRecord, Verdict};
use seal_sealing::Secret;
use serde_json::Value;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    feature::Feature,
    object_name::ObjectName,
    objects::number,
    read::{Read, text},
    reconcile::FIRST_RETRY,
    refusal::without_values,
};
use crate::{
    fair::Class,
    plan::{Record, next_status},
    record::{Proof, RecordKey, Whose, Written},
};

/// Added to the name of the installation: the name of the Secret with the key of the records.
const KEY_SECRET: &str = "-record-key";
/// The item that holds the key.
const KEY_ITEM: &str = "key";
/// A field of statuses that the resource definition of the Go project does not keep, as it keeps no record.
pub(super) const OURS: &str = "/status/conditions/0/observedGeneration";
/// How long until a status is mended again that somebody else edits: two controllers must not do it in turns.
const MEND_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// So often the key is asked for at the start before the controller goes on without it.
const TRIES: u32 = 10;

/// Whether records are kept in statuses.
#[derive(Debug, Clone)]
enum Kept {
    /// Nobody has tried yet, and there is no key.
    NotYet,
    /// They are, made with this key.
    With(Arc<RecordKey>),
    /// They are not.
    No,
}

/// The keys of the records.
#[derive(Debug)]
pub(super) struct Records {
    kept: Mutex<Kept>,
    /// The key of those that are in memory only.
    local: Option<Arc<RecordKey>>,
}

/// The record of a Secret that is right.
#[derive(Debug)]
pub(super) struct NewRecord {
    pub(super) record: SecretRecord,
    /// Whether the status has none that says so.
    pub(super) is_news: bool,
}

impl Records {
    pub(super) fn new() -> Self {
        let local = RecordKey::new_bytes().and_then(|bytes| RecordKey::new(&bytes));
        Self {
            kept: Mutex::new(Kept::NotYet),
            local: local.map(Arc::new),
        }
    }

    fn kept(&self) -> Kept {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes what turned out, where nothing did before; what is kept may turn out not to be any more.
    fn set(&self, kept: Kept) {
        let mut known = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(
            (&*known, &kept),
            (Kept::NotYet, _) | (Kept::With(_), Kept::No)
        ) {
            *known = kept;
        }
    }

    /// The key of the records in statuses.
    pub(super) fn key(&self) -> Option<Arc<RecordKey>> {
        match self.kept() {
            Kept::With(key) => Some(key),
            Kept::NotYet | Kept::No => None,
        }
    }

    /// The key by which a new record is made.
    fn key_or_local(&self) -> Option<Arc<RecordKey>> {
        self.key().or_else(|| self.local.clone())
    }

    /// Whether nobody knows yet whether they are kept.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self.kept(), Kept::NotYet)
    }

    fn key_of(&self, record: &SecretRecord) -> Option<Arc<RecordKey>> {
        [self.key(), self.local.clone()]
            .into_iter()
            .flatten()
            .find(|key| key.id() == record.hmac_key)
    }
}

impl Cluster {
    fn record_key_name(&self) -> ObjectName {
        ObjectName::new(&self.own, format!("{}{KEY_SECRET}", self.args.name))
    }

    /// Reads the key of the records, before anything is watched. Without it the records say nothing, and everything is opened.
    pub(super) async fn read_record_key(&self) {
        if !self.args.update_status {
            return self.records.set(Kept::No);
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

    /// Whether it is known now whether there is a key.
    pub(super) async fn look_for_record_key(&self) -> bool {
        match self.api.get(Kind::Secret, &self.record_key_name()).await {
            Ok(None) => {}
            Ok(Some(object)) => self.take_record_key(&object),
            Err(ApiError::Forbidden(_)) => self.without_records(Feature::RecordKey),
            Err(_) => return false,
        }
        true
    }

    fn take_record_key(&self, object: &Value) {
        let secret = Secret::from_json(object).ok();
        let key = secret
            .as_ref()
            .and_then(|secret| RecordKey::new(secret.data.get(KEY_ITEM)?.as_bytes()));
        match key {
            Some(key) => self.records.set(Kept::With(Arc::new(key))),
            None => {
                warn!(secretname = %self.record_key_name(), "this Secret holds no key of 32 bytes: no records are kept; delete it, and one is made at the next start");
                self.without_records(Feature::RecordKey);
            }
        }
    }

    fn without_records(&self, feature: Feature) {
        self.records.set(Kept::No);
        self.feature_off(feature);
    }

    /// Looks at a status as the API server stored it: whether it keeps records. Whether they are kept from now on, where
    /// they were not before.
    pub(super) async fn look_whether_kept(&self, sent: &Value, stored: &Value) -> bool {
        match self.records.kept() {
            Kept::No => false,
            Kept::With(_) => {
                if !sent["status"]["record"].is_null() && stored["status"]["record"].is_null() {
                    self.without_records(Feature::Record);
                }
                false
            }
            Kept::NotYet => {
                if stored.pointer(OURS).is_some() {
                    self.make_record_key().await
                } else {
                    if sent.pointer(OURS).is_some() {
                        self.without_records(Feature::Record);
                    }
                    false
                }
            }
        }
    }

    async fn make_record_key(&self) -> bool {
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
                self.without_records(Feature::RecordKey);
                false
            }
            Err(error) => {
                let problem = without_values(&error, [&secret]).unwrap_or_else(str::to_owned);
                warn!(secretname = %name, "the key of the records cannot be made, will retry: {problem}");
                false
            }
        }
    }

    /// What a record proves of an object.
    fn prove(&self, name: &ObjectName, read: &Read, record: &SecretRecord) -> Option<Proof> {
        let key = self.records.key_of(record)?;
        key.prove(whose(name, read), &read.basis, record)
    }

    /// What is proven of the Secret of an object.
    pub(super) fn proof(&self, name: &ObjectName, read: &Read) -> Option<Proof> {
        let in_memory = self
            .objects()
            .get(name)
            .and_then(|object| object.record.clone());
        let in_status = read
            .status
            .as_ref()
            .and_then(|status| status.record.clone());
        let records = in_memory.map(|record| *record).into_iter().chain(in_status);
        let proofs = records.filter_map(|record| self.prove(name, read, &record));
        // One that was left behind says nothing against one that is right.
        let mut proofs: Vec<Proof> = proofs.collect();
        proofs.sort_by_key(|proof| !proof.is_current);
        proofs.into_iter().next()
    }

    /// Looks at what a SealedSecret that was heard of says of its Secret. Where its record proves that it is right, it is known
    /// without a look. Whether its status was edited by somebody else and is to be mended now.
    pub(super) fn look_at_record(&self, name: &ObjectName, read: &Read) -> bool {
        let status = read.status.as_ref();
        let in_status = status.and_then(|status| status.record.as_ref());
        let proof = in_status.and_then(|record| self.prove(name, read, record));
        let now = Timestamp::now();
        let says = |verdict: &Verdict| next_status(status, verdict, read.generation, now).is_none();
        let right = proof.as_ref().filter(|proof| proof.is_current);
        if let Some(secret) = right.and_then(Proof::secret)
            && says(&Verdict::unsealed())
            && !read.is_being_deleted()
            && self.watches_secrets()
        {
            let version = secret.resource_version.clone();
            let known = read.known(true, Some(version));
            self.objects().know_by_record(name, known);
            self.count(name, read, &Verdict::unsealed(), status);
            let keys = proof.iter().flat_map(Proof::sealing_keys);
            self.metrics.set_keys_of(&name.namespace, &name.name, keys);
            return false;
        }
        let mut objects = self.objects();
        let Some(object) = objects.get_mut(name) else {
            return false;
        };
        let is_later = number(&read.version) > object.status_version;
        let Some(verdict) = object.verdict.clone().filter(|_| is_later) else {
            return false;
        };
        let lost_record = verdict.is_ready()
            && self.records.key().is_some()
            && proof.is_none()
            && object.record.is_none();
        let is_known = object.knows(read.seen);
        let is_edited = lost_record || !says(&verdict);
        if !is_known || !is_edited || !self.args.update_status {
            return false;
        }
        let again = object.mended.map(|mended| mended + MEND_AGAIN);
        match again.filter(|again| *again > now) {
            None => {
                object.mended = Some(now);
                objects.note_edited(name, now);
                true
            }
            Some(again) => {
                objects.note_edited(name, again);
                drop(objects);
                let wait = again.duration_since(now).unsigned_abs();
                self.queue.add_after(name.clone(), Class::Drift, wait);
                false
            }
        }
    }

    /// The record of a Secret that is as it should be.
    pub(super) fn new_record(
        &self,
        name: &ObjectName,
        read: &Read,
        written: &Written<'_>,
        stored: (Option<RecordedSecret>, &Secret),
        is_news: bool,
    ) -> Option<NewRecord> {
        let key = self.records.key_or_local()?;
        let record = key.record(whose(name, read), &read.basis, written, stored);
        Some(NewRecord { record, is_news })
    }

    /// The record of a Secret that still holds what was recorded.
    pub(super) fn record_again(
        &self,
        name: &ObjectName,
        read: &Read,
        proof: &Proof,
        (object, secret): (&Value, &Secret),
    ) -> Option<NewRecord> {
        let key = self.records.key_or_local()?;
        let in_status = read
            .status
            .as_ref()
            .and_then(|status| status.record.as_ref());
        let stored = (recorded(object), secret);
        Some(NewRecord {
            record: key.record_again(whose(name, read), &read.basis, proof, stored),
            is_news: !proof.is_current
                || proof.secret().is_none()
                || in_status != Some(proof.record()),
        })
    }

    /// Whether a record that stands in the status still proves something.
    pub(super) fn still_proves(
        &self,
        name: &ObjectName,
        read: &Read,
        record: &SecretRecord,
    ) -> bool {
        let proof = self.prove(name, read, record);
        proof.is_some_and(|proof| proof.secret().is_some() || !self.is_void(name))
    }

    /// Whether a record that the Secret is about to be made says nothing any more.
    fn is_void(&self, name: &ObjectName) -> bool {
        let objects = self.objects();
        objects.get(name).is_none_or(|object| object.intent_void)
    }

    /// Whose the record says the Secret is that is there.
    pub(super) fn says_of(
        &self,
        name: &ObjectName,
        proof: Option<&Proof>,
        present: Option<(&Value, &Secret)>,
    ) -> Record {
        let (Some(proof), Some((object, secret))) = (proof, present) else {
            return Record::Nothing;
        };
        let is_ours = match proof.secret() {
            Some(recorded) => recorded.uid == text(object, "uid"),
            // It was made, and the controller ended before it could say so; unless somebody else was faster.
            None => !self.is_void(name) && proof.holds(secret),
        };
        match (is_ours, proof.record().without_owner) {
            (true, true) => Record::WroteWithoutOwner,
            (true, false) => Record::Wrote,
            (false, _) => Record::Nothing,
        }
    }
}

fn whose<'w>(name: &'w ObjectName, read: &'w Read) -> Whose<'w> {
    Whose {
        namespace: &name.namespace,
        name: &name.name,
        uid: &read.uid,
    }
}

/// A Secret as a record points to it.
pub(super) fn recorded(secret: &Value) -> RecordedSecret {
    RecordedSecret {
        uid: text(secret, "uid"),
        resource_version: text(secret, "resourceVersion"),
    }
}
