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
    operations::{Operations, Unwanted},
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
    pub(crate) operations: Operations<'o>,
}

/// Why an object was not opened.
pub(crate) enum Ended {
    Failed(Failure),
    /// An item failed, and no more operations were allowed.
    PutOff,
    /// All items were tried, and an operation that would have shown why one failed was not wanted.
    Unexplained,
    /// An operation was not wanted before all items were tried.
    BrokenOff,
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
    pub(crate) fn new(
        sealed: &'o SealedSecret,
        ring: &'o KeyRing,
        tried: Tried,
        operations: Operations<'o>,
    ) -> Self {
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
            operations,
        }
    }

    /// Opens one item: its value and the key that opened it.
    pub(crate) fn open(
        &mut self,
        item: &str,
        ciphertext: &Ciphertext,
    ) -> Result<Option<(Plaintext, KeyId)>, Unwanted> {
        self.open_knowing(item, ciphertext, Found::Nothing, false)
    }

    fn open_knowing(
        &mut self,
        item: &str,
        ciphertext: &Ciphertext,
        found: Found,
        likeliest_only: bool,
    ) -> Result<Option<(Plaintext, KeyId)>, Unwanted> {
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
            .open(ciphertext, &label, &hints, &mut self.operations)?;
        if let Some((_, key_id)) = opened {
            self.tried.used.retain(|used| *used != key_id);
            self.tried.used.insert(0, key_id);
        }
        Ok(opened)
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
        let is_tried = self.tried.lacks_only_diagnosis(self.ring.ids());
        for are_known in [false, true] {
            if is_tried || (are_known && self.fails()) {
                break;
            }
            let items = self.sealed.spec.encrypted_data.iter().enumerate();
            let items = items.filter(|(place, _)| open_before[*place] == are_known);
            for (place, (item, text)) in items {
                if self.fails() && self.operations.made >= allowed {
                    self.tried.stop_at(place, self.ring.ids());
                    return Err(Ended::PutOff);
                }
                let value = self.open_at(place, item, text, allowed == 0);
                if let Some((value, key_id)) = value.map_err(|_| Ended::BrokenOff)? {
                    opened.values.insert(item.clone(), value);
                    opened.keys.insert(item.clone(), key_id);
                } else if allowed == 0 {
                    return Err(Ended::PutOff);
                }
            }
        }
        self.tried.finish(self.ring.ids());
        let mut all = self.explain().map_err(|_| Ended::Unexplained)?;
        all.append(&mut failures);
        match Failure::of_items(all) {
            Some(failure) => Err(failure.into()),
            None => Ok(opened),
        }
    }

    /// Opens the one text of the deprecated form.
    pub(crate) fn open_text(&mut self, text: &str, allowed: u64) -> Result<Plaintext, Ended> {
        let opened = self.open_at(0, LEGACY, text, allowed == 0);
        let opened = opened.map_err(|_| Ended::BrokenOff)?;
        let is_tried = self.tried.lacks_only_diagnosis(self.ring.ids());
        if opened.is_none() && allowed == 0 && !is_tried {
            return Err(Ended::PutOff);
        }
        self.tried.finish(self.ring.ids());
        let Some((value, _)) = opened else {
            let (reason, message) = match Ciphertext::parse(text) {
                Err(error) => (Reason::MalformedItem, format!("spec.data is {error}")),
                Ok(ciphertext) => self
                    .diagnose(0, None, &ciphertext)
                    .map_err(|_| Ended::Unexplained)?,
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
    ) -> Result<Option<(Plaintext, KeyId)>, Unwanted> {
        let Ok(ciphertext) = Ciphertext::parse(text) else {
            self.tried.items[place] = Found::Malformed;
            return Ok(None);
        };
        let found = self.tried.items[place];
        let opened = self.open_knowing(item, &ciphertext, found, likeliest_only)?;
        let keys = &self.tried.keys;
        self.tried.items[place] = match &opened {
            // What is found is noted of the keys that were tried before only.
            Some((_, key)) if likeliest_only && !keys.contains(key) => found,
            Some(_) => Found::Opens,
            None if likeliest_only => found,
            None => Found::InVain,
        };
        Ok(opened)
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
    fn explain(&mut self) -> Result<Vec<ItemFailure>, Unwanted> {
        let sealed = self.sealed;
        let mut failures = Vec::new();
        for (place, (item, text)) in sealed.spec.encrypted_data.iter().enumerate() {
            let (reason, message) = match (self.tried.items[place], Ciphertext::parse(text)) {
                (Found::Malformed, Err(error)) => (Reason::MalformedItem, error.to_string()),
                (Found::InVain, Ok(ciphertext)) => self.diagnose(place, Some(item), &ciphertext)?,
                _ => continue,
            };
            failures.push(ItemFailure {
                item: Some(item.clone()),
                reason,
                message,
            });
        }
        Ok(failures)
    }

    /// Diagnoses the first failing item with operations, the others by their lines.
    fn diagnose(
        &mut self,
        place: usize,
        item: Option<&str>,
        ciphertext: &Ciphertext,
    ) -> Result<(Reason, String), Unwanted> {
        let line = item.and_then(|item| self.lines.get(item));
        Ok(match &self.tried.diagnosis {
            Some(diagnosis) if diagnosis.is_of(place, line) => {
                (diagnosis.reason, diagnosis.message.clone())
            }
            Some(_) => diagnosis::claim(&self.subject(), line),
            None => {
                let line = line.cloned();
                let subject = Subject {
                    sealed: self.sealed,
                    binding: &self.binding,
                    lines: &self.lines,
                    ring: self.ring,
                };
                let (reason, message) =
                    diagnosis::prove(&subject, ciphertext, item, &mut self.operations)?;
                self.tried.diagnosis = Some(Diagnosis {
                    place,
                    line,
                    reason,
                    message: message.clone(),
                });
                (reason, message)
            }
        })
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
