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
    sealed.retain(|part| !unread.iter().any(|input| std::ptr::eq(*input, part.input)));
    say_what_was_found(&sealed, reporter)?;
    if args.in_place {
        write_in_place(&sealed, reporter);
        Ok(())
    } else {
        write_joined(args, sealed, &request, reporter)
    }
}

/// A long input is worked on in parts of so many documents, side by side.
const DOCUMENTS_A_PART: usize = 16;
/// So many parts are worth a thread.
const PARTS_A_THREAD: usize = 2;

/// A part of an input to be worked on.
struct Work<'i> {
    input: &'i Input,
    part: Part,
}

/// A part of an input that was worked on.
struct Sealed<'i> {
    input: &'i Input,
    source: Source<'i>,
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

fn seal<'i>(work: &Work<'i>, request: &Request) -> Result<Sealed<'i>, Problem> {
    let Work { input, part } = work;
    let source = Source::read(&input.name, input.text.as_str(), part.clone())?;
    let outcome = source.seal(request);
    Ok(Sealed {
        input,
        source,
        outcome,
    })
}

/// An empty input is an error, lest an empty output pass for a result; one without a Secret is worth a word.
fn say_what_was_found(sealed: &[Sealed<'_>], reporter: &Reporter) -> Result<(), Problem> {
    if reporter.has_problems() {
        return Ok(());
    }
    if sealed.iter().all(|sealed| sealed.source.is_empty()) {
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
    sealed.chunk_by(|one, other| std::ptr::eq(one.input, other.input))
}

/// Replaces every file in which something was sealed. Documents that failed stay in it as they are.
fn write_in_place(sealed: &[Sealed<'_>], reporter: &mut Reporter) {
    for parts in by_input(sealed) {
        let path = parts[0].input.path.as_deref();
        let changed = parts.iter().any(|part| part.outcome.secrets() > 0);
        if let Some(path) = path.filter(|_| changed) {
            let texts: Vec<&str> = parts
                .iter()
                .map(|part| part.outcome.text_in_place(&part.source))
                .collect();
            let text = Zeroizing::new(texts.concat());
            if let Err(problem) = output::replace(path, text.as_bytes(), None) {
                reporter.problem(&problem);
            }
        }
    }
}

/// Writes all texts one behind the other, without the documents that failed; a file only where none did.
fn write_joined(
    args: &EncryptArgs,
    sealed: Vec<Sealed<'_>>,
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
    let mut texts: Vec<(&Input, Format, Zeroizing<String>)> = Vec::new();
    for Sealed {
        input,
        source,
        outcome,
    } in sealed
    {
        let text = outcome.text_without_failed(&source, request)?;
        match texts
            .last_mut()
            .filter(|(last, ..)| std::ptr::eq(*last, input))
        {
            Some((_, _, whole)) => whole.push_str(&text),
            None => texts.push((input, source.format(), text)),
        }
    }
    let texts: Vec<_> = texts
        .into_iter()
        .map(|(_, format, text)| (format, text))
        .collect();
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
