//! Comments around a Secret: they pass through, so none may hold a value of it.

use std::{cell::OnceCell, ops::Range};

use seal_api::Reason;
use seal_envelope::{Plaintext, decode_base64};
use seal_manifest::{Content, Format, Node, lines};
use seal_sealing::{Cleartext, first_holding};

use super::{
    position,
    source::{Found, Source},
};
use crate::problem::{Place, Problem};

/// One comment that stays in the file.
struct Comment<'t> {
    /// The number of its line, from 0 at the start of what surrounds the document.
    line: usize,
    text: &'t str,
}

/// The Secrets with a comment beside them that gives a value away, each with its problem.
pub(super) fn leaks<'f, 's>(
    source: &Source<'_>,
    found: &'f [Found<'s>],
) -> Vec<(&'f Found<'s>, Problem)> {
    let mut leaks = Vec::new();
    for group in found.chunk_by(|one, other| one.document.index == other.document.index) {
        let position = position(group[0].document);
        let comments = comments(source, position, group);
        if comments.is_empty() {
            continue;
        }
        let first_line = OnceCell::new();
        let line_of = |comment: &Comment<'_>| {
            let count = || lines(&source.text()[..source.surroundings(position).start]).count();
            1 + first_line.get_or_init(count) + comment.line
        };
        let values: Vec<Cleartext> = group
            .iter()
            .map(|found| Cleartext::of(&found.secret))
            .collect();
        let texts: Vec<&str> = comments.iter().map(|comment| comment.text).collect();
        for (found, leak) in group.iter().zip(first_holding(&values, &texts)) {
            let leak = leak.map(|number| problem(source, found, line_of(&comments[number])));
            leaks.extend(leak.map(|problem| (found, problem)));
        }
    }
    leaks
}

/// Whether a comment in or before the document at a position holds a value of Secrets, or of what was meant for such,
/// that are in it no more: any text of theirs, as it is and decoded, but for what names the object.
pub(super) fn give_away(source: &Source<'_>, position: usize, removed: &[&Node]) -> bool {
    let comments = comments(source, position, &[]);
    if comments.is_empty() {
        return false;
    }
    let mut texts = Vec::new();
    let telling = |entry: &&seal_manifest::Entry| {
        let key = entry.key.scalar().map_or("", |key| key.text());
        !["apiVersion", "kind", "metadata", "type", "immutable"].contains(&key)
    };
    for node in removed {
        match node.entries() {
            Some(entries) => entries
                .iter()
                .filter(telling)
                .for_each(|entry| add_texts(&entry.value, &mut texts)),
            None => add_texts(node, &mut texts),
        }
    }
    let cleartext = Cleartext::of_values(&texts);
    comments.iter().any(|comment| cleartext.is_in(comment.text))
}

fn add_texts(node: &Node, texts: &mut Vec<Plaintext>) {
    match &node.content {
        Content::Scalar(scalar) => {
            let decoded = decode_base64(scalar.text()).ok();
            texts.extend(decoded.map(Plaintext::from));
            texts.push(scalar.text().as_bytes().into());
        }
        Content::Sequence(items) => items.iter().for_each(|item| add_texts(item, texts)),
        Content::Mapping(entries) => entries
            .iter()
            .for_each(|entry| add_texts(&entry.value, texts)),
    }
}

fn problem(source: &Source<'_>, found: &Found<'_>, line: usize) -> Problem {
    let place = Place {
        line: Some(line),
        column: None,
        ..source.place(found)
    };
    let message = "the comment holds a value of the Secret in cleartext and would be committed";
    Problem::new(Reason::PlaintextInMetadata, message)
        .at(place)
        .hint("remove the comment, and change the value if it was committed before")
}

/// The comments around the document at a position and in it, outside the Secrets in it.
fn comments<'s>(source: &'s Source<'_>, position: usize, sealed: &[Found<'_>]) -> Vec<Comment<'s>> {
    let region = source.surroundings(position);
    let text = &source.text()[region.clone()];
    if source.format() == Format::Json || !text.contains('#') {
        return Vec::new();
    }
    let mut inside: Vec<&Range<usize>> = sealed.iter().map(|found| &found.node.range).collect();
    inside.sort_unstable_by_key(|range| range.start);
    let is_inside = |offset: usize| {
        let after = inside.partition_point(|range| range.start <= offset);
        after > 0 && inside[after - 1].contains(&offset)
    };
    let mut line_start = region.start;
    let mut comments = Vec::new();
    for (number, line) in lines(text).enumerate() {
        if let Some(text) = comment_in(line).filter(|_| !is_inside(line_start)) {
            comments.push(Comment { line: number, text });
        }
        line_start += line.len();
    }
    comments
}

/// From a `#` at the start of a line, with or without a byte order mark, or behind a blank.
fn comment_in(line: &str) -> Option<&str> {
    let starts = |at: &usize| line[..*at].ends_with([' ', '\t', '\u{feff}']) || *at == 0;
    let at = line.match_indices('#').map(|(at, _)| at).find(starts)?;
    Some(&line[at..])
}
