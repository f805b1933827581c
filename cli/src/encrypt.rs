//! `seal encrypt`, and `seal` alone: Secrets become SealedSecrets, every other document passes through byte for byte.

mod comments;
pub(crate) mod request;
mod rest;
mod source;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use jiff::Timestamp;
use seal_api::Reason;
use seal_manifest::{Document, Format, Limits, Part, parts};
use zeroize::Zeroizing;

use crate::{
    args::{EncryptArgs, SealArgs},
    certificate,
    input::{self, Input},
    output, parallel,
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
    let now = Timestamp::now();
    let request = Request::new(
        &args.seal,
        certificate::for_sealing(&args.seal.certificate, now, reporter)?,
        now,
    )?;
    let inputs = input::read_all(&args.inputs, reporter);
    let work = work(&inputs, reporter);
    let mut sealed = Vec::new();
    let mut unread: Vec<&Input> = Vec::new();
    let results = parallel::map(&work, PARTS_A_THREAD, |work| seal(work, &request));
    for (work, result) in work.iter().zip(results) {
        match result {
            Ok(part) => {
                part.outcome.report(reporter);
                sealed.push(part);
            }
            Err(problem) => {
                reporter.problem(&problem);
                unread.push(work.input);
            }
        }
    }
    // A file is written whole or not at all.
    sealed.retain(|part| {
        !unread
            .iter()
            .any(|input| std::ptr::eq(*input, part.work.input))
    });
    say_what_was_found(&sealed, reporter)?;
    if args.in_place {
        write_in_place(&sealed, reporter);
        Ok(())
    } else {
        write_joined(args, sealed, reporter)
    }
}

/// A long input is worked on in parts of so many documents, side by side.
const DOCUMENTS_A_PART: usize = 8;
/// So many parts are worth a thread.
const PARTS_A_THREAD: usize = 2;

/// A part of an input to be worked on.
struct Work<'i> {
    input: &'i Input,
    part: Part,
}

/// A part of an input that was worked on.
struct Sealed<'i> {
    work: &'i Work<'i>,
    outcome: Outcome,
}

/// Cuts the inputs into parts; those that are too large are reported and left out.
fn work<'i>(inputs: &'i [Input], reporter: &mut Reporter) -> Vec<Work<'i>> {
    let mut work = Vec::new();
    for input in inputs {
        match parts(input.text.as_str(), &Limits::default(), DOCUMENTS_A_PART) {
            Ok(parts) => work.extend(parts.into_iter().map(|part| Work { input, part })),
            Err(error) => reporter.problem(&input::from_manifest(&error, &input.name)),
        }
    }
    work
}

fn seal<'i>(work: &'i Work<'i>, request: &Request) -> Result<Sealed<'i>, Problem> {
    let Work { input, part } = work;
    let source = Source::read(&input.name, input.text.as_str(), part.clone())?;
    let outcome = source.seal(request);
    Ok(Sealed { work, outcome })
}

/// An empty input is an error, lest an empty output pass for a result; one without a Secret is worth a word.
fn say_what_was_found(sealed: &[Sealed<'_>], reporter: &Reporter) -> Result<(), Problem> {
    if reporter.has_problems() {
        return Ok(());
    }
    if sealed.iter().all(|sealed| sealed.outcome.is_empty) {
        return Err(
            Problem::new(Reason::NothingToDo, "the input holds no document")
                .hint("was the file written?"),
        );
    }
    if sealed.iter().all(|sealed| sealed.outcome.secrets() == 0) {
        reporter.note(
            &Place::default(),
            "no Secret found; the documents passed through as they are",
        );
    }
    Ok(())
}

/// The parts of each input.
fn by_input<'s, 'i>(sealed: &'s [Sealed<'i>]) -> impl Iterator<Item = &'s [Sealed<'i>]> {
    sealed.chunk_by(|one, other| std::ptr::eq(one.work.input, other.work.input))
}

/// Replaces every file in which something was sealed. What failed stays in it as it is.
fn write_in_place(sealed: &[Sealed<'_>], reporter: &mut Reporter) {
    for parts in by_input(sealed) {
        let path = parts[0].work.input.path.as_deref();
        let changed = parts.iter().any(|part| part.outcome.secrets() > 0);
        if let Some(path) = path.filter(|_| changed) {
            let texts: Vec<&str> = parts.iter().map(text_in_place).collect();
            let text = Zeroizing::new(texts.concat());
            let original = parts[0].work.input.text.as_str();
            if let Err(problem) = output::replace_unchanged(path, original, text.as_bytes()) {
                reporter.problem(&problem);
            }
        }
    }
}

/// The text of a part as it is to stand in the file: edited, or as it was where it could not be.
fn text_in_place<'s>(sealed: &'s Sealed<'_>) -> &'s str {
    let Work { input, part } = sealed.work;
    let as_it_was = &input.text.as_str()[part.range.clone()];
    sealed.outcome.text_in_place().unwrap_or(as_it_was)
}

/// Writes all texts one behind the other, without the documents and items that failed; a file only where none did.
fn write_joined(
    args: &EncryptArgs,
    sealed: Vec<Sealed<'_>>,
    reporter: &Reporter,
) -> Result<(), Problem> {
    if let Some(path) = args.output.as_deref().filter(|_| reporter.has_problems()) {
        reporter.warn(
            &Place::file(&path.display().to_string()),
            "not written, because of the errors above; without --output, what could be sealed goes to standard output",
        );
        return Ok(());
    }
    let all_json = sealed
        .iter()
        .all(|part| part.outcome.format == Format::Json);
    let mut pieces = Vec::new();
    let mut last: Option<&Input> = None;
    for Sealed { work, outcome } in sealed {
        for place in outcome.lists_left_out() {
            reporter.warn(
                place,
                "the whole list is left out of the output, because the items that failed cannot be taken out of it alone; --in-place seals the rest of it",
            );
        }
        let text = outcome.text_without_failed()?;
        let is_next_input = last.is_some_and(|last| !std::ptr::eq(last, work.input));
        if is_next_input && !text.is_empty() {
            pieces.push(Zeroizing::new(separator(&pieces, &text, all_json)));
        }
        last = Some(work.input);
        pieces.push(text);
    }
    output::deliver_pieces(args.output.as_deref(), &pieces)
}

/// What has to stand between what was written and the text of the next input, so that YAML documents stay apart.
fn separator(written: &[Zeroizing<String>], next: &str, all_json: bool) -> String {
    let Some(last) = written.iter().rfind(|piece| !piece.is_empty()) else {
        return String::new();
    };
    let begins_itself =
        next.starts_with("---") || next.starts_with('%') || next.starts_with('\u{feff}');
    let line_break = if last.ends_with('\n') { "" } else { "\n" };
    let marker = if all_json || begins_itself {
        ""
    } else {
        "---\n"
    };
    format!("{line_break}{marker}")
}

/// The number of a document in its stream, for lists parallel to it.
fn position(document: &Document) -> usize {
    document.index - 1
}
