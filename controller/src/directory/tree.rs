//! Which files a folder holds, however deep.
//!
//! Counted are `*.yaml`, `*.yml` and `*.json` whose names, and whose folders' names, do not begin with a dot: hidden
//! files, also those that editors and half-done writes leave, are nobody's input. A symbolic link is followed where it
//! stays in the tree, and its target is taken once; one that leaves the tree is reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The files of a tree by their path in it, with `/`.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Where to read each file.
    pub(super) files: BTreeMap<String, PathBuf>,
    /// Folders that cannot be listed and links that are not followed, with why. The root is the empty text.
    pub(super) unreadable: BTreeMap<String, String>,
    /// Device and inode of the root: another folder under its name has others.
    pub(super) identity: Option<(u64, u64)>,
}

/// Lists a tree.
pub(super) fn tree(root: &Path) -> Tree {
    let mut walk = Walk {
        tree: Tree::default(),
        root: PathBuf::new(),
        seen: BTreeSet::new(),
        links: Vec::new(),
    };
    match fs::canonicalize(root) {
        Err(error) => {
            walk.tree
                .unreadable
                .insert(String::new(), error.to_string());
        }
        Ok(root) => {
            walk.tree.identity = fs::metadata(&root)
                .ok()
                .map(|metadata| (metadata.dev(), metadata.ino()));
            walk.root.clone_from(&root);
            walk.folder("", &root);
            walk.follow_links();
        }
    }
    walk.tree
}

struct Walk {
    tree: Tree,
    root: PathBuf,
    /// The files and folders met, by their true paths.
    seen: BTreeSet<PathBuf>,
    /// Links met, to be followed when everything that is no link is known.
    links: Vec<(String, PathBuf)>,
}

impl Walk {
    fn folder(&mut self, name: &str, path: &Path) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        if let Err(error) = self.entries(name, path) {
            self.tree
                .unreadable
                .insert(name.to_owned(), error.to_string());
        }
    }

    fn entries(&mut self, folder: &str, path: &Path) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let file_name = entry.file_name();
            let file_name = file_name.to_string_lossy();
            if file_name.starts_with('.') {
                continue;
            }
            let name = join(folder, &file_name);
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                self.links.push((name, entry.path()));
            } else if kind.is_dir() {
                self.folder(&name, &entry.path());
            } else if counts(&name) {
                self.seen.insert(entry.path());
                self.tree.files.insert(name, entry.path());
            }
        }
        Ok(())
    }

    fn follow_links(&mut self) {
        while let Some((name, path)) = self.links.pop() {
            let target = match fs::canonicalize(&path) {
                Ok(target) => target,
                Err(error) if counts(&name) => {
                    self.tree
                        .unreadable
                        .insert(name, format!("symbolic link: {error}"));
                    continue;
                }
                Err(_) => continue,
            };
            let is_folder = target.is_dir();
            if !is_folder && !counts(&name) {
                continue;
            }
            if !target.starts_with(&self.root) {
                let message = "is a symbolic link that leaves the folder, which is not followed";
                self.tree.unreadable.insert(name, message.to_owned());
            } else if is_folder {
                self.folder(&name, &target);
            } else if self.seen.insert(target.clone()) {
                self.tree.files.insert(name, target);
            }
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn counts(name: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

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
            "b/.f.yaml",
            ".g/h.yaml",
            "i.txt",
            "j.yaml~",
        ] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("folders can be made");
            fs::write(path, "").expect("files can be made");
        }
        assert_eq!(names(root.path()), ["a.yaml", "b/c/d.yml", "b/e.json"]);
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
