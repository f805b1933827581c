//! Which files a folder holds, however deep.
//!
//! Counted are `*.yaml`, `*.yml` and `*.json`, in small or capital letters, whose names, and whose folders' names, do not begin with a dot: hidden
//! files, also those that editors and half-done writes leave, are nobody's input. A symbolic link is followed where it
//! stays in the tree, and its target is taken once; one that leaves the tree is reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use seal_documents::is_manifest;

/// The files of a tree by their path in it, with `/`.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Where to read each file.
    pub(super) files: BTreeMap<String, PathBuf>,
    /// Folders that cannot be listed, links that are not followed and names that are not UTF-8, with why. The root is the empty text.
    pub(super) unreadable: BTreeMap<String, Unreadable>,
    /// Device and inode of the root: another folder under its name has others.
    pub(super) identity: Option<Identity>,
}

/// Why a path is not read.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) message: String,
    /// It stays what it is; anything else may become anything.
    pub(super) is_link: bool,
}

impl Unreadable {
    fn new(message: impl ToString) -> Self {
        Self {
            message: message.to_string(),
            is_link: false,
        }
    }

    fn link(message: impl ToString) -> Self {
        Self {
            is_link: true,
            ..Self::new(message)
        }
    }
}

/// Lists a tree.
pub(super) fn tree(root: &Path) -> Tree {
    let mut walk = Walk::default();
    walk.folder("", root);
    walk.follow_links(root);
    walk.tree
}

/// Device and inode.
type Identity = (u64, u64);

#[derive(Default)]
struct Walk {
    tree: Tree,
    /// The files and folders met.
    seen: BTreeSet<Identity>,
    /// Links met, to be followed when everything that is no link is known.
    links: Vec<(String, PathBuf)>,
}

impl Walk {
    fn folder(&mut self, name: &str, path: &Path) {
        if let Err(error) = self.entries(name, path) {
            self.tree
                .unreadable
                .insert(name.to_owned(), Unreadable::new(error));
        }
    }

    fn entries(&mut self, folder: &str, path: &Path) -> io::Result<()> {
        let of_folder = identity(&fs::metadata(path)?);
        if !self.seen.insert(of_folder) {
            return Ok(());
        }
        self.tree.identity.get_or_insert(of_folder);
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let file_name = entry.file_name();
            if file_name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type()?;
            let Some(name) = file_name.to_str().map(|name| join(folder, name)) else {
                self.unnamed(folder, &file_name, !kind.is_file());
                continue;
            };
            if kind.is_symlink() {
                self.links.push((name, entry.path()));
            } else if kind.is_dir() {
                self.folder(&name, &entry.path());
            } else if is_manifest(Path::new(&name)) {
                // A file that was removed meanwhile is found missing when it is read.
                self.seen.extend(entry.metadata().as_ref().map(identity));
                self.tree.files.insert(name, entry.path());
            }
        }
        Ok(())
    }

    /// A name that is not UTF-8 cannot be written down, so two of them could not be told apart.
    fn unnamed(&mut self, folder: &str, file_name: &OsStr, may_hold_files: bool) {
        let name = join(
            folder,
            &file_name.as_encoded_bytes().escape_ascii().to_string(),
        );
        if may_hold_files || is_manifest(Path::new(&name)) {
            let why = Unreadable::new("its name is not UTF-8; rename it");
            self.tree.unreadable.insert(name, why);
        }
    }

    fn follow_links(&mut self, root: &Path) {
        while let Some((name, path)) = self.links.pop() {
            match fs::metadata(&path) {
                Err(error) if is_manifest(Path::new(&name)) => {
                    self.tree
                        .unreadable
                        .insert(name, Unreadable::link(format!("symbolic link: {error}")));
                }
                Ok(target) if target.is_dir() || is_manifest(Path::new(&name)) => {
                    self.follow(name, path, &target, root);
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn follow(&mut self, name: String, path: PathBuf, target: &fs::Metadata, root: &Path) {
        let stays = fs::canonicalize(&path)
            .is_ok_and(|target| fs::canonicalize(root).is_ok_and(|root| target.starts_with(root)));
        if !stays {
            let why = "is a symbolic link that leaves the folder, which is not followed";
            self.tree.unreadable.insert(name, Unreadable::link(why));
        } else if target.is_dir() {
            self.folder(&name, &path);
        } else if self.seen.insert(identity(target)) {
            self.tree.files.insert(name, path);
        }
    }
}

fn identity(metadata: &fs::Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};

    use super::*;

    fn names(root: &Path) -> Vec<String> {
        tree(root).files.into_keys().collect()
    }

    #[test]
    fn documents_are_found_however_deep_and_hidden_files_are_not() {
        let root = tempfile::tempdir().expect("a folder can be made");
        for name in [
            "a.yaml",
            "b/c/d.yml",
            "b/e.json",
            "b/k.YAML",
            "b/.f.yaml",
            ".g/h.yaml",
            "i.txt",
            "j.yaml~",
        ] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("folders can be made");
            fs::write(path, "").expect("files can be made");
        }
        assert_eq!(
            names(root.path()),
            ["a.yaml", "b/c/d.yml", "b/e.json", "b/k.YAML"]
        );
    }

    #[test]
    fn names_that_are_not_utf8_are_each_reported() {
        let root = tempfile::tempdir().expect("a folder can be made");
        for name in [
            &b"a\xff.yaml"[..],
            b"a\xfe.yaml",
            b"note\xff",
            b".\xff.yaml",
        ] {
            let path = root.path().join(OsStr::from_bytes(name));
            fs::write(path, "").expect("files can be made");
        }
        fs::create_dir(root.path().join(OsStr::from_bytes(b"d\xff"))).expect("folders can be made");
        let found = tree(root.path());
        assert!(found.files.is_empty());
        assert_eq!(
            found.unreadable.into_keys().collect::<Vec<_>>(),
            ["a\\xfe.yaml", "a\\xff.yaml", "d\\xff"]
        );
    }

    #[test]
    fn links_are_followed_inside_the_tree_and_never_out_of_it() {
        let outside = tempfile::tempdir().expect("a folder can be made");
        fs::write(outside.path().join("x.yaml"), "").expect("files can be made");
        let root = tempfile::tempdir().expect("a folder can be made");
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("..data")).expect("folders can be made");
        fs::write(path("..data/a.yaml"), "").expect("files can be made");
        fs::write(path("b.yaml"), "").expect("files can be made");
        for (target, name) in [
            (Path::new("..data/a.yaml"), "a.yaml"),
            (Path::new("b.yaml"), "same-as-b.yaml"),
            (Path::new("."), "loop"),
            (outside.path(), "out"),
            (&outside.path().join("x.yaml"), "out.yaml"),
            (Path::new("nowhere"), "broken.yaml"),
        ] {
            symlink(target, path(name)).expect("links can be made");
        }
        let found = tree(root.path());
        assert_eq!(
            found.files.into_keys().collect::<Vec<_>>(),
            ["a.yaml", "b.yaml"]
        );
        assert_eq!(
            found.unreadable.into_keys().collect::<Vec<_>>(),
            ["broken.yaml", "out", "out.yaml"]
        );
    }

    #[test]
    fn a_root_that_is_not_there_is_unreadable_and_not_empty() {
        let found = tree(Path::new("/nowhere/at/all"));
        assert_eq!(found.unreadable.keys().collect::<Vec<_>>(), [""]);
    }
}
