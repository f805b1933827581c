//! A text to its documents.
//!
//! A document that does not parse is an error in its place and hides none of its neighbours.
//! Documents without content (comments only) are left out; edits pass their bytes through.

use std::ops::Range;

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

fn read_yaml(text: &str, limits: &Limits) -> Result<Stream, Error> {
    let mut documents = Vec::new();
    let mut ranges = Vec::new();
    for chunk in split::chunks(text) {
        let index = documents.len() + 1;
        let Some(root) = yaml::root(text, &chunk, index, limits).transpose() else {
            continue;
        };
        if index > limits.documents {
            return Err(Error::TooManyDocuments {
                limit: limits.documents,
            });
        }
        ranges.push(chunk.range.clone());
        documents.push(root.map(|root| Document {
            index,
            range: chunk.range,
            line: chunk.line,
            root,
            format: Format::Yaml,
            end: chunk.end,
        }));
    }
    Ok(Stream {
        format: Format::Yaml,
        documents,
        ranges,
    })
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

pub(crate) use split::Chunk;

#[cfg(test)]
mod tests;
