//! Opening the items of one object, one after the other: what opened one is tried first with the next.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret};
use seal_envelope::{Ciphertext, KeyId, Plaintext};

use crate::{
    Binding, Failure, KeyRing,
    diagnosis::{self, Subject},
    failure::ItemFailure,
    item_lines::ItemLines,
    key_ring::Hints,
    tried::{Diagnosis, Found, Tried},
};

/// What the one sealed text of the deprecated form is called where items have keys; no line is ever found for it.
pub(crate) const LEGACY: &str = "spec.data";

/// A pass over the items of one object.
pub(crate) struct Opening<'o> {
    sealed: &'o SealedSecret,
    ring: &'o KeyRing,
    pub(crate) binding: Binding,
    lines: ItemLines,
    created: Option<Timestamp>,
    pub(crate) tried: Tried,
    /// The private-key operations so far.
    pub(crate) operations: u64,
}

/// Why an object was not opened.
pub(crate) enum Ended {
    Failed(Failure),
    /// An item failed, and no more operations were allowed.
    PutOff,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What all items open to.
#[derive(Default)]
pub(crate) struct Items {
    pub(crate) values: BTreeMap<String, Plaintext>,
    /// Which key opened which item.
    pub(crate) keys: BTreeMap<String, KeyId>,
}

impl<'o> Opening<'o> {
    /// Begins with what is known of the object from earlier tries.
    pub(crate) fn new(sealed: &'o SealedSecret, ring: &'o KeyRing, tried: Tried) -> Self {
        let created = &sealed.metadata.creation_timestamp;
        let items = match sealed.spec.data {
            Some(_) => 1,
            None => sealed.spec.encrypted_data.len(),
        };
        Self {
            sealed,
            ring,
            binding: Binding::of(sealed),
            lines: ItemLines::of(sealed),
            created: created.as_ref().map(|time| time.0),
            tried: tried.for_another_try(items, ring.ids()),
            operations: 0,
        }
    }

    /// Opens one item: its value and the key that opened it.
    pub(crate) fn open(
        &mut self,
        item: &str,
        ciphertext: &Ciphertext,
    ) -> Option<(Plaintext, KeyId)> {
        self.open_knowing(item, ciphertext, Found::Nothing, false)
    }

    fn open_knowing(
        &mut self,
        item: &str,
        ciphertext: &Ciphertext,
        found: Found,
        likeliest_only: bool,
    ) -> Option<(Plaintext, KeyId)> {
        let of_line = self.lines.get(item).map(|line| line.key_id.as_str());
        let hints = Hints {
            of_line,
            of_other_items: &self.tried.used,
            created: self.created,
            in_vain: (found == Found::InVain).then_some(&self.tried.keys),
            likeliest_only,
        };
        let label = self.binding.label();
        let opened = self
            .ring
            .open(ciphertext, &label, &hints, &mut self.operations);
        let (value, key_id) = opened?;
        self.tried.used.retain(|used| *used != key_id);
        self.tried.used.insert(0, key_id);
        Some((value, key_id))
    }

    /// Opens all items, those that were not known to open before those that were; `failures` are what is wrong besides.
    ///
    /// Once an item failed, no further one is tried when `allowed` operations were made. Where none are allowed, the first
    /// try that fails is the last one.
    pub(crate) fn open_all(
        &mut self,
        allowed: u64,
        mut failures: Vec<ItemFailure>,
    ) -> Result<Items, Ended> {
        let mut opened = Items::default();
        let open_before: Vec<bool> = self.found(Found::Opens).collect();
        for are_known in [false, true] {
            if are_known && self.fails() {
                break;
            }
            let items = self.sealed.spec.encrypted_data.iter().enumerate();
            let items = items.filter(|(place, _)| open_before[*place] == are_known);
            for (place, (item, text)) in items {
                if self.fails() && self.operations >= allowed {
                    self.tried.stop_at(place, self.ring.ids());
                    return Err(Ended::PutOff);
                }
                if let Some((value, key_id)) = self.open_at(place, item, text, allowed == 0) {
                    opened.values.insert(item.clone(), value);
                    opened.keys.insert(item.clone(), key_id);
                } else if allowed == 0 {
                    return Err(Ended::PutOff);
                }
            }
        }
        self.tried.finish(self.ring.ids());
        let mut all = self.explain();
        all.append(&mut failures);
        match Failure::of_items(all) {
            Some(failure) => Err(failure.into()),
            None => Ok(opened),
        }
    }

    /// Opens the one text of the deprecated form.
    pub(crate) fn open_text(&mut self, text: &str, allowed: u64) -> Result<Plaintext, Ended> {
        let opened = self.open_at(0, LEGACY, text, allowed == 0);
        if opened.is_none() && allowed == 0 {
            return Err(Ended::PutOff);
        }
        self.tried.finish(self.ring.ids());
        let Some((value, _)) = opened else {
            let (reason, message) = match Ciphertext::parse(text) {
                Err(error) => (Reason::MalformedItem, format!("spec.data is {error}")),
                Ok(ciphertext) => self.diagnose(0, None, &ciphertext),
            };
            return Err(Failure::of_object(reason, message).into());
        };
        Ok(value)
    }

    fn open_at(
        &mut self,
        place: usize,
        item: &str,
        text: &str,
        likeliest_only: bool,
    ) -> Option<(Plaintext, KeyId)> {
        let Ok(ciphertext) = Ciphertext::parse(text) else {
            self.tried.items[place] = Found::Malformed;
            return None;
        };
        let found = self.tried.items[place];
        let opened = self.open_knowing(item, &ciphertext, found, likeliest_only);
        let keys = &self.tried.keys;
        self.tried.items[place] = match &opened {
            // What is found is noted of the keys that were tried before only.
            Some((_, key)) if likeliest_only && !keys.contains(key) => found,
            Some(_) => Found::Opens,
            None if likeliest_only => found,
            None => Found::InVain,
        };
        opened
    }

    fn found(&self, found: Found) -> impl Iterator<Item = bool> {
        self.tried.items.iter().map(move |item| *item == found)
    }

    /// Whether an item is known to fail.
    fn fails(&self) -> bool {
        let items = &self.tried.items;
        items.contains(&Found::InVain) || items.contains(&Found::Malformed)
    }

    /// What is wrong with each item that failed.
    fn explain(&mut self) -> Vec<ItemFailure> {
        let sealed = self.sealed;
        let items = sealed.spec.encrypted_data.iter().enumerate();
        items
            .filter_map(|(place, (item, text))| {
                let (reason, message) = match (self.tried.items[place], Ciphertext::parse(text)) {
                    (Found::Malformed, Err(error)) => (Reason::MalformedItem, error.to_string()),
                    (Found::InVain, Ok(ciphertext)) => {
                        self.diagnose(place, Some(item), &ciphertext)
                    }
                    _ => return None,
                };
                Some(ItemFailure {
                    item: Some(item.clone()),
                    reason,
                    message,
                })
            })
            .collect()
    }

    /// Diagnoses the first failing item with operations, the others by their lines.
    fn diagnose(
        &mut self,
        place: usize,
        item: Option<&str>,
        ciphertext: &Ciphertext,
    ) -> (Reason, String) {
        let line = item.and_then(|item| self.lines.get(item));
        match &self.tried.diagnosis {
            Some(diagnosis) if diagnosis.is_of(place, line) => {
                (diagnosis.reason, diagnosis.message.clone())
            }
            Some(_) => diagnosis::claim(&self.subject(), line),
            None => {
                let line = line.cloned();
                let mut operations = 0;
                let (reason, message) =
                    diagnosis::prove(&self.subject(), ciphertext, item, &mut operations);
                self.operations += operations;
                self.tried.diagnosis = Some(Diagnosis {
                    place,
                    line,
                    reason,
                    message: message.clone(),
                });
                (reason, message)
            }
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            sealed: self.sealed,
            binding: &self.binding,
            lines: &self.lines,
            ring: self.ring,
        }
    }
}
