//! A folder of a test's own, gone when the test is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{programs::Program, run::Run};

/// A fresh folder of a test's own: programs run in its `work/` and have its `home/` as their home.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// Makes the folder.
    #[expect(
        clippy::new_without_default,
        reason = "making a folder is not a default"
    )]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("seal-test-")
            .tempdir()
            .expect("a temporary folder can be made");
        for name in ["work", "home"] {
            fs::create_dir(folder.path().join(name)).expect("the temporary folder is ours");
        }
        Self { folder }
    }

    /// The folder that programs run in.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The folder programs are told is their home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file, making the folders above it, and returns its path.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        let parent = path.parent().expect("a file in a folder has a parent");
        fs::create_dir_all(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// Reads a file as text.
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let bytes = self.bytes(name);
        String::from_utf8(bytes).expect("the file is UTF-8")
    }

    /// Reads a file.
    pub fn bytes(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path().join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every file below, by its path from here, with its content: compare two to see that nothing was written or lost.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.path(), Path::new(""), &mut found);
        found
    }

    /// A run of `seal` in this folder.
    pub fn seal<I, A>(&self, arguments: I) -> Run
    where
        I: IntoIterator<Item = A>,
        A: AsRef<std::ffi::OsStr>,
    {
        Run::new(self, Program::Seal).args(arguments)
    }

    /// A run of `seal-controller` in this folder.
    pub fn controller<I, A>(&self, arguments: I) -> Run
    where
        I: IntoIterator<Item = A>,
        A: AsRef<std::ffi::OsStr>,
    {
        Run::new(self, Program::Controller).args(arguments)
    }

    /// A run of the real `kubeseal` in this folder.
    pub fn kubeseal<I, A>(&self, arguments: I) -> Run
    where
        I: IntoIterator<Item = A>,
        A: AsRef<std::ffi::OsStr>,
    {
        Run::new(self, Program::Kubeseal).args(arguments)
    }
}

fn collect(root: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let folder = root.join(below);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.expect("a folder of ours can be listed");
        let name = below.join(entry.file_name());
        let kind = entry.file_type().expect("a file of ours has a type");
        if kind.is_dir() {
            collect(root, &name, found);
        } else if kind.is_file() {
            // A file the test made unreadable is listed as empty: that it is there is what counts.
            found.insert(name, fs::read(entry.path()).unwrap_or_default());
        }
    }
}
