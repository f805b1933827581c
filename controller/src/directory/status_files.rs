//! The files in `status/`: one `status.yaml` for each folder of `sealed/`, at the same place.
//!
//! A `v1` `List` of the SealedSecrets of the folder with metadata and status, and under `problems` what is wrong with its
//! files. Written only when it says something else than what is there.

mod model;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use seal_api::Reason;
use seal_manifest::{Limits, Text, read, write};
use seal_shell::Replace;
use serde::Serialize;
use tracing::warn;

use super::{
    input,
    layout::{self, link_below, write_private},
    memory::Memory,
    problem::Problem,
    tree::tree,
};
use model::{Item, ProblemEntry, StatusFile};

/// The name of each file.
const FILE: &str = "status.yaml";

/// The name of the file about the keys.
pub(super) const KEYS: &str = "keys.yaml";

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
            if let Err(error) = write_if_changed(folder, &path, file) {
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

/// The status file of a file in `sealed/`, as people are told of it.
pub(super) fn status_file(file: &str) -> String {
    shown(&above(file))
}

fn shown(folder: &str) -> String {
    if folder.is_empty() {
        format!("status/{FILE}")
    } else {
        format!("status/{folder}/{FILE}")
    }
}

fn unwritable(folder: &str, error: &io::Error) -> Problem {
    Problem::of_file(
        shown(folder),
        Reason::Unwritable,
        format!("cannot be written: {error}"),
    )
}

/// Writes a document as YAML, unless the file holds exactly that.
pub(super) fn write_if_changed(
    folder: &Path,
    path: &Path,
    document: &impl Serialize,
) -> io::Result<()> {
    refuse_link(folder, path)?;
    let text = write::yaml(document).map_err(io::Error::other)?;
    let present = input::read_below(folder, path).ok().flatten();
    if present.is_some_and(|present| present.bytes.as_slice() == text.as_bytes()) {
        return Ok(());
    }
    write_private(folder, path, text.as_bytes(), Replace::Anything, || true).map(|_| ())
}

fn refuse_link(folder: &Path, path: &Path) -> io::Result<()> {
    link_below(folder, path).map_or(Ok(()), |message| Err(io::Error::other(message)))
}

fn remove(root: &Path, name: &str) -> io::Result<()> {
    let path = root.join(name).join(FILE);
    refuse_link(root, &path)?;
    layout::remove(root, &path)
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

/// The folder of a file, as far as its status file can have the same place.
fn above(file: &str) -> String {
    let file = reserved(file).map_or(file, |folder| &file[..folder.len()]);
    file.rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .to_owned()
}

/// The folder above a file of `sealed/` whose place in `status/` is that of a file.
pub(super) fn reserved(file: &str) -> Option<&str> {
    let mut above = file.match_indices('/').map(|(end, _)| &file[..end]);
    above.find(|folder| *folder == KEYS || folder.rsplit('/').next() == Some(FILE))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;
    use seal_api::Verdict;

    use super::*;
    use crate::{
        directory::{
            memory::{Broken, Remembered},
            object_name::ObjectName,
        },
        plan::Record,
    };

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
    fn folders_with_the_name_of_a_status_file_are_spoken_of_above_them() {
        for (file, folder, place) in [
            ("keys.yaml/a.yaml", Some("keys.yaml"), ""),
            ("app/status.yaml/b/a.yaml", Some("app/status.yaml"), "app"),
            ("app/keys.yaml/a.yaml", None, "app/keys.yaml"),
            ("app/status.yaml", None, "app"),
            ("status.yaml", None, ""),
        ] {
            assert_eq!((reserved(file), above(file).as_str()), (folder, place));
        }
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
