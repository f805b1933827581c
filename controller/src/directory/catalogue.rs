//! All SealedSecrets of `sealed/`, and what stands between them and being known completely.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use jiff::Timestamp;
use seal_api::Reason;

use super::{
    absence::GRACE,
    documents::Fault,
    input::{self, Unread},
    object_name::ObjectName,
    problem::Problem,
    scan::{Found, Scan, scan},
    status_files::reserved,
    tree::{Tree, tree},
};
use crate::digest::Digest;

/// What `sealed/` holds.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// The SealedSecrets that stand once.
    pub(super) objects: BTreeMap<ObjectName, Located>,
    /// Those that stand more than once; none of them is acted on.
    pub(super) duplicates: BTreeMap<ObjectName, Vec<Located>>,
    /// Every file, and every path that could not be looked into.
    pub(super) files: BTreeMap<String, FileState>,
    /// What is wrong with files and documents.
    pub(super) problems: Vec<Problem>,
    /// How many documents are of other kinds.
    pub(super) ignored: usize,
    /// What works and should be looked at.
    pub(super) warnings: Vec<Problem>,
    /// When one of the files was changed last.
    pub(super) modified: Option<Timestamp>,
    /// Whether the folder as a whole cannot be trusted to say what is there.
    pub(super) is_blind: bool,
}

/// What a file of `sealed/` says of what it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileState {
    /// All of it was read.
    Well,
    /// It holds no document at all, as while it is being written.
    Empty,
    /// It ends where a further document begins, as while it is being written.
    Unfinished,
    /// It may hold more than was found. The digest is there where its content is known at least.
    Broken(Option<Digest>),
}

/// A SealedSecret and its file.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// The path in `sealed/`.
    pub(super) file: String,
    scan: Arc<Scan>,
    index: usize,
    /// When the file was changed.
    modified: Option<Timestamp>,
}

impl Located {
    /// The SealedSecret.
    pub(super) fn found(&self) -> &Found {
        &self.scan.found[self.index]
    }

    /// Until when its file has to stay as it is to be one that nobody is writing; none where it has. A file from the future
    /// says nothing.
    pub(super) fn unsettled_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.modified?.checked_add(GRACE).ok()?;
        let latest = now.checked_add(GRACE).ok()?.checked_add(GRACE).ok()?;
        (now < until && until <= latest).then_some(until)
    }

    /// A problem of this object.
    pub(super) fn problem(&self, reason: Reason, message: &str) -> Problem {
        Problem {
            file: shown(&self.file),
            document: Some(self.found().document),
            line: None,
            object: Some(self.found().name.clone()),
            reason,
            message: message.to_owned(),
        }
    }
}

/// Reads `sealed/` again and again; a file whose bytes did not change is not taken apart twice.
#[derive(Debug, Default)]
pub(super) struct Sources {
    scans: BTreeMap<String, (Digest, Arc<Scan>)>,
    identity: Option<(u64, u64)>,
}

impl Sources {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            scans: BTreeMap::new(),
            identity: tree(folder).identity,
        }
    }

    /// Reads all of it.
    pub(super) fn read(&mut self, folder: &Path) -> Catalogue {
        let tree = tree(folder);
        let mut catalogue = Catalogue {
            is_blind: self.is_blind(&tree),
            ..Catalogue::default()
        };
        let mut scans = BTreeMap::new();
        for (file, path) in tree.files {
            if let Some(folder) = reserved(&file) {
                catalogue.refuse(&file, folder);
                continue;
            }
            let modified = modified(&path);
            catalogue.modified = catalogue.modified.max(modified);
            let bytes = match input::read(&path) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(Unread { reason, message }) => {
                    catalogue
                        .files
                        .insert(file.clone(), FileState::Broken(None));
                    catalogue
                        .problems
                        .push(Problem::of_file(shown(&file), reason, message));
                    continue;
                }
            };
            let digest = Digest::of(&[&bytes]);
            let scanned = match self.scans.remove(&file) {
                Some((known, scanned)) if known == digest => scanned,
                Some(_) | None => Arc::new(scan(&bytes)),
            };
            catalogue.add(&file, digest, &scanned, modified);
            scans.insert(file, (digest, scanned));
        }
        for (path, why) in &tree.unreadable {
            let known = why.is_link.then(|| Digest::of(&[why.message.as_bytes()]));
            catalogue
                .files
                .insert(path.clone(), FileState::Broken(known));
            catalogue.problems.push(Problem::of_file(
                shown(path),
                Reason::Unreadable,
                why.message.clone(),
            ));
        }
        self.scans = scans;
        catalogue
    }

    /// A folder that cannot be listed, or another and empty folder in place of the known one, such as a mount that is
    /// missing.
    fn is_blind(&mut self, tree: &Tree) -> bool {
        if tree.unreadable.contains_key("") {
            return true;
        }
        if !tree.files.is_empty() {
            self.identity = tree.identity;
        }
        self.identity != tree.identity
    }
}

impl Catalogue {
    fn add(&mut self, file: &str, digest: Digest, scan: &Arc<Scan>, modified: Option<Timestamp>) {
        let state = if scan.is_empty() {
            FileState::Empty
        } else if !scan.faults.is_empty() {
            FileState::Broken(Some(digest))
        } else if scan.is_unfinished {
            FileState::Unfinished
        } else {
            FileState::Well
        };
        self.files.insert(file.to_owned(), state);
        self.ignored += scan.ignored;
        let problem = |fault: &Fault| Problem {
            file: shown(file),
            document: fault.document,
            line: fault.line,
            object: None,
            reason: fault.reason,
            message: fault.message.clone(),
        };
        self.problems.extend(scan.faults.iter().map(problem));
        self.warnings.extend(scan.cleartext.iter().map(problem));
        for (index, found) in scan.found.iter().enumerate() {
            let located = Located {
                file: file.to_owned(),
                scan: Arc::clone(scan),
                index,
                modified,
            };
            self.place(found.name.clone(), located);
        }
    }

    /// A file in a folder whose status could not be written is not acted on.
    fn refuse(&mut self, file: &str, folder: &str) {
        let message = format!(
            "the folder {} has the name of a status file; rename it",
            shown(folder)
        );
        let known = Digest::of(&[message.as_bytes()]);
        self.files
            .insert(file.to_owned(), FileState::Broken(Some(known)));
        let problem = Problem::of_file(shown(file), Reason::InvalidName, message);
        self.problems.push(problem);
    }

    fn place(&mut self, name: ObjectName, located: Located) {
        if let Some(others) = self.duplicates.get_mut(&name) {
            others.push(located);
        } else if let Some(first) = self.objects.remove(&name) {
            self.duplicates.insert(name, vec![first, located]);
        } else {
            self.objects.insert(name, located);
        }
    }

    /// Whether an object stands anywhere.
    pub(super) fn holds(&self, name: &ObjectName) -> bool {
        self.objects.contains_key(name) || self.duplicates.contains_key(name)
    }
}

/// When a file was changed last, to the millisecond as all times of ours.
fn modified(path: &Path) -> Option<Timestamp> {
    let modified = Timestamp::try_from(fs::metadata(path).ok()?.modified().ok()?).ok()?;
    Timestamp::from_millisecond(modified.as_millisecond()).ok()
}

/// A path in `sealed/` as people are told of it.
pub(super) fn shown(file: &str) -> String {
    if file.is_empty() {
        "sealed".to_owned()
    } else {
        format!("sealed/{file}")
    }
}

/// The sentence about an object that stands more than once.
pub(super) fn duplicate_message(places: &[Located]) -> String {
    let places: Vec<String> = places
        .iter()
        .map(|place| {
            format!(
                "{} (document {})",
                shown(&place.file),
                place.found().document
            )
        })
        .collect();
    format!(
        "stands in {}; neither is acted on until one is removed",
        places.join(" and in ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(name: &str) -> String {
        format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: {name}, namespace: app}}\nspec: {{encryptedData: {{}}}}\n"
        )
    }

    #[test]
    fn files_and_their_states_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("files can be made")
        };
        write("a.yaml", &sealed("one"));
        write(
            "b.yaml",
            &format!("{}---\n{}", sealed("one"), sealed("two")),
        );
        write("broken.yaml", &format!("{}---\nb: [", sealed("three")));
        write("empty.yaml", "# nothing\n");
        let catalogue = Sources::new(folder.path()).read(folder.path());
        let names = |names: Vec<&ObjectName>| {
            names
                .into_iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(catalogue.objects.keys().collect()),
            ["app/three", "app/two"]
        );
        assert_eq!(names(catalogue.duplicates.keys().collect()), ["app/one"]);
        let message = duplicate_message(
            &catalogue.duplicates[&ObjectName::new("app", "one").expect("valid")],
        );
        assert!(
            message.contains("sealed/a.yaml (document 1) and in sealed/b.yaml (document 1)"),
            "{message}"
        );
        assert_eq!(catalogue.files["a.yaml"], FileState::Well);
        assert_eq!(catalogue.files["empty.yaml"], FileState::Empty);
        assert!(matches!(
            catalogue.files["broken.yaml"],
            FileState::Broken(Some(_))
        ));
        assert_eq!(catalogue.problems.len(), 1);
        assert!(catalogue.modified.is_some());
        assert!(!catalogue.is_blind);
    }

    #[test]
    fn an_empty_folder_in_place_of_the_known_one_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (known, away) = (folder.path().join("known"), folder.path().join("away"));
        fs::create_dir(&known).expect("folders can be made");
        let mut sources = Sources::new(&known);
        assert!(!sources.read(&known).is_blind);
        fs::rename(&known, &away).expect("folders can be moved");
        assert!(sources.read(&known).is_blind, "it is not there");
        fs::create_dir(&known).expect("folders can be made");
        assert!(sources.read(&known).is_blind, "it is another one");
        fs::write(known.join("a.yaml"), sealed("one")).expect("files can be made");
        assert!(!sources.read(&known).is_blind, "it holds something");
    }
}
