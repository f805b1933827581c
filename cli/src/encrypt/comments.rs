//! Comments around a Secret: they pass through, so none may hold a value of it.

use std::collections::BTreeMap;

use seal_api::Reason;
use seal_envelope::{Plaintext, decode_base64};
use seal_manifest::{Content, Format, Node};
use seal_sealing::{Cleartext, Secret};
use serde_json::Map;

use super::{
    position,
    source::{Found, Source},
};
use crate::problem::{Place, Problem};

/// One comment that stays in the file.
struct Comment<'t> {
    /// Where its line starts in the part.
    line_start: usize,
    text: &'t str,
}

/// The Secrets with a comment beside them that gives a value away, each with its problem.
pub(super) fn leaks<'f, 's>(
    source: &Source<'_>,
    found: &'f [Found<'s>],
) -> Vec<(&'f Found<'s>, Problem)> {
    let mut leaks = Vec::new();
    for group in found.chunk_by(|one, other| one.document.index == other.document.index) {
        let comments = comments(source, position(group[0].document), group);
        if comments.is_empty() {
            continue;
        }
        for found in group {
            let cleartext = Cleartext::of(&found.secret);
            let leak = comments
                .iter()
                .find(|comment| cleartext.is_in(comment.text));
            leaks.extend(leak.map(|comment| (found, problem(source, found, comment))));
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
    let mut data = BTreeMap::new();
    let telling = |entry: &&seal_manifest::Entry| {
        let key = entry.key.scalar().map_or("", |key| key.text());
        !["apiVersion", "kind", "metadata", "type", "immutable"].contains(&key)
    };
    for node in removed {
        match node.entries() {
            Some(entries) => entries
                .iter()
                .filter(telling)
                .for_each(|entry| add_texts(&entry.value, &mut data)),
            None => add_texts(node, &mut data),
        }
    }
    let cleartext = Cleartext::of(&Secret {
        metadata: Map::new(),
        type_: None,
        immutable: None,
        data,
    });
    comments.iter().any(|comment| cleartext.is_in(comment.text))
}

fn add_texts(node: &Node, data: &mut BTreeMap<String, Plaintext>) {
    match &node.content {
        Content::Scalar(scalar) => {
            let decoded = decode_base64(scalar.text()).ok();
            let decoded = decoded.iter().map(|bytes| bytes.as_slice());
            for bytes in decoded.chain([scalar.text().as_bytes()]) {
                data.insert(data.len().to_string(), bytes.into());
            }
        }
        Content::Sequence(items) => items.iter().for_each(|item| add_texts(item, data)),
        Content::Mapping(entries) => entries
            .iter()
            .for_each(|entry| add_texts(&entry.value, data)),
    }
}

fn problem(source: &Source<'_>, found: &Found<'_>, comment: &Comment<'_>) -> Problem {
    let lines_before = source.text()[..comment.line_start].matches('\n').count();
    let place = Place {
        line: Some(1 + lines_before),
        column: None,
        ..source.place(found)
    };
    let message = "the comment holds a value of the Secret in cleartext and would be committed";
    Problem::new(Reason::PlaintextInMetadata, message)
        .at(place)
        .hint("remove the comment, and change the value if it was committed before")
}

/// The comments from the end of the document before to the end of the one at a position, outside the Secrets in it.
fn comments<'s>(source: &'s Source<'_>, position: usize, sealed: &[Found<'_>]) -> Vec<Comment<'s>> {
    if source.format() == Format::Json {
        return Vec::new();
    }
    let region = source.surroundings(position);
    let mut line_start = region.start;
    let text = &source.text()[region];
    let mut comments = Vec::new();
    if !text.contains('#') {
        return comments;
    }
    for line in text.split_inclusive('\n') {
        let inside = |found: &Found<'_>| found.node.range.contains(&line_start);
        if let Some(text) = comment_in(line).filter(|_| !sealed.iter().any(inside)) {
            comments.push(Comment { line_start, text });
        }
        line_start += line.len();
    }
    comments
}

/// From a `#` at the start of a line or behind a blank.
fn comment_in(line: &str) -> Option<&str> {
    let starts = |at: &usize| line[..*at].ends_with([' ', '\t']) || *at == 0;
    let at = line.match_indices('#').map(|(at, _)| at).find(starts)?;
    Some(&line[at..])
}
