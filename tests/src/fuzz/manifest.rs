//! Documents: YAML or JSON in any encoding, read with positions and edited in place.

use seal_manifest::{Content, Document, Edits, Limits, Node, Text, read};
use serde_json::Value;

const PATH: [&str; 2] = ["metadata", "fuzzed"];
const VALUE: &str = "a: #\n\"value\" ";

/// Positions lie in the text, no edit changes nothing, and an edit changes what it names and no other document.
pub fn run(data: &[u8]) {
    let Ok(text) = Text::decode(data) else { return };
    let text = text.as_str();
    let Ok(stream) = read(text, &limits()) else {
        return;
    };
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
        check_edit(text, document);
        let mut items = Vec::new();
        add_items(&document.root, String::new(), &mut items);
        for item in &items {
            check_removal(text, document, item);
        }
    }
}

fn check_edit(text: &str, document: &Document) {
    let mut edits = Edits::with_limits(text, &limits());
    if edits.set(document, &PATH, VALUE).is_err() {
        return;
    }
    let Ok(edited) = edits.apply() else { return };
    let (before, after) = (values(text), values(&edited));
    assert_eq!(before.len(), after.len(), "a document appeared or went");
    for (position, (index, value)) in after.into_iter().enumerate() {
        if index == Some(document.index) {
            let changed = value.pointer("/metadata/fuzzed").and_then(Value::as_str);
            assert_eq!(changed, Some(VALUE), "the value that was set is not there");
        } else {
            assert_eq!(value, before[position].1, "another document changed");
        }
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
