//! What is known of an object that did not open, so that nothing is tried twice.

use std::{collections::BTreeSet, sync::Arc};

use seal_api::Reason;
use seal_envelope::KeyId;

use crate::ItemLine;

/// What earlier tries found out of one object. It holds for as long as neither the items nor name, namespace and scope
/// of the object change; no value and no ciphertext is in it.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    /// The keys that were at hand, or that were for the items of which something is known.
    pub(crate) keys: Arc<BTreeSet<KeyId>>,
    /// The keys that were at hand at the last try, also where it was put off.
    pub(crate) last_keys: Arc<BTreeSet<KeyId>>,
    /// What came of each item, in the order of the items' keys.
    pub(crate) items: Box<[Found]>,
    /// The keys that opened items, the last one first.
    pub(crate) used: Vec<KeyId>,
    /// Why the first of the failing items does not open.
    pub(crate) diagnosis: Option<Diagnosis>,
}

/// What is known of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing yet.
    Nothing,
    /// One of the keys opens it.
    Opens,
    /// None of the keys opens it.
    InVain,
    /// It is no ciphertext, so no key ever will.
    Malformed,
}

/// What was found out of the first item that does not open.
#[derive(Debug, Clone)]
pub(crate) struct Diagnosis {
    /// The item's place among the items.
    pub(crate) place: usize,
    /// The line of that item.
    pub(crate) line: Option<ItemLine>,
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Tried {
    /// Whether a try with `keys` may end in another way than the last one did.
    pub fn is_outdated(&self, keys: &BTreeSet<KeyId>) -> bool {
        !self.is_whole() || (self.items.contains(&Found::InVain) && *self.keys != *keys)
    }

    /// Whether the last try had exactly these keys at hand.
    pub fn was_with(&self, keys: &BTreeSet<KeyId>) -> bool {
        *self.last_keys == *keys
    }

    /// Whether all was tried with exactly these keys, and only why it failed is to be found out yet.
    pub fn lacks_only_diagnosis(&self, keys: &BTreeSet<KeyId>) -> bool {
        let fails = self.is_whole() && self.items.contains(&Found::InVain);
        fails && self.diagnosis.is_none() && *self.keys == *keys
    }

    /// What of it holds for an object with so many items and with `keys` at hand.
    pub(crate) fn for_another_try(mut self, items: usize, keys: &Arc<BTreeSet<KeyId>>) -> Self {
        // A key that is gone may be the one that opened an item.
        let has_only_more_keys = self.keys.is_subset(keys);
        if self.items.len() != items || !has_only_more_keys {
            return Self {
                keys: Arc::clone(keys),
                last_keys: Arc::clone(keys),
                items: vec![Found::Nothing; items].into(),
                ..Self::default()
            };
        }
        self.last_keys = Arc::clone(keys);
        if self.keys != *keys {
            self.diagnosis = self.diagnosis.filter(Diagnosis::is_not_of_the_keys);
        }
        self
    }

    /// All items were tried with `keys`.
    pub(crate) fn finish(&mut self, keys: &Arc<BTreeSet<KeyId>>) {
        self.keys = Arc::clone(keys);
        let items = &self.items;
        self.diagnosis = self
            .diagnosis
            .take()
            .filter(|diagnosis| items[diagnosis.place] == Found::InVain);
    }

    /// The items before `place` were tried with `keys`, the others were not.
    pub(crate) fn stop_at(&mut self, place: usize, keys: &Arc<BTreeSet<KeyId>>) {
        if self.keys != *keys {
            for item in &mut self.items[place..] {
                *item = Found::Nothing;
            }
            self.keys = Arc::clone(keys);
        }
    }

    fn is_whole(&self) -> bool {
        !self.items.contains(&Found::Nothing)
    }
}

impl Diagnosis {
    /// Whether it says the same with other keys.
    fn is_not_of_the_keys(&self) -> bool {
        !matches!(self.reason, Reason::UnknownKey | Reason::NoKey)
    }

    /// Whether it was made of the item at `place`, or of one whose line claims the same as `line`.
    pub(crate) fn is_of(&self, place: usize, line: Option<&ItemLine>) -> bool {
        let claims_the_same = |one: &ItemLine, other: &ItemLine| {
            (&one.key_id, &one.binding) == (&other.key_id, &other.binding)
        };
        let lines = self.line.as_ref().zip(line);
        place == self.place || lines.is_some_and(|(one, other)| claims_the_same(one, other))
    }
}
