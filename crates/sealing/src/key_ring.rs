//! The keys at hand, and the order in which they are tried.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use seal_envelope::{Certificate, Ciphertext, GeneratedKey, KeyId, Label, OpeningKey, Plaintext};

use crate::operations::{Operations, Purpose, Unwanted};

/// A private key with what is known of it.
#[derive(Debug)]
pub struct HeldKey {
    /// The private half.
    pub opening_key: OpeningKey,
    /// The certificate, where the key came with one; without it the key opens but never seals.
    pub certificate: Option<Certificate>,
    /// When its Secret was made, or the moment of reading for a bare key.
    pub created: Timestamp,
}

impl HeldKey {
    /// A key just generated.
    pub fn generated(key: GeneratedKey, now: Timestamp) -> Self {
        Self {
            opening_key: key.opening_key,
            certificate: Some(key.certificate),
            created: now,
        }
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        self.opening_key.key_id()
    }

    /// The time that orders keys, as upstream's default: NotBefore of the certificate, else the creation time.
    pub fn since(&self) -> Timestamp {
        self.certificate
            .as_ref()
            .map_or(self.created, Certificate::not_before)
    }
}

/// What counts as a key's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyOrder {
    /// The time from which its certificate is valid, else when its Secret was made.
    #[default]
    NotBefore,
    /// When its Secret was made.
    Created,
}

/// The keys at hand, newest first, each once.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<Arc<HeldKey>>,
    ids: Arc<BTreeSet<KeyId>>,
    order: KeyOrder,
}

impl KeyOrder {
    fn of(self, key: &HeldKey) -> Timestamp {
        match self {
            Self::NotBefore => key.since(),
            Self::Created => key.created,
        }
    }
}

impl KeyRing {
    /// Orders the keys: newest [`HeldKey::since`] first, ties by key id so that every start chooses the same. Of a key
    /// given twice the one with a certificate stays.
    pub fn new(keys: Vec<HeldKey>) -> Self {
        Self::ordered(keys, KeyOrder::NotBefore)
    }

    /// Orders the keys as [`Self::new`] does, by another age. They may be those of another ring, which are shared with it.
    pub fn ordered(
        keys: impl IntoIterator<Item = impl Into<Arc<HeldKey>>>,
        order: KeyOrder,
    ) -> Self {
        let mut keys: Vec<Arc<HeldKey>> = keys.into_iter().map(Into::into).collect();
        keys.sort_by_key(|key| (key.id(), key.certificate.is_none()));
        keys.dedup_by_key(|key| key.id());
        keys.sort_by_key(|key| (std::cmp::Reverse(order.of(key)), key.id()));
        let ids = Arc::new(keys.iter().map(|key| key.id()).collect());
        Self { keys, ids, order }
    }

    /// The time that the current key counts from; `None` where there is none.
    pub fn current_since(&self) -> Option<Timestamp> {
        self.current().map(|(key, _)| self.order.of(key))
    }

    /// The key to seal with: the newest that has a certificate.
    pub fn current(&self) -> Option<(&HeldKey, &Certificate)> {
        self.keys
            .iter()
            .find_map(|key| Some((&**key, key.certificate.as_ref()?)))
    }

    /// The keys, newest first.
    pub fn keys(&self) -> &[Arc<HeldKey>] {
        &self.keys
    }

    /// The ids of the keys, shared with what was tried with them.
    pub fn ids(&self) -> &Arc<BTreeSet<KeyId>> {
        &self.ids
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key whose short id is `short_id`.
    pub fn find(&self, short_id: &str) -> Option<&HeldKey> {
        let mut keys = self.keys.iter().map(|key| &**key);
        keys.find(|key| key.id().short() == short_id)
    }

    /// How many private-key operations all keys have done together.
    pub fn operations(&self) -> u64 {
        self.keys
            .iter()
            .map(|key| key.opening_key.operations())
            .sum()
    }

    /// The short ids of all keys, newest first, for messages.
    pub fn short_ids(&self) -> String {
        let ids: Vec<String> = self.keys.iter().map(|key| key.id().short()).collect();
        ids.join(", ")
    }

    /// Opens one item: the value and the key that opened it. The keys are tried in the order of [`Hints`]; the first
    /// success ends it. Each try costs one private-key operation; the first that is not wanted ends it as well.
    pub(crate) fn open(
        &self,
        ciphertext: &Ciphertext,
        label: &Label,
        hints: &Hints<'_>,
        operations: &mut Operations<'_>,
    ) -> Result<Option<(Plaintext, KeyId)>, Unwanted> {
        let keys = self.in_order(hints).into_iter();
        let untried = keys.filter(|key| !hints.in_vain.is_some_and(|ids| ids.contains(&key.id())));
        let most = if hints.likeliest_only { 1 } else { usize::MAX };
        for key in untried.take(most) {
            operations.begin(Purpose::Opening)?;
            if let Some(value) = key.opening_key.open(ciphertext, label) {
                return Ok(Some((value, key.id())));
            }
        }
        Ok(None)
    }

    fn in_order(&self, hints: &Hints<'_>) -> Vec<&HeldKey> {
        let mut order: Vec<&HeldKey> = self.keys.iter().map(|key| &**key).collect();
        let current_then = hints
            .created
            .and_then(|created| self.keys.iter().find(|key| self.order.of(key) <= created));
        let current_then = current_then.map(|key| key.id());
        order.sort_by_cached_key(|key| {
            let id = key.id();
            let of_others = hints.of_other_items.iter().position(|other| *other == id);
            if hints.of_line == Some(id.short().as_str()) {
                (0, 0)
            } else if let Some(place) = of_others {
                (1, place)
            } else if current_then == Some(id) {
                (2, 0)
            } else {
                (3, 0)
            }
        });
        order
    }
}

/// What is known of an item before it is opened.
#[derive(Debug, Default)]
pub(crate) struct Hints<'h> {
    /// The short key id in the item's line.
    pub(crate) of_line: Option<&'h str>,
    /// The keys that opened other items of the object, last one first.
    pub(crate) of_other_items: &'h [KeyId],
    /// When the object was created.
    pub(crate) created: Option<Timestamp>,
    /// The keys that are known not to open it, which are left out.
    pub(crate) in_vain: Option<&'h BTreeSet<KeyId>>,
    /// Whether the first key is the only one to be tried.
    pub(crate) likeliest_only: bool,
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use seal_envelope::{KeySize, generate_key};

    use super::*;

    fn key(day: i64) -> HeldKey {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day);
        let key = generate_key(KeySize::Rsa2048, "", now, SignedDuration::from_hours(1))
            .expect("keys can be made");
        HeldKey::generated(key, now)
    }

    fn days(keys: &[&HeldKey]) -> Vec<i64> {
        keys.iter()
            .map(|key| key.since().as_second() / 86_400)
            .collect()
    }

    #[test]
    fn keys_are_tried_by_line_then_other_items_then_age_of_the_object_then_newest() {
        let ring = KeyRing::new((1..=6).map(key).collect());
        assert_eq!(days(&ring.in_order(&Hints::default())), [6, 5, 4, 3, 2, 1]);

        let (line, other) = (ring.keys[4].id().short(), ring.keys[5].id());
        let created = Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 4 + 1));
        let hints = Hints {
            of_line: Some(&line),
            of_other_items: &[other],
            created,
            in_vain: None,
            likeliest_only: false,
        };
        assert_eq!(days(&ring.in_order(&hints)), [2, 1, 4, 6, 5, 3]);
    }

    #[test]
    fn the_current_key_is_the_newest_and_the_same_whatever_the_order_of_reading() {
        let (one, two) = (key(1), key(1));
        let smaller = one.id().min(two.id());
        assert_eq!(
            KeyRing::new(vec![one, two])
                .current()
                .map(|(key, _)| key.id()),
            Some(smaller)
        );
        assert!(KeyRing::default().current().is_none());
    }

    #[test]
    fn keys_may_be_ordered_by_the_age_of_their_secrets() {
        let (old, new) = (key(1), key(2));
        let (old_id, new_id) = (old.id(), new.id());
        let restored = HeldKey {
            created: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 9),
            ..old
        };
        let ring = KeyRing::ordered(vec![restored, new], KeyOrder::Created);
        assert_eq!(ring.current().map(|(key, _)| key.id()), Some(old_id));
        assert_eq!(ring.keys()[1].id(), new_id);
        assert_eq!(ring.current_since(), Some(ring.keys()[0].created));
    }

    #[test]
    fn a_key_given_twice_is_held_once() {
        let one = key(1);
        let bare = OpeningKey::from_pem(one.opening_key.to_pkcs1_pem().as_bytes())
            .expect("it was just written");
        let bare = HeldKey {
            opening_key: bare,
            certificate: None,
            created: Timestamp::UNIX_EPOCH,
        };
        let ring = KeyRing::new(vec![bare, one]);
        assert_eq!(ring.keys().len(), 1);
        assert!(ring.current().is_some());
    }
}
