//! Files read within bounds.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, PermissionsExt},
    },
    path::Path,
};

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

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
    /// A pipe, a device or a socket stands where a file is expected.
    #[error("is not a plain file")]
    NotPlain,
    /// There is more than the limit.
    #[error("is larger than {} MiB, the most that is read", limit >> 20)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// What everybody else than the owner may do with a file.
pub(crate) const OTHERS: u32 = 0o077;

/// A file that was read. `Debug` does not show its bytes.
pub struct PlainFile {
    /// Its bytes, wiped when dropped.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether others than its owner may read or write it.
    pub is_open_to_others: bool,
}

impl fmt::Debug for PlainFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PlainFile")
            .field("is_open_to_others", &self.is_open_to_others)
            .finish_non_exhaustive()
    }
}

/// Reads a file of at most `limit` bytes into memory that is wiped when dropped.
///
/// # Errors
///
/// [`ReadError`]; a folder is told apart from a file that cannot be read. Pipes and terminals are read like files; a
/// socket or disk is none.
pub fn read_file(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let file = File::open(path).map_err(|error| {
        let is_socket = fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
        if is_socket {
            io::Error::other("it is a socket, not a file")
        } else {
            error
        }
    })?;
    let metadata = file.metadata()?;
    if metadata.file_type().is_block_device() {
        return Err(io::Error::other("it is a disk, not a file").into());
    }
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

/// Writes pieces to standard output, each at once.
///
/// Not through the buffer of [`io::stdout`], which is never wiped and lives as long as the process.
///
/// # Errors
///
/// The error of the operating system.
pub fn write_stdout<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> io::Result<()> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    let mut stdout = File::from(stdout);
    pieces
        .into_iter()
        .try_for_each(|piece| stdout.write_all(piece))
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

/// Reads what is open, if it is a plain file.
pub(crate) fn read_plain(file: File, limit: usize) -> Result<PlainFile, ReadError> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(ReadError::Folder);
    }
    if !metadata.is_file() {
        return Err(ReadError::NotPlain);
    }
    if metadata.len() > limit as u64 {
        return Err(ReadError::TooLarge { limit });
    }
    Ok(PlainFile {
        bytes: read_limited(file, limit)?,
        is_open_to_others: metadata.permissions().mode() & OTHERS != 0,
    })
}

/// Reads a plain file of at most `limit` bytes, links followed. Nothing else is read: a pipe would never end.
///
/// # Errors
///
/// [`ReadError`].
pub fn read_plain_file(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?;
    Ok(read_plain(File::from(file), limit)?.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_read_does_not_show_itself() {
        let file = PlainFile {
            bytes: Zeroizing::new(b"correct-horse".to_vec()),
            is_open_to_others: true,
        };
        let shown = format!("{file:?}");
        assert_eq!(shown, "PlainFile { is_open_to_others: true, .. }");
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
    fn a_socket_is_not_read_as_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&path).expect("it can be made");
        let error = read_file(&path, 1).expect_err("it is no file");
        assert_eq!(error.to_string(), "it is a socket, not a file");
    }

    #[test]
    fn a_folder_is_not_read_as_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        assert!(matches!(
            read_file(folder.path(), 1),
            Err(ReadError::Folder)
        ));
    }
}
