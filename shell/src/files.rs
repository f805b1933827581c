//! Files: read within bounds, written whole or not at all.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::Path,
};

use zeroize::Zeroizing;

/// How the name of a temporary file begins that a killed program may leave behind.
pub const LEFTOVER_PREFIX: &str = ".seal-";
/// How it ends.
pub const LEFTOVER_SUFFIX: &str = ".tmp";

/// Room for the first bytes of a stream.
const FIRST_READ: usize = 8 * 1024;

/// Why something was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A folder stands where a file is expected.
    #[error("is a folder, not a file")]
    Folder,
    /// There is more than the limit.
    #[error("is larger than {} MiB, the most that is read", limit >> 20)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Reads a file of at most `limit` bytes into memory that is wiped when dropped.
///
/// # Errors
///
/// [`ReadError`]; a folder is told apart from a file that cannot be read.
pub fn read_file(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(ReadError::Folder);
    }
    if metadata.len() > limit as u64 {
        return Err(ReadError::TooLarge { limit });
    }
    read_limited(file, limit)
}

/// Reads standard input, at most `limit` bytes, into memory that is wiped when dropped.
///
/// Not through the buffer of [`io::stdin`], which is never wiped and lives as long as the process.
///
/// # Errors
///
/// [`ReadError`].
pub fn read_stdin(limit: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    read_limited(File::from(stdin), limit)
}

/// Reads a stream of at most `limit` bytes into memory that is wiped when dropped.
///
/// # Errors
///
/// [`ReadError`].
pub fn read_limited(stream: impl Read, limit: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    // With room from the start nothing is read by way of the stack.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FIRST_READ));
    stream.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        Err(ReadError::TooLarge { limit })
    } else {
        Ok(bytes)
    }
}

/// Writes a file whole: a temporary file in the same folder, synced, renamed over the old one, the folder synced.
///
/// `mode` is given to a new file; an existing one keeps its own where `mode` is `None`. A symbolic link is followed, so
/// that the link stays; a device or pipe is written to as it is. On any error the old file is untouched and no temporary file is left.
///
/// # Errors
///
/// The error of the operating system.
pub fn write_file(path: &Path, contents: &[u8], mode: Option<u32>) -> io::Result<()> {
    let resolved = fs::canonicalize(path);
    let path = resolved.as_deref().unwrap_or(path);
    let metadata = fs::metadata(path).ok();
    if metadata
        .as_ref()
        .is_some_and(|metadata| !metadata.is_file() && !metadata.is_dir())
    {
        return File::options().write(true).open(path)?.write_all(contents);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let existing = fs::metadata(path)
        .ok()
        .map(|metadata| metadata.permissions());
    let permissions = mode
        .map(Permissions::from_mode)
        .or(existing)
        .unwrap_or_else(|| Permissions::from_mode(0o644));
    let mut file = tempfile::Builder::new()
        .prefix(LEFTOVER_PREFIX)
        .suffix(LEFTOVER_SUFFIX)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(contents)?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
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
    fn more_than_the_limit_is_refused() {
        assert!(matches!(
            read_limited(&b"12345"[..], 4),
            Err(ReadError::TooLarge { limit: 4 })
        ));
        assert_eq!(
            read_limited(&b"1234"[..], 4).expect("it fits").as_slice(),
            b"1234"
        );
    }

    #[test]
    fn a_folder_is_not_read_as_a_file() {
        assert!(matches!(
            read_file(folder().path(), 1),
            Err(ReadError::Folder)
        ));
    }
}
