//! What is recorded of written Secrets: that they are ours, and, where a template gives something else each time, what it
//! gave, by a keyed digest.

use std::{mem, sync::Arc};

use seal_api::{RecordedSecret, Scope, SealedSecret, SecretRecord, annotations};
use seal_sealing::{Opened, Secret};
use seal_shell::Replace;
use tracing::warn;

use super::{
    catalogue::Located,
    input,
    layout::{Layout, write_private},
    memory::Remembered,
    object_name::ObjectName,
    pass::Directory,
    reconcile::{Stage, asks_for_no_owner},
};
use crate::{
    plan::Record,
    record::{Basis, Proof, RecordKey, Whose, Written},
};

/// The file of the key in `keys/`. Its name is none of a key Secret.
const KEY_FILE: &str = "record.key";

/// Reads the key of the records, or makes it. What cannot be read or written is said, and then nothing outlasts this run.
pub(super) fn record_key(layout: &Layout) -> Option<Arc<RecordKey>> {
    let folder = layout.keys();
    let path = folder.join(KEY_FILE);
    let key = match input::read_below(&folder, &path) {
        Ok(Some(file)) => RecordKey::new(&file.bytes),
        Ok(None) => RecordKey::new_bytes().and_then(|bytes| {
            let written = write_private(&folder, &path, &bytes, Replace::Nothing, || true);
            written.ok().and_then(|_| RecordKey::new(&bytes))
        }),
        Err(_) => None,
    };
    if key.is_none() {
        warn!(
            file = "keys/record.key",
            "the key of the records cannot be read or made: what templates gave is not known after this run"
        );
    }
    let local = || RecordKey::new(&RecordKey::new_bytes()?);
    key.or_else(local).map(Arc::new)
}

impl Directory {
    /// Records which Secrets are about to be written without owner reference. They are ours only by this record, so it
    /// goes to disk first: a crash in between must not make them somebody else's.
    pub(super) fn record_intents(
        &mut self,
        batch: &[(&ObjectName, &Located)],
        decided: &mut [Stage],
    ) {
        let mut is_new = false;
        for ((name, _), stage) in batch.iter().zip(decided) {
            let Stage::ToWrite(write) = stage else {
                continue;
            };
            let record = record_of(&write.secret);
            let remembered = self.memory.objects.entry((*name).clone()).or_default();
            write.before = mem::replace(&mut remembered.record, record);
            is_new |= record == Record::WroteWithoutOwner && write.before != record;
        }
        if is_new {
            // What cannot be saved is reported at the end of the pass.
            self.save_memory();
        }
    }

    /// What is proven of the Secret of an object.
    pub(super) fn proof(
        &self,
        name: &ObjectName,
        located: &Located,
        remembered: &Remembered,
    ) -> Option<Proof> {
        let record = remembered.status.record.as_ref()?;
        let key = self.record_key.as_ref()?;
        key.prove(whose(name, &name.uid()), &basis(located), record)
    }

    /// The record of a Secret whose template gives something else each time.
    pub(super) fn new_record(
        &self,
        name: &ObjectName,
        located: &Located,
        opened: &Opened,
        stored: &Secret,
    ) -> Option<SecretRecord> {
        let key = self.record_key.as_ref()?;
        let sealed = &located.found().sealed;
        let written = Written {
            wanted: &opened.secret,
            keys: &opened.keys,
            without_owner: asks_for_no_owner(sealed),
            from_legacy: sealed.spec.data.is_some(),
        };
        let stored = (Some(RecordedSecret::default()), stored);
        let record = key.record(whose(name, &name.uid()), &basis(located), &written, stored);
        Some(record)
    }
}

fn whose<'w>(name: &'w ObjectName, uid: &'w str) -> Whose<'w> {
    Whose {
        namespace: name.namespace(),
        name: name.name(),
        uid,
    }
}

fn basis(located: &Located) -> Basis {
    let found = located.found();
    Basis {
        flags: Vec::new(),
        scope: scope(&found.sealed),
        spec: found.spec_digest.to_string(),
    }
}

fn scope(sealed: &SealedSecret) -> Scope {
    let annotations = sealed.metadata.annotations.clone().unwrap_or_default();
    Scope::of(&annotations)
}

fn record_of(secret: &Secret) -> Record {
    if secret.metadata.contains_key("ownerReferences") || secret.is_annotated(annotations::PATCH) {
        Record::Wrote
    } else {
        Record::WroteWithoutOwner
    }
}
