//! Records of written Secrets: where they are kept, and what they prove.
//!
//! A record stands in the status of its SealedSecret. Where it cannot, it is kept in memory, made with a key of this
//! process, so that nothing but a restart costs an opening.

use jiff::Timestamp;
use seal_api::{RecordMode, RecordedSecret, SecretRecord, Verdict};
use seal_sealing::Secret;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Cluster,
    mending::Mending,
    object_name::ObjectName,
    objects::number,
    read::{Read, text},
};
use crate::{
    fair::Class,
    plan::{Record, next_status},
    record::{Proof, Whose, Written},
};

/// The record of a Secret that is right.
#[derive(Debug)]
pub(super) struct NewRecord {
    pub(super) record: SecretRecord,
    /// Whether the status has none that says so.
    pub(super) is_news: bool,
}

impl Cluster {
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
    /// without a look. Where its status was edited by somebody else, it is mended after a while.
    pub(super) fn look_at_record(&self, name: &ObjectName, read: &Read) {
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
            return;
        }
        let mut objects = self.objects();
        let Some(object) = objects.get_mut(name) else {
            return;
        };
        let is_later = number(&read.version) > object.status_version;
        let Some(verdict) = object.verdict.clone().filter(|_| is_later) else {
            return;
        };
        let lost_record = verdict.is_ready()
            && self.records.key().is_some()
            && proof.is_none()
            && object.record.is_none();
        let observed = status.and_then(|status| status.observed_generation);
        if !object.knows(read.seen) && observed != read.generation {
            // It was changed, and nobody said anything of that yet.
            return;
        }
        let is_edited = lost_record || !says(&verdict);
        if !is_edited || !self.args.update_status {
            return;
        }
        let now = Instant::now();
        let mending = Mending::of_edit(object.mending, read.seen, now);
        object.mending = Some(mending);
        objects.note_edited(name, number(&read.version), mending.due);
        drop(objects);
        self.queue
            .add_after(name.clone(), Class::Drift, mending.due - now);
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
        // What was merged into somebody's Secret does not make that ours.
        let is_whole = proof.record().mode == RecordMode::Whole;
        match (is_ours, proof.record().without_owner && is_whole) {
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
