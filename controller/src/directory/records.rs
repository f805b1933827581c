//! What is recorded of written Secrets: that they are ours, and, where a template gives something else each time, what it
//! gave, by a keyed digest.

use std::{mem, sync::Arc};

use seal_api::{Reason, RecordedSecret, Scope, SealedSecret, SecretRecord, annotations};
use seal_sealing::{Opened, Secret};
use seal_shell::Replace;
use tracing::warn;
use zeroize::Zeroizing;

use super::{
    catalogue::Located,
    input,
    layout::{Layout, write_private},
    memory::Remembered,
    object_name::ObjectName,
    pass::Directory,
    problem::Problem,
    reconcile::{Finding, Stage, asks_for_no_owner, shown},
    status_files::status_file,
};
use crate::{
    plan::Record,
    record::{Basis, Proof, RecordKey, Whose, Written},
};

/// The file of the key in `keys/`. Its name is none of a key Secret.
const KEY_FILE: &str = "record.key";

/// The key of the records.
#[derive(Debug)]
pub(super) struct FolderKey {
    key: Arc<RecordKey>,
    /// What is still to be written, where that failed.
    unwritten: Option<Zeroizing<Vec<u8>>>,
}

impl FolderKey {
    /// Reads it, or makes it. What cannot be read is said, and then nothing outlasts this run.
    pub(super) fn load(layout: &Layout) -> Option<Self> {
        let folder = layout.keys();
        let read = input::read_below(&folder, &folder.join(KEY_FILE));
        let is_missing = matches!(&read, Ok(None));
        let key = read.ok().flatten();
        if let Some(key) = key.and_then(|file| RecordKey::new(&file.bytes)) {
            return Some(Self {
                key: Arc::new(key),
                unwritten: None,
            });
        }
        if !is_missing {
            warn!(
                file = "keys/record.key",
                "the key of the records cannot be read: what templates gave is not known after this run"
            );
        }
        let bytes = RecordKey::new_bytes()?;
        Some(Self {
            key: Arc::new(RecordKey::new(&bytes)?),
            unwritten: is_missing.then_some(bytes),
        })
    }

    /// Writes it where it is not written yet; why it still is not.
    pub(super) fn save(&mut self, layout: &Layout) -> Option<Problem> {
        let bytes = self.unwritten.as_ref()?;
        let folder = layout.keys();
        let path = folder.join(KEY_FILE);
        match write_private(&folder, &path, bytes, Replace::Nothing, || true) {
            Ok(_) => {
                self.unwritten = None;
                None
            }
            Err(error) => Some(Problem::of_file(
                "keys/record.key",
                Reason::Unwritable,
                format!(
                    "the key of the records cannot be written, and until then what templates gave is known to this run only: {error}"
                ),
            )),
        }
    }
}

impl Directory {
    /// Records which Secrets are about to be written without owner reference. They are ours only by this record, so it
    /// goes to disk first: a crash in between must not make them somebody else's. Where it cannot, they are not written.
    pub(super) fn record_intents(
        &mut self,
        batch: &[(&ObjectName, &Located)],
        decided: &mut [Stage],
    ) {
        let mut intents = Vec::new();
        for (at, ((name, _), stage)) in batch.iter().zip(decided.iter_mut()).enumerate() {
            let Stage::ToWrite(write) = stage else {
                continue;
            };
            let record = record_of(&write.secret);
            let remembered = self.memory.objects.entry((*name).clone()).or_default();
            write.before = mem::replace(&mut remembered.record, record);
            if record == Record::WroteWithoutOwner && write.before != record {
                intents.push((at, status_file(&remembered.file)));
            }
        }
        if intents.is_empty() {
            return;
        }
        // What cannot be saved is reported at the end of the pass.
        let unsaved = self.save_memory();
        for (at, file) in intents {
            let Some(problem) = unsaved.iter().find(|problem| problem.file == file) else {
                continue;
            };
            let name = batch[at].0;
            let message = format!(
                "{} is not written before the record of it, and {file} {}",
                shown(name),
                problem.message
            );
            let finding = Finding::passing(Reason::Unwritable, message);
            if let Stage::ToWrite(write) = mem::replace(&mut decided[at], Stage::Found(finding)) {
                let remembered = self.memory.objects.entry(name.clone()).or_default();
                remembered.record = write.before;
            }
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
        let key = &self.record_key.as_ref()?.key;
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
        let key = &self.record_key.as_ref()?.key;
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
