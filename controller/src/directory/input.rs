//! Reading one file of ours, with the reason where it fails.

use std::{io, path::Path};

use seal_api::Reason;
use seal_manifest::Limits;
use seal_shell::{Beneath, PlainFile, ReadError, read_plain_file};
use zeroize::Zeroizing;

use super::layout::inner;

/// Why a file was not read.
#[derive(Debug)]
pub(super) struct Unread {
    /// The stable reason.
    pub(super) reason: Reason,
    /// The explanation for people.
    pub(super) message: String,
}

/// Reads a file into memory that is wiped; `None` where there is none. Links are followed. Nothing but a plain file is
/// read: a pipe would never end.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Unread> {
    match read_plain_file(path, Limits::default().bytes) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unread(&error)),
    }
}

/// Reads a file below one of our folders in the same way, but follows no link on the way to it.
pub(super) fn read_below(root: &Path, file: &Path) -> Result<Option<PlainFile>, Unread> {
    match Beneath::open(root) {
        Ok(folder) => folder
            .read(inner(root, file), Limits::default().bytes)
            .map_err(|error| unread(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unread(&error.into())),
    }
}

fn unread(error: &ReadError) -> Unread {
    let (reason, message) = match error {
        ReadError::Io(error) => (Reason::Unreadable, format!("cannot be read: {error}")),
        ReadError::Folder | ReadError::NotPlain => (Reason::Unreadable, error.to_string()),
        ReadError::TooLarge { .. } => (Reason::TooLarge, error.to_string()),
    };
    Unread { reason, message }
}
