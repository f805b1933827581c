//! Where results go: standard output, or a file written whole.

use std::{fs, io, path::Path};

use seal_api::Reason;
use seal_shell::{is_unsynced, write_file, write_file_if, write_new_file, write_stdout};
use serde::Serialize;
use zeroize::Zeroizing;

pub(crate) use crate::args::value_parsers::is_standard_stream as is_stdout;
use crate::{
    input,
    problem::{Place, Problem},
};

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
pub(crate) fn print(contents: &[u8]) -> Result<(), Problem> {
    print_all([contents])
}

fn print_all<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<(), Problem> {
    match write_stdout(pieces) {
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

/// Replaces a file whose text was `original` when it was read, unless it has another one by now.
pub(crate) fn replace_unchanged(path: &Path, original: &str, new: &[u8]) -> Result<(), Problem> {
    let unchanged = || input::read(path).is_ok_and(|now| now.text.as_str() == original);
    let name = path.display().to_string();
    match write_file_if(path, new, unchanged) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Problem::new(
            Reason::Conflict,
            "the file was changed by another program in the meantime, and stays as that left it",
        )
        .at(Place::file(&name))
        .hint("run it again")),
        Err(error) => Err(unwritable(&name, &error)),
    }
}

/// Writes a file where none may be; `hint` says what to do where there is one.
pub(crate) fn create(
    path: &Path,
    contents: &[u8],
    mode: Option<u32>,
    hint: &str,
) -> Result<(), Problem> {
    write_new_file(path, contents, mode).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            exists(path, hint)
        } else {
            unwritable(&path.display().to_string(), &error)
        }
    })
}

/// Writes to a file, or to standard output where none is named.
pub(crate) fn deliver(path: Option<&Path>, contents: &[u8]) -> Result<(), Problem> {
    match path {
        Some(path) if !is_stdout(path) => replace(path, contents, None),
        _ => print(contents),
    }
}

/// As [`deliver`], for a long text in pieces.
pub(crate) fn deliver_pieces(
    path: Option<&Path>,
    pieces: &[Zeroizing<String>],
) -> Result<(), Problem> {
    match path {
        Some(path) if !is_stdout(path) => {
            let pieces: Vec<&str> = pieces.iter().map(|piece| piece.as_str()).collect();
            replace(path, Zeroizing::new(pieces.concat()).as_bytes(), None)
        }
        _ => print_all(pieces.iter().map(|piece| piece.as_bytes())),
    }
}

/// Refuses to write over a file that is there; a symbolic link to nothing counts as one.
pub(crate) fn check_absent(path: &Path, hint: &str) -> Result<(), Problem> {
    match fs::symlink_metadata(path) {
        // Whatever else is wrong is said when the file is written.
        Err(_) => Ok(()),
        Ok(_) => Err(exists(path, hint)),
    }
}

fn exists(path: &Path, hint: &str) -> Problem {
    Problem::new(Reason::Conflict, "the file exists already")
        .at(Place::file(&path.display().to_string()))
        .hint(hint)
}

fn unwritable(name: &str, error: &io::Error) -> Problem {
    if is_unsynced(error) {
        return Problem::new(Reason::Unwritable, error.to_string())
            .at(Place::file(name))
            .hint("check the disk and the rights of the folder, and run \"sync\" before relying on the file");
    }
    // A temporary file's error names that file, which means nothing to the user.
    let text = error.to_string();
    let cause = text
        .split_once(" at path \"")
        .map_or(&*text, |(cause, _)| cause);
    Problem::new(Reason::Unwritable, format!("cannot be written: {cause}"))
        .at(Place::file(name))
        .hint("check space and rights, and run it again; a file that was there is as it was")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_program_wrote_meanwhile_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("s.yaml");
        fs::write(&path, "a: 2\n").expect("the folder is writable");
        let problem = replace_unchanged(&path, "a: 1\n", b"b: 1\n").expect_err("it changed");
        assert_eq!(problem.reason, Reason::Conflict);
        assert_eq!(fs::read(&path).expect("it is there"), b"a: 2\n");
        replace_unchanged(&path, "a: 2\n", b"b: 2\n").expect("it did not change");
        assert_eq!(fs::read(&path).expect("it is there"), b"b: 2\n");
    }
}
