//! What is known of the SealedSecrets and Secrets in the cluster, and which SealedSecret is to be looked at. Pure.
//!
//! Of each object only so much is kept as tells whether it changed.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::{Reason, SecretRecord, Verdict};
use seal_sealing::Tried;
use tokio::time::Instant;

use super::{in_hand::Size, keys::KeyIds, mending::Mending, object_name::ObjectName};
use crate::contest::Contest;

/// Tells a state of a SealedSecret from others: its uid and generation, labels, annotations, spec, and whether it is being
/// deleted. Writing the status changes none of them. Where the API server's database was restored, a generation comes again
/// with another spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn of(metadata: &ObjectMeta, spec: &str) -> Self {
        let ObjectMeta {
            uid,
            generation,
            labels,
            annotations,
            deletion_timestamp,
            ..
        } = metadata;
        let mut hasher = DefaultHasher::new();
        (
            uid,
            generation,
            labels,
            annotations,
            deletion_timestamp.is_some(),
            spec,
        )
            .hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// What came of the last look at a SealedSecret.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// The SealedSecret that was looked at.
    pub(super) seen: Fingerprint,
    /// Its `resourceVersion`.
    pub(super) version: u64,
    /// Whether it opened.
    pub(super) opens: bool,
    /// The Secret as it was left, by its `resourceVersion`; none where there is none.
    pub(super) secret: Option<String>,
}

/// A status that is to be mended.
#[derive(Debug, Clone, Copy)]
struct Edited {
    /// The `resourceVersion` with it.
    version: u64,
    from: Instant,
}

/// A SealedSecret.
#[derive(Debug, Default)]
pub(super) struct Object {
    seen: Option<Fingerprint>,
    /// Its uid.
    uid: String,
    /// Its `resourceVersion`, which grows.
    version: u64,
    /// As it was seen last.
    pub(super) size: Size,
    known: Option<Known>,
    /// What was found out of it where it did not open.
    tried: Option<(Fingerprint, Tried)>,
    /// What it was last said of it.
    pub(super) verdict: Option<Verdict>,
    /// The record of its Secret, where its status does not hold it.
    pub(super) record: Option<Box<SecretRecord>>,
    /// Whether a record that its Secret is about to be made says nothing: somebody else was faster.
    pub(super) intent_void: bool,
    /// The last mending of its status, where somebody else edited it.
    pub(super) mending: Option<Mending>,
    /// The `resourceVersion` after our last write of its status.
    pub(super) status_version: u64,
    /// The state of it whose status has no room for a record.
    pub(super) no_room_for_record: Option<Fingerprint>,
    /// Its last state of which somebody else edited the status, which is to be mended.
    edited: Option<Edited>,
    /// Its openings, where it was not it that changed.
    pub(super) openings: Option<Contest>,
    /// The repairs of its Secret.
    pub(super) contest: Option<Contest>,
    /// The state of it for whose status the API server has no room. It gets none until it changes.
    pub(super) too_large: Option<Fingerprint>,
    /// How often in a row, and since when, something outside failed.
    pub(super) failing: Option<(u32, Timestamp)>,
    /// How often in a row something changed under our hands.
    again: u32,
}

impl Object {
    /// Whether this state of it was looked at.
    pub(super) fn knows(&self, seen: Fingerprint) -> bool {
        self.known.as_ref().is_some_and(|known| known.seen == seen)
    }

    /// Whether this state of it was looked at, and all was right.
    pub(super) fn was_right(&self, seen: Fingerprint) -> bool {
        let verdict = self.verdict.as_ref();
        self.knows(seen) && verdict.is_some_and(Verdict::is_ready)
    }

    /// Whether its Secret was called somebody else's.
    pub(super) fn is_strangers(&self) -> bool {
        let verdict = self.verdict.as_ref();
        verdict.is_some_and(|verdict| verdict.reason == Reason::NotManaged)
    }

    fn waits_for_keys(&self, keys: &KeyIds) -> bool {
        match &self.known {
            Some(known) if known.opens => false,
            Some(known) => self
                .tried_of(known.seen)
                .is_some_and(|tried| tried.is_outdated(keys)),
            // It was put off.
            None => self
                .seen
                .and_then(|seen| self.tried_of(seen))
                .is_some_and(|tried| !tried.was_with(keys)),
        }
    }

    /// What was found out of this state of it.
    fn tried_of(&self, seen: Fingerprint) -> Option<&Tried> {
        let (then, tried) = self.tried.as_ref()?;
        (*then == seen).then_some(tried)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Objects {
    objects: HashMap<ObjectName, Object>,
    /// The `resourceVersion` of every Secret in scope; empty where it is not known any more.
    secrets: HashMap<ObjectName, String>,
}

/// What a SealedSecret that was seen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing new.
    Same,
    /// It is to be looked at.
    New,
    /// It is older than what was known, which only a restored database explains.
    Older,
}

impl Objects {
    /// A SealedSecret was seen.
    pub(super) fn see(
        &mut self,
        name: &ObjectName,
        uid: &str,
        version: &str,
        seen: Fingerprint,
    ) -> Seen {
        let object = self.objects.entry(name.clone()).or_default();
        uid.clone_into(&mut object.uid);
        let is_new = object.seen != Some(seen);
        object.seen = Some(seen);
        if is_new {
            // What failed then need not fail now.
            object.failing = None;
            object.again = 0;
        }
        let version = number(version);
        if std::mem::replace(&mut object.version, version) > version {
            return Seen::Older;
        }
        if is_new { Seen::New } else { Seen::Same }
    }

    /// Versions grow, unless the API server's database was restored to what it was: then the same version may come again
    /// and stand for something else, and nothing that is known by a version counts any more. Everything counts as new when
    /// it is seen next.
    pub(super) fn forget_versions(&mut self) {
        for object in self.objects.values_mut() {
            object.seen = None;
            object.version = 0;
            object.known = None;
            object.status_version = 0;
            object.edited = None;
            object.tried = None;
        }
        for version in self.secrets.values_mut() {
            version.clear();
        }
    }

    /// What its record and its status say of a SealedSecret that was not looked at yet, or since it was looked at by another
    /// controller.
    pub(super) fn know_by_record(&mut self, name: &ObjectName, known: Known) {
        let there = self.secrets.get(name);
        if let Some(object) = self.objects.get_mut(name) {
            let is_better = object.known.is_none() || known.secret.as_ref() == there;
            if is_better && object.edited.is_none() {
                object.known = Some(known);
                object.verdict = Some(Verdict::unsealed());
            }
        }
    }

    /// Takes note that somebody else edited the status of a SealedSecret, with this `resourceVersion`, for which it is to be
    /// looked at from a time on.
    pub(super) fn note_edited(&mut self, name: &ObjectName, version: u64, from: Instant) {
        if let Some(object) = self.objects.get_mut(name) {
            object.edited = Some(Edited { version, from });
        }
    }

    /// From when on a SealedSecret is to be looked at because somebody else edited its status.
    pub(super) fn edited(&self, name: &ObjectName) -> Option<Instant> {
        let object = self.objects.get(name)?;
        object.edited.map(|edited| edited.from)
    }

    /// A SealedSecret is gone: its uid, where it was known.
    pub(super) fn forget(&mut self, name: &ObjectName) -> Option<String> {
        self.objects.remove(name).map(|object| object.uid)
    }

    /// The SealedSecrets of a namespace, or of all, that are not among those listed.
    pub(super) fn missing(
        &self,
        namespace: Option<&str>,
        listed: &HashSet<ObjectName>,
    ) -> Vec<ObjectName> {
        missing(self.objects.keys(), namespace, listed)
    }

    /// A Secret was seen.
    pub(super) fn see_secret(&mut self, name: &ObjectName, version: String) -> Seen {
        let before = self.secrets.insert(name.clone(), version.clone());
        match before {
            Some(before) if number(&before) > number(&version) => Seen::Older,
            Some(before) if before == version => Seen::Same,
            _ if self.objects.contains_key(name) => Seen::New,
            _ => Seen::Same,
        }
    }

    /// A Secret is gone. Whether its SealedSecret is to be looked at.
    pub(super) fn forget_secret(&mut self, name: &ObjectName) -> bool {
        self.secrets.remove(name).is_some() && self.objects.contains_key(name)
    }

    /// Whether a Secret is there, as far as Secrets are watched.
    pub(super) fn has_secret(&self, name: &ObjectName) -> bool {
        self.secrets.contains_key(name)
    }

    /// The Secrets of a namespace, or of all, that are not among those listed.
    pub(super) fn missing_secrets(
        &self,
        namespace: Option<&str>,
        listed: &HashSet<ObjectName>,
    ) -> Vec<ObjectName> {
        missing(self.secrets.keys(), namespace, listed)
    }

    /// Whether a SealedSecret is to be looked at: nothing is known of it, it or its Secret changed, or other keys are held
    /// than those that did not open it.
    pub(super) fn is_due(
        &self,
        name: &ObjectName,
        keys: &KeyIds,
        watches_secrets: bool,
        now: Instant,
    ) -> bool {
        let Some(object) = self.objects.get(name) else {
            return false;
        };
        let Some(known) = &object.known else {
            return true;
        };
        let is_edited = object.edited.is_some_and(|edited| edited.from <= now);
        if object.seen != Some(known.seen) || is_edited {
            return true;
        }
        if known.opens {
            watches_secrets && self.secrets.get(name) != known.secret.as_ref()
        } else {
            object.waits_for_keys(keys)
        }
    }

    /// Whether other keys than those that did not open a SealedSecret are held.
    pub(super) fn waits_for_keys(&self, name: &ObjectName, keys: &KeyIds) -> bool {
        self.objects
            .get(name)
            .is_some_and(|object| object.waits_for_keys(keys))
    }

    /// The SealedSecrets that other keys may open.
    pub(super) fn waiting_for_keys(&self, keys: &KeyIds) -> Vec<ObjectName> {
        self.objects
            .iter()
            .filter(|(_, object)| object.waits_for_keys(keys))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// What earlier tries found out of a SealedSecret, where it still is as it was then.
    pub(super) fn tried(&self, name: &ObjectName, seen: Fingerprint) -> Option<&Tried> {
        self.objects.get(name)?.tried_of(seen)
    }

    /// Whether a SealedSecret did not open as it is now, with these keys, and more than to find out why is to be done.
    pub(super) fn is_failing(&self, name: &ObjectName, keys: &KeyIds) -> bool {
        let seen = self.objects.get(name).and_then(|object| object.seen);
        let tried = seen.and_then(|seen| self.tried(name, seen));
        tried.is_some_and(|tried| tried.was_with(keys) && !tried.lacks_only_diagnosis(keys))
    }

    /// Notes what was found out of a SealedSecret that does not open; none where it does.
    pub(super) fn note_tried(
        &mut self,
        name: &ObjectName,
        seen: Fingerprint,
        tried: Option<Tried>,
    ) {
        if let Some(object) = self.objects.get_mut(name) {
            object.tried = tried.map(|tried| (seen, tried));
        }
    }

    /// A SealedSecret that is there.
    pub(super) fn get(&self, name: &ObjectName) -> Option<&Object> {
        self.objects.get(name)
    }

    /// A SealedSecret that is there.
    pub(super) fn get_mut(&mut self, name: &ObjectName) -> Option<&mut Object> {
        self.objects.get_mut(name)
    }

    /// Something changed under our hands once more; how often it did before.
    pub(super) fn count_again(&mut self, name: &ObjectName) -> u32 {
        let Some(object) = self.objects.get_mut(name) else {
            return 0;
        };
        let times = object.again;
        object.again = times.saturating_add(1);
        times
    }

    /// Something outside failed once more; how often it did before.
    pub(super) fn count_failure(&mut self, name: &ObjectName, now: Timestamp) -> u32 {
        let Some(object) = self.objects.get_mut(name) else {
            return 0;
        };
        let (times, since) = object.failing.unwrap_or((0, now));
        // Where the clock was set back, it began now.
        object.failing = Some((times.saturating_add(1), since.min(now)));
        object.again = 0;
        times
    }

    /// Forgets what came of all looks, so that all are due; their names.
    pub(super) fn forget_outcomes(&mut self) -> Vec<ObjectName> {
        for object in self.objects.values_mut() {
            object.known = None;
            object.verdict = None;
            object.failing = None;
            // Whoever leads meanwhile writes other ones.
            object.record = None;
            object.intent_void = false;
        }
        self.objects.keys().cloned().collect()
    }

    /// Forgets what is known by a record that is in memory only, and whose Secret was called somebody else's, which a record
    /// that could not be read may deny; so they are due. Their names.
    pub(super) fn forget_unrecorded(&mut self) -> Vec<ObjectName> {
        let unrecorded = self
            .objects
            .iter_mut()
            .filter(|(_, object)| object.record.is_some() || object.is_strangers());
        unrecorded
            .map(|(name, object)| {
                object.known = None;
                name.clone()
            })
            .collect()
    }

    /// Notes what came of a look; none where it has to be looked at again.
    pub(super) fn conclude(&mut self, name: &ObjectName, known: Option<Known>) {
        if let Some(object) = self.objects.get_mut(name) {
            if let Some(known) = &known {
                // What was edited after the look, and not overwritten by it, it has not mended.
                let mended = known.version.max(object.status_version);
                object.edited = object.edited.filter(|edited| edited.version > mended);
            }
            if known.is_some() {
                object.failing = None;
                object.again = 0;
            }
            object.known = known;
        }
    }
}

/// A `resourceVersion`, which are numbers that grow; 0 for one that is none.
pub(super) fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

fn missing<'n>(
    names: impl Iterator<Item = &'n ObjectName>,
    namespace: Option<&str>,
    listed: &HashSet<ObjectName>,
) -> Vec<ObjectName> {
    names
        .filter(|name| namespace.is_none_or(|namespace| name.namespace == namespace))
        .filter(|name| !listed.contains(*name))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use seal_envelope::KeyId;
    use seal_sealing::{KeyRing, Outcome, UnsealOptions, unseal_again};

    use super::*;

    fn name() -> ObjectName {
        ObjectName::new("prod", "db")
    }

    fn fingerprint(generation: i64) -> Fingerprint {
        let metadata = ObjectMeta {
            generation: Some(generation),
            ..Default::default()
        };
        Fingerprint::of(&metadata, "{}")
    }

    fn in_sync(secret: &str) -> Known {
        Known {
            version: 1,
            seen: fingerprint(1),
            opens: true,
            secret: Some(secret.to_owned()),
        }
    }

    fn objects(known: Option<Known>) -> Objects {
        let mut objects = Objects::default();
        objects.see(&name(), "u", "1", fingerprint(1));
        objects.conclude(&name(), known);
        objects
    }

    #[test]
    fn what_is_known_and_unchanged_is_not_due() {
        let keys = KeyIds::default();
        let mut objects = objects(Some(in_sync("5")));
        objects.see_secret(&name(), "5".to_owned());
        assert!(!objects.is_due(&name(), &keys, true, Instant::now()));
        assert_eq!(objects.see(&name(), "u", "1", fingerprint(1)), Seen::Same);

        objects.see_secret(&name(), "6".to_owned());
        assert!(objects.is_due(&name(), &keys, true, Instant::now()));
        assert!(!objects.is_due(&name(), &keys, false, Instant::now()));
        // Our own write, which was heard of before it was noted; then somebody else's, heard of before ours was noted.
        objects.see_secret(&name(), "7".to_owned());
        objects.conclude(&name(), Some(in_sync("7")));
        assert!(!objects.is_due(&name(), &keys, true, Instant::now()));
        objects.see_secret(&name(), "9".to_owned());
        objects.conclude(&name(), Some(in_sync("8")));
        assert!(objects.is_due(&name(), &keys, true, Instant::now()));

        assert!(objects.forget_secret(&name()));
        assert!(objects.is_due(&name(), &keys, true, Instant::now()));

        assert_eq!(objects.see(&name(), "u", "2", fingerprint(2)), Seen::New);
        assert!(objects.is_due(&name(), &keys, false, Instant::now()));
    }

    /// What is found out of a SealedSecret that no key opens, because none is held.
    fn tried() -> Tried {
        let object = serde_json::json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db", "namespace": "prod"},
            "spec": {"encryptedData": {"a": "AAEAAAAAAAAAAAAAAAAAAAAAAA=="}},
        });
        let sealed = serde_json::from_value(object).expect("it is a SealedSecret");
        let ring = KeyRing::default();
        let options = UnsealOptions::default();
        match unseal_again(&sealed, &ring, &options, Tried::default(), 1, &mut |_| true).outcome {
            Outcome::Failed(_, tried) => tried,
            _ => panic!("it cannot open"),
        }
    }

    #[test]
    fn what_was_not_opened_waits_for_other_keys_only() {
        let failed = Known {
            version: 1,
            opens: false,
            secret: None,
            ..in_sync("")
        };
        let mut objects = objects(Some(failed));
        objects.note_tried(&name(), fingerprint(1), Some(tried()));
        objects.see_secret(&name(), "5".to_owned());
        let (same, other) = (KeyIds::default(), [KeyId::of_spki(b"other")]);
        let other = KeyIds::new(other.into());
        assert!(!objects.is_due(&name(), &same, true, Instant::now()));
        assert!(objects.is_due(&name(), &other, true, Instant::now()));
        assert_eq!(objects.waiting_for_keys(&other), [name()]);
        assert_eq!(objects.waiting_for_keys(&same), []);
        assert!(objects.waits_for_keys(&name(), &other));
        assert!(!objects.waits_for_keys(&name(), &same));
    }

    #[test]
    fn what_was_tried_counts_as_long_as_the_object_is_the_same() {
        let mut objects = objects(None);
        objects.note_tried(&name(), fingerprint(1), Some(tried()));
        let keys = KeyIds::default();
        assert!(objects.is_failing(&name(), &keys));
        let other = KeyIds::new([KeyId::of_spki(b"other")].into());
        assert!(!objects.is_failing(&name(), &other));
        assert!(objects.tried(&name(), fingerprint(1)).is_some());
        objects.see(&name(), "u", "2", fingerprint(2));
        assert!(!objects.is_failing(&name(), &keys));
        assert!(objects.tried(&name(), fingerprint(2)).is_none());
    }

    #[test]
    fn what_changed_is_not_put_off_for_what_failed_before() {
        let mut objects = objects(None);
        let now = Timestamp::UNIX_EPOCH;
        for times in 0..20 {
            assert_eq!(objects.count_failure(&name(), now), times);
        }
        // It failed outside so often, which is no reason to wait where it changed under our hands.
        assert_eq!(objects.count_again(&name()), 0);
        assert_eq!(objects.count_again(&name()), 1);
        objects.see(&name(), "u", "2", fingerprint(1));
        assert_eq!(objects.count_failure(&name(), now), 20);
        assert_eq!(objects.count_again(&name()), 0);
        objects.see(&name(), "u", "3", fingerprint(2));
        assert_eq!(objects.count_failure(&name(), now), 0);
        assert_eq!(objects.count_again(&name()), 0);
        objects.conclude(&name(), Some(in_sync("5")));
        assert_eq!(objects.count_failure(&name(), now), 0);
    }

    #[test]
    fn what_is_not_known_is_due_and_what_is_gone_is_not() {
        let mut objects = objects(None);
        assert!(objects.is_due(&name(), &KeyIds::default(), true, Instant::now()));
        assert_eq!(objects.forget(&name()).as_deref(), Some("u"));
        assert!(!objects.is_due(&name(), &KeyIds::default(), true, Instant::now()));
        assert_eq!(objects.see_secret(&name(), "5".to_owned()), Seen::Same);
    }

    #[test]
    fn versions_that_go_back_are_noticed_and_nothing_known_by_a_version_counts_then() {
        let keys = KeyIds::default();
        let mut objects = objects(Some(in_sync("5")));
        let due = |objects: &Objects| objects.is_due(&name(), &keys, true, Instant::now());
        objects.see(&name(), "u", "7", fingerprint(1));
        assert_eq!(objects.see_secret(&name(), "5".to_owned()), Seen::New);
        assert!(!due(&objects));
        assert_eq!(objects.see_secret(&name(), "4".to_owned()), Seen::Older);
        assert_eq!(objects.see(&name(), "u", "6", fingerprint(1)), Seen::Older);
        objects.conclude(&name(), Some(in_sync("4")));
        assert!(!due(&objects));

        objects.forget_versions();
        assert!(due(&objects));
        // What is seen then is new, and not older than anything.
        assert_eq!(objects.see(&name(), "u", "3", fingerprint(1)), Seen::New);
        objects.conclude(&name(), Some(in_sync("4")));
        assert!(due(&objects), "which Secret there is is not known yet");
        assert_eq!(objects.see_secret(&name(), "4".to_owned()), Seen::New);
        assert!(!due(&objects));
    }

    #[test]
    fn a_generation_that_comes_again_with_another_spec_is_another_state() {
        let metadata = ObjectMeta::default();
        let [one, two] = ["one", "two"].map(|spec| Fingerprint::of(&metadata, spec));
        assert_ne!(one, two);
    }

    #[test]
    fn what_a_list_does_not_hold_is_missing_in_its_namespaces_only() {
        let objects = objects(None);
        let none = HashSet::new();
        assert_eq!(objects.missing(None, &none), [name()]);
        assert_eq!(objects.missing(Some("prod"), &none), [name()]);
        assert_eq!(objects.missing(Some("test"), &none), []);
        assert_eq!(objects.missing(None, &[name()].into()), []);
    }
}
