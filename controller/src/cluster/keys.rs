//! The sealing keys of the cluster: Secrets with the key label in the controller's namespace.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use seal_api::{Reason, annotations};
use seal_envelope::{GeneratedKey, KeyId};
use seal_sealing::{
    HeldKey, KeyOrder, KeyRing, Renewal, Secret, key_secret, read_key_secret, renewal,
};
use tracing::{info, warn};

use crate::audit::{self, Caller};

/// The keys at hand. A key Secret that cannot be read is said once and hides no other.
#[derive(Debug)]
pub(super) struct Keys {
    order: KeyOrder,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The key Secrets by name.
    secrets: BTreeMap<String, Arc<KeySecret>>,
    /// What is wrong with those that are of no use.
    broken: BTreeMap<String, (Reason, String)>,
    ring: Arc<KeyRing>,
    /// In which key Secret each key of the ring lies.
    names: BTreeMap<KeyId, String>,
    /// Whether it was listed when the ring was made: what is in the first list is no change.
    is_followed: bool,
    /// Whether the namespace was listed, so that a missing key is known to be missing.
    is_listed: bool,
    /// The key Secrets that were made since a list was asked for, which may not have them yet.
    made: BTreeSet<String>,
}

/// A key Secret, and what was read in it. To read one takes long, so it is done once, and not under the lock.
#[derive(Debug)]
struct KeySecret {
    secret: Secret,
    key: Result<Arc<HeldKey>, (Reason, String)>,
}

impl KeySecret {
    fn read(secret: Secret) -> Self {
        let key = read_key_secret(&secret, Timestamp::now());
        Self {
            key: key
                .map(Arc::new)
                .map_err(|error| (error.reason(), error.to_string())),
            secret,
        }
    }
}

/// Which keys are held.
pub(super) type KeyIds = Arc<BTreeSet<KeyId>>;

impl Keys {
    pub(super) fn new(order: KeyOrder) -> Self {
        Self {
            order,
            state: Mutex::default(),
        }
    }

    /// The keys to open with.
    pub(super) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.state().ring)
    }

    /// Which keys are held.
    pub(super) fn ids(&self) -> KeyIds {
        Arc::clone(self.state().ring.ids())
    }

    /// How many key Secrets are of no use, by reason.
    pub(super) fn broken(&self) -> BTreeMap<Reason, usize> {
        let mut reasons = BTreeMap::new();
        for (reason, _) in self.state().broken.values() {
            *reasons.entry(*reason).or_default() += 1;
        }
        reasons
    }

    /// Whether the namespace was listed.
    pub(super) fn is_listed(&self) -> bool {
        self.state().is_listed
    }

    /// What was listed counts no more, until the next list.
    pub(super) fn forget_list(&self) {
        self.state().is_listed = false;
    }

    /// Takes up a key Secret that was added or changed. Whether other keys are held now.
    pub(super) fn add(&self, secret: Secret) -> bool {
        let read = self.read(secret);
        let mut state = self.state();
        state.secrets.insert(read.secret.name().to_owned(), read);
        state.rebuild(self.order)
    }

    /// Takes up a key Secret that we made. Whether other keys are held now, and whether it is of use as it is stored.
    pub(super) fn add_made(&self, secret: Secret) -> (bool, bool) {
        let name = secret.name().to_owned();
        self.state().made.insert(name.clone());
        let is_other = self.add(secret);
        (is_other, !self.state().broken.contains_key(&name))
    }

    /// A list of all key Secrets is being asked for.
    pub(super) fn begin_list(&self) {
        self.state().made.clear();
    }

    /// Takes up a key Secret unless it is known as it is. Whether other keys are held now.
    pub(super) fn add_if_other(&self, secret: Secret) -> bool {
        self.known(&secret).is_none() && self.add(secret)
    }

    /// What was read in a key Secret, where it is known as it is.
    fn known(&self, secret: &Secret) -> Option<Arc<KeySecret>> {
        let known = self.state().secrets.get(secret.name()).cloned();
        known.filter(|known| known.secret == *secret)
    }

    fn read(&self, secret: Secret) -> Arc<KeySecret> {
        let known = self.known(&secret);
        known.unwrap_or_else(|| Arc::new(KeySecret::read(secret)))
    }

    /// Gives up the key of a Secret that was deleted, or relabelled. Whether other keys are held now.
    pub(super) fn remove(&self, name: &str) -> bool {
        let mut state = self.state();
        if state.secrets.remove(name).is_none() {
            return false;
        }
        info!(secretname = name, "private key removed");
        state.rebuild(self.order)
    }

    /// Puts all key Secrets of a list in place of those known, but for those made meanwhile. Whether other keys are held now.
    pub(super) fn replace(&self, secrets: Vec<Secret>) -> bool {
        let read = secrets.into_iter().map(|secret| self.read(secret));
        let read: Vec<_> = read.collect();
        let mut state = self.state();
        let named = |read: Arc<KeySecret>| (read.secret.name().to_owned(), read);
        let made = mem::take(&mut state.made);
        state.secrets.retain(|name, _| made.contains(name));
        state.secrets.extend(read.into_iter().map(named));
        state.is_listed = true;
        state.rebuild(self.order)
    }

    #[cfg(test)]
    fn renewal(
        &self,
        period: SignedDuration,
        cutoff: Option<Timestamp>,
        now: Timestamp,
        server_now: Timestamp,
    ) -> Renewal {
        renewal_of(&self.ring(), period, cutoff, now, server_now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn rebuild(&mut self, order: KeyOrder) -> bool {
        let mut held = Vec::new();
        let mut broken = BTreeMap::new();
        for (name, secret) in &self.secrets {
            match &secret.key {
                Ok(key) => held.push((name, Arc::clone(key))),
                Err(problem) => {
                    broken.insert(name.clone(), problem.clone());
                }
            }
        }
        let known = in_order(&self.ring);
        for (name, key) in &held {
            if !known.contains(&key.id()) {
                info!(secretname = name.as_str(), key = %key.id(), "registered private key");
                if self.is_followed {
                    audit::key_active(Caller::Watch, name, key.id());
                }
            }
        }
        let names: BTreeMap<KeyId, String> = held
            .iter()
            .map(|(name, key)| (key.id(), (*name).clone()))
            .collect();
        for (key, name) in mem::replace(&mut self.names, names) {
            if !self.names.contains_key(&key) {
                audit::key_removed(Caller::Watch, &name, key);
            }
        }
        self.is_followed = self.is_listed;
        for (name, problem) in &broken {
            if self.broken.get(name) != Some(problem) {
                let (reason, message) = problem;
                warn!(secretname = name.as_str(), %reason, "key Secret is of no use and skipped: {message}");
                audit::key_refused(name, *reason);
            }
        }
        self.broken = broken;
        let keys = held.into_iter().map(|(_, key)| key);
        self.ring = Arc::new(KeyRing::ordered(keys, order));
        let next = in_order(&self.ring);
        let certificate = |ring: &KeyRing| ring.current().map(|(key, _)| key.id());
        let is_other = next != known;
        if is_other && let Some(current) = certificate(&self.ring) {
            info!(key = %current, keys = next.len(), "the keys changed");
        }
        is_other
    }
}

/// What the schedule asks for. The newest key is as old as its certificate says or as the API server's clock says,
/// whichever is less, so that a clock that is wrong makes no keys.
pub(super) fn renewal_of(
    ring: &KeyRing,
    period: SignedDuration,
    cutoff: Option<Timestamp>,
    now: Timestamp,
    server_now: Timestamp,
) -> Renewal {
    let Some(((key, _), since)) = ring.current().zip(ring.current_since()) else {
        return Renewal::Due;
    };
    if cutoff.is_some_and(|cutoff| since < cutoff) {
        return Renewal::Due;
    }
    let by_server = key.created.checked_add(now.duration_since(server_now));
    let newest = by_server.map_or(since, |by_server| since.max(by_server));
    renewal(Some(newest), period, now)
}

fn in_order(ring: &KeyRing) -> Vec<KeyId> {
    ring.keys().iter().map(|key| key.id()).collect()
}

/// Whether a Secret of the controller's namespace is a key Secret: by its label, or, in installations older than the label,
/// by its name.
pub(super) fn is_key(secret: &Secret, prefix: &str) -> bool {
    let label = secret.labels().remove(annotations::KEY_LABEL);
    label.as_deref() == Some(annotations::KEY_ACTIVE) || secret.name() == prefix
}

/// A new key Secret with this value of the key label as the API server is asked to make it: it chooses the name.
pub(super) fn new_key_secret(
    key: &GeneratedKey,
    (prefix, namespace): (&str, &str),
    state: &str,
    labels: &BTreeMap<String, String>,
    extra_annotations: &BTreeMap<String, String>,
) -> Secret {
    let mut secret = key_secret(key, "", Some(namespace));
    secret.metadata.shift_remove("name");
    secret
        .metadata
        .insert("generateName".to_owned(), prefix.into());
    let mut all = labels.clone();
    all.insert(annotations::KEY_LABEL.to_owned(), state.to_owned());
    secret.set_strings("labels", all);
    secret.set_strings("annotations", extra_annotations.clone());
    secret
}

#[cfg(test)]
mod tests {
    use seal_envelope::{KeySize, generate_key};

    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    fn key(day: i64) -> GeneratedKey {
        generate_key(KeySize::Rsa2048, "", at(day), DAY * 3650).expect("keys can be made")
    }

    fn secret_of(key: &GeneratedKey, name: &str, created: Timestamp) -> Secret {
        let mut secret = key_secret(key, name, Some("kube-system"));
        secret
            .metadata
            .insert("creationTimestamp".into(), created.to_string().into());
        secret
    }

    #[test]
    fn a_broken_key_secret_hides_no_other_and_a_changed_one_heals() {
        let keys = Keys::new(KeyOrder::NotBefore);
        let good = key(1);
        let mut bad = secret_of(&key(2), "bad", at(2));
        let right = bad.clone();
        bad.data.remove("tls.key");
        assert!(keys.replace(vec![secret_of(&good, "good", at(1)), bad]));
        assert_eq!(*keys.ids(), [good.certificate.key_id()].into());
        assert_eq!(keys.broken(), [(Reason::UnreadableKey, 1)].into());
        assert!(keys.add(right));
        assert_eq!(keys.ids().len(), 2);
        assert!(keys.broken().is_empty());
        assert!(keys.remove("bad"));
        assert!(!keys.remove("bad"));
        assert_eq!(*keys.ids(), [good.certificate.key_id()].into());
    }

    #[test]
    fn a_key_whose_secret_stays_as_it_is_is_read_once() {
        let keys = Keys::new(KeyOrder::NotBefore);
        let secret = |number: i64| secret_of(&key(number), &format!("k{number}"), at(number));
        let (first, second) = (secret(1), secret(2));
        keys.replace(vec![first.clone()]);
        let held = || Arc::clone(keys.ring().keys().last().expect("it is held"));
        let before = held();
        assert!(keys.add(second.clone()));
        assert!(Arc::ptr_eq(&before, &held()));
        assert!(!keys.replace(vec![second.clone(), first.clone()]));
        assert!(Arc::ptr_eq(&before, &held()));
        // Another one under its name is read.
        let mut changed = first;
        let time = at(0).to_string().into();
        changed.metadata.insert("creationTimestamp".into(), time);
        assert!(!keys.replace(vec![second, changed]));
        assert_eq!(held().created, at(0));
    }

    #[test]
    fn a_key_that_was_made_while_the_keys_were_listed_is_not_lost() {
        let keys = Keys::new(KeyOrder::NotBefore);
        keys.begin_list();
        let made = secret_of(&key(1), "made", at(1));
        assert_eq!(keys.add_made(made), (true, true));
        assert!(!keys.replace(Vec::new()));
        assert_eq!(keys.ids().len(), 1);
        // The next list has it, or it is gone.
        keys.begin_list();
        assert!(keys.replace(Vec::new()));
        assert!(keys.ids().is_empty());
    }

    #[test]
    fn a_key_that_is_stored_so_that_it_cannot_be_used_is_noticed() {
        let keys = Keys::new(KeyOrder::NotBefore);
        let mut stored = secret_of(&key(1), "made", at(1));
        stored.data.remove("tls.key");
        assert_eq!(keys.add_made(stored), (false, false));
    }

    #[test]
    fn a_clock_that_is_a_year_off_makes_no_key() {
        let keys = Keys::new(KeyOrder::NotBefore);
        keys.replace(vec![secret_of(&key(100), "k", at(100))]);
        let due = |now, server_now| keys.renewal(DAY * 30, None, now, server_now);
        assert_eq!(due(at(110), at(110)), Renewal::At(at(130)));
        assert_eq!(due(at(130), at(130)), Renewal::Due);
        // Ours is ahead: the key was made ten days ago by the other clock.
        assert_eq!(due(at(475), at(110)), Renewal::At(at(495)));
        // Theirs is ahead.
        assert_eq!(due(at(110), at(475)), Renewal::At(at(130)));
        // Ours was ahead when the key was made, and is right again.
        let early = Keys::new(KeyOrder::NotBefore);
        early.replace(vec![secret_of(&key(465), "k", at(100))]);
        let due = |now, server_now| early.renewal(DAY * 30, None, now, server_now);
        assert_eq!(due(at(110), at(110)), Renewal::At(at(495)));
    }

    #[test]
    fn without_a_key_or_with_one_from_before_the_cutoff_a_key_is_due() {
        let keys = Keys::new(KeyOrder::NotBefore);
        let due = |cutoff| keys.renewal(DAY * 30, cutoff, at(110), at(110));
        assert_eq!(due(None), Renewal::Due);
        keys.replace(vec![secret_of(&key(100), "k", at(100))]);
        assert_eq!(due(Some(at(99))), Renewal::At(at(130)));
        assert_eq!(due(Some(at(101))), Renewal::Due);
    }

    #[test]
    fn a_new_key_secret_has_the_labels_that_were_asked_for_and_stays_a_key() {
        let pair = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
        let label = pair(annotations::KEY_LABEL, "compromised");
        let secret = new_key_secret(&key(1), ("prefix", "ns"), "active", &label, &pair("a", "b"));
        assert!(is_key(&secret, "other"));
        assert_eq!(secret.annotations(), pair("a", "b"));
        assert_eq!(secret.metadata["generateName"], "prefix");
        assert!(!secret.metadata.contains_key("name"));
    }
}
