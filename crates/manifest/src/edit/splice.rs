//! Byte ranges to replace, and what to put there.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::position::Walker;
use crate::{Error, Stream};

/// One range of the text and its replacement.
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) with: Zeroizing<String>,
}

impl Splice {
    pub(super) fn insert(at: usize, with: Zeroizing<String>) -> Self {
        Self {
            range: at..at,
            with,
        }
    }

    pub(super) fn delete(range: Range<usize>) -> Self {
        Self {
            range,
            with: Zeroizing::default(),
        }
    }
}

/// The text with all splices made; none may touch another's bytes.
pub(super) fn apply(
    text: &str,
    stream: &Stream,
    mut splices: Vec<Splice>,
) -> Result<Zeroizing<String>, Error> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let added: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut edited = Zeroizing::new(String::with_capacity(text.len() + added));
    let mut done = 0;
    for splice in &splices {
        if splice.range.start < done {
            return Err(overlap(text, stream, splice.range.start));
        }
        edited.push_str(&text[done..splice.range.start]);
        edited.push_str(&splice.with);
        done = splice.range.end;
    }
    edited.push_str(&text[done..]);
    Ok(edited)
}

fn overlap(text: &str, stream: &Stream, offset: usize) -> Error {
    let good = stream
        .documents
        .iter()
        .filter_map(|document| document.as_ref().ok());
    let mut before = good.filter(|document| document.range.start <= offset);
    let document = before.next_back().map_or(1, |document| document.index);
    Error::EditsOverlap {
        document,
        position: Walker::new(text, 0, 1).at(offset),
    }
}
