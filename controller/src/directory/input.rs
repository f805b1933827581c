//! Reading one file of ours, with the reason where it fails.

use std::{fs, io, path::Path};

use seal_api::Reason;
use seal_shell::{ReadError, read_file};
use zeroize::Zeroizing;

/// The most that is read of one file, as much as the reader of documents takes.
const LIMIT: usize = 32 << 20;

/// Why a file was not read.
#[derive(Debug)]
pub(super) struct Unread {
    /// The stable reason.
    pub(super) reason: Reason,
    /// The explanation for people.
    pub(super) message: String,
}

/// Reads a file into memory that is wiped; `None` where there is none. What is no plain file is never opened: a pipe
/// would never end.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Unread> {
    let refused = |error: io::Error| Unread {
        reason: Reason::Unreadable,
        message: format!("cannot be read: {error}"),
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    if !metadata.is_file() {
        let message = if metadata.is_dir() {
            "is a folder, not a file"
        } else {
            "is not a plain file"
        };
        return Err(Unread {
            reason: Reason::Unreadable,
            message: message.to_owned(),
        });
    }
    match read_file(path, LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(ReadError::Io(error)) => Err(refused(error)),
        Err(error @ ReadError::Folder) => Err(Unread {
            reason: Reason::Unreadable,
            message: error.to_string(),
        }),
        Err(error @ ReadError::TooLarge { .. }) => Err(Unread {
            reason: Reason::TooLarge,
            message: error.to_string(),
        }),
    }
}
