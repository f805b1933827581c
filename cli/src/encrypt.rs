//! `seal encrypt`, and `seal` alone: Secrets become SealedSecrets, every other document passes through byte for byte.

mod comments;
pub(crate) mod request;
mod source;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use jiff::Timestamp;
use seal_api::Reason;
use seal_manifest::{Document, Format};
use zeroize::Zeroizing;

use crate::{
    args::{EncryptArgs, SealArgs},
    certificate, input, output, parallel,
    problem::{Place, Problem},
    report::Reporter,
};
use request::Request;
pub(crate) use request::{check_type, from_failure};
use source::{Outcome, Source};

impl EncryptArgs {
    /// What `seal` without a command means.
    pub(crate) fn from_stdin(seal: SealArgs) -> Self {
        Self {
            inputs: vec![PathBuf::from("-")],
            in_place: false,
            output: None,
            seal,
        }
    }
}

/// `seal` alone. On a terminal without input it has nothing to read, so it says what it is for.
pub(crate) fn standard_input(args: EncryptArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    if io::stdin().is_terminal() {
        return Err(
            Problem::new(Reason::NothingToDo, "nothing on standard input")
                .hint("seal < secret.yaml > sealed.yaml, or see \"seal --help\""),
        );
    }
    run(&args, reporter)
}

pub(crate) fn run(args: &EncryptArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    if args.in_place && args.inputs.iter().any(|path| input::is_stdin(path)) {
        return Err(Problem::new(
            Reason::Conflict,
            "--in-place says to replace files and the input is standard input",
        )
        .hint("name files or folders"));
    }
    let now = Timestamp::now();
    let request = Request::new(
        &args.seal,
        certificate::for_sealing(&args.seal.certificate, now)?,
        now,
    )?;
    let inputs = input::read_all(&args.inputs, reporter);
    let sources: Vec<Source> = inputs
        .into_iter()
        .filter_map(|input| Source::parse(input, reporter))
        .collect();
    let outcomes = parallel::map(&sources, |source| source.seal(&request));
    let mut secrets = 0;
    for (source, outcome) in sources.iter().zip(&outcomes) {
        outcome.report(source, reporter);
        secrets += outcome.secrets();
    }
    if sources.iter().all(Source::is_empty) && !reporter.has_problems() {
        return Err(
            Problem::new(Reason::NothingToDo, "the input holds no document")
                .hint("was the file written?"),
        );
    }
    if secrets == 0 && !reporter.has_problems() {
        reporter.note(
            &Place::default(),
            "no Secret found; the documents passed through as they are",
        );
    }
    if args.in_place {
        write_in_place(&sources, &outcomes, reporter)
    } else {
        write_joined(args, &sources, outcomes, &request, reporter)
    }
}

/// Replaces every file in which something was sealed. Documents that failed stay in it as they are.
fn write_in_place(
    sources: &[Source],
    outcomes: &[Outcome],
    reporter: &mut Reporter,
) -> Result<(), Problem> {
    for (source, outcome) in sources.iter().zip(outcomes) {
        let (Some(path), Some(text)) = (&source.input.path, outcome.changed_text()) else {
            continue;
        };
        if let Err(problem) = output::replace(path, text.as_bytes(), None) {
            reporter.problem(&problem);
        }
    }
    Ok(())
}

/// Writes all texts one behind the other, without the documents that failed; a file only where none did.
fn write_joined(
    args: &EncryptArgs,
    sources: &[Source],
    outcomes: Vec<Outcome>,
    request: &Request,
    reporter: &Reporter,
) -> Result<(), Problem> {
    if let Some(path) = args.output.as_deref().filter(|_| reporter.has_problems()) {
        return Err(Problem::new(
            Reason::Unwritable,
            "not written, because of the errors above",
        )
        .at(Place::file(&path.display().to_string()))
        .hint("mend them, or leave out --output to get the documents that could be sealed"));
    }
    let mut texts = Vec::new();
    for (source, outcome) in sources.iter().zip(outcomes) {
        texts.push((
            source.format(),
            outcome.text_without_failed(source, request)?,
        ));
    }
    output::deliver(args.output.as_deref(), join(&texts).as_bytes())
}

/// Joins texts into one stream: YAML documents are parted by `---`.
fn join(texts: &[(Format, Zeroizing<String>)]) -> Zeroizing<String> {
    let mut joined = Zeroizing::new(String::with_capacity(
        texts.iter().map(|(_, text)| text.len() + 5).sum(),
    ));
    let all_json = texts.iter().all(|(format, _)| *format == Format::Json);
    for (_, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
        let begins_itself =
            text.starts_with("---") || text.starts_with('%') || text.starts_with("\u{feff}");
        if !joined.is_empty() {
            if !joined.ends_with('\n') {
                joined.push('\n');
            }
            if !all_json && !begins_itself {
                joined.push_str("---\n");
            }
        }
        joined.push_str(text);
    }
    joined
}

/// The number of a document in its stream, for lists parallel to it.
fn position(document: &Document) -> usize {
    document.index - 1
}
