//! One part of an input on its way: read, its Secrets found and sealed, its text edited.

use std::{collections::HashSet, ops::Range};

use seal_api::Reason;
use seal_documents::list_items;
use seal_manifest::{Document, Edits, Format, Limits, Node, Part, Stream, read};
use seal_sealing::{Sealed, Secret, cautions, check_contents};
use zeroize::Zeroizing;

use super::{
    comments,
    request::Request,
    rest::{Failed, Rest, is_all_written_here},
};
use crate::{
    documents::{self, List, Reader, Role, place},
    input::from_manifest,
    parallel,
    problem::{Place, Problem},
    report::Reporter,
    templates,
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
const VALUES_A_THREAD: usize = 2;

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
    /// The edited text, in which what failed stands as it was; `None` where it could not be edited.
    text: Option<Zeroizing<String>>,
    /// What is left without that, where something failed.
    rest: Option<Rest>,
    sealed: usize,
    problems: Vec<Problem>,
    warnings: Vec<(Place, String)>,
}

/// What is to be told of a part, and what of it failed.
#[derive(Default)]
struct Findings<'s> {
    problems: Vec<Problem>,
    warnings: Vec<(Place, String)>,
    failed: Failed<'s>,
}

impl<'s> Findings<'s> {
    /// A document, or an item in it, failed.
    fn fail(&mut self, document: &'s Document, node: &'s Node, problem: Problem) {
        self.failed.add(document, node);
        self.problems.push(problem);
    }
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

    /// Reads a text that is part of no other.
    pub(super) fn whole(name: &'i str, text: &'i str) -> Result<Self, Problem> {
        let part = Part {
            range: 0..text.len(),
            lines_before: 0,
            documents_before: 0,
        };
        Self::read(name, text, part)
    }

    pub(super) fn name(&self) -> &'i str {
        self.name
    }

    pub(super) fn format(&self) -> Format {
        self.stream.format
    }

    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The bytes of the document at `position` and of what stands between it and those beside it: in YAML comments before
    /// and behind it, also as documents of their own.
    pub(super) fn surroundings(&self, position: usize) -> Range<usize> {
        let ranges = &self.stream.ranges;
        let start = position
            .checked_sub(1)
            .map_or(0, |before| ranges[before].end);
        let end = match ranges.get(position + 1) {
            Some(_) if self.format() == Format::Json => ranges[position].end,
            Some(next) => next.start,
            None => self.text.len(),
        };
        start..end
    }

    pub(super) fn edits(&self) -> Edits<'_> {
        Edits::of(self.text, &self.stream)
    }

    /// Seals every Secret in it and edits the text.
    pub(super) fn seal(&self, request: &Request) -> Outcome {
        let mut findings = Findings::default();
        let mut found = self.find(&mut findings);
        self.drop_leaks(&mut found, &mut findings);
        let sealed = parallel::map(&found, VALUES_A_THREAD, |found| {
            request.seal(found.secret.clone())
        });
        let mut edits = self.edits();
        let mut lists: Vec<&Node> = found.iter().filter_map(|found| found.typed_list).collect();
        lists.dedup_by_key(|list| list.range.clone());
        let mut secrets = 0;
        for (found, sealed) in found.iter().zip(sealed) {
            let edited = sealed
                .map_err(|problem| problem.at(self.place(found)))
                .and_then(|sealed| self.replace(&mut edits, found, sealed, &mut findings));
            match edited {
                Ok(()) => secrets += 1,
                Err(problem) => findings.fail(found.document, found.node, problem),
            }
        }
        let edited = untype(&mut edits, &lists).and_then(|()| edits.apply());
        if let Err(error) = &edited {
            findings.problems.push(from_manifest(error, self.name));
            let all = 0..self.stream.documents.len();
            all.for_each(|position| findings.failed.add_document(position));
        }
        let Findings {
            problems,
            warnings,
            failed,
        } = findings;
        let mut outcome = Outcome {
            format: self.format(),
            is_empty: self.stream.documents.is_empty(),
            text: edited.ok(),
            rest: (!failed.is_empty()).then(|| failed.take_out(self, request)),
            sealed: secrets,
            problems,
            warnings,
        };
        outcome.number_as_in_whole(&self.part);
        outcome
    }

    /// Where the document at a position stands, if it is a list of several items.
    pub(super) fn place_of_list(&self, position: usize) -> Option<Place> {
        let document = self.stream.documents.get(position)?.as_ref().ok()?;
        let items = list_items(&document.root)?;
        (items.len() > 1).then(|| place(self.name, document, &document.root))
    }

    /// Leaves out the Secrets of which a comment gives a value away.
    fn drop_leaks<'s>(&'s self, found: &mut Vec<Found<'s>>, findings: &mut Findings<'s>) {
        let mut leaking = HashSet::new();
        for (secret, problem) in comments::leaks(self, found) {
            leaking.insert(secret.node.range.clone());
            findings.fail(secret.document, secret.node, problem);
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
        sealed: Sealed,
        findings: &mut Findings<'_>,
    ) -> Result<(), Problem> {
        let lines_left_out = sealed.lines_left_out;
        edits
            .replace_node(found.document, found.node, sealed.object.into_json())
            .map_err(|error| from_manifest(&error, self.name))?;
        let mut warn = |message: String| findings.warnings.push((self.place(found), message));
        if lines_left_out {
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
    fn find<'s>(&'s self, findings: &mut Findings<'s>) -> Vec<Found<'s>> {
        let mut found = Vec::new();
        for (position, document) in self.stream.documents.iter().enumerate() {
            match document {
                Ok(document) => {
                    self.look_into(document, &document.root, None, &mut found, findings)
                }
                Err(error) => {
                    findings.problems.push(from_manifest(error, self.name));
                    findings.failed.add_document(position);
                }
            }
        }
        found
    }

    /// Refuses a Secret in a list with a value that stands elsewhere in the document, where it would stay in cleartext.
    fn check_own_values(&self, document: &Document, node: &Node) -> Result<(), Problem> {
        if std::ptr::eq(node, &document.root) {
            return Ok(());
        }
        let mut values = ["data", "stringData"]
            .into_iter()
            .filter_map(|field| node.get(field));
        if values.all(is_all_written_here) {
            return Ok(());
        }
        let message = "an alias or merge key takes a value of the Secret from elsewhere in the document, where it would stay in cleartext";
        Err(Problem::new(Reason::PlaintextInMetadata, message)
            .at(place(self.name, document, node))
            .hint("write the value out in the Secret, and nowhere else"))
    }

    fn look_into<'s>(
        &'s self,
        document: &'s Document,
        node: &'s Node,
        list: Option<&List<'s>>,
        found: &mut Vec<Found<'s>>,
        findings: &mut Findings<'s>,
    ) {
        let reader = Reader {
            file: self.name,
            document,
        };
        let role = match list {
            Some(list) => list.role_of(node, self.name, document),
            None => documents::role(node, None, self.name, document),
        };
        match role {
            Ok(Role::Secret) => match self
                .check_own_values(document, node)
                .and_then(|()| reader.secret(node))
            {
                Ok(secret) => found.push(Found {
                    document,
                    node,
                    typed_list: list.and_then(List::typed),
                    secret,
                }),
                Err(problem) => findings.fail(document, node, problem),
            },
            Ok(Role::List) => {
                let list = List::of(node);
                for item in list_items(node).unwrap_or_default() {
                    self.look_into(document, item, Some(&list), found, findings);
                }
            }
            Ok(Role::SealedSecret) => {
                let problems = templates::problems(self.name, document, node);
                findings.problems.extend(problems);
            }
            Ok(Role::Other) => {
                if let Some(secret) = documents::embedded_secret(node) {
                    let message = "a Secret within another object is not sealed; it passes through in cleartext";
                    let place = place(self.name, document, secret);
                    findings.warnings.push((place, message.to_owned()));
                }
            }
            Err(problem) => findings.fail(document, node, problem),
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
    /// Gives every place the numbers it has in the whole input.
    fn number_as_in_whole(&mut self, part: &Part) {
        let problems = self.problems.iter_mut().map(|problem| &mut problem.place);
        let warnings = self.warnings.iter_mut().map(|(place, _)| place);
        let lists = self
            .rest
            .iter_mut()
            .flat_map(|rest| &mut rest.lists_left_out);
        for place in problems.chain(warnings).chain(lists) {
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

    /// The lists of which nothing is left in the text without what failed, though not all in them did.
    pub(super) fn lists_left_out(&self) -> &[Place] {
        self.rest.as_ref().map_or(&[], |rest| &rest.lists_left_out)
    }

    /// The edited text without the documents and items that failed, which are never written in cleartext.
    pub(super) fn text_without_failed(self) -> Result<Zeroizing<String>, Problem> {
        let edited = || {
            self.text
                .expect("a part that could not be edited has failed documents")
        };
        self.rest.map_or_else(|| Ok(edited()), |rest| rest.text)
    }

    /// The edited text of a part in which nothing may fail.
    pub(super) fn into_text(mut self) -> Result<Zeroizing<String>, Problem> {
        match (self.text, self.problems.pop()) {
            (Some(text), None) => Ok(text),
            (_, problem) => Err(problem.expect("a text is missing only after a problem")),
        }
    }
}
