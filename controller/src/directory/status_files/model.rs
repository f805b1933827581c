//! The form of a status file, and how it becomes memory and comes from it.

use jiff::Timestamp;
use seal_api::{API_VERSION, KIND, SealedSecretStatus};
use serde::{Deserialize, Serialize};

use crate::{
    directory::{
        memory::{Broken, Memory, Remembered},
        object_name::ObjectName,
        problem::Problem,
    },
    plan::Record,
};

/// One `status.yaml`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusFile {
    api_version: String,
    kind: String,
    pub(super) items: Vec<Item>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<ProblemEntry>,
}

/// One SealedSecret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    api_version: String,
    kind: String,
    metadata: ItemMetadata,
    status: ItemStatus,
}

#[derive(Debug, Serialize, Deserialize)]
struct ItemMetadata {
    name: String,
    namespace: String,
    uid: String,
    generation: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct ItemStatus {
    #[serde(flatten)]
    status: SealedSecretStatus,
    directory: Place,
}

/// What only the directory shell has to remember.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    file: String,
    document: usize,
    spec_digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Wrote>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Wrote {
    Written,
    WrittenWithoutOwner,
}

/// One thing that is wrong with a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProblemEntry {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    reason: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

impl StatusFile {
    /// A file that says nothing yet.
    pub(super) fn empty() -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "List".to_owned(),
            items: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Adds what the file says to the memory.
    pub(super) fn into_memory(self, memory: &mut Memory) {
        for item in self.items {
            let Ok(name) = ObjectName::new(&item.metadata.namespace, &item.metadata.name) else {
                continue;
            };
            memory.objects.insert(name, item.into_remembered());
        }
        for problem in self.problems {
            if let Some(since) = problem.broken_since {
                memory.broken.insert(
                    problem.file,
                    Broken {
                        digest: problem.digest,
                        since,
                    },
                );
            }
        }
    }
}

impl Item {
    pub(super) fn new(name: &ObjectName, remembered: &Remembered) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            metadata: ItemMetadata {
                name: name.name().to_owned(),
                namespace: name.namespace().to_owned(),
                uid: name.uid(),
                generation: remembered.generation,
            },
            status: ItemStatus {
                status: remembered.status.clone(),
                directory: Place {
                    file: remembered.file.clone(),
                    document: remembered.document,
                    spec_digest: remembered.spec_digest.clone(),
                    secret: match remembered.record {
                        Record::Nothing => None,
                        Record::Wrote => Some(Wrote::Written),
                        Record::WroteWithoutOwner => Some(Wrote::WrittenWithoutOwner),
                    },
                    missing_since: remembered.missing_since,
                },
            },
        }
    }

    fn into_remembered(self) -> Remembered {
        let Place {
            file,
            document,
            spec_digest,
            secret,
            missing_since,
        } = self.status.directory;
        Remembered {
            file,
            document,
            generation: self.metadata.generation,
            spec_digest,
            status: self.status.status,
            record: match secret {
                None => Record::Nothing,
                Some(Wrote::Written) => Record::Wrote,
                Some(Wrote::WrittenWithoutOwner) => Record::WroteWithoutOwner,
            },
            missing_since,
        }
    }
}

impl ProblemEntry {
    pub(super) fn new(problem: &Problem, file: &str, broken: Option<&Broken>) -> Self {
        Self {
            file: file.to_owned(),
            document: problem.document,
            line: problem.line,
            object: problem.object.as_ref().map(ToString::to_string),
            reason: problem.reason.to_string(),
            message: problem.message.clone(),
            broken_since: broken.map(|broken| broken.since),
            digest: broken.and_then(|broken| broken.digest.clone()),
        }
    }
}
