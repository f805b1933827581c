//! Documents: YAML or JSON in any encoding, read with positions and edited in place.

use seal_manifest::{Document, Edits, Limits, Text, read};
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
