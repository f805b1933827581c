//! Which variables a place sees.

use std::collections::BTreeMap;

use crate::node::{DOLLAR, Name};

/// The variables that are declared at a place.
pub(super) struct Variables {
    pub(super) declared: Vec<Name>,
    /// How often each is declared.
    counts: BTreeMap<Name, usize>,
}

impl Variables {
    pub(super) fn new() -> Self {
        Self {
            declared: vec![DOLLAR],
            counts: BTreeMap::from([(DOLLAR, 1)]),
        }
    }

    pub(super) fn push(&mut self, name: Name) {
        self.declared.push(name);
        *self.counts.entry(name).or_default() += 1;
    }

    pub(super) fn truncate(&mut self, length: usize) {
        for name in self.declared.drain(length..) {
            if let Some(count) = self.counts.get_mut(&name) {
                *count -= 1;
            }
        }
    }

    pub(super) fn contains(&self, name: Name) -> bool {
        self.counts.get(&name).is_some_and(|count| *count > 0)
    }
}
