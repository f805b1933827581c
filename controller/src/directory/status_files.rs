//! The files in `status/`: one `status.yaml` for each folder of `sealed/`, at the same place.
//!
//! A `v1` `List` of the SealedSecrets of the folder with metadata and status, and under `problems` what is wrong with its
//! files. Written only when it says something else than what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use jiff::Timestamp;
use seal_api::{Reason, SealedSecretStatus};
use seal_manifest::{Limits, Text, read, write};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    input,
    layout::write_private,
    memory::{Broken, Memory, Remembered},
    object_name::ObjectName,
    problem::Problem,
    tree::tree,
};
use crate::plan::Record;

/// The name of each file.
const FILE: &str = "status.yaml";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusFile {
    api_version: String,
    kind: String,
    items: Vec<Item>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ProblemEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProblemEntry {
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

/// The files below `status/`.
#[derive(Debug, Default)]
pub(super) struct StatusFiles {
    /// The folders that have one.
    folders: BTreeSet<String>,
}

impl StatusFiles {
    /// Reads what an earlier run remembered. A file that cannot be read is as good as none, and is reported.
    pub(super) fn load(folder: &Path) -> (Self, Memory) {
        let (mut files, mut memory) = (Self::default(), Memory::default());
        for (name, path) in tree(folder).files {
            let Some(of_folder) = folder_of(&name) else {
                continue;
            };
            files.folders.insert(of_folder.to_owned());
            match load(&path) {
                Some(file) => file.into_memory(&mut memory),
                None => warn!(
                    file = format!("status/{name}"),
                    "the status file cannot be read; it is made anew"
                ),
            }
        }
        (files, memory)
    }

    /// Writes what changed and removes what is over. What could not be written is returned.
    pub(super) fn write(
        &mut self,
        folder: &Path,
        memory: &Memory,
        problems: &[Problem],
    ) -> Vec<Problem> {
        let mut failures = Vec::new();
        let rendered = render(memory, problems);
        for (name, file) in &rendered {
            let path = folder.join(name).join(FILE);
            self.folders.insert(name.clone());
            if let Err(error) = write_if_changed(&path, file) {
                failures.push(unwritable(name, &error));
            }
        }
        let over: Vec<String> = self
            .folders
            .iter()
            .filter(|name| !rendered.contains_key(*name))
            .cloned()
            .collect();
        for name in over {
            match remove(folder, &name) {
                Ok(()) => {
                    self.folders.remove(&name);
                }
                Err(error) => failures.push(unwritable(&name, &error)),
            }
        }
        failures
    }
}

/// The folder of `sealed/` that a file in `status/` speaks of.
fn folder_of(name: &str) -> Option<&str> {
    match name.strip_suffix(FILE)? {
        "" => Some(""),
        folder => folder.strip_suffix('/'),
    }
}

fn unwritable(folder: &str, error: &io::Error) -> Problem {
    let file = if folder.is_empty() {
        format!("status/{FILE}")
    } else {
        format!("status/{folder}/{FILE}")
    };
    Problem::of_file(
        file,
        Reason::Unwritable,
        format!("cannot be written: {error}"),
    )
}

/// Writes a document as YAML, unless the file holds exactly that.
pub(super) fn write_if_changed(path: &Path, document: &impl Serialize) -> io::Result<()> {
    let text = write::yaml(document).map_err(io::Error::other)?;
    let present = input::read(path).ok().flatten();
    if present.is_some_and(|present| present.as_slice() == text.as_bytes()) {
        return Ok(());
    }
    write_private(path, text.as_bytes())
}

fn remove(root: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(root.join(name).join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut folder = name;
    // The folders above go as well, as far as they are empty.
    while !folder.is_empty() && fs::remove_dir(root.join(folder)).is_ok() {
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
    Ok(())
}

fn load(path: &Path) -> Option<StatusFile> {
    let bytes = input::read(path).ok()??;
    let text = Text::decode(&bytes).ok()?;
    let document = read(text.as_str(), &Limits::default())
        .ok()?
        .documents
        .into_iter()
        .next()?
        .ok()?;
    serde_json::from_value(document.root.to_json()).ok()
}

fn render(memory: &Memory, problems: &[Problem]) -> BTreeMap<String, StatusFile> {
    let mut files: BTreeMap<String, StatusFile> = BTreeMap::new();
    for (name, remembered) in &memory.objects {
        let file = files
            .entry(above(&remembered.file))
            .or_insert_with(StatusFile::empty);
        file.items.push(Item::new(name, remembered));
    }
    for problem in problems {
        let Some(path) = problem
            .file
            .strip_prefix("sealed")
            .map(|path| path.trim_start_matches('/'))
        else {
            continue;
        };
        let file = files.entry(above(path)).or_insert_with(StatusFile::empty);
        file.problems
            .push(ProblemEntry::new(problem, path, memory.broken.get(path)));
    }
    files
}

fn above(file: &str) -> String {
    file.rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .to_owned()
}

impl StatusFile {
    fn empty() -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "List".to_owned(),
            items: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn into_memory(self, memory: &mut Memory) {
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
    fn new(name: &ObjectName, remembered: &Remembered) -> Self {
        Self {
            api_version: "bitnami.com/v1alpha1".to_owned(),
            kind: "SealedSecret".to_owned(),
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
    fn new(problem: &Problem, file: &str, broken: Option<&Broken>) -> Self {
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

#[cfg(test)]
mod tests {
    use seal_api::Verdict;

    use super::*;

    fn memory() -> Memory {
        let mut memory = Memory::default();
        let mut remembered = Remembered {
            file: "app/db.yaml".into(),
            document: 2,
            generation: 3,
            spec_digest: "00".into(),
            record: Record::WroteWithoutOwner,
            missing_since: Some(Timestamp::UNIX_EPOCH),
            ..Remembered::default()
        };
        remembered.conclude(&Verdict::unsealed(), Timestamp::UNIX_EPOCH);
        memory
            .objects
            .insert(ObjectName::new("app", "db").expect("valid"), remembered);
        let broken = Broken {
            digest: Some("11".into()),
            since: Timestamp::UNIX_EPOCH,
        };
        memory.broken.insert("x.yaml".into(), broken);
        memory
    }

    #[test]
    fn what_is_written_reads_back_and_is_not_written_again() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let problems = [Problem::of_file(
            "sealed/x.yaml",
            Reason::InvalidSyntax,
            "it is broken",
        )];
        let written = memory();
        let failures = StatusFiles::default().write(folder.path(), &written, &problems);
        assert_eq!(failures, []);
        let modified = |name: &str| {
            fs::metadata(folder.path().join(name))
                .and_then(|metadata| metadata.modified())
                .expect("it was written")
        };
        let before = modified("app/status.yaml");

        let (mut files, read) = StatusFiles::load(folder.path());
        assert_eq!(read.objects, written.objects);
        assert_eq!(read.broken, written.broken);
        files.write(folder.path(), &read, &problems);
        assert_eq!(modified("app/status.yaml"), before);
    }

    #[test]
    fn what_is_over_goes_with_its_folders() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut files = StatusFiles::default();
        files.write(folder.path(), &memory(), &[]);
        assert!(folder.path().join("app/status.yaml").exists());
        files.write(folder.path(), &Memory::default(), &[]);
        assert!(!folder.path().join("app").exists());
    }
}
