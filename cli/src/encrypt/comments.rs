//! Comments around a Secret: they pass through, so none may hold a value of it.

use seal_api::Reason;
use seal_manifest::Format;
use seal_sealing::Cleartext;

use super::{
    position,
    source::{Found, Source},
};
use crate::problem::{Place, Problem};

/// One comment that stays in the file.
struct Comment<'t> {
    line: usize,
    text: &'t str,
}

/// The Secrets with a comment beside them that gives a value away, each with its problem.
pub(super) fn leaks<'f>(
    source: &Source<'_>,
    found: &'f [Found<'f>],
) -> Vec<(&'f Found<'f>, Problem)> {
    let mut leaks = Vec::new();
    for group in found.chunk_by(|one, other| one.document.index == other.document.index) {
        let comments = comments(source, group);
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

fn problem(source: &Source<'_>, found: &Found<'_>, comment: &Comment<'_>) -> Problem {
    let place = Place {
        line: Some(comment.line),
        column: None,
        ..source.place(found)
    };
    let message = "the comment holds a value of the Secret in cleartext and would be committed";
    Problem::new(Reason::PlaintextInMetadata, message)
        .at(place)
        .hint("remove the comment, and change the value if it was committed before")
}

/// The comments from the end of the document before to the end of this one, outside the Secrets themselves.
fn comments<'s>(source: &'s Source<'_>, group: &[Found<'_>]) -> Vec<Comment<'s>> {
    if source.format() == Format::Json {
        return Vec::new();
    }
    let text = source.text();
    let region = source.surroundings(position(group[0].document));
    let first_line = 1 + text[..region.start].matches('\n').count();
    let mut start = region.start;
    let mut comments = Vec::new();
    for (number, line) in text[region].split_inclusive('\n').enumerate() {
        let inside = |found: &Found<'_>| found.node.range.contains(&start);
        if let Some(text) = comment_in(line).filter(|_| !group.iter().any(inside)) {
            comments.push(Comment {
                line: first_line + number,
                text,
            });
        }
        start += line.len();
    }
    comments
}

/// From a `#` at the start of a line or behind a blank.
fn comment_in(line: &str) -> Option<&str> {
    let starts = |at: &usize| line[..*at].ends_with([' ', '\t']) || *at == 0;
    let at = line.match_indices('#').map(|(at, _)| at).find(starts)?;
    Some(&line[at..])
}
