//! One YAML document to its tree.
//!
//! The events come from `granit-parser`; this module adds what its spans leave out (headers of
//! block scalars, dashes, ends of collections), follows aliases and merge keys within budgets,
//! and refuses what YAML readers disagree on. Error texts of the parser are not used.

use std::collections::HashSet;

use granit_parser::{ErrorKind, Parser, ScanError};

use crate::position::Walker;
use crate::stream::Chunk;
use crate::{Error, Limits, Node, Position};

mod budget;
mod build;
mod frame;
mod lexical;
mod merge;
mod says;
mod style;
mod tag;

use build::Builder;
pub(crate) use frame::shown;
pub(crate) use lexical::skip_to_token;
pub(crate) use says::says;

/// The deepest nesting that can be asked for: trees are walked by recursion.
pub(crate) const MAX_DEPTH: usize = 1000;

/// YAML 1.1 ends lines at these characters and YAML 1.2 does not, so that kubectl and others read two different values.
const DISPUTED_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Reads the document in a chunk, if there is one.
pub(crate) fn root(
    text: &str,
    chunk: &Chunk,
    document: usize,
    limits: &Limits,
) -> Result<Option<Node>, Error> {
    if !chunk.has_content {
        return Ok(None);
    }
    let depth = limits.depth.min(MAX_DEPTH);
    let source = Source::new(text, chunk, document);
    let used = source.used_anchors(depth);
    let mut builder = Builder::new(source.clone(), limits, depth, used);
    let mut parser = source.parser(depth);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| source.syntax(&error, depth))?;
        let anchor = if event.anchor_id().is_some() {
            parser.next_event()
        } else {
            None
        };
        let anchor = anchor
            .transpose()
            .map_err(|error| source.syntax(&error, depth))?;
        builder.event(event, span, anchor.map(|(_, span)| span))?;
    }
    builder.finish()
}

/// A chunk of a text, and how to speak of places in it.
#[derive(Clone)]
pub(crate) struct Source<'t> {
    pub(crate) text: &'t str,
    /// Where the parsed part starts.
    pub(crate) base: usize,
    /// Where the parsed part ends.
    pub(crate) end: usize,
    line: usize,
    pub(crate) document: usize,
}

impl<'t> Source<'t> {
    fn new(text: &'t str, chunk: &Chunk, document: usize) -> Self {
        let start = chunk.range.start;
        let mark = if text[start..].starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        Self {
            text,
            base: start + mark,
            end: chunk.end,
            line: chunk.line,
            document,
        }
    }

    fn parser(&self, depth: usize) -> Parser<'t, granit_parser::StrInput<'t>> {
        let options = granit_parser::options! {
            emit_anchor_events: true,
            emit_comments: false,
            flow_nesting_limit: depth,
            block_nesting_limit: depth,
        };
        Parser::new_from_str_with_options(&self.text[self.base..self.end], options)
    }

    /// The anchors that aliases refer to.
    fn used_anchors(&self, depth: usize) -> HashSet<usize> {
        let part = &self.text[self.base..self.end];
        if !part.contains('*') || !part.contains('&') {
            return HashSet::new();
        }
        let events = self.parser(depth).map_while(Result::ok);
        events.filter_map(|(event, _)| event.alias_id()).collect()
    }

    pub(crate) fn position(&self, marker: &granit_parser::Marker) -> Position {
        Position {
            line: self.line + marker.line() - 1,
            column: marker.col() + 1,
        }
    }

    pub(crate) fn walker(&self) -> Walker<'t> {
        Walker::new(self.text, self.base, self.line)
    }

    fn syntax(&self, error: &ScanError, depth: usize) -> Error {
        let (document, position) = (self.document, self.position(error.marker()));
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => Error::TooDeep {
                document,
                position,
                limit: depth,
            },
            ErrorKind::UnknownAnchor => Error::Alias {
                document,
                position,
                what: "the alias has no anchor before it",
            },
            kind => Error::Syntax {
                document,
                position,
                what: what(kind),
            },
        }
    }
}

/// The general words for a parser error. They are ours: the parser's own may quote the input.
fn what(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            "a quoted value is not closed before the document ends"
        }
        ErrorKind::InvalidQuotedScalarIndent => {
            "a quoted value is not closed, or a line of it is not indented"
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => "a bracket is not closed",
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            "a closing bracket does not fit"
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "a tab stands where only spaces may indent",
        ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidFlowScalarIndent => "the indentation fits no line above",
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            "unknown escape in double quotes"
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            "a colon stands where no key can be; quote the value if the colon is part of it"
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::SimpleKeyExpected => {
            "expected a key with a colon"
        }
        ErrorKind::UndeclaredTagHandle => "the tag is not declared",
        _ => "not valid YAML here",
    }
}
