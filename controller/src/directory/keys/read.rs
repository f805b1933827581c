//! The files of `keys/` to keys.

use std::path::Path;

use jiff::Timestamp;
use seal_api::{Reason, annotations};
use seal_envelope::KeyId;
use seal_sealing::{HeldKey, Secret, read_key_secret};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::digest::Digest;
use crate::directory::{
    documents::{Fault, Object, objects},
    input::{self, Unread},
    problem::Problem,
    tree::tree,
};

/// What `keys/` holds.
#[derive(Debug)]
pub(super) struct KeyFolder {
    /// The keys; none where the folder holds what it held before, or cannot be listed.
    pub(super) keys: Option<ReadKeys>,
    /// Tells the contents of the folder from others.
    pub(super) fingerprint: Option<Digest>,
    /// What the operating system did not let us read.
    pub(super) unread: Vec<Problem>,
}

/// The keys of the files.
#[derive(Debug, Default)]
pub(super) struct ReadKeys {
    /// The keys to use.
    pub(super) held: Vec<HeldKey>,
    /// One entry for each key Secret, and for each file or document that holds none.
    pub(super) entries: Vec<Entry>,
}

/// A key Secret, or what stands in its place.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) file: String,
    pub(super) document: Option<usize>,
    pub(super) key_id: Option<KeyId>,
    pub(super) state: State,
    pub(super) reason: Option<Reason>,
    pub(super) message: Option<String>,
    pub(super) validity: Option<(Timestamp, Timestamp)>,
    /// Whether its label says in full that it is not to be used any more.
    pub(super) is_retired: bool,
}

/// What is done with a key Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    /// It opens, and its certificate is the one to seal with.
    Current,
    /// It opens.
    InUse,
    /// It holds a key that another file holds as well.
    Duplicate,
    /// Its label says that it is not to be used.
    Ignored,
    /// It cannot be used.
    Broken,
}

/// Reads the folder. Where its contents have the fingerprint `known`, nothing is taken apart.
pub(super) fn read_keys(
    folder: &Path,
    prefix: &str,
    now: Timestamp,
    known: Option<Digest>,
) -> KeyFolder {
    let tree = tree(folder);
    let shown = |file: &str| {
        if file.is_empty() {
            "keys".to_owned()
        } else {
            format!("keys/{file}")
        }
    };
    let mut unread: Vec<Problem> = Vec::new();
    for (path, why) in &tree.unreadable {
        unread.push(Problem::of_file(
            shown(path),
            Reason::Unreadable,
            why.message.clone(),
        ));
    }
    if tree.unreadable.contains_key("") {
        return KeyFolder {
            keys: None,
            fingerprint: None,
            unread,
        };
    }
    let mut files: Vec<(String, Zeroizing<Vec<u8>>)> = Vec::new();
    for (file, path) in tree.files {
        match input::read(&path) {
            Ok(Some(bytes)) => files.push((shown(&file), bytes)),
            Ok(None) => {}
            Err(Unread { reason, message }) => {
                unread.push(Problem::of_file(shown(&file), reason, message))
            }
        }
    }
    let parts: Vec<&[u8]> = files
        .iter()
        .flat_map(|(file, bytes)| [file.as_bytes(), bytes.as_slice()])
        .collect();
    let fingerprint = Some(Digest::of(&parts));
    if fingerprint == known {
        return KeyFolder {
            keys: None,
            fingerprint,
            unread,
        };
    }
    let mut keys = ReadKeys::default();
    for (file, bytes) in &files {
        keys.add_file(file, bytes, prefix, now);
    }
    KeyFolder {
        keys: Some(keys),
        fingerprint,
        unread,
    }
}

impl ReadKeys {
    fn add_file(&mut self, file: &str, bytes: &[u8], prefix: &str, now: Timestamp) {
        let objects = objects(bytes);
        if objects.is_empty() {
            self.entries.push(broken(file, empty()));
        }
        for object in objects {
            let read = object.and_then(|object| Candidate::of(&object, prefix, now));
            let entry = match read {
                Ok(candidate) => self.take(file, candidate),
                Err(fault) => broken(file, fault),
            };
            self.entries.push(entry);
        }
    }

    fn take(&mut self, file: &str, candidate: Candidate) -> Entry {
        let Candidate {
            document,
            key,
            ignored,
            is_retired,
        } = candidate;
        let mut entry = Entry {
            file: file.to_owned(),
            document: Some(document),
            key_id: key.as_ref().map(HeldKey::id),
            state: State::InUse,
            reason: None,
            message: None,
            validity: key
                .as_ref()
                .and_then(|key| key.certificate.as_ref())
                .map(|certificate| (certificate.not_before(), certificate.not_after())),
            is_retired,
        };
        let twin = entry.key_id.and_then(|id| {
            self.entries
                .iter()
                .find(|other| other.key_id == Some(id) && other.state == State::InUse)
        });
        if let Some(why) = ignored {
            entry.state = State::Ignored;
            let may_be_forgotten = entry.key_id.is_some() && !is_retired;
            entry.reason = may_be_forgotten.then_some(Reason::InvalidObject);
            entry.message = Some(if may_be_forgotten {
                let active = annotations::KEY_ACTIVE;
                format!(
                    "the key is not used: {why}; give it the value \"{active}\" to use it, or another one, such as \"retired\""
                )
            } else {
                why
            });
        } else if let Some(twin) = twin {
            let message = format!("holds the same key as {}", twin.file);
            (entry.state, entry.reason, entry.message) =
                (State::Duplicate, Some(Reason::Conflict), Some(message));
            self.held.extend(key);
        } else {
            self.held.extend(key);
        }
        entry
    }
}

/// What one document of a key file offers.
struct Candidate {
    document: usize,
    key: Option<HeldKey>,
    /// Why it is not used.
    ignored: Option<String>,
    is_retired: bool,
}

impl Candidate {
    fn of(object: &Object, prefix: &str, now: Timestamp) -> Result<Self, Fault> {
        let document = object.document;
        let begins_like_one =
            "v1".starts_with(&object.api_version) && "Secret".starts_with(&object.kind);
        if !begins_like_one {
            let ignored = Some(format!("is of kind {}, not a Secret", object.kind));
            return Ok(Self {
                document,
                key: None,
                ignored,
                is_retired: false,
            });
        }
        let unreadable = |reason, message: String| object.fault(None, reason, message);
        if object.api_version != "v1" || object.kind != "Secret" {
            let message = "breaks off in its first lines, as a file that is being written";
            return Err(unreadable(Reason::InvalidObject, message.to_owned()));
        }
        let secret = Secret::from_json(&object.node.to_json())
            .map_err(|error| unreadable(Reason::UnreadableKey, error.to_string()))?;
        let label = secret.labels().remove(annotations::KEY_LABEL);
        let ignored = match label.as_deref() {
            Some(annotations::KEY_ACTIVE) => None,
            // The key of installations older than the label has the prefix as its name.
            None if secret.name() == prefix => None,
            Some(_) => Some(format!(
                "its label {} is not \"{}\"",
                annotations::KEY_LABEL,
                annotations::KEY_ACTIVE
            )),
            None => Some(format!("it has no label {}", annotations::KEY_LABEL)),
        };
        let is_retired = !may_be_cut(label.as_deref());
        match read_key_secret(&secret, now) {
            Ok(key) => Ok(Self {
                document,
                key: Some(key),
                ignored,
                is_retired,
            }),
            Err(_) if ignored.is_some() && is_retired => Ok(Self {
                document,
                key: None,
                ignored,
                is_retired,
            }),
            Err(error) => Err(unreadable(error.reason(), error.to_string())),
        }
    }
}

/// Whether a label of a key that cannot be read may be one that is half written.
fn may_be_cut(label: Option<&str>) -> bool {
    annotations::KEY_ACTIVE.starts_with(label.unwrap_or_default())
}

/// The fault of a file without any document.
fn empty() -> Fault {
    Fault {
        document: None,
        line: None,
        reason: Reason::UnreadableKey,
        message: "is empty, as a file that is being written".to_owned(),
    }
}

fn broken(file: &str, fault: Fault) -> Entry {
    Entry {
        file: file.to_owned(),
        document: fault.document,
        key_id: None,
        state: State::Broken,
        reason: Some(fault.reason),
        message: Some(fault.message),
        validity: None,
        is_retired: false,
    }
}
