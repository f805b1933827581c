//! One part of an input on its way: read, its Secrets found and sealed, its text edited.

use std::{collections::BTreeSet, ops::Range};

use seal_documents::{implied_kind, list_items};
use seal_manifest::{Document, Edits, Format, Limits, Node, Part, Stream, read};
use seal_sealing::{Sealed, Secret, cautions, check_contents};
use zeroize::Zeroizing;

use super::{comments, position, request::Request};
use crate::{
    documents::{self, Reader, Role, place},
    input::from_manifest,
    parallel,
    problem::{Place, Problem},
    report::Reporter,
};

/// A part of an input with its documents.
pub(super) struct Source<'i> {
    /// The input's name in messages.
    name: &'i str,
    text: &'i str,
    /// Where the part stands in the input.
    part: Part,
    stream: Stream,
}

/// So many Secrets are worth a thread.
const VALUES_A_THREAD: usize = 8;

/// A Secret found in a document.
pub(super) struct Found<'s> {
    pub(super) document: &'s Document,
    pub(super) node: &'s Node,
    /// The typed list it stands in, such as a `SecretList`, which becomes a `List`.
    typed_list: Option<&'s Node>,
    pub(super) secret: Secret,
}

/// What sealing one part led to.
pub(super) struct Outcome {
    pub(super) format: Format,
    /// Whether the part holds no document.
    pub(super) is_empty: bool,
    /// The edited text, in which documents that failed stand as they were; `None` where it could not be edited.
    text: Option<Zeroizing<String>>,
    /// The edited text without the documents that failed, where some did.
    rest: Option<Result<Zeroizing<String>, Problem>>,
    sealed: usize,
    /// Positions of the documents in which something failed.
    failed: BTreeSet<usize>,
    /// The lists among them, which hold more than what failed.
    pub(super) failed_lists: Vec<Place>,
    problems: Vec<Problem>,
    warnings: Vec<(Place, String)>,
}

impl<'i> Source<'i> {
    /// Reads a part of the input `name`, whose whole text is `text`.
    pub(super) fn read(name: &'i str, text: &'i str, part: Part) -> Result<Self, Problem> {
        let text = &text[part.range.clone()];
        let stream = read(text, &Limits::default()).map_err(|error| from_manifest(&error, name))?;
        Ok(Self {
            name,
            text,
            part,
            stream,
        })
    }

    pub(super) fn format(&self) -> Format {
        self.stream.format
    }

    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The bytes from the end of the document before to the end of the one at `position`, or of the text after the last:
    /// with the comments that stand between documents.
    pub(super) fn surroundings(&self, position: usize) -> Range<usize> {
        let ranges = &self.stream.ranges;
        let start = position
            .checked_sub(1)
            .map_or(0, |before| ranges[before].end);
        let is_last = position + 1 == ranges.len();
        start..if is_last {
            self.text().len()
        } else {
            ranges[position].end
        }
    }

    /// Seals every Secret in it and edits the text.
    pub(super) fn seal(&self, request: &Request) -> Outcome {
        let mut outcome = Outcome {
            format: self.format(),
            is_empty: self.stream.documents.is_empty(),
            text: None,
            rest: None,
            sealed: 0,
            failed: BTreeSet::new(),
            failed_lists: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        let mut found = self.find(&mut outcome);
        self.drop_leaks(&mut found, &mut outcome);
        let sealed = parallel::map(&found, VALUES_A_THREAD, |found| {
            request.seal(found.secret.clone())
        });
        let mut edits = Edits::of(self.text(), &self.stream);
        let mut lists: Vec<&Node> = found.iter().filter_map(|found| found.typed_list).collect();
        lists.dedup_by_key(|list| list.range.clone());
        for (found, sealed) in found.iter().zip(sealed) {
            let edited = sealed
                .map_err(|problem| problem.at(self.place(found)))
                .and_then(|sealed| self.replace(&mut edits, found, &sealed, &mut outcome));
            match edited {
                Ok(()) => outcome.sealed += 1,
                Err(problem) => outcome.fail(found.document, problem),
            }
        }
        match untype(&mut edits, &lists).and_then(|()| edits.apply()) {
            Ok(text) => outcome.text = Some(text),
            Err(error) => {
                outcome.problems.push(from_manifest(&error, self.name));
                outcome.failed.extend(0..self.stream.documents.len());
            }
        }
        if !outcome.failed.is_empty() {
            outcome.rest = Some(seal_rest(self, &outcome.failed, request));
            outcome.failed_lists = self.lists_among(&outcome.failed);
        }
        outcome.number_as_in_whole(&self.part);
        outcome
    }

    fn lists_among(&self, failed: &BTreeSet<usize>) -> Vec<Place> {
        let documents = failed.iter().filter_map(|position| {
            let document = self.stream.documents.get(*position)?.as_ref().ok()?;
            let items = list_items(&document.root)?;
            (items.len() > 1).then(|| place(self.name, document, &document.root))
        });
        documents.collect()
    }

    /// Leaves out the Secrets of which a comment gives a value away.
    fn drop_leaks(&self, found: &mut Vec<Found<'_>>, outcome: &mut Outcome) {
        let mut leaking = Vec::new();
        for (secret, problem) in comments::leaks(self, found) {
            leaking.push(secret.node.range.clone());
            outcome.fail(secret.document, problem);
        }
        found.retain(|found| !leaking.contains(&found.node.range));
    }

    pub(super) fn place(&self, found: &Found<'_>) -> Place {
        place(self.name, found.document, found.node)
    }

    fn replace(
        &self,
        edits: &mut Edits<'_>,
        found: &Found<'_>,
        sealed: &Sealed,
        outcome: &mut Outcome,
    ) -> Result<(), Problem> {
        let value =
            serde_json::to_value(&sealed.object).expect("a SealedSecret has text keys only");
        edits
            .replace_node(found.document, found.node, &value)
            .map_err(|error| from_manifest(&error, self.name))?;
        let mut warn = |message: String| outcome.warnings.push((self.place(found), message));
        if sealed.lines_left_out {
            warn("the item lines are left out, since the object would be too large for kubectl apply".to_owned());
        }
        if let Err(error) = check_contents(&found.secret) {
            warn(format!("the API server will refuse this Secret: {error}"));
        }
        for caution in cautions(&found.secret) {
            warn(caution.to_string());
        }
        Ok(())
    }

    /// Every Secret, also those in lists.
    fn find<'s>(&'s self, outcome: &mut Outcome) -> Vec<Found<'s>> {
        let mut found = Vec::new();
        for (position, document) in self.stream.documents.iter().enumerate() {
            match document {
                Ok(document) => self.look_into(document, &document.root, None, &mut found, outcome),
                Err(error) => {
                    outcome.problems.push(from_manifest(error, self.name));
                    outcome.failed.insert(position);
                }
            }
        }
        found
    }

    fn look_into<'s>(
        &'s self,
        document: &'s Document,
        node: &'s Node,
        typed_list: Option<&'s Node>,
        found: &mut Vec<Found<'s>>,
        outcome: &mut Outcome,
    ) {
        let reader = Reader {
            file: self.name,
            document,
        };
        match documents::role(node, typed_list.and_then(implied_kind), self.name, document) {
            Ok(Role::Secret) => match reader.secret(node) {
                Ok(secret) => found.push(Found {
                    document,
                    node,
                    typed_list,
                    secret,
                }),
                Err(problem) => outcome.fail(document, problem),
            },
            Ok(Role::List) => {
                let typed_list = implied_kind(node).map(|_| node);
                for item in list_items(node).unwrap_or_default() {
                    self.look_into(document, item, typed_list, found, outcome);
                }
            }
            Ok(Role::SealedSecret) => {}
            Ok(Role::Other) => {
                if let Some(secret) = documents::embedded_secret(node) {
                    let message = "a Secret within another object is not sealed; it passes through in cleartext";
                    let place = place(self.name, document, secret);
                    outcome.warnings.push((place, message.to_owned()));
                }
            }
            Err(problem) => outcome.fail(document, problem),
        }
    }
}

/// Makes lists of Secrets ones of anything, since SealedSecrets stand in them now.
fn untype(edits: &mut Edits<'_>, lists: &[&Node]) -> Result<(), seal_manifest::Error> {
    for (field, value) in [("apiVersion", "v1"), ("kind", "List")] {
        for node in lists.iter().filter_map(|list| list.get(field)) {
            edits.replace_scalar(node, value)?;
        }
    }
    Ok(())
}

impl Outcome {
    fn fail(&mut self, document: &Document, problem: Problem) {
        self.failed.insert(position(document));
        self.problems.push(problem);
    }

    /// Gives every place the numbers it has in the whole input.
    fn number_as_in_whole(&mut self, part: &Part) {
        let problems = self.problems.iter_mut().map(|problem| &mut problem.place);
        let warnings = self.warnings.iter_mut().map(|(place, _)| place);
        for place in problems.chain(warnings).chain(&mut self.failed_lists) {
            place.line = place.line.map(|line| line + part.lines_before);
            place.document = place.document.map(|index| index + part.documents_before);
        }
    }

    /// Tells the user, in the order of the input.
    pub(super) fn report(&self, reporter: &mut Reporter) {
        let mut problems: Vec<&Problem> = self.problems.iter().collect();
        problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        for problem in problems {
            reporter.problem(problem);
        }
        for (place, warning) in &self.warnings {
            reporter.warn(place, warning);
        }
    }

    /// How many Secrets were sealed.
    pub(super) fn secrets(&self) -> usize {
        self.sealed
    }

    /// The text as it is to stand in the file, where it could be edited.
    pub(super) fn text_in_place(&self) -> Option<&str> {
        self.text.as_deref().map(String::as_str)
    }

    /// The edited text without the documents in which something failed, which are never written in cleartext.
    pub(super) fn text_without_failed(self) -> Result<Zeroizing<String>, Problem> {
        let edited = || {
            self.text
                .expect("a part that could not be edited has failed documents")
        };
        self.rest.unwrap_or_else(|| Ok(edited()))
    }
}

/// Seals again what is left when the failed documents are cut out, with the comments before them, which may hold values.
fn seal_rest(
    source: &Source<'_>,
    failed: &BTreeSet<usize>,
    request: &Request,
) -> Result<Zeroizing<String>, Problem> {
    let text = source.text();
    let mut rest = Zeroizing::new(String::with_capacity(text.len()));
    let mut start = 0;
    for range in failed.iter().map(|position| source.surroundings(*position)) {
        rest.push_str(&text[start..range.start]);
        start = range.end;
    }
    rest.push_str(&text[start..]);
    let whole = Part {
        range: 0..rest.len(),
        lines_before: 0,
        documents_before: 0,
    };
    let mut outcome = Source::read(source.name, &rest, whole)?.seal(request);
    match (outcome.text.take(), outcome.problems.pop()) {
        (Some(text), None) => Ok(text),
        (_, problem) => Err(problem.expect("a text is missing only after a problem")),
    }
}
