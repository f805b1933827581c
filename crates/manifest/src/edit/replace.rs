//! One value in the place of another.

use serde_json::Value;
use zeroize::Zeroizing;

use super::site::Site;
use super::splice::Splice;
use crate::emit::{self, Emitter, JsonLayout};
use crate::node::{Content, Node};
use crate::position::line_at;
use crate::render::Place;

/// The splices that put `value` where the node stands.
pub(super) fn splices(site: &Site<'_>, value: &Value) -> Vec<Splice> {
    let node = site.node();
    let splice = if site.is_json() {
        Splice {
            range: node.range.clone(),
            with: json(site, value),
        }
    } else if site.place() == Place::Flow {
        let is_absent = node.start == node.range.end;
        let mut with = Zeroizing::new(if is_absent {
            " ".to_owned()
        } else {
            String::new()
        });
        with.push_str(&emit::flow(value));
        Splice {
            range: node.start..node.range.end,
            with,
        }
    } else if site.parent().is_none() {
        root(site, value)
    } else if site.entry.is_some() {
        under_key(site, value)
    } else {
        item(site, value)
    };
    vec![splice]
}

/// The root of a document, with all that follows it in the document.
fn root(site: &Site<'_>, value: &Value) -> Splice {
    let (text, node, end) = (site.text, site.node(), site.document.end);
    let mut start = node.start;
    let mut emitter = Emitter::new(2, site.eol(node.start));
    emitter.reserve(value);
    if site.starts_line(start) {
        start -= text[site.line_start(start)..start]
            .trim_start_matches('\u{feff}')
            .len();
    } else {
        // The root stands on its `---` line.
        start = text[..start].trim_end_matches([' ', '\t']).len();
        emitter.line(0);
    }
    let is_closed = text[..end].ends_with(['\n', '\r']);
    emitter.avoids_block_scalars = !is_closed;
    emitter.value(value, 0);
    if is_closed {
        emitter.line(0);
    }
    Splice {
        range: start..end,
        with: emitter.out,
    }
}

/// An item of a block sequence, with the comments in it and behind it.
fn item(site: &Site<'_>, value: &Value) -> Splice {
    let node = site.node();
    let dash = site.parent_column();
    let is_absent = node.start == node.range.end;
    let end = site.end_of_comments(node.range.end, dash + 1);
    let mut emitter = emitter(site, end);
    if is_absent {
        emitter.out.push(' ');
        emitter.value(value, dash + 2);
        return Splice {
            range: node.start..end,
            with: emitter.out,
        };
    }
    emitter.value(value, site.column(node.start));
    Splice {
        range: node.start..end,
        with: emitter.out,
    }
}

/// The value of a key, with the comments in it and behind it, from the colon on.
fn under_key(site: &Site<'_>, value: &Value) -> Splice {
    let node = site.node();
    let column = site.parent_column();
    let start = site
        .entry
        .and_then(|entry| entry.colon)
        .unwrap_or(node.start);
    let end = site.end_of_comments(node.range.end.max(start), column + 1);
    let mut emitter = emitter(site, end);
    emitter.after_key(value, column);
    Splice {
        range: start..end,
        with: emitter.out,
    }
}

fn emitter<'e>(site: &Site<'e>, end: usize) -> Emitter<'e> {
    let mut emitter = Emitter::new(site.step(), site.eol(end));
    emitter.avoids_block_scalars = !site.can_end_block(end, site.parent_column());
    emitter
}

fn json(site: &Site<'_>, value: &Value) -> Zeroizing<String> {
    let mut out = Zeroizing::default();
    json_layout(site, margin(site), true).value(&mut out, value, 0);
    out
}

/// The indentation of the line the node starts on.
pub(super) fn margin<'e>(site: &Site<'e>) -> &'e str {
    let start = site.line_start(site.node().range.start);
    let line = &site.text[line_at(site.text, start).range];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// JSON as the document writes it; `may_break` allows several lines where the document has them.
pub(super) fn json_layout<'e>(site: &Site<'e>, margin: &'e str, may_break: bool) -> JsonLayout<'e> {
    let root = &site.document.root;
    JsonLayout {
        step: step(site, root).filter(|_| may_break),
        margin,
        eol: site.eol(root.range.start),
        gap: super::mapping::gap(site),
    }
}

/// The indentation of the first child of the root that has a line of its own.
fn step<'e>(site: &Site<'e>, root: &Node) -> Option<&'e str> {
    let first = match &root.content {
        Content::Scalar(_) => None,
        Content::Sequence(items) => items.first().map(|item| item.range.start),
        Content::Mapping(entries) => entries.first().map(|entry| entry.start),
    }?;
    let line = &site.text[site.line_start(first)..first];
    (site.line_start(first) > root.range.start && line.trim().is_empty()).then_some(line)
}
