//! Merge keys (`<<`): entries of other mappings that stand where a mapping says so.
//!
//! A key the mapping has itself wins, wherever it stands; among several merged mappings the
//! first one wins.

use std::collections::HashSet;

use crate::Node;
use crate::node::{Content, Entry, Origin};

/// Adds the entries of a merged value; false if it is neither a mapping nor a sequence of them.
pub(crate) fn add(done: &mut Vec<Entry>, names: &mut HashSet<String>, value: Node) -> bool {
    match value.content {
        Content::Mapping(entries) => {
            entries
                .into_iter()
                .for_each(|entry| add_entry(done, names, entry));
            true
        }
        Content::Sequence(items) => items
            .into_iter()
            .all(|item| matches!(item.content, Content::Mapping(_)) && add(done, names, item)),
        Content::Scalar(_) => false,
    }
}

fn add_entry(done: &mut Vec<Entry>, names: &mut HashSet<String>, mut entry: Entry) {
    let name = entry
        .key
        .scalar()
        .map(|key| key.text().to_owned())
        .unwrap_or_default();
    if names.insert(name) {
        entry.key.set_origin(Origin::Merge);
        entry.value.set_origin(Origin::Merge);
        done.push(entry);
    }
}
