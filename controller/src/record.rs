//! The record of a written Secret: how it is made, and what it proves. Pure.
//!
//! A record is what lets a controller that was started again know that a Secret is right without opening anything. Its
//! digests are keyed: whoever may edit a status or a Secret can make a record worthless, which costs an opening, but can
//! make none, and learns nothing from one. `docs/record.md` describes it field by field.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use aws_lc_rs::{constant_time, hmac};
use seal_api::{
    RECORD_FORMAT, RecordMode, RecordedKey, RecordedSecret, Scope, SecretRecord, annotations,
};
use seal_envelope::{KeyId, hex, random_bytes};
use seal_sealing::{Opened, Secret};
use zeroize::Zeroizing;

use crate::plan::Rendering;

/// The version of the rules by which Secrets are made. It grows when the same SealedSecret would become another Secret,
/// so that every Secret is made anew by the new rules.
const RULES: u32 = 1;
/// The length of the key in bytes, that of the digest (RFC 2104 §3).
pub(crate) const KEY_LENGTH: usize = 32;
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

/// The key of all records of an installation.
pub(crate) struct RecordKey {
    key: hmac::Key,
    id: String,
}

/// Whose record it is: the SealedSecret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose<'w> {
    pub(crate) namespace: &'w str,
    pub(crate) name: &'w str,
    pub(crate) uid: &'w str,
}

/// What a Secret is made from, but for the sealing keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basis {
    /// The flags of the controller that change the result, where they are on.
    pub(crate) flags: Vec<&'static str>,
    /// The scope for which the SealedSecret says its items are sealed.
    pub(crate) scope: Scope,
    /// Its spec as JSON.
    pub(crate) spec: String,
}

/// What a SealedSecret opened to, and how its Secret is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'w> {
    /// What the Secret is to be: these keys, labels and annotations are ours.
    pub(crate) wanted: &'w Secret,
    /// Which key opened which item.
    pub(crate) keys: &'w BTreeMap<String, KeyId>,
    /// Whether it has no owner reference.
    pub(crate) without_owner: bool,
    /// Whether it came of the deprecated form, which seals the names of its items as well.
    pub(crate) from_legacy: bool,
}

/// A record that is ours, of this very object.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    key: Arc<RecordKey>,
    record: SecretRecord,
    /// Whether the Secret would be made of the same things today, by the same rules.
    pub(crate) is_current: bool,
    /// Whether the SealedSecret is as it was, whatever became of the rules and flags.
    pub(crate) has_same_source: bool,
}

impl RecordKey {
    /// The key of these bytes; `None` where they are not as many as a key has.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let mut id = Mac::new(&key, b"seal record key");
        id.part(&[]);
        let id = id.finish()[..16].to_owned();
        Some(Self { key, id })
    }

    /// The bytes of a new key; `None` where the system has no random numbers.
    pub(crate) fn new_bytes() -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(vec![0; KEY_LENGTH]);
        random_bytes(&mut bytes).then_some(bytes)
    }

    /// Its id, 16 hexadecimal digits.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The record of a Secret that is `stored` there, or is about to be.
    pub(crate) fn record(
        &self,
        whose: Whose<'_>,
        basis: &Basis,
        written: &Written<'_>,
        (secret, stored): (Option<RecordedSecret>, &Secret),
    ) -> SecretRecord {
        let names = |names: BTreeMap<String, String>| -> Vec<String> {
            if written.from_legacy {
                Vec::new()
            } else {
                names.into_keys().collect()
            }
        };
        let mut items: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (item, key) in written.keys {
            items.entry(key.full()).or_default().push(item.clone());
        }
        let mut record = SecretRecord {
            format: RECORD_FORMAT,
            rules: RULES,
            flags: basis.flags.iter().map(|&flag| flag.to_owned()).collect(),
            mode: mode(stored),
            without_owner: written.without_owner,
            data: if written.from_legacy {
                Vec::new()
            } else {
                written.wanted.data.keys().cloned().collect()
            },
            labels: names(written.wanted.labels()),
            annotations: names(written.wanted.annotations()),
            sealing_keys: items
                .into_iter()
                .map(|(id, items)| RecordedKey { id, items })
                .collect(),
            secret,
            hmac_key: self.id.clone(),
            written: (!written.from_legacy).then(String::new),
            ..Default::default()
        };
        self.sign(whose, basis, stored, &mut record);
        record
    }

    /// The record of a Secret that still holds what was recorded, made anew with this key.
    pub(crate) fn record_again(
        &self,
        whose: Whose<'_>,
        basis: &Basis,
        proof: &Proof,
        (secret, stored): (RecordedSecret, &Secret),
    ) -> SecretRecord {
        let mut record = SecretRecord {
            rules: RULES,
            flags: basis.flags.iter().map(|&flag| flag.to_owned()).collect(),
            secret: Some(secret),
            hmac_key: self.id.clone(),
            ..proof.record.clone()
        };
        self.sign(whose, basis, stored, &mut record);
        record
    }

    fn sign(&self, whose: Whose<'_>, basis: &Basis, stored: &Secret, record: &mut SecretRecord) {
        record.made_from = self.made_from(record, basis);
        if record.written.is_some() {
            record.written = Some(self.written(record, stored));
        }
        record.record = self.whole(whose, record);
    }

    /// What a record proves of an object, where it is a record of this very object, made with this key.
    pub(crate) fn prove(
        self: &Arc<Self>,
        whose: Whose<'_>,
        basis: &Basis,
        record: &SecretRecord,
    ) -> Option<Proof> {
        let is_ours = record.format == RECORD_FORMAT
            && record.hmac_key == self.id
            && is_same(&record.record, &self.whole(whose, record));
        if !is_ours {
            return None;
        }
        let has_same_source = is_same(&record.made_from, &self.made_from(record, basis));
        let is_current = has_same_source
            && record.rules == RULES
            && record
                .flags
                .iter()
                .map(String::as_str)
                .eq(basis.flags.iter().copied());
        Some(Proof {
            key: Arc::clone(self),
            record: record.clone(),
            is_current,
            has_same_source,
        })
    }

    /// The digest over what the Secret is made from, by the rules and flags of the record.
    fn made_from(&self, record: &SecretRecord, basis: &Basis) -> String {
        let mut mac = Mac::new(&self.key, b"seal record madeFrom");
        mac.part(&record.rules.to_be_bytes());
        mac.list(&record.flags);
        mac.part(basis.scope.as_str().as_bytes());
        mac.part(basis.spec.as_bytes());
        mac.finish()
    }

    /// The digest over what is ours of a Secret, by the names of the record.
    fn written(&self, record: &SecretRecord, secret: &Secret) -> String {
        let mut mac = Mac::new(&self.key, b"seal record written");
        mac.part(record.mode.as_str().as_bytes());
        mac.part(secret.type_or_opaque().as_bytes());
        mac.part(&[u8::from(secret.immutable == Some(true))]);
        for (names, values) in [
            (&record.labels, secret.labels()),
            (&record.annotations, secret.annotations()),
        ] {
            mac.count(names.len());
            for name in names {
                mac.part(name.as_bytes());
                mac.optional(values.get(name).map(String::as_bytes));
            }
        }
        let all: BTreeSet<&String> = match record.mode {
            RecordMode::Whole => secret.data.keys().collect(),
            RecordMode::Patch => record.data.iter().collect(),
        };
        mac.count(all.len());
        for name in all {
            mac.part(name.as_bytes());
            mac.optional(secret.data.get(name).map(|value| value.as_bytes()));
        }
        mac.finish()
    }

    /// The digest over a record.
    fn whole(&self, whose: Whose<'_>, record: &SecretRecord) -> String {
        let SecretRecord {
            format,
            rules,
            flags,
            mode,
            without_owner,
            data,
            labels,
            annotations,
            sealing_keys,
            secret,
            hmac_key,
            written,
            made_from,
            record: _,
        } = record;
        let mut mac = Mac::new(&self.key, b"seal record");
        mac.part(&format.to_be_bytes());
        mac.part(whose.namespace.as_bytes());
        mac.part(whose.name.as_bytes());
        mac.part(whose.uid.as_bytes());
        mac.part(&rules.to_be_bytes());
        mac.list(flags);
        mac.part(mode.as_str().as_bytes());
        mac.part(&[u8::from(*without_owner)]);
        mac.list(data);
        mac.list(labels);
        mac.list(annotations);
        mac.count(sealing_keys.len());
        for key in sealing_keys {
            mac.part(key.id.as_bytes());
            mac.list(&key.items);
        }
        mac.optional(secret.as_ref().map(|secret| secret.uid.as_bytes()));
        let version = secret.as_ref().map(|secret| &secret.resource_version);
        mac.optional(version.map(String::as_bytes));
        mac.part(hmac_key.as_bytes());
        mac.optional(written.as_ref().map(String::as_bytes));
        mac.part(made_from.as_bytes());
        mac.finish()
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RecordKey({})", self.id)
    }
}

impl Proof {
    /// The record.
    pub(crate) fn record(&self) -> &SecretRecord {
        &self.record
    }

    /// The Secret as it was left; none where it was about to be made.
    pub(crate) fn secret(&self) -> Option<&RecordedSecret> {
        self.record.secret.as_ref()
    }

    /// Whether the data still is what we wrote, whatever became of the labels and annotations, of which those that are
    /// `wanted` are as they were then.
    pub(crate) fn holds_data(&self, secret: &Secret, wanted: &Secret) -> bool {
        let mut as_written = secret.clone();
        as_written.set_strings("labels", wanted.labels());
        let mut annotations = wanted.annotations();
        if self.record.mode == RecordMode::Patch {
            annotations.insert(annotations::PATCH.to_owned(), "true".to_owned());
        }
        as_written.set_strings("annotations", annotations);
        [secret.immutable, wanted.immutable]
            .into_iter()
            .any(|immutable| {
                as_written.immutable = immutable;
                self.holds(&as_written)
            })
    }

    /// The sealing keys that opened its items.
    pub(crate) fn sealing_keys(&self) -> impl Iterator<Item = KeyId> {
        let keys = self.record.sealing_keys.iter();
        keys.filter_map(|key| key.id.parse().ok())
    }

    /// Whether what we wrote still stands in a Secret, whatever others added to it.
    pub(crate) fn holds(&self, secret: &Secret) -> bool {
        self.record.mode == mode(secret)
            && self
                .record
                .written
                .as_ref()
                .is_some_and(|written| is_same(written, &self.key.written(&self.record, secret)))
    }
}

/// What is to become of the data of a Secret that is there, or of none, where the SealedSecret opens to this.
pub(crate) fn rendering(
    opened: &Opened,
    proof: Option<&Proof>,
    present: Option<&Secret>,
) -> Rendering {
    match (proof, present) {
        _ if !opened.is_random => Rendering::Repeatable,
        (Some(proof), _) if !proof.has_same_source => Rendering::Due,
        // It was about to be written because the SealedSecret changed, and was not.
        (Some(proof), Some(secret)) if proof.secret().is_none() && !proof.holds(secret) => {
            Rendering::Due
        }
        (proof, Some(secret)) => {
            // What was about to be made is no proof of what is there.
            let proof = proof.filter(|proof| proof.secret().is_some());
            Rendering::Stays {
                drifted: proof.is_some_and(|proof| !proof.holds_data(secret, &opened.secret))
                    || sealed_values_differ(secret, opened),
            }
        }
        (_, None) => Rendering::Stays { drifted: false },
    }
}

/// Whether sealed values, which are the same at each opening, differ from those that a Secret has, so that it was made of
/// another state of its SealedSecret, or changed.
fn sealed_values_differ(existing: &Secret, opened: &Opened) -> bool {
    opened.keys.keys().any(|item| {
        let values = opened.secret.data.get(item).zip(existing.data.get(item));
        values.is_some_and(|(value, there)| value != there)
    })
}

/// How much of a Secret is ours: of one that is patched, and of one into which Kubernetes itself writes, our items only.
fn mode(secret: &Secret) -> RecordMode {
    if secret.is_annotated(annotations::PATCH) || secret.type_or_opaque() == SERVICE_ACCOUNT_TOKEN {
        RecordMode::Patch
    } else {
        RecordMode::Whole
    }
}

fn is_same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// An HMAC-SHA-256 (RFC 2104) over parts, each with its length, so that no two lists of parts look alike.
struct Mac(hmac::Context);

impl Mac {
    /// For one purpose: digests of different purposes never agree.
    fn new(key: &hmac::Key, purpose: &[u8]) -> Self {
        let mut mac = Self(hmac::Context::with_key(key));
        mac.part(purpose);
        mac
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_be_bytes());
    }

    fn part(&mut self, part: &[u8]) {
        self.count(part.len());
        self.0.update(part);
    }

    fn optional(&mut self, part: Option<&[u8]>) {
        self.count(usize::from(part.is_some()));
        if let Some(part) = part {
            self.part(part);
        }
    }

    fn list(&mut self, parts: &[String]) {
        self.count(parts.len());
        for part in parts {
            self.part(part.as_bytes());
        }
    }

    /// 64 hexadecimal digits.
    fn finish(self) -> String {
        hex(self.0.sign().as_ref())
    }
}

#[cfg(test)]
mod tests;
