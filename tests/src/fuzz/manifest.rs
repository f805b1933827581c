//! Documents: YAML or JSON in any encoding, read with positions and edited in place.

mod look;

use seal_manifest::{Content, Document, Edits, Error, Limits, Node, Text, read};
use serde_json::{Value, json};

use super::Features;

const PATH: [&str; 2] = ["metadata", "fuzzed"];
/// What has to be written with care, each in another way.
const VALUES: [&str; 13] = [
    "a: #\n\"value\" ",
    "a: b",
    "a #b",
    "yes",
    "1_000",
    "017",
    "~",
    "",
    " it's\n  indented\n\n",
    "one\ntwo\n",
    "- [x, y]",
    "*a\t\u{85}\u{feff}",
    "---\n",
];

/// Positions lie in the text, no edit changes nothing, and an edit changes what it names and no other document.
pub fn run(data: &[u8], features: &mut Features) {
    let Ok(text) = Text::decode(data) else { return };
    let text = text.as_str();
    let Ok(stream) = read(text, &limits()) else {
        return;
    };
    look::note_stream(&stream, features);
    for document in stream.documents.iter().flatten() {
        assert!(
            text.get(document.range.clone()).is_some(),
            "a range that cuts a character"
        );
    }
    if let Ok(same) = Edits::with_limits(text, &limits()).apply() {
        assert_eq!(same.as_str(), text);
    }
    for document in stream.documents.iter().flatten().take(3) {
        // Any of them, but always the same for an input.
        let value = VALUES[text.len() % VALUES.len()];
        check_edit(text, document, value, features);
        check_replacement(text, document, value, features);
        let mut items = Vec::new();
        add_items(&document.root, String::new(), &mut items);
        for item in &items {
            check_removal(text, document, item);
        }
    }
}

fn check_edit(text: &str, document: &Document, value: &str, features: &mut Features) {
    let mut edits = Edits::with_limits(text, &limits());
    if let Err(error) = edits.set(document, &PATH, value) {
        return features.note(("set", error.explanation()));
    }
    let edited = match edits.apply() {
        Ok(edited) => edited,
        Err(error) => {
            assert!(
                !matches!(error, Error::EditNotVerified { .. }) || may_be_given_up(text),
                "an edit that was accepted wrote something else"
            );
            return features.note(("apply", error.explanation()));
        }
    };
    let (before, after) = (values(text), values(&edited));
    assert_eq!(before.len(), after.len(), "a document appeared or went");
    for (position, (index, after)) in after.into_iter().enumerate() {
        if index == Some(document.index) {
            let set = after.pointer("/metadata/fuzzed").and_then(Value::as_str);
            assert_eq!(set, Some(value), "the value that was set is not there");
        } else {
            assert_eq!(after, before[position].1, "another document changed");
        }
    }
}

/// A document that is replaced as a whole says the new value, and the others what they said.
fn check_replacement(text: &str, document: &Document, value: &str, features: &mut Features) {
    let new = json!({"kind": value, value: [value, {"a": null, "b": 1.5}, [], true], "spec": {"c": {}, "d": value}});
    let mut edits = Edits::with_limits(text, &limits());
    let replaced = edits.replace_node(document, &document.root, new.clone());
    let edited = match replaced.and_then(|()| edits.apply()) {
        Ok(edited) => edited,
        Err(error) => {
            assert!(
                !matches!(error, Error::EditNotVerified { .. }) || may_be_given_up(text),
                "a document that could be replaced came out as something else"
            );
            return features.note(("replace", error.explanation()));
        }
    };
    let (before, after) = (values(text), values(&edited));
    assert_eq!(before.len(), after.len(), "a document appeared or went");
    for (position, (index, after)) in after.into_iter().enumerate() {
        let is_new = index == Some(document.index);
        let wanted = if is_new { &new } else { &before[position].1 };
        assert_eq!(after, *wanted);
    }
}

/// An item of a sequence.
struct Item<'d> {
    node: &'d Node,
    /// The JSON pointer to its sequence.
    pointer: String,
    number: usize,
    is_alone: bool,
}

/// The first and the last item of the first few sequences.
fn add_items<'d>(node: &'d Node, pointer: String, items: &mut Vec<Item<'d>>) {
    if items.len() >= 6 {
        return;
    }
    match &node.content {
        Content::Scalar(_) => {}
        Content::Sequence(nodes) => {
            for (number, node) in nodes.iter().enumerate() {
                if number == 0 || number + 1 == nodes.len() {
                    let (pointer, is_alone) = (pointer.clone(), nodes.len() == 1);
                    items.push(Item {
                        node,
                        pointer,
                        number,
                        is_alone,
                    });
                }
            }
            for (number, node) in nodes.iter().enumerate() {
                add_items(node, format!("{pointer}/{number}"), items);
            }
        }
        Content::Mapping(entries) => {
            for entry in entries {
                let key = entry.key.scalar().map_or("", |key| key.text());
                let key = key.replace('~', "~0").replace('/', "~1");
                add_items(&entry.value, format!("{pointer}/{key}"), items);
            }
        }
    }
}

/// An item that goes takes one range of bytes along, that it stands in, and leaves every other value.
fn check_removal(text: &str, document: &Document, item: &Item<'_>) {
    let mut edits = Edits::with_limits(text, &limits());
    if edits.remove_item(document, item.node).is_err() {
        return;
    }
    let Ok(edited) = edits.apply() else { return };
    let mut wanted = values(text);
    let own = wanted
        .iter_mut()
        .find(|(index, _)| *index == Some(document.index));
    let list = own.and_then(|(_, value)| value.pointer_mut(&item.pointer)?.as_array_mut());
    list.expect("the item stood in a sequence")
        .remove(item.number);
    assert!(
        values(&edited) == wanted,
        "something else changed than the item"
    );
    if !item.is_alone {
        let same = |(left, right): &(u8, u8)| left == right;
        let before = text.bytes().zip(edited.bytes()).take_while(same).count();
        let after = text
            .bytes()
            .rev()
            .zip(edited.bytes().rev())
            .take_while(same)
            .count();
        assert!(
            before + after >= edited.len(),
            "bytes changed that are not the item's"
        );
        assert!(
            edited.len() + item.node.range.len() <= text.len(),
            "bytes of the item stayed"
        );
    }
}

/// Whether an edit may find only afterwards that it cannot be made: beside a broken document, which may be what decides
/// between JSON and YAML; after a block scalar whose last line has no end; and around explicit keys (`?`).
fn may_be_given_up(text: &str) -> bool {
    let is_broken =
        || read(text, &limits()).is_ok_and(|stream| stream.documents.iter().any(Result::is_err));
    !text.ends_with(['\n', '\r']) || text.contains('?') || is_broken()
}

/// Each document's number and value; a broken one has neither.
fn values(text: &str) -> Vec<(Option<usize>, Value)> {
    let stream = read(text, &limits()).expect("what an edit made can be read");
    let documents = stream.documents.into_iter();
    documents
        .map(|document| {
            document.map_or((None, Value::Null), |read| {
                (Some(read.index), read.root.to_json())
            })
        })
        .collect()
}

/// Small ones: an input that runs into a limit has been read far enough.
fn limits() -> Limits {
    Limits {
        nodes: 20_000,
        alias_nodes: 5_000,
        ..Limits::default()
    }
}
