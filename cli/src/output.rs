//! Where results go: standard output, or a file written whole.

use std::{
    io::{self, Write},
    path::Path,
};

use seal_api::Reason;
use seal_shell::write_file;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::problem::{Place, Problem};

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
pub(crate) fn print(contents: &[u8]) -> Result<(), Problem> {
    print_all([contents])
}

fn print_all<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<(), Problem> {
    let mut stdout = io::stdout().lock();
    let mut pieces = pieces.into_iter();
    let written = pieces.try_for_each(|piece| stdout.write_all(piece));
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(unwritable("standard output", &error))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole; an existing one keeps its mode unless `mode` is given.
pub(crate) fn replace(path: &Path, contents: &[u8], mode: Option<u32>) -> Result<(), Problem> {
    write_file(path, contents, mode)
        .map_err(|error| unwritable(&path.display().to_string(), &error))
}

/// Writes to a file, or to standard output where none is named.
pub(crate) fn deliver(path: Option<&Path>, contents: &[u8]) -> Result<(), Problem> {
    match path {
        Some(path) if path != Path::new("-") => replace(path, contents, None),
        _ => print(contents),
    }
}

/// As [`deliver`], for a long text in pieces.
pub(crate) fn deliver_pieces(
    path: Option<&Path>,
    pieces: &[Zeroizing<String>],
) -> Result<(), Problem> {
    match path {
        Some(path) if path != Path::new("-") => {
            let pieces: Vec<&str> = pieces.iter().map(|piece| piece.as_str()).collect();
            replace(path, Zeroizing::new(pieces.concat()).as_bytes(), None)
        }
        _ => print_all(pieces.iter().map(|piece| piece.as_bytes())),
    }
}

/// Refuses to write over a file that is there.
pub(crate) fn check_absent(path: &Path, hint: &str) -> Result<(), Problem> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(());
    }
    let name = path.display().to_string();
    Err(Problem::new(Reason::Conflict, "the file exists already")
        .at(Place::file(&name))
        .hint(hint))
}

fn unwritable(name: &str, error: &io::Error) -> Problem {
    // A temporary file's error names that file, which means nothing to the user.
    let text = error.to_string();
    let cause = text
        .split_once(" at path \"")
        .map_or(&*text, |(cause, _)| cause);
    Problem::new(Reason::Unwritable, format!("cannot be written: {cause}"))
        .at(Place::file(name))
        .hint("nothing was changed; check space and rights, and run it again")
}

/// An object as a manifest: YAML, or JSON.
pub(crate) fn manifest(object: &impl Serialize, json: bool) -> Zeroizing<String> {
    let text = if json {
        seal_manifest::write::json(object)
    } else {
        seal_manifest::write::yaml(object)
    };
    text.expect("Secrets and SealedSecrets have text keys only")
}
