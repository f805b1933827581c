//! What the documents shall say after the edits, and whether they do.
//!
//! Nothing is copied for it: what stays is compared with the tree that was read, what is new with the value that was
//! given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::mapping::MappingEdit;
use super::site::Target;
use crate::node::{Content, Entry, Node, Scalar};
use crate::stream::{Again, read_again};
use crate::{Error, Limits, Stream};

/// All edits of a text by their places.
#[derive(Default)]
pub(super) struct Changes<'e>(BTreeMap<&'e Target, Change<'e>>);

/// What happens to one value.
#[derive(Clone, Copy)]
pub(super) enum Change<'e> {
    Text(&'e str),
    Value(&'e Value),
    Mapping(&'e MappingEdit),
    /// The numbers of the items that go.
    Items(&'e BTreeSet<usize>),
}

impl<'e> Changes<'e> {
    pub(super) fn add(&mut self, target: &'e Target, change: Change<'e>) {
        self.0.insert(target, change);
    }

    fn at(&self, target: &Target) -> Option<Change<'e>> {
        self.0.get(target).copied()
    }

    /// What a document shall say, where that is one new value as a whole.
    fn of_document(&self, number: usize) -> Option<&'e Value> {
        let root = Target {
            document: number,
            path: Vec::new(),
        };
        match self.at(&root)? {
            Change::Value(value) => Some(value),
            Change::Text(_) | Change::Mapping(_) | Change::Items(_) => None,
        }
    }

    /// Whether anything changes at the target or below it, which is what stands next in order.
    fn touch(&self, target: &Target) -> bool {
        let next = self.0.range::<Target, _>(target..).next();
        next.is_some_and(|(next, _)| {
            next.document == target.document && next.path.starts_with(&target.path)
        })
    }
}

/// What a value shall be.
enum Intended<'e> {
    /// As it was read.
    Kept(&'e Node),
    Text(&'e str),
    Value(&'e Value),
    Items(Vec<Self>),
    Entries(Vec<(&'e str, Self)>),
}

impl<'e> Intended<'e> {
    fn of(node: &'e Node, target: &mut Target, changes: &Changes<'e>) -> Self {
        if !changes.touch(target) {
            return Self::Kept(node);
        }
        match changes.at(target) {
            Some(Change::Text(text)) => Self::Text(text),
            Some(Change::Value(value)) => Self::Value(value),
            Some(Change::Mapping(edit)) => Self::entries(node, Some(edit), target, changes),
            Some(Change::Items(gone)) => Self::items(node, Some(gone), target, changes),
            None => match &node.content {
                Content::Scalar(_) => Self::Kept(node),
                Content::Sequence(_) => Self::items(node, None, target, changes),
                Content::Mapping(_) => Self::entries(node, None, target, changes),
            },
        }
    }

    fn items(
        node: &'e Node,
        gone: Option<&BTreeSet<usize>>,
        target: &mut Target,
        changes: &Changes<'e>,
    ) -> Self {
        let items = node.items().unwrap_or_default().iter().enumerate();
        let left = items.filter(|(number, _)| gone.is_none_or(|gone| !gone.contains(number)));
        Self::Items(
            left.map(|(number, item)| Self::child(item, number, target, changes))
                .collect(),
        )
    }

    /// A scalar, such as a key's missing value, counts as a mapping without entries.
    fn entries(
        node: &'e Node,
        edit: Option<&'e MappingEdit>,
        target: &mut Target,
        changes: &Changes<'e>,
    ) -> Self {
        let entries = node.entries().unwrap_or_default().iter().enumerate();
        let stays = |(number, entry): &(usize, &Entry)| {
            edit.is_none_or(|edit| {
                let is_overridden = edit.inserts.entries().any(|(key, _)| entry.is_named(key));
                !edit.removes.contains(number) && !is_overridden
            })
        };
        let kept = entries.filter(stays).map(|(number, entry)| {
            (
                name(entry),
                Self::child(&entry.value, number, target, changes),
            )
        });
        let mut entries: Vec<_> = kept.collect();
        let inserts = edit.into_iter().flat_map(|edit| edit.inserts.entries());
        entries.extend(inserts.map(|(key, value)| (key, Self::Value(value))));
        Self::Entries(entries)
    }

    fn child(node: &'e Node, number: usize, target: &mut Target, changes: &Changes<'e>) -> Self {
        target.path.push(number);
        let child = Self::of(node, target, changes);
        target.path.pop();
        child
    }

    fn is(&self, actual: &Node) -> bool {
        match (self, &actual.content) {
            (Self::Kept(node), _) => same(node, actual),
            (Self::Value(value), _) => is_value(value, actual),
            (Self::Text(text), Content::Scalar(scalar)) => scalar.is_string(text),
            (Self::Items(items), Content::Sequence(actual)) => {
                items.len() == actual.len()
                    && items
                        .iter()
                        .zip(actual)
                        .all(|(item, actual)| item.is(actual))
            }
            (Self::Entries(entries), Content::Mapping(actual)) => {
                let entries = entries.iter().map(|(name, value)| (*name, value));
                same_entries(entries, actual, Self::is)
            }
            (Self::Text(_) | Self::Items(_) | Self::Entries(_), _) => false,
        }
    }
}

/// Reads the edited text and compares it with what it shall say.
pub(super) fn verify(
    stream: &Stream,
    changes: &Changes<'_>,
    edited: &str,
    limits: &Limits,
) -> Result<(), Error> {
    let limits = Limits {
        bytes: limits.bytes.max(edited.len()),
        ..limits.clone()
    };
    let known = |number| changes.of_document(number);
    let actual = read_again(edited, &limits, known)?;
    let differs = |document| Err(Error::EditNotVerified { document });
    if stream.documents.len() != actual.len() {
        return differs(actual.len());
    }
    let pairs = stream.documents.iter().zip(actual);
    for (number, (before, actual)) in pairs.enumerate() {
        let is_same = match (before, actual) {
            (Ok(_), Again::AsKnown) => true,
            (Ok(before), Again::Read(Ok(actual))) => {
                is_as_intended(&before.root, number, changes, &actual)
            }
            (Err(_), Again::Read(Err(_))) => true,
            _ => false,
        };
        if !is_same {
            return differs(number + 1);
        }
    }
    Ok(())
}

fn is_as_intended(before: &Node, number: usize, changes: &Changes<'_>, actual: &Node) -> bool {
    let mut target = Target {
        document: number,
        path: Vec::new(),
    };
    Intended::of(before, &mut target, changes).is(actual)
}

fn same(left: &Node, right: &Node) -> bool {
    match (&left.content, &right.content) {
        (Content::Scalar(left), Content::Scalar(right)) => left.same(right),
        (Content::Sequence(left), Content::Sequence(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Content::Mapping(left), Content::Mapping(right)) => {
            let left = left.iter().map(|entry| (name(entry), &entry.value));
            same_entries(left, right, same)
        }
        _ => false,
    }
}

fn is_value(value: &Value, actual: &Node) -> bool {
    match (value, &actual.content) {
        (value, Content::Scalar(actual)) => actual.says(value),
        (Value::Array(items), Content::Sequence(actual)) => {
            items.len() == actual.len()
                && items
                    .iter()
                    .zip(actual)
                    .all(|(item, actual)| is_value(item, actual))
        }
        (Value::Object(entries), Content::Mapping(actual)) => {
            let entries = entries.iter().map(|(name, value)| (name.as_str(), value));
            same_entries(entries, actual, is_value)
        }
        _ => false,
    }
}

/// New entries stand before those that merge keys bring in, so the order may differ.
fn same_entries<'v, V: 'v>(
    left: impl Iterator<Item = (&'v str, &'v V)>,
    right: &[Entry],
    same: impl Fn(&V, &Node) -> bool,
) -> bool {
    let mut left: Vec<_> = left.collect();
    let mut right: Vec<_> = right
        .iter()
        .map(|entry| (name(entry), &entry.value))
        .collect();
    left.sort_by_key(|(name, _)| *name);
    right.sort_by_key(|(name, _)| *name);
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|((name, value), (actual_name, actual))| {
                *name == actual_name && same(value, actual)
            })
}

/// A key is always a scalar.
fn name(entry: &Entry) -> &str {
    entry.key.scalar().map(Scalar::text).unwrap_or_default()
}
