//! The surroundings of a node: what it stands in, how that is indented, what may be done to it.

use std::ops::Range;
use std::sync::OnceLock;

use crate::node::{Content, Entry, Node, Origin, Style};
use crate::position::{break_before, line_at, line_start};
use crate::render::{Place, Shape};
use crate::{Document, Error, Format};

/// Where a node is: the document and, level by level, the number of the child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) document: usize,
    pub(super) path: Vec<usize>,
}

/// A node with everything around it.
pub(super) struct Site<'e> {
    pub(super) text: &'e str,
    pub(super) document: &'e Document,
    /// From the root to the node.
    pub(super) chain: Vec<&'e Node>,
    /// The entry whose value the node is.
    pub(super) entry: Option<&'e Entry>,
    /// How much deeper nested mappings stand in the document, once somebody asked.
    step: &'e OnceLock<usize>,
}

/// The way from a root to the node that equals `target` in place and style.
pub(super) fn path_to(root: &Node, target: &Node) -> Option<Vec<usize>> {
    let (mut node, mut path) = (root, Vec::new());
    while !(node.range == target.range && node.style == target.style) {
        let holds =
            |child: &Node| child.start <= target.range.start && target.range.end <= child.range.end;
        let (index, child) = match &node.content {
            Content::Scalar(_) => return None,
            Content::Sequence(items) => {
                let index = items.partition_point(|item| item.range.end < target.range.end);
                (index, items.get(index)?)
            }
            Content::Mapping(entries) => {
                let written = entries.partition_point(|e| e.value.origin != Origin::Merge);
                let entries = &entries[..written];
                let index = entries.partition_point(|e| e.value.range.end < target.range.end);
                (index, &entries.get(index)?.value)
            }
        };
        if !holds(child) || child.origin != Origin::Written {
            return None;
        }
        path.push(index);
        node = child;
    }
    Some(path)
}

impl<'e> Site<'e> {
    pub(super) fn new(
        text: &'e str,
        document: &'e Document,
        step: &'e OnceLock<usize>,
        path: &[usize],
    ) -> Result<Self, Error> {
        let mut site = Self {
            text,
            document,
            chain: vec![&document.root],
            entry: None,
            step,
        };
        for index in path {
            let (child, entry) = match &site.node().content {
                Content::Scalar(_) => (None, None),
                Content::Sequence(items) => (items.get(*index), None),
                Content::Mapping(entries) => {
                    let entry = entries.get(*index);
                    (entry.map(|entry| &entry.value), entry)
                }
            };
            site.chain.push(child.ok_or(Error::NotInText)?);
            site.entry = entry;
        }
        Ok(site)
    }

    pub(super) fn node(&self) -> &'e Node {
        self.chain[self.chain.len() - 1]
    }

    pub(super) fn parent(&self) -> Option<&'e Node> {
        self.chain
            .len()
            .checked_sub(2)
            .map(|above| self.chain[above])
    }

    pub(super) fn is_json(&self) -> bool {
        self.document.format == Format::Json
    }

    /// Whether the node stands inside brackets.
    pub(super) fn place(&self) -> Place {
        let is_flow = |node: &&Node| matches!(node.style, Style::Flow | Style::Pair);
        let above = &self.chain[..self.chain.len() - 1];
        if above.iter().any(is_flow) {
            Place::Flow
        } else {
            Place::Block
        }
    }

    pub(super) fn error(&self, what: &'static str) -> Error {
        let (document, position) = (self.document.index, self.node().position);
        Error::EditNotPossible {
            document,
            position,
            what,
        }
    }

    /// The column of an offset, from 0, in characters; a byte order mark is none.
    pub(super) fn column(&self, offset: usize) -> usize {
        self.text[self.line_start(offset)..offset].chars().count()
    }

    /// Whether only blanks stand before an offset on its line.
    pub(super) fn starts_line(&self, offset: usize) -> bool {
        let line = &self.text[self.line_start(offset)..offset];
        line.bytes().all(|byte| byte == b' ')
    }

    /// Where the line of an offset starts, after byte order marks: readers skip any number of them.
    pub(super) fn line_start(&self, offset: usize) -> usize {
        let start = line_start(self.text, offset);
        let line = &self.text[start..];
        start + line.len() - line.trim_start_matches('\u{feff}').len()
    }

    /// Where the line of an offset ends, before its line break.
    pub(super) fn line_end(&self, offset: usize) -> usize {
        line_at(self.text, offset)
            .range
            .end
            .min(self.document.range.end.max(offset))
    }

    /// Where the line after that of an offset starts.
    pub(super) fn next_line(&self, offset: usize) -> usize {
        line_at(self.text, offset).next
    }

    /// Whether a line break follows the line of an offset.
    pub(super) fn line_is_closed(&self, offset: usize) -> bool {
        let line = line_at(self.text, offset);
        line.next > line.range.end
    }

    /// The line break used around an offset.
    pub(super) fn eol(&self, offset: usize) -> &'e str {
        let line = line_at(self.text, offset);
        let after = &self.text[line.range.end..line.next];
        let before = break_before(self.text, line_start(self.text, offset));
        [after, before]
            .into_iter()
            .find(|eol| !eol.is_empty())
            .unwrap_or("\n")
    }

    /// The column that what stands in the node's parent is measured from.
    pub(super) fn parent_column(&self) -> usize {
        self.parent()
            .map_or(0, |parent| self.column(parent.range.start))
    }

    /// How much deeper nested mappings stand in this document.
    pub(super) fn step(&self) -> usize {
        let look = || self.step_in(&self.document.root).unwrap_or(2);
        *self.step.get_or_init(look)
    }

    fn step_in(&self, node: &Node) -> Option<usize> {
        match &node.content {
            Content::Scalar(_) => None,
            Content::Sequence(items) => items.iter().find_map(|item| self.step_in(item)),
            Content::Mapping(entries) => entries.iter().find_map(|entry| {
                let is_block = |node: &Node| {
                    node.style == Style::Block
                        && node.origin == Origin::Written
                        && matches!(node.content, Content::Mapping(_))
                };
                if is_block(node) && is_block(&entry.value) {
                    let inner = self.column(entry.value.range.start);
                    return inner
                        .checked_sub(self.column(node.range.start))
                        .filter(|step| *step > 0);
                }
                self.step_in(&entry.value)
            }),
        }
    }

    /// Where lines of a block scalar go that takes the node's place.
    pub(super) fn shape(&self) -> Shape<'e> {
        let parent = self.parent_column();
        let step = if self.entry.is_some() { self.step() } else { 2 };
        Shape {
            indent: parent + step,
            parent,
            eol: self.eol(self.node().range.start),
        }
    }

    /// Whether a block scalar under a key at a column can end on an offset's line: a line break follows, and it would take
    /// in nothing of what stands below, be it lines of blanks or a comment that reach deeper.
    pub(super) fn can_end_block(&self, offset: usize, column: usize) -> bool {
        let after = &self.text[self.next_line(offset)..];
        let rest = after.trim_start_matches([' ', '\t', '\n', '\r']);
        let blanks = &after[..after.len() - rest.len()];
        let is_deeper = |line: &str| line.len() > column;
        let mut lines = blanks.split(['\n', '\r']);
        let last = lines.next_back().is_some_and(is_deeper);
        let goes_on = lines.any(is_deeper) || (last && (rest.is_empty() || rest.starts_with('#')));
        self.line_is_closed(offset) && !goes_on
    }

    /// The comment lines, and blank lines before them, that follow an offset's line and stand at
    /// or right of a column.
    pub(super) fn end_of_comments(&self, offset: usize, column: usize) -> usize {
        let mut end = self.line_end(offset);
        let mut next = self.next_line(offset);
        while next < self.document.end {
            let line: Range<usize> = line_at(self.text, next).range;
            let trimmed = self.text[line.clone()].trim_start_matches([' ', '\t']);
            let indent = line.len() - trimmed.len();
            let is_comment = trimmed.starts_with('#') && indent >= column;
            if !is_comment && !trimmed.is_empty() {
                break;
            }
            if is_comment {
                end = line.end;
            }
            next = line_at(self.text, next).next;
        }
        end
    }

    /// The node is written here and nowhere else.
    pub(super) fn check_own(&self) -> Result<(), Error> {
        let node = self.node();
        if node.origin != Origin::Written {
            return Err(self.error("the value stands elsewhere and an alias repeats it here"));
        }
        if node.shared {
            Err(self.error(SHARED))
        } else {
            Ok(())
        }
    }

    pub(super) fn check_insertable(&self) -> Result<(), Error> {
        self.check_own()?;
        let node = self.node();
        let is_mapping = matches!(node.content, Content::Mapping(_)) && node.style != Style::Pair;
        if is_mapping || node.is_null() && self.entry.is_none_or(|entry| entry.colon.is_some()) {
            return Ok(());
        }
        Err(self.error("the value is not a mapping that keys can be added to"))
    }

    pub(super) fn check_removable(&self, entry: &Entry) -> Result<(), Error> {
        if self.node().style == Style::Pair {
            return Err(self.error("the mapping has one key and no brackets"));
        }
        if self.node().shared || defines_used_anchor(&entry.value) || entry.key.shared {
            return Err(self.error(SHARED));
        }
        if entry.value.origin == Origin::Merge {
            return Err(self.error("the key comes from a merge key (<<)"));
        }
        Ok(())
    }

    pub(super) fn check_removable_item(&self) -> Result<(), Error> {
        let is_item = |parent: &Node| matches!(parent.content, Content::Sequence(_));
        if !self.parent().is_some_and(is_item) {
            return Err(self.error("the value is not an item of a sequence"));
        }
        if defines_used_anchor(self.node()) {
            return Err(self.error(SHARED));
        }
        Ok(())
    }

    pub(super) fn check_replaceable(&self) -> Result<(), Error> {
        // Anchors end with their document: nothing outside can refer into the whole of it.
        let is_whole = self.chain.len() == 1;
        if !is_whole && (self.node().shared || defines_used_anchor(self.node())) {
            return Err(self.error(SHARED));
        }
        if self.entry.is_some_and(|entry| entry.colon.is_none()) {
            return Err(self.error("the key is written on a line of its own"));
        }
        Ok(())
    }
}

const SHARED: &str = "an alias elsewhere repeats the value; write both out first";

/// Whether an alias refers to the node or to something in it.
fn defines_used_anchor(node: &Node) -> bool {
    if node.origin != Origin::Written {
        return false;
    }
    node.shared
        || match &node.content {
            Content::Scalar(_) => false,
            Content::Sequence(items) => items.iter().any(defines_used_anchor),
            Content::Mapping(entries) => entries
                .iter()
                .any(|entry| entry.key.shared || defines_used_anchor(&entry.value)),
        }
}
