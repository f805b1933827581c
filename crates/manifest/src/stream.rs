//! A text to its documents.
//!
//! A document that does not parse is an error in its place and hides none of its neighbours.
//! Documents without content (comments only) are left out; edits pass their bytes through.

use std::ops::Range;

use serde_json::Value;

use crate::{Error, Node, json, yaml};

mod parts;
mod split;

pub use parts::{Part, parts};

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON: one value, or several one after another.
    Json,
}

/// How much is read before a text counts as an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole input, and of what aliases expand to in one document.
    pub bytes: usize,
    /// Documents of the whole input.
    pub documents: usize,
    /// Values of one document, keys included, aliases expanded.
    pub nodes: usize,
    /// Values of one document that aliases bring in.
    pub alias_nodes: usize,
    /// Levels of nesting, at most 1,000.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            documents: 50_000,
            nodes: 1_000_000,
            alias_nodes: 100_000,
            depth: 100,
        }
    }
}

impl Limits {
    fn check_size(&self, text: &str) -> Result<(), Error> {
        if text.len() <= self.bytes {
            return Ok(());
        }
        Err(Error::TooLarge {
            bytes: text.len(),
            limit: self.bytes,
        })
    }
}

/// The documents of a text.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What the text is written in.
    pub format: Format,
    /// The documents with content in order, each read by itself.
    pub documents: Vec<Result<Document, Error>>,
    /// The bytes of each document in the text, also of those that could not be read; parallel to
    /// `documents`. What is cut out by them leaves the other documents whole.
    pub ranges: Vec<Range<usize>>,
}

/// One document of a text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its number among the documents with content, from 1.
    pub index: usize,
    /// Its bytes in the text. In YAML with its directives, its `---` line, the comments around it
    /// and a `...` line; in JSON the value.
    pub range: Range<usize>,
    /// The line where the range starts, from 1.
    pub line: usize,
    /// Its value.
    pub root: Node,
    /// What it is written in.
    pub format: Format,
    /// Where a `...` line starts, else the end of the range.
    pub(crate) end: usize,
}

/// Reads the documents of a text.
///
/// A text that starts with `{` or `[` is read as JSON; where it is no JSON but YAML in that form,
/// as YAML.
///
/// # Errors
///
/// [`Error::TooLarge`] and [`Error::TooManyDocuments`]. All other errors belong to one document
/// and stand in its place in the stream. In JSON nothing after a broken value can be told apart,
/// so its error is the last item.
pub fn read(text: &str, limits: &Limits) -> Result<Stream, Error> {
    limits.check_size(text)?;
    if !starts_like_json(text) {
        return read_yaml(text, limits);
    }
    let json = json::documents(text, limits)?;
    if !matches!(json.last(), Some(Err(Error::Syntax { .. }))) {
        return Ok(json_stream(text, json));
    }
    let yaml = read_yaml(text, limits)?;
    if !yaml.documents.is_empty() && yaml.documents.iter().all(Result::is_ok)
        || is_divided_like_yaml(text, &json)
    {
        return Ok(yaml);
    }
    Ok(json_stream(text, json))
}

/// A broken value reaches to the end of the text, as nothing after it can be told apart.
fn json_stream(text: &str, documents: Vec<Result<Document, Error>>) -> Stream {
    let mut ranges: Vec<Range<usize>> = Vec::with_capacity(documents.len());
    for document in &documents {
        let end = ranges.last().map_or(0, |range| range.end);
        let range = document.as_ref().map(|document| document.range.clone());
        ranges.push(range.unwrap_or(end..text.len()));
    }
    Stream {
        format: Format::Json,
        documents,
        ranges,
    }
}

/// A document that is read once more, to see whether it is as it should be.
pub(crate) enum Again {
    /// It says what it was known to say.
    AsKnown,
    /// What it says.
    Read(Result<Node, Error>),
}

/// Reads a text as [`read`] does, without a tree for documents that say what `known` tells of the document with a
/// number, from 0.
pub(crate) fn read_again<'v>(
    text: &str,
    limits: &Limits,
    known: impl Fn(usize) -> Option<&'v Value>,
) -> Result<Vec<Again>, Error> {
    if starts_like_json(text) {
        let documents = read(text, limits)?.documents;
        let roots = documents
            .into_iter()
            .map(|document| document.map(|document| document.root));
        return Ok(roots.map(Again::Read).collect());
    }
    limits.check_size(text)?;
    let again = each_yaml(text, limits, |chunk, index| {
        if known(index - 1).is_some_and(|value| yaml::says(text, chunk, limits, value)) {
            return Some(Again::AsKnown);
        }
        yaml::root(text, chunk, index, limits)
            .transpose()
            .map(Again::Read)
    })?;
    Ok(again.into_iter().map(|(_, again)| again).collect())
}

fn read_yaml(text: &str, limits: &Limits) -> Result<Stream, Error> {
    let roots = each_yaml(text, limits, |chunk, index| {
        yaml::root(text, chunk, index, limits).transpose()
    })?;
    let ranges = roots.iter().map(|(chunk, _)| chunk.range.clone()).collect();
    let document = |(position, (chunk, root)): (usize, (Chunk, Result<Node, Error>))| {
        root.map(|root| Document {
            index: position + 1,
            range: chunk.range,
            line: chunk.line,
            root,
            format: Format::Yaml,
            end: chunk.end,
        })
    };
    Ok(Stream {
        format: Format::Yaml,
        documents: roots.into_iter().enumerate().map(document).collect(),
        ranges,
    })
}

/// Looks at each piece of the text that holds a document; `look` gets the document's number from 1, and finds none where
/// there is nothing but comments.
fn each_yaml<T>(
    text: &str,
    limits: &Limits,
    look: impl Fn(&Chunk, usize) -> Option<T>,
) -> Result<Vec<(Chunk, T)>, Error> {
    let mut found = Vec::new();
    for chunk in chunks(text) {
        let index = found.len() + 1;
        let Some(result) = look(&chunk, index) else {
            continue;
        };
        if index > limits.documents {
            return Err(Error::TooManyDocuments {
                limit: limits.documents,
            });
        }
        found.push((chunk, result));
    }
    Ok(found)
}

fn starts_like_json(text: &str) -> bool {
    text.trim_start_matches(['\u{feff}', ' ', '\t', '\n', '\r'])
        .starts_with(['{', '['])
}

/// Whether a document marker or a comment follows the values that were read as JSON.
fn is_divided_like_yaml(text: &str, json: &[Result<Document, Error>]) -> bool {
    let good = json
        .iter()
        .rev()
        .find_map(|document| document.as_ref().ok());
    good.is_some_and(|document| {
        let rest = text[document.range.end..].trim_start();
        ["---", "...", "#"]
            .iter()
            .any(|mark| rest.starts_with(mark))
    })
}

pub(crate) use split::{Chunk, chunks};

#[cfg(test)]
mod tests;
