//! Files read, with errors in the words of Go's library, which scripts look for: `open FILE: no such file or directory`.

use std::path::Path;

use seal_api::Reason;
use seal_manifest::{Limits, Text};
use seal_shell::{ReadError, read_file};
use zeroize::Zeroizing;

use crate::{
    cluster::cause,
    input::{self, Input},
    problem::Problem,
};

/// What `--secret-file` names.
pub(super) fn secret_file(path: &Path) -> Result<Input, Problem> {
    let problem = match read_bytes(path) {
        Ok(bytes) => return decode(path, &bytes),
        Err(problem) => problem,
    };
    let message = format!(
        "Could not read file specified with --secret-file: {}",
        problem.message
    );
    Err(Problem { message, ..problem })
}

/// A text file.
pub(super) fn read(path: &Path) -> Result<Input, Problem> {
    decode(path, &read_bytes(path)?)
}

pub(super) fn standard_input() -> Result<Input, Problem> {
    input::read(Path::new("-"))
}

pub(super) fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    read_file(path, Limits::default().bytes).map_err(|error| {
        let (reason, what) = match &error {
            ReadError::Io(error) => (Reason::Unreadable, cause(error)),
            ReadError::TooLarge { .. } => (Reason::TooLarge, error.to_string()),
            ReadError::Folder | ReadError::NotPlain => (Reason::Unreadable, error.to_string()),
        };
        Problem::new(reason, format!("open {}: {what}", path.display()))
    })
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Input, Problem> {
    let name = path.display().to_string();
    let text = Text::decode(bytes).map_err(|error| input::from_manifest(&error, &name))?;
    Ok(Input {
        name,
        path: Some(path.to_owned()),
        text,
    })
}
