//! What the documents shall say after the edits, and whether they do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use zeroize::Zeroizing;

use super::mapping::MappingEdit;
use super::site::Target;
use crate::node::{Content, Entry, Node, Origin, Scalar, Style};
use crate::stream::{Document, read};
use crate::{Error, Limits, Position, ScalarKind, Stream};

/// The node at a target, to be changed.
fn node_at<'s>(stream: &'s mut Stream, target: &Target) -> Option<&'s mut Node> {
    let document = stream.documents.get_mut(target.document)?.as_mut().ok()?;
    target
        .path
        .iter()
        .try_fold(&mut document.root, |node, index| match &mut node.content {
            Content::Scalar(_) => None,
            Content::Sequence(items) => items.get_mut(*index),
            Content::Mapping(entries) => entries.get_mut(*index).map(|entry| &mut entry.value),
        })
}

pub(super) fn set_text(stream: &mut Stream, target: &Target, value: &str) {
    if let Some(node) = node_at(stream, target) {
        node.content = Content::Scalar(Scalar::string(value));
    }
}

pub(super) fn set_value(stream: &mut Stream, target: &Target, value: &Value) {
    if let Some(node) = node_at(stream, target) {
        node.content = content(value);
    }
}

/// Removes and adds entries, and removes items; in the deepest first, as removing shifts what follows.
pub(super) fn edit_collections(
    stream: &mut Stream,
    mappings: BTreeMap<Target, MappingEdit>,
    items: BTreeMap<Target, BTreeSet<usize>>,
) {
    let mappings = mappings.iter().filter(|(_, edit)| !edit.is_empty());
    let mut edits: Vec<_> = mappings
        .map(|(target, edit)| (target, Edit::Mapping(edit)))
        .chain(
            items
                .iter()
                .map(|(target, gone)| (target, Edit::Items(gone))),
        )
        .collect();
    edits.sort_by_key(|(target, _)| std::cmp::Reverse(target.path.len()));
    for (target, edit) in edits {
        match (node_at(stream, target), edit) {
            (Some(node), Edit::Mapping(edit)) => edit_mapping(node, edit),
            (Some(node), Edit::Items(gone)) => remove_items(node, gone),
            (None, _) => {}
        }
    }
}

enum Edit<'e> {
    Mapping(&'e MappingEdit),
    Items(&'e BTreeSet<usize>),
}

fn edit_mapping(node: &mut Node, edit: &MappingEdit) {
    if !matches!(node.content, Content::Mapping(_)) {
        node.content = Content::Mapping(Vec::new());
    }
    let Content::Mapping(entries) = &mut node.content else {
        return;
    };
    for index in edit.removes.iter().rev() {
        entries.remove(*index);
    }
    for (key, value) in edit.inserts.entries() {
        entries.retain(|entry| !entry.is_named(key));
        entries.push(entry(key, value));
    }
}

fn remove_items(node: &mut Node, gone: &BTreeSet<usize>) {
    let Content::Sequence(items) = &mut node.content else {
        return;
    };
    let mut number = 0;
    items.retain(|_| {
        number += 1;
        !gone.contains(&(number - 1))
    });
}

fn entry(key: &str, value: &Value) -> Entry {
    let key = node(Content::Scalar(Scalar::string(key)));
    Entry {
        key,
        value: node(content(value)),
        start: 0,
        colon: None,
    }
}

fn content(value: &Value) -> Content {
    let scalar = |kind| {
        Content::Scalar(Scalar {
            text: Zeroizing::new(value.to_string()),
            kind,
        })
    };
    match value {
        Value::Null => scalar(ScalarKind::Null),
        Value::Bool(_) => scalar(ScalarKind::Bool),
        Value::Number(number) if number.is_f64() => scalar(ScalarKind::Float),
        Value::Number(_) => scalar(ScalarKind::Integer),
        Value::String(text) => Content::Scalar(Scalar::string(text.as_str())),
        Value::Array(items) => {
            Content::Sequence(items.iter().map(|item| node(content(item))).collect())
        }
        Value::Object(entries) => Content::Mapping(
            entries
                .iter()
                .map(|(key, value)| entry(key, value))
                .collect(),
        ),
    }
}

fn node(content: Content) -> Node {
    Node {
        range: 0..0,
        position: Position::default(),
        content,
        start: 0,
        style: Style::Plain,
        origin: Origin::Written,
        anchored: false,
        shared: false,
        merges: Vec::new(),
    }
}

/// Reads the edited text and compares it with what it shall say.
pub(super) fn verify(intended: &Stream, edited: &str, limits: &Limits) -> Result<(), Error> {
    let limits = Limits {
        bytes: limits.bytes.max(edited.len()),
        ..limits.clone()
    };
    let actual = read(edited, &limits)?;
    let differs = |document| Err(Error::EditNotVerified { document });
    if intended.documents.len() != actual.documents.len() {
        return differs(actual.documents.len());
    }
    let pairs = intended.documents.iter().zip(&actual.documents);
    for (number, (intended, actual)) in pairs.enumerate() {
        let is_same = match (intended, actual) {
            (Ok(intended), Ok(actual)) => same_document(intended, actual),
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if !is_same {
            return differs(number + 1);
        }
    }
    Ok(())
}

fn same_document(intended: &Document, actual: &Document) -> bool {
    same(&intended.root, &actual.root)
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
        (Content::Mapping(left), Content::Mapping(right)) => same_entries(left, right),
        _ => false,
    }
}

/// New entries stand before those that merge keys bring in, so the order may differ.
fn same_entries(left: &[Entry], right: &[Entry]) -> bool {
    let (left, right) = (by_name(left), by_name(right));
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            left.key.scalar().map(Scalar::text) == right.key.scalar().map(Scalar::text)
                && same(&left.value, &right.value)
        })
}

fn by_name(entries: &[Entry]) -> Vec<&Entry> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|entry| entry.key.scalar().map(Scalar::text));
    entries
}
