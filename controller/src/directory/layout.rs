//! The folders, and how files come into them.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use seal_shell::{Beneath, LEFTOVER_PREFIX, LEFTOVER_SUFFIX, Replace};

use super::object_name::ObjectName;

/// The folder that the controller works in.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Key Secrets.
    pub(super) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// SealedSecrets.
    pub(super) fn sealed(&self) -> PathBuf {
        self.root.join("sealed")
    }

    /// Secrets.
    pub(super) fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// What became of each.
    pub(super) fn status(&self) -> PathBuf {
        self.root.join("status")
    }

    /// The file of a Secret, or why it cannot have one.
    pub(super) fn secret(&self, name: &ObjectName) -> Result<PathBuf, String> {
        Ok(self
            .secrets()
            .join(name.namespace())
            .join(name.file_name()?))
    }

    /// Takes from the file of a Secret what others than its owner may do with it.
    pub(super) fn close_to_others(&self, name: &ObjectName) -> io::Result<()> {
        let path = self.secret(name).map_err(io::Error::other)?;
        let secrets = self.secrets();
        Beneath::open(&secrets)?.close_to_others(inner(&secrets, &path))
    }

    /// Makes the folders that are missing; those that cannot be made are returned, since the others may do.
    ///
    /// Where the folder `is_in_use`, people's own folders are not made: one of them that is missing was not mounted or
    /// was mistyped, and an empty one in its place would mean that everything was deleted.
    pub(super) fn make(&self, is_in_use: bool) -> Vec<(&'static str, io::Error)> {
        let people = [("keys", self.keys()), ("sealed", self.sealed())];
        let ours = [("secrets", self.secrets()), ("status", self.status())];
        let failures = people
            .into_iter()
            .filter(|_| !is_in_use)
            .chain(ours)
            .filter_map(|(name, path)| Some((name, make_folder(&path).err()?)));
        failures.collect()
    }

    /// Takes the lock that one controller a folder holds, for as long as the file is open; `None` where another one has
    /// it. The folder itself is locked, so that nothing has to be written for it.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let folder = File::open(&self.root)?;
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(folder)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the temporary files that a killed controller left. Those in `sealed/` are other programs'.
    pub(super) fn sweep(&self) {
        for folder in [self.keys(), self.secrets(), self.status()] {
            sweep(&folder);
        }
    }
}

/// Where a symbolic link stands on the way from one of our folders to a file in it, the sentence about it. What we write
/// must not come out elsewhere. The folder itself may be one, to another disk.
pub(super) fn link_below(folder: &Path, file: &Path) -> Option<String> {
    let inner = file.strip_prefix(folder).ok()?;
    let mut path = folder.to_owned();
    for part in inner {
        path.push(part);
        if path.is_symlink() {
            let shown = path.strip_prefix(folder.parent()?).ok()?.display();
            return Some(format!(
                "is reached by the symbolic link {shown}, and nothing is written through one; remove it"
            ));
        }
    }
    None
}

/// Makes a folder that only its owner may enter, and those above it, where they are missing.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file below one of our folders that only its owner may read, whole or not at all, and the folders where they
/// are missing. No link on the way is followed. False where it is not wanted any more when all but the renaming is done.
pub(super) fn write_private(
    folder: &Path,
    path: &Path,
    contents: &[u8],
    replace: Replace,
    still: impl FnOnce() -> bool,
) -> io::Result<bool> {
    make_folder(folder)?;
    Beneath::open(folder)?.write(inner(folder, path), contents, replace, still)
}

/// Removes a file below one of our folders, and the folders above it as far as they are empty. No link on the way is
/// followed. None is as good.
pub(super) fn remove(folder: &Path, path: &Path) -> io::Result<()> {
    match Beneath::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        folder_open => folder_open?.remove(inner(folder, path)),
    }
}

/// The path of a file from one of our folders.
pub(super) fn inner<'p>(folder: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(folder).unwrap_or(path)
}

fn sweep(folder: &Path) {
    // A folder that cannot be listed is reported by whoever needs what is in it.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            sweep(&entry.path());
        } else if kind.is_file() && is_leftover(&name) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file is a temporary one of ours.
pub(super) fn is_leftover(name: &str) -> bool {
    name.starts_with(LEFTOVER_PREFIX) && name.ends_with(LEFTOVER_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_private_and_leftovers_swept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let layout = Layout::new(folder.path().to_owned());
        assert!(layout.make(false).is_empty());
        let mode = fs::metadata(layout.secrets())
            .expect("it was made")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        let secret = layout.secrets().join("app/db.yaml");
        let leftover = layout.secrets().join("app/.seal-x.tmp");
        for path in [&secret, &leftover] {
            write_private(&layout.secrets(), path, b"x", Replace::Nothing, || true)
                .expect("files can be made");
        }
        layout.sweep();
        assert!(secret.exists() && !leftover.exists());
    }

    #[test]
    fn links_on_the_way_are_found_and_the_folder_may_be_one() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("real/app")).expect("folders can be made");
        for (target, name) in [
            ("real", "secrets"),
            ("app", "real/other"),
            ("x", "real/app/x.yaml"),
        ] {
            symlink(target, path(name)).expect("links can be made");
        }
        let found = |name: &str| link_below(&path("secrets"), &path("secrets").join(name));
        assert_eq!(found("app/db.yaml"), None);
        assert_eq!(found("new/db.yaml"), None);
        for (file, link) in [
            ("other/db.yaml", "secrets/other,"),
            ("app/x.yaml", "secrets/app/x.yaml,"),
        ] {
            assert!(
                found(file).is_some_and(|message| message.contains(link)),
                "{file}"
            );
        }
    }

    #[test]
    fn one_controller_holds_the_lock() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let layout = Layout::new(folder.path().to_owned());
        let first = layout.lock().expect("it can be locked");
        assert!(first.is_some());
        assert!(layout.lock().expect("it can be tried").is_none());
        drop(first);
        assert!(layout.lock().expect("it can be locked").is_some());
    }
}
