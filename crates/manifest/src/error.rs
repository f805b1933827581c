//! What can go wrong while a document is read, edited or written.
//!
//! The input holds cleartext secrets, so no variant carries a piece of it: a message names the
//! document, the line, the column and at most the keys that lead there. The texts of the parsers
//! underneath never appear.

use crate::Position;

/// A document could not be read, edited or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no UTF-8.
    #[error("line {line} is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The line, from 1, that holds the first wrong byte.
        line: usize,
    },
    /// The bytes look like UTF-16 and break off or hold half a surrogate pair.
    #[error("line {line} is not UTF-16; save the file as UTF-8")]
    NotUtf16 {
        /// The line, from 1, that holds the first wrong unit.
        line: usize,
    },
    /// The input is larger than [`crate::Limits::bytes`].
    #[error("the input has {bytes} bytes, at most {limit} are read; split it")]
    TooLarge {
        /// The size of the input.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The input holds more documents than [`crate::Limits::documents`].
    #[error("the input holds more than {limit} documents; split it")]
    TooManyDocuments {
        /// The limit.
        limit: usize,
    },
    /// A document holds more nodes than [`crate::Limits::nodes`].
    #[error("document {document}, {position}: the document holds more than {limit} values")]
    TooManyNodes {
        /// The document, from 1.
        document: usize,
        /// Where the limit was passed.
        position: Position,
        /// The limit.
        limit: usize,
    },
    /// A document is nested deeper than [`crate::Limits::depth`].
    #[error("document {document}, {position}: the document is nested deeper than {limit} levels")]
    TooDeep {
        /// The document, from 1.
        document: usize,
        /// Where the limit was passed.
        position: Position,
        /// The limit.
        limit: usize,
    },
    /// The document is not valid YAML or JSON, or readers disagree on what it says.
    #[error("document {document}, {position}: {what}")]
    Syntax {
        /// The document, from 1.
        document: usize,
        /// Where the parser stopped.
        position: Position,
        /// What is wrong, in general words.
        what: &'static str,
    },
    /// A mapping holds one key twice.
    #[error(
        "document {document}, {position}: the key stands twice in the mapping{}; remove one",
        at_path(path)
    )]
    DuplicateKey {
        /// The document, from 1.
        document: usize,
        /// Where the key stands the second time.
        position: Position,
        /// The path of the mapping, empty for the root.
        path: String,
    },
    /// A mapping key is a mapping or a sequence.
    #[error("document {document}, {position}: the key is not a simple text")]
    UnsupportedKey {
        /// The document, from 1.
        document: usize,
        /// Where the key stands.
        position: Position,
    },
    /// A value carries a tag other than those of the JSON types, or one that does not fit it.
    #[error(
        "document {document}, {position}: the tag is not supported here; write the value \
        without it"
    )]
    UnsupportedTag {
        /// The document, from 1.
        document: usize,
        /// Where the value stands.
        position: Position,
    },
    /// An alias has no anchor, contains itself, or expands to too much.
    #[error("document {document}, {position}: {what}")]
    Alias {
        /// The document, from 1.
        document: usize,
        /// Where the alias stands.
        position: Position,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The edit cannot be made in place.
    #[error("document {document}, {position}: cannot edit: {what}")]
    EditNotPossible {
        /// The document, from 1.
        document: usize,
        /// The value or mapping that was to be edited.
        position: Position,
        /// Why not.
        what: &'static str,
    },
    /// The node or document handed to an edit was not read from the text that is edited.
    #[error("cannot edit: the value is not part of this text")]
    NotInText,
    /// Two edits touch the same bytes.
    #[error("document {document}, {position}: cannot edit: another edit touches the same lines")]
    EditsOverlap {
        /// The document, from 1.
        document: usize,
        /// Where the second edit starts.
        position: Position,
    },
    /// The edited text, read again, does not hold what was intended; nothing was written.
    #[error(
        "document {document}: the edited text would not read back as intended; edit it by hand"
    )]
    EditNotVerified {
        /// The document, from 1.
        document: usize,
    },
    /// A value has no form in YAML or JSON (for example a map with keys that are no texts).
    #[error("the value cannot be written as YAML or JSON")]
    NotWritable,
}

impl Error {
    /// Where in the text the error is, where it has one place.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::TooManyNodes { position, .. }
            | Self::TooDeep { position, .. }
            | Self::Syntax { position, .. }
            | Self::DuplicateKey { position, .. }
            | Self::UnsupportedKey { position, .. }
            | Self::UnsupportedTag { position, .. }
            | Self::Alias { position, .. }
            | Self::EditNotPossible { position, .. }
            | Self::EditsOverlap { position, .. } => Some(*position),
            Self::NotUtf8 { line } | Self::NotUtf16 { line } => Some(Position {
                line: *line,
                column: 1,
            }),
            Self::TooLarge { .. }
            | Self::TooManyDocuments { .. }
            | Self::NotInText
            | Self::EditNotVerified { .. }
            | Self::NotWritable => None,
        }
    }

    /// The message without document, line and column, for where those are shown apart.
    pub fn explanation(&self) -> String {
        without_place(&self.to_string()).to_owned()
    }

    /// The document, from 1, that the error is about, where it is about one.
    pub fn document(&self) -> Option<usize> {
        match self {
            Self::TooManyNodes { document, .. }
            | Self::TooDeep { document, .. }
            | Self::Syntax { document, .. }
            | Self::DuplicateKey { document, .. }
            | Self::UnsupportedKey { document, .. }
            | Self::UnsupportedTag { document, .. }
            | Self::Alias { document, .. }
            | Self::EditNotPossible { document, .. }
            | Self::EditsOverlap { document, .. }
            | Self::EditNotVerified { document } => Some(*document),
            Self::NotUtf8 { .. }
            | Self::NotUtf16 { .. }
            | Self::TooLarge { .. }
            | Self::TooManyDocuments { .. }
            | Self::NotInText
            | Self::NotWritable => None,
        }
    }
}

/// A message without the place in front of it.
fn without_place(message: &str) -> &str {
    let rest = message
        .strip_prefix("document ")
        .and_then(|rest| rest.split_once(": "));
    rest.map_or(message, |(_, rest)| rest)
}

fn at_path(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" {path}")
    }
}
