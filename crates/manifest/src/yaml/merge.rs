//! Merge keys (`<<`): entries of other mappings that stand where a mapping says so.
//!
//! A key the mapping has itself wins, wherever it stands; among several merged mappings the
//! first one wins.

use super::frame::Entries;
use crate::Node;
use crate::node::{Content, Entry, Origin};

/// Adds the entries of a merged value; false if it is neither a mapping nor a sequence of them.
pub(crate) fn add(entries: &mut Entries, value: Node) -> bool {
    match value.content {
        Content::Mapping(merged) => {
            merged
                .into_iter()
                .for_each(|entry| add_entry(entries, entry));
            true
        }
        Content::Sequence(items) => items
            .into_iter()
            .all(|item| matches!(item.content, Content::Mapping(_)) && add(entries, item)),
        Content::Scalar(_) => false,
    }
}

fn add_entry(entries: &mut Entries, mut entry: Entry) {
    let name = entry.key.scalar().map_or("", |key| key.text());
    if entries.is_new(name) {
        entry.key.set_origin(Origin::Merge);
        entry.value.set_origin(Origin::Merge);
        entries.done.push(entry);
    }
}
