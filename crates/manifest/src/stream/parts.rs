//! A long text cut into parts that are read and edited each by itself, for instance on several cores.

use std::ops::Range;

use super::split::chunks;
use super::{Limits, starts_like_json};
use crate::Error;

/// A part of a text. The parts follow one another without gaps, and each reads as its documents read in the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// How many lines stand before it.
    pub lines_before: usize,
    /// How many documents stand before it.
    pub documents_before: usize,
}

/// Cuts a YAML text after every `documents` documents; a JSON text stays whole.
///
/// # Errors
///
/// [`Error::TooLarge`] and [`Error::TooManyDocuments`], for the text as a whole.
pub fn parts(text: &str, limits: &Limits, documents: usize) -> Result<Vec<Part>, Error> {
    limits.check_size(text)?;
    let mut parts = vec![Part {
        range: 0..text.len(),
        lines_before: 0,
        documents_before: 0,
    }];
    if starts_like_json(text) {
        return Ok(parts);
    }
    let chunks = chunks(text);
    if chunks.iter().filter(|chunk| chunk.has_content).count() > limits.documents {
        return Err(Error::TooManyDocuments {
            limit: limits.documents,
        });
    }
    let mut seen = 0;
    for (chunk, next) in chunks.iter().zip(chunks.iter().skip(1)) {
        seen += usize::from(chunk.has_content);
        let open = parts.len() - 1;
        let is_full = seen - parts[open].documents_before >= documents.max(1);
        let start = next.range.start;
        if chunk.has_content && is_full && !starts_like_json(&text[start..]) {
            parts[open].range.end = start;
            parts.push(Part {
                range: start..text.len(),
                lines_before: next.line - 1,
                documents_before: seen,
            });
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Document, read};

    const TEXT: &str =
        "# head\na: 1\n---\n# only a comment\n---\nb: 2\n...\n{c: 3}\n---\nd: [\n---\ne: 5\n";

    /// Where and what each readable document is, as numbered in the whole.
    fn seen(text: &str, part: &Part) -> Vec<(usize, usize, usize, serde_json::Value)> {
        let documents = read(&text[part.range.clone()], &Limits::default())
            .expect("the sample is small")
            .documents;
        let numbers = |document: Document| {
            (
                part.documents_before + document.index,
                part.lines_before + document.root.position.line,
                part.range.start + document.root.range.start,
                document.root.to_json(),
            )
        };
        documents.into_iter().flatten().map(numbers).collect()
    }

    fn check(text: &str, documents: usize) {
        let whole = Part {
            range: 0..text.len(),
            lines_before: 0,
            documents_before: 0,
        };
        let parts = parts(text, &Limits::default(), documents).expect("the sample is small");
        let joined: String = parts.iter().map(|part| &text[part.range.clone()]).collect();
        assert_eq!(joined, text);
        let of_parts: Vec<_> = parts.iter().flat_map(|part| seen(text, part)).collect();
        assert_eq!(of_parts, seen(text, &whole), "{text:?}");
    }

    #[test]
    fn parts_read_as_the_whole_reads() {
        for documents in 0..6 {
            check(TEXT, documents);
        }
        assert_eq!(
            parts(TEXT, &Limits::default(), 1).map(|parts| parts.len()),
            Ok(4)
        );
    }

    #[test]
    fn limits_count_for_the_whole() {
        let few = Limits {
            documents: 3,
            ..Limits::default()
        };
        let error = Error::TooManyDocuments { limit: 3 };
        assert_eq!(parts(TEXT, &few, 1), Err(error));
        let small = Limits {
            bytes: 10,
            ..Limits::default()
        };
        assert!(matches!(
            parts(TEXT, &small, 1),
            Err(Error::TooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn any_text_reads_the_same_in_parts(lines in prop::collection::vec(
            prop::sample::select(vec!["---", "...", "# c", "a: 1", "b: [1, 2]", "{c: 3}", "%YAML 1.2", "", "--- {d: 4}", "- x"]), 0..14)) {
            let text = lines.join("\n");
            for documents in 1..4 {
                check(&text, documents);
            }
        }
    }
}
