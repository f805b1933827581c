//! Files, folders and standard input, read and decoded.

use std::{
    collections::HashSet,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use seal_api::Reason;
use seal_documents::{is_manifest, reason};
use seal_manifest::{Encoding, Limits, Stream, Text};
use seal_shell::{ReadError, read_file, read_stdin};
use walkdir::WalkDir;
use zeroize::Zeroizing;

pub(crate) use crate::args::value_parsers::is_standard_stream as is_stdin;
use crate::{
    problem::{Place, Problem},
    report::{self, Reporter},
};

/// The name of standard input in messages.
pub(crate) const STDIN: &str = "standard input";

/// One text to work on.
pub(crate) struct Input {
    /// The name in messages.
    pub(crate) name: String,
    /// Where it was read from; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    pub(crate) text: Text,
}

impl Input {
    pub(crate) fn place(&self) -> Place {
        Place::file(&self.name)
    }

    /// Its documents, each as far as it can be read.
    pub(crate) fn stream(&self) -> Result<Stream, Problem> {
        seal_manifest::read(self.text.as_str(), &Limits::default())
            .map_err(|error| from_manifest(&error, &self.name))
    }

    /// Reports the documents that cannot be read; whether there are any.
    pub(crate) fn report_broken(&self, stream: &Stream, reporter: &mut Reporter) -> bool {
        let mut found = false;
        for error in stream
            .documents
            .iter()
            .filter_map(|document| document.as_ref().err())
        {
            reporter.problem(&from_manifest(error, &self.name));
            found = true;
        }
        found
    }
}

/// Reads every input, once also where it is named twice; those that cannot be read are reported and left out. Files of a
/// folder come sorted by name.
pub(crate) fn read_all(paths: &[PathBuf], reporter: &mut Reporter) -> Vec<Input> {
    let mut inputs = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        for file in expand(path, reporter) {
            // A file that cannot be found has no other name, nor has `-`, whatever file is called so.
            let place = file.canonicalize().ok().filter(|_| !is_stdin(&file));
            if !seen.insert(place.unwrap_or_else(|| file.clone())) {
                continue;
            }
            match read(&file) {
                Ok(input) => {
                    note_encoding(&input, reporter);
                    inputs.push(input);
                }
                Err(problem) => reporter.problem(&problem),
            }
        }
    }
    inputs
}

/// Reads one file or `-`.
pub(crate) fn read(path: &Path) -> Result<Input, Problem> {
    let (name, bytes) = read_bytes(path)?;
    let text = Text::decode(&bytes).map_err(|error| from_manifest(&error, &name))?;
    let path = (!is_stdin(path)).then(|| path.to_owned());
    Ok(Input { name, path, text })
}

/// Reads the bytes of one file or `-`, and its name in messages.
pub(crate) fn read_bytes(path: &Path) -> Result<(String, Zeroizing<Vec<u8>>), Problem> {
    let limit = Limits::default().bytes;
    if is_stdin(path) {
        if io::stdin().is_terminal() {
            report::tell_waiting();
        }
        let bytes = read_stdin(limit).map_err(|error| unreadable(STDIN, &error))?;
        return Ok((STDIN.to_owned(), bytes));
    }
    let name = path.display().to_string();
    let bytes = read_file(path, limit).map_err(|error| unreadable(&name, &error))?;
    Ok((name, bytes))
}

/// The name of a file or `-` in messages.
pub(crate) fn name_of(path: &Path) -> String {
    if is_stdin(path) {
        STDIN.to_owned()
    } else {
        path.display().to_string()
    }
}

/// Says so where the output will have another encoding than the input.
pub(crate) fn note_encoding(input: &Input, reporter: &Reporter) {
    if matches!(input.text.encoding(), Encoding::Utf16Le | Encoding::Utf16Be) {
        reporter.note(&input.place(), "the input is UTF-16; the output is UTF-8");
    }
}

/// A file is itself; a folder is the .yaml, .yml and .json files below it, hidden ones left out, links not followed.
fn expand(path: &Path, reporter: &mut Reporter) -> Vec<PathBuf> {
    if is_stdin(path) || !path.is_dir() {
        return vec![path.to_owned()];
    }
    let shown = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(path)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(shown)
    {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
                files.push(entry.into_path())
            }
            Ok(entry) if entry.path_is_symlink() && leads_to_input(entry.path()) => {
                let place = Place::file(&entry.path().display().to_string());
                reporter.note(
                    &place,
                    "left out: symbolic links in a folder are not followed",
                );
            }
            Ok(_) => {}
            Err(error) => {
                let folder = error.path().unwrap_or(path).display().to_string();
                let cause = error
                    .io_error()
                    .map_or_else(|| "cannot be walked".to_owned(), ToString::to_string);
                reporter.problem(&Problem::new(Reason::Unreadable, cause).at(Place::file(&folder)));
            }
        }
    }
    files
}

/// Whether a symbolic link would be worked on, were it not one.
fn leads_to_input(path: &Path) -> bool {
    is_manifest(path) || path.is_dir()
}

/// The problem of a file that cannot be read.
pub(crate) fn unreadable(name: &str, error: &ReadError) -> Problem {
    let problem = match error {
        ReadError::TooLarge { .. } => Problem::new(Reason::TooLarge, error.to_string()),
        ReadError::Folder | ReadError::NotPlain => {
            Problem::new(Reason::Unreadable, error.to_string()).hint("name a file")
        }
        ReadError::Io(io) => Problem::new(Reason::Unreadable, format!("cannot be read: {io}")),
    };
    problem.at(Place::file(name))
}

/// The problem of a text that cannot be parsed or edited.
pub(crate) fn from_manifest(error: &seal_manifest::Error, file: &str) -> Problem {
    let place = Place {
        file: Some(file.to_owned()),
        document: error.document(),
        line: error.position().map(|position| position.line),
        column: error.position().map(|position| position.column),
    };
    Problem::new(reason(error), error.explanation()).at(place)
}
