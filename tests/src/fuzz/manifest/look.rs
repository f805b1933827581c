//! What a text looks like: which kinds of documents and values it has, and which stand in which.

use seal_manifest::{Content, Node, Stream};

use crate::fuzz::Features;

/// Of a large document no more is looked at.
const NODES: usize = 300;

/// Notes the errors of the documents, and every pair of a value and what it stands in.
pub(super) fn note_stream(stream: &Stream, features: &mut Features) {
    features.note(("documents", stream.documents.len().checked_ilog2()));
    for document in &stream.documents {
        match document {
            Ok(document) => note_nodes(&document.root, features),
            Err(error) => features.note(("read", error.explanation())),
        }
    }
}

fn note_nodes(root: &Node, features: &mut Features) {
    let (mut open, mut seen) = (vec![(root, "document", 0_u8)], 0);
    while let Some((node, above, depth)) = open.pop() {
        seen += 1;
        if seen > NODES {
            break;
        }
        let style = node.style() as u8;
        let origin = (node.origin() as u8, node.is_shared());
        let below = depth.saturating_add(1);
        features.note((above, depth.min(3), style, origin));
        match &node.content {
            Content::Scalar(scalar) => {
                let text = scalar.text();
                let lines = text.lines().count().min(4);
                let ends = text.chars().next_back().filter(char::is_ascii_punctuation);
                features.note((above, style, scalar.kind(), lines, ends));
            }
            Content::Sequence(items) => {
                features.note((above, "sequence", style, items.len().checked_ilog2()));
                open.extend(items.iter().map(|item| (item, "sequence", below)));
            }
            Content::Mapping(entries) => {
                features.note((above, "mapping", style, entries.len().checked_ilog2()));
                for entry in entries {
                    features.note(("key", style, entry.key.style() as u8));
                    open.push((&entry.value, "mapping", below));
                }
            }
        }
    }
}
