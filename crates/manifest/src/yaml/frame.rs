//! Collections that are open while a document is read.

use std::collections::HashSet;
use std::ops::Range;

use crate::node::{Content, Entry, Origin};
use crate::{Node, Position, Style};

/// What is known of a value before its content.
pub(crate) struct Head {
    /// Where it starts with anchor and tag.
    pub(crate) start: usize,
    /// Where it starts without them.
    pub(crate) value: usize,
    pub(crate) position: Position,
    pub(crate) style: Style,
    /// The anchor, where an alias refers to it.
    pub(crate) used_anchor: Option<usize>,
    pub(crate) anchored: bool,
    pub(crate) shared: bool,
}

impl Head {
    pub(crate) fn node(self, end: usize, content: Content) -> Node {
        Node {
            range: self.value..end,
            position: self.position,
            content,
            start: self.start,
            style: self.style,
            origin: Origin::Written,
            anchored: self.anchored,
            shared: self.shared,
            merges: Vec::new(),
        }
    }
}

/// An open sequence or mapping.
pub(crate) struct Frame {
    pub(crate) head: Head,
    pub(crate) children: Children,
}

pub(crate) enum Children {
    Items(Vec<Node>),
    Entries(Box<Entries>),
}

/// The entries of an open mapping.
#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) done: Vec<Entry>,
    /// The names of `done`, once they are many.
    names: HashSet<String>,
    pub(crate) pending: Option<Key>,
    /// Merged values with the ranges of their entries.
    pub(crate) merges: Vec<(Range<usize>, Node)>,
}

/// A key that waits for its value.
pub(crate) struct Key {
    pub(crate) node: Node,
    pub(crate) start: usize,
    pub(crate) colon: Option<usize>,
    pub(crate) is_merge: bool,
}

impl Entries {
    /// As many keys are compared one by one; a set costs more than it saves.
    const FEW: usize = 16;

    /// Whether the mapping has no such key so far; it has it from now on.
    pub(crate) fn is_new(&mut self, name: &str) -> bool {
        if self.done.len() < Self::FEW {
            let is_second_merge = name == "<<" && !self.merges.is_empty();
            return !is_second_merge && !self.done.iter().any(|entry| entry.is_named(name));
        }
        if self.names.is_empty() {
            let names = self.done.iter().filter_map(|entry| entry.key.scalar());
            self.names = names.map(|key| key.text().to_owned()).collect();
            self.names
                .extend((!self.merges.is_empty()).then(|| "<<".to_owned()));
        }
        self.names.insert(name.to_owned())
    }
}

impl Frame {
    pub(crate) fn items(head: Head) -> Self {
        Self {
            head,
            children: Children::Items(Vec::new()),
        }
    }

    pub(crate) fn entries(head: Head) -> Self {
        Self {
            head,
            children: Children::Entries(Box::default()),
        }
    }

    /// Whether the next child is the first one.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.children {
            Children::Items(items) => items.is_empty(),
            Children::Entries(entries) => {
                entries.done.is_empty() && entries.merges.is_empty() && entries.pending.is_none()
            }
        }
    }

    /// Whether the next child is a key.
    pub(crate) fn expects_key(&self) -> bool {
        matches!(&self.children, Children::Entries(entries) if entries.pending.is_none())
    }

    /// The step of a key path that leads to the child that is being read.
    pub(crate) fn step(&self) -> String {
        match &self.children {
            Children::Items(items) => format!("[{}]", items.len()),
            Children::Entries(entries) => {
                let name = entries.pending.as_ref().and_then(|key| key.node.scalar());
                format!(".{}", name.map_or("…", |name| shown(name.text())))
            }
        }
    }
}

/// A key name as errors show it. What is no plain name may be a value in the wrong place.
pub(crate) fn shown(name: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    if name.len() <= 63 && name.chars().all(is_plain) {
        name
    } else {
        "…"
    }
}
