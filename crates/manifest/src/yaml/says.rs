//! Whether a document says just what a value says, told from the parser's events without a tree.
//!
//! It is for what this crate wrote itself: where anything else stands in the document (an anchor, a tag, other order of
//! keys) the answer is no, though the tree may say the same.

use std::slice;

use granit_parser::{Event, ScalarStyle};
use serde_json::{Value, map};

use super::{MAX_DEPTH, Source, tag};
use crate::stream::Chunk;
use crate::{Limits, node};

/// Whether the document in the chunk is read as `value`.
pub(crate) fn says(text: &str, chunk: &Chunk, limits: &Limits, value: &Value) -> bool {
    let ends_line = text[chunk.range.start..chunk.end].ends_with('\n');
    if !chunk.has_content || !ends_line {
        return false;
    }
    let depth = limits.depth.min(MAX_DEPTH);
    let mut parser = Source::new(text, chunk, 1).parser(depth);
    let mut reading = Reading {
        root: Some(value),
        open: Vec::new(),
    };
    let mut nodes = 0;
    while let Some(event) = parser.next_event() {
        nodes += 1;
        let fits = event.is_ok_and(|(event, _)| reading.event(&event));
        if !fits || reading.open.len() > depth || nodes > limits.nodes {
            return false;
        }
    }
    reading.root.is_none() && reading.open.is_empty()
}

/// What is still to come of a value.
struct Reading<'v> {
    root: Option<&'v Value>,
    open: Vec<Open<'v>>,
}

enum Open<'v> {
    Items(slice::Iter<'v, Value>),
    Entries {
        rest: map::Iter<'v>,
        /// The value of the key that was read last.
        value: Option<&'v Value>,
    },
}

impl<'v> Reading<'v> {
    /// Takes in an event; false if the value does not go on so.
    fn event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Scalar(text, style, 0, None) => self.scalar(text, *style == ScalarStyle::Plain),
            Event::SequenceStart(_, 0, None) => match self.next() {
                Some(Value::Array(items)) => {
                    self.open.push(Open::Items(items.iter()));
                    true
                }
                _ => false,
            },
            Event::MappingStart(_, 0, None) => match self.next() {
                Some(Value::Object(entries)) => {
                    let rest = entries.iter();
                    self.open.push(Open::Entries { rest, value: None });
                    true
                }
                _ => false,
            },
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Items(mut rest)) => rest.next().is_none(),
                Some(Open::Entries { mut rest, value }) => value.is_none() && rest.next().is_none(),
                None => false,
            },
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd => true,
            _ => false,
        }
    }

    fn scalar(&mut self, text: &str, is_plain: bool) -> bool {
        if let Some(Open::Entries { rest, value }) = self.open.last_mut()
            && value.is_none()
        {
            let Some((name, next)) = rest.next() else {
                return false;
            };
            *value = Some(next);
            return name == text && text != "<<";
        }
        let Some(expected) = self.next() else {
            return false;
        };
        let is_disputed = !text.is_ascii() && text.contains(super::DISPUTED_BREAKS);
        let kind = tag::scalar_kind(text, is_plain, None);
        !is_disputed && kind.is_some_and(|kind| node::says(text, kind, expected))
    }

    /// The value that comes next; none where a key does, or nothing.
    fn next(&mut self) -> Option<&'v Value> {
        match self.open.last_mut() {
            None => self.root.take(),
            Some(Open::Items(rest)) => rest.next(),
            Some(Open::Entries { value, .. }) => value.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::stream::chunks;
    use crate::{read, write};

    fn check(text: &str, value: &Value, expected: bool) {
        let chunks = chunks(text);
        let chunk = chunks.last().expect("the sample is not empty");
        let said = says(text, chunk, &Limits::default(), value);
        assert_eq!(said, expected, "{text:?}");
    }

    #[test]
    fn a_document_says_what_was_written_into_it() {
        let value =
            json!({"a": "b", "c": [1, null, true, "", {"d": "yes"}], "e": {}, "f": "x\ny\n"});
        let text = write::yaml(&value).expect("it has text keys");
        check(&text, &value, true);
        check(&format!("# head\n---\n{}", *text), &value, true);
    }

    #[test]
    fn whatever_else_stands_there_is_not_the_value() {
        let value = json!({"a": "b", "c": ["d", 1]});
        for text in [
            "a: b\nc: [d]\n",
            "a: b\nc: [d, 1, 2]\n",
            "a: b\nc: [d, '1']\n",
            "a: b\nc: [d, 2]\n",
            "a: b\n",
            "a: b\nc: d\n",
            "a: b\nc: [d, 1]\ne: f\n",
            "b: b\nc: [d, 1]\n",
            "a: c\nc: [d, 1]\n",
            "- a: b\n",
            "a\n",
            "# nothing\n",
            // The same to a reader; not what is written here.
            "c: [d, 1]\na: b\n",
            "a: &x b\nc: [d, 1]\n",
            "a: !!str b\nc: [d, 1]\n",
            "a: b\nc: [d, 1]",
            "<<: {a: b}\nc: [d, 1]\n",
            // Not YAML to the end.
            "a: b\nc: [d, 1]\n]\n",
        ] {
            check(text, &value, false);
        }
        check("a: b\nc: [d, 1]\n", &value, true);
        check("<<: b\n", &json!({"<<": "b"}), false);
        check("a: b\u{2028}c\n", &json!({"a": "b\u{2028}c"}), false);
    }

    proptest! {
        #[test]
        fn what_is_said_to_be_a_value_is_read_as_it(
            text in "([a-c]: |- |  |[a-c\"'\\[\\]{},#&*!|>~01]|\n|<<: ){0,24}\n",
        ) {
            let documents = read(&text, &Limits::default()).expect("it is small").documents;
            let chunks = chunks(&text);
            for candidate in documents.iter().flatten().map(|document| document.root.to_json()).chain([json!("a"), json!({"a": "b"})]) {
                if says(&text, &chunks[0], &Limits::default(), &candidate) {
                    let first = documents[0].as_ref().expect("it can be read");
                    prop_assert_eq!(first.root.to_json(), candidate);
                }
            }
        }
    }
}
