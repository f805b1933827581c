//! Files written whole or not at all.

use std::{
    fs::{self, File, Metadata, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// How the name of a temporary file begins that a killed program may leave behind.
pub const LEFTOVER_PREFIX: &str = ".seal-";
/// How it ends.
pub const LEFTOVER_SUFFIX: &str = ".tmp";

/// What only the owner may do.
const PRIVATE: u32 = 0o600;
/// What a new file allows, less what the umask takes away.
const NEW: u32 = 0o666;
/// So many symbolic links are followed, as Linux does.
const MOST_LINKS: usize = 40;

/// A file is written, but its folder could not be synced: after a power cut the file may be as it was before.
///
/// Comes inside the [`io::Error`] of the functions below; [`is_unsynced`] tells it from the others.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file is written, but may not survive a power cut, since its folder could not be synced: {0}"
)]
struct Unsynced(io::Error);

/// Whether an error of the functions below means that the file is written all the same, and only not known to last.
pub fn is_unsynced(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Unsynced>)
}

/// Makes the renaming of a file last.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(unsynced)
}

/// The error where a file is written and its folder could not be synced.
pub(crate) fn unsynced(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Unsynced(error))
}

/// Writes a file whole: a temporary file in the same folder, synced, renamed over the old one, the folder synced.
///
/// `mode` is given to the file. Without it an existing file keeps its mode and owner (the owner where this process may
/// give it), and a new one has what the umask leaves. A symbolic link is followed, also one whose target is not there
/// yet, so that the link stays; a device or pipe is written to as it is. On any error but [`is_unsynced`] the old file is
/// untouched and no temporary file is left.
///
/// # Errors
///
/// The error of the operating system.
pub fn write_file(path: &Path, contents: &[u8], mode: Option<u32>) -> io::Result<()> {
    replace(path, contents, mode, || true).map(|_| ())
}

/// As [`write_file`] without a mode, if `unchanged` still says so when all but the renaming is done; false where it does not.
///
/// # Errors
///
/// The error of the operating system.
pub fn write_file_if(
    path: &Path,
    contents: &[u8],
    unchanged: impl FnOnce() -> bool,
) -> io::Result<bool> {
    replace(path, contents, None, unchanged)
}

/// As [`write_file`], where nothing may stand at `path` yet, not even a symbolic link, when the file is put there.
///
/// # Errors
///
/// The error of the operating system; its kind is [`io::ErrorKind::AlreadyExists`] where something is there.
pub fn write_new_file(path: &Path, contents: &[u8], mode: Option<u32>) -> io::Result<()> {
    let folder = folder_of(path);
    let file = temporary(folder, contents, mode.unwrap_or(NEW))?;
    finish(&file, mode, None)?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

fn replace(
    path: &Path,
    contents: &[u8],
    mode: Option<u32>,
    unchanged: impl FnOnce() -> bool,
) -> io::Result<bool> {
    let path = &target(path)?;
    let existing = fs::metadata(path).ok();
    if existing.as_ref().is_some_and(is_special) {
        File::options()
            .write(true)
            .open(path)?
            .write_all(contents)?;
        return Ok(true);
    }
    let folder = folder_of(path);
    let is_new = existing.is_none() && mode.is_none();
    let file = temporary(folder, contents, if is_new { NEW } else { PRIVATE })?;
    finish(&file, mode, existing.as_ref())?;
    if !unchanged() {
        return Ok(false);
    }
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)?;
    Ok(true)
}

fn is_special(metadata: &Metadata) -> bool {
    !metadata.is_file() && !metadata.is_dir()
}

/// Where a path leads, symbolic links followed, whether something is there or not.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = folder_of(&path).join(link),
            Err(_) => return Ok(path),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A temporary file with the contents; of `mode` the umask takes its part.
fn temporary(folder: &Path, contents: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(LEFTOVER_PREFIX)
        .suffix(LEFTOVER_SUFFIX)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(contents)?;
    Ok(file)
}

/// Gives the file its mode, or the mode and owner of the one it replaces, and syncs it.
fn finish(file: &NamedTempFile, mode: Option<u32>, existing: Option<&Metadata>) -> io::Result<()> {
    let file = file.as_file();
    match (mode, existing) {
        (Some(mode), _) => file.set_permissions(Permissions::from_mode(mode))?,
        (None, Some(existing)) => {
            // Only root may give files away; where it cannot be done the file is the writer's, as with any new one.
            let _ = fchown(file, Some(existing.uid()), Some(existing.gid()));
            file.set_permissions(existing.permissions())?;
        }
        (None, None) => {}
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder can be made")
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let folder = folder();
        let path = folder.path().join("file");
        write_file(&path, b"one", Some(0o600)).expect("the folder is writable");
        write_file(&path, b"two", None).expect("the folder is writable");
        assert_eq!(fs::read(&path).expect("it was written"), b"two");
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).expect("it is a folder").count(),
            1
        );
    }

    #[test]
    fn a_symbolic_link_stays_a_link() {
        let folder = folder();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, b"one").expect("the folder is writable");
        std::os::unix::fs::symlink(&target, &link).expect("links can be made");
        write_file(&link, b"two", None).expect("the folder is writable");
        assert!(
            fs::symlink_metadata(&link)
                .expect("it is there")
                .is_symlink()
        );
        assert_eq!(fs::read(&target).expect("it is there"), b"two");
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        write_file(Path::new("/dev/null"), b"text", None).expect("anything can be written there");
        assert!(!fs::metadata("/dev/null").expect("it is there").is_file());
    }

    #[test]
    fn a_link_to_nothing_yet_stays_a_link() {
        let folder = folder();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::os::unix::fs::symlink("target", &link).expect("links can be made");
        write_file(&link, b"one", None).expect("the folder is writable");
        assert_eq!(
            fs::read_link(&link).expect("it is a link"),
            Path::new("target")
        );
        assert_eq!(fs::read(&target).expect("it is there"), b"one");
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let folder = folder();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&link, &link).expect("links can be made");
        assert!(write_file(&link, b"one", None).is_err());
        assert!(link.is_symlink());
    }

    #[test]
    fn a_new_file_never_replaces_anything() {
        let folder = folder();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        write_new_file(&path, b"one", Some(0o600)).expect("nothing is there");
        std::os::unix::fs::symlink("nothing", &link).expect("links can be made");
        for path in [&path, &link] {
            let error = write_new_file(path, b"two", None).expect_err("something is there");
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read(&path).expect("it is there"), b"one");
        assert_eq!(
            fs::read_dir(folder.path()).expect("it is a folder").count(),
            2
        );
    }

    #[test]
    fn a_file_that_changed_meanwhile_stays() {
        let folder = folder();
        let path = folder.path().join("file");
        fs::write(&path, b"one").expect("the folder is writable");
        assert!(!write_file_if(&path, b"two", || false).expect("the folder is writable"));
        assert_eq!(fs::read(&path).expect("it is there"), b"one");
        assert!(write_file_if(&path, b"two", || true).expect("the folder is writable"));
        assert_eq!(fs::read(&path).expect("it is there"), b"two");
        assert_eq!(
            fs::read_dir(folder.path()).expect("it is a folder").count(),
            1
        );
    }

    #[test]
    fn a_folder_that_cannot_be_synced_is_told_from_a_file_that_was_not_written() {
        let folder = folder();
        let error = sync_folder(&folder.path().join("nothere")).expect_err("it is not there");
        assert!(is_unsynced(&error));
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(
            error.to_string().starts_with("the file is written, but"),
            "{error}"
        );
        let path = folder.path().join("nothere/file");
        let error = write_file(&path, b"one", None).expect_err("there is no folder");
        assert!(!is_unsynced(&error));
    }

    #[test]
    fn the_owner_stays_where_it_can() {
        assert!(
            rustix::process::geteuid().is_root(),
            "only root may give files away: run the tests as root"
        );
        let folder = folder();
        let path = folder.path().join("file");
        fs::write(&path, b"one").expect("the folder is writable");
        std::os::unix::fs::chown(&path, Some(65534), Some(65534)).expect("root may");
        write_file(&path, b"two", None).expect("the folder is writable");
        let metadata = fs::metadata(&path).expect("it is there");
        assert_eq!((metadata.uid(), metadata.gid()), (65534, 65534));
    }
}
