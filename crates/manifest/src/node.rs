//! The values of a document: where each stands, how it is written, what it says.
//!
//! A node never shows its scalars in `Debug` output; their text is wiped when dropped.

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::kind::{Resolved, resolve};
use crate::{Position, ScalarKind};

/// One value of a document: a scalar, a sequence or a mapping.
#[derive(Clone)]
pub struct Node {
    /// The bytes of the value in the text: quotes, brackets and the header of a block scalar are
    /// part of it; an anchor, a tag, comments after it and the last line break are not. The range
    /// of an absent value (`key:`) is empty and lies after the colon. For an alias it is the
    /// alias.
    pub range: Range<usize>,
    /// Where the range starts.
    pub position: Position,
    /// What the value is.
    pub content: Content,
    /// Where the value starts with its anchor and tag.
    pub(crate) start: usize,
    pub(crate) style: Style,
    pub(crate) origin: Origin,
    pub(crate) anchored: bool,
    pub(crate) shared: bool,
    /// The ranges of the `<<` entries of a mapping, whose content stands among its entries.
    pub(crate) merges: Vec<Range<usize>>,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A single value.
    Scalar(Scalar),
    /// Values in order.
    Sequence(Vec<Node>),
    /// Keys with their values, in order, keys not repeated; merge keys (`<<`) are resolved and
    /// what they bring in comes last.
    Mapping(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key, always a scalar.
    pub key: Node,
    /// The value.
    pub value: Node,
    /// Where the entry starts, with the `?` of an explicit key.
    pub(crate) start: usize,
    /// The offset after the colon, where there is one.
    pub(crate) colon: Option<usize>,
}

/// The text of a scalar, without quotes and escapes, and the type kubectl gives it.
#[derive(Clone)]
pub struct Scalar {
    pub(crate) text: Zeroizing<String>,
    pub(crate) kind: ScalarKind,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in single quotes.
    SingleQuoted,
    /// A scalar in double quotes.
    DoubleQuoted,
    /// A block scalar with `|`.
    Literal,
    /// A block scalar with `>`.
    Folded,
    /// A mapping or sequence by indentation.
    Block,
    /// A mapping or sequence in brackets.
    Flow,
    /// A mapping of one pair without brackets, inside a sequence with brackets.
    Pair,
}

/// How a value came to stand where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is written there.
    Written,
    /// An alias (`*name`) stands there.
    Alias,
    /// A merge key (`<<`) brought it in.
    Merge,
}

impl Node {
    /// The value under `key` in a mapping.
    ///
    /// Keys are compared as they are written, without quotes. kubectl names a plain key such as
    /// `yes` or `0123` by its value (`true`, `83`); the kind of the key's scalar tells.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value at the end of a path of keys, or of indices from 0 where a sequence stands.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |node, step| match &node.content {
                Content::Sequence(items) => items.get(step.parse::<usize>().ok()?),
                Content::Scalar(_) | Content::Mapping(_) => node.get(step),
            })
    }

    /// The text of a scalar that kubectl reads as a string.
    pub fn as_str(&self) -> Option<&str> {
        self.scalar()
            .filter(|scalar| scalar.kind == ScalarKind::String)
            .map(Scalar::text)
    }

    /// The scalar, if the value is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The entries, if the value is a mapping.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Mapping(entries) => Some(entries),
            Content::Scalar(_) | Content::Sequence(_) => None,
        }
    }

    /// The items, if the value is a sequence.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.content {
            Content::Sequence(items) => Some(items),
            Content::Scalar(_) | Content::Mapping(_) => None,
        }
    }

    /// Whether the value is null: absent, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.scalar()
            .is_some_and(|scalar| scalar.kind == ScalarKind::Null)
    }

    /// How the value is written.
    pub fn style(&self) -> Style {
        self.style
    }

    /// How the value came to stand here.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether an alias elsewhere in the document repeats this value or one it stands in.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// The value as `serde_json` has it, scalars typed as kubectl types them.
    ///
    /// A number that JSON cannot hold (`.inf`) becomes a string, one past 64 bits a float.
    ///
    /// # Security
    ///
    /// The copy is not wiped: use it for objects without cleartext and for metadata.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(scalar) => scalar.to_json(),
            Content::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Content::Mapping(entries) => {
                let pairs = entries.iter().filter_map(|entry| {
                    Some((entry.key.scalar()?.text().to_owned(), entry.value.to_json()))
                });
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.is_named(key))
    }

    /// Marks the value and all it holds as repeated from elsewhere.
    pub(crate) fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
        match &mut self.content {
            Content::Scalar(_) => {}
            Content::Sequence(items) => items.iter_mut().for_each(|item| item.set_origin(origin)),
            Content::Mapping(entries) => entries.iter_mut().for_each(|entry| {
                entry.key.set_origin(origin);
                entry.value.set_origin(origin);
            }),
        }
    }
}

impl Entry {
    pub(crate) fn is_named(&self, key: &str) -> bool {
        self.key.scalar().is_some_and(|scalar| scalar.text() == key)
    }
}

/// Whether a text of a kind says what a value of JSON says that is no collection.
pub(crate) fn says(text: &str, kind: ScalarKind, value: &Value) -> bool {
    match value {
        Value::String(expected) => kind == ScalarKind::String && expected == text,
        Value::Array(_) | Value::Object(_) => false,
        value => Scalar::of(value).same(&Scalar {
            kind,
            ..Scalar::string(text)
        }),
    }
}

impl Scalar {
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self {
            text: Zeroizing::new(text.into()),
            kind: ScalarKind::String,
        }
    }

    /// Null, a truth value or a number of JSON.
    fn of(value: &Value) -> Self {
        let kind = match value {
            Value::Null => ScalarKind::Null,
            Value::Bool(_) => ScalarKind::Bool,
            Value::Number(number) if number.is_f64() => ScalarKind::Float,
            _ => ScalarKind::Integer,
        };
        Self {
            kind,
            ..Self::string(value.to_string())
        }
    }

    /// The text without quotes and escapes; empty for an absent value.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type kubectl gives the scalar.
    pub fn kind(&self) -> ScalarKind {
        self.kind
    }

    pub(crate) fn to_json(&self) -> Value {
        let text = || Value::String(self.text.to_string());
        match self.kind {
            ScalarKind::String => text(),
            ScalarKind::Null => Value::Null,
            ScalarKind::Bool | ScalarKind::Integer => {
                resolve(&self.text).to_json().unwrap_or_else(text)
            }
            ScalarKind::Float => match resolve(&self.text) {
                // The tag `!!float` stands before a whole number.
                Resolved::Signed(value) => Resolved::Float(value as f64).to_json(),
                other => other.to_json(),
            }
            .unwrap_or_else(text),
        }
    }

    /// Whether it says what a value of JSON says that is no collection.
    pub(crate) fn says(&self, value: &Value) -> bool {
        says(&self.text, self.kind, value)
    }

    pub(crate) fn is_string(&self, text: &str) -> bool {
        self.kind == ScalarKind::String && self.text() == text
    }

    /// Whether both say the same, however they are written.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && (self.text == other.text
                || (self.kind != ScalarKind::String && self.to_json() == other.to_json()))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("range", &self.range)
            .field("position", &self.position)
            .field("content", &self.content)
            .field("style", &self.style)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scalar")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
