//! How much a document may hold, and how much of it aliases may bring in.

use crate::node::{Content, Scalar};
use crate::{Error, Limits, Node, Position};

/// What one document has used up so far.
pub(super) struct Budget<'t> {
    limits: &'t Limits,
    document: usize,
    nodes: usize,
    aliased: Weight,
}

/// How much a value is.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    pub(super) height: usize,
}

impl<'t> Budget<'t> {
    pub(super) fn new(limits: &'t Limits, document: usize) -> Self {
        Self {
            limits,
            document,
            nodes: 0,
            aliased: Weight::default(),
        }
    }

    /// Counts values.
    pub(super) fn count(&mut self, nodes: usize, position: Position) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        Err(Error::TooManyNodes {
            document: self.document,
            position,
            limit: self.limits.nodes,
        })
    }

    /// Counts a copy that aliases make necessary, before it is made.
    pub(super) fn charge(&mut self, weight: Weight, position: Position) -> Result<(), Error> {
        self.aliased.nodes = self.aliased.nodes.saturating_add(weight.nodes);
        self.aliased.bytes = self.aliased.bytes.saturating_add(weight.bytes);
        if self.aliased.nodes <= self.limits.alias_nodes && self.aliased.bytes <= self.limits.bytes
        {
            return Ok(());
        }
        let what = "the aliases expand to too much; write the values out";
        Err(Error::Alias {
            document: self.document,
            position,
            what,
        })
    }
}

impl Weight {
    pub(super) fn of(node: &Node) -> Self {
        match &node.content {
            Content::Scalar(scalar) => Self {
                nodes: 1,
                bytes: length(scalar),
                height: 0,
            },
            Content::Sequence(items) => Self::around(items.iter()),
            Content::Mapping(entries) => {
                Self::around(entries.iter().flat_map(|entry| [&entry.key, &entry.value]))
            }
        }
    }

    fn around<'n>(children: impl Iterator<Item = &'n Node>) -> Self {
        children.map(Self::of).fold(
            Self {
                nodes: 1,
                bytes: 0,
                height: 1,
            },
            |sum, child| Self {
                nodes: sum.nodes + child.nodes,
                bytes: sum.bytes + child.bytes,
                height: sum.height.max(child.height + 1),
            },
        )
    }
}

fn length(scalar: &Scalar) -> usize {
    scalar.text().len()
}
