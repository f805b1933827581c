//! What the controller remembers of each object: its status, and what the folders themselves do not say.
//!
//! It is kept in the status files, so a restart changes nothing. Losing them costs a generation count, the times in the
//! conditions, and the ownership of Secrets without owner reference; nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_api::{SealedSecretStatus, Verdict};

use super::{
    catalogue::{Catalogue, FileState, Located},
    object_name::ObjectName,
};
use crate::plan::{Record, next_status};

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The objects.
    pub(super) objects: BTreeMap<ObjectName, Remembered>,
    /// The broken files and unreadable folders of `sealed/`.
    pub(super) broken: BTreeMap<String, Broken>,
}

/// What is remembered of one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Remembered {
    /// The file in `sealed/` that holds it, or held it last; empty where nobody knows.
    pub(super) file: String,
    /// The document in the file.
    pub(super) document: usize,
    /// Counts the changes of its spec, from 1.
    pub(super) generation: i64,
    /// The digest of its spec.
    pub(super) spec_digest: String,
    /// Its status.
    pub(super) status: SealedSecretStatus,
    /// Whether and how its Secret was written.
    pub(super) record: Record,
    /// Since when it has been missing.
    pub(super) missing_since: Option<Timestamp>,
}

/// What is remembered of a broken file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// Its content, where that could be read.
    pub(super) digest: Option<String>,
    /// Since when it has been broken with this content.
    pub(super) since: Timestamp,
}

impl Remembered {
    /// Takes note of where the object stands and whether its spec changed.
    pub(super) fn see(&mut self, located: &Located) {
        let spec_digest = located.found().spec_digest.to_string();
        if self.spec_digest != spec_digest {
            self.generation = self.generation.saturating_add(1);
            self.spec_digest = spec_digest;
        }
        self.file.clone_from(&located.file);
        self.document = located.found().document;
        self.missing_since = None;
    }

    /// Takes note of what was found, where that is news.
    pub(super) fn conclude(&mut self, verdict: &Verdict, now: Timestamp) {
        if let Some(status) = next_status(Some(&self.status), verdict, Some(self.generation), now) {
            self.status = status;
        }
    }
}

impl Memory {
    /// Takes note of which files are broken, and since when.
    pub(super) fn see_broken(&mut self, catalogue: &Catalogue, now: Timestamp) {
        let broken = catalogue.files.iter().filter_map(|(path, state)| {
            let FileState::Broken(digest) = state else {
                return None;
            };
            let digest = digest.map(|digest| digest.to_string());
            // What could not be read at all may have changed since the last look.
            let same = |known: &&Broken| known.digest.is_some() && known.digest == digest;
            let since = self
                .broken
                .get(path)
                .filter(same)
                .map_or(now, |known| known.since);
            Some((path.clone(), Broken { digest, since }))
        });
        self.broken = broken.collect();
    }

    /// Since when each broken file has been so.
    pub(super) fn broken_since(&self) -> BTreeMap<String, Timestamp> {
        self.broken
            .iter()
            .map(|(path, broken)| (path.clone(), broken.since))
            .collect()
    }
}
