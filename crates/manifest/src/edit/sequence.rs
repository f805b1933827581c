//! Items taken from a sequence.

use std::collections::BTreeSet;
use std::ops::Range;

use zeroize::Zeroizing;

use super::mapping;
use super::site::Site;
use super::splice::Splice;
use crate::Error;
use crate::node::{Content, Node, Style};
use crate::position::{break_before, line_at, line_start};
use crate::yaml::skip_to_token;

/// The splices that take the items with these numbers away.
pub(super) fn splices(site: &Site<'_>, removes: &BTreeSet<usize>) -> Result<Vec<Splice>, Error> {
    let items = site.node().items().unwrap_or_default();
    if removes.is_empty() {
        return Ok(Vec::new());
    }
    if site.node().style != Style::Block {
        return in_brackets(site, items, removes);
    }
    let lines = Lines::new(site, items);
    if removes.len() == items.len() {
        return lines.leave_brackets();
    }
    Ok(lines.removals(removes))
}

/// An item goes with the comma before it, or after it at the start.
fn in_brackets(
    site: &Site<'_>,
    items: &[Node],
    removes: &BTreeSet<usize>,
) -> Result<Vec<Splice>, Error> {
    if removes.len() == items.len() {
        return Ok(vec![Splice {
            range: site.node().range.clone(),
            with: Zeroizing::new("[]".to_owned()),
        }]);
    }
    let ranges: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(index, item)| (item.start..item.range.end, removes.contains(&index)))
        .collect();
    let inside = site.node().range.start + 1..site.node().range.end - 1;
    let beside = |index: usize| {
        let before = index
            .checked_sub(1)
            .map_or(inside.start, |at| ranges[at].0.end);
        let after = ranges
            .get(index + 1)
            .map_or(inside.end, |(range, _)| range.start);
        [before..ranges[index].0.start, ranges[index].0.end..after]
    };
    // Whose comment it is cannot be told from the line it stands on.
    let has_comment = |range: Range<usize>| site.text[range].contains('#');
    if removes
        .iter()
        .any(|index| beside(*index).into_iter().any(has_comment))
    {
        return Err(site.error("a comment stands beside the item in brackets"));
    }
    Ok(mapping::removals_in_brackets(&ranges))
}

/// The items of a block sequence as they stand in the text.
struct Lines<'e> {
    site: &'e Site<'e>,
    items: Vec<Item>,
}

struct Item {
    dash: usize,
    /// Where the comment lines above it start, else the line of the dash.
    top: usize,
    /// The end of its last line, with the comments behind it and those below that are indented deeper than the dash.
    end: usize,
    ends_in_block_scalar: bool,
}

impl<'e> Lines<'e> {
    fn new(site: &'e Site<'e>, nodes: &[Node]) -> Self {
        let (text, column) = (site.text, site.column(site.node().range.start));
        let mut items: Vec<Item> = Vec::with_capacity(nodes.len());
        let mut offset = site.node().range.start;
        for node in nodes {
            let dash = skip_to_token(text, offset, node.start);
            let above = items
                .last()
                .map_or(site.document.range.start, |item| item.end);
            offset = node.range.end;
            items.push(Item {
                dash,
                top: top(site, dash, above),
                end: site.end_of_comments(offset, column + 1),
                ends_in_block_scalar: ends_in_block_scalar(node),
            });
        }
        Self { site, items }
    }

    /// Nothing is left: the sequence becomes `[]`, behind its key if it has one.
    fn leave_brackets(&self) -> Result<Vec<Splice>, Error> {
        let (site, node) = (self.site, self.site.node());
        let first = &self.items[0];
        let end = self.items[self.items.len() - 1].end;
        let has_own_line = site.starts_line(first.dash);
        let Some(entry) = site.entry.filter(|_| has_own_line) else {
            let column = site.column(first.dash);
            let (start, indent) = if has_own_line {
                (first.top, column)
            } else {
                (first.dash, 0)
            };
            return Ok(vec![Splice {
                range: start..end,
                with: Zeroizing::new(format!("{}[]", " ".repeat(indent))),
            }]);
        };
        if node.start < node.range.start {
            return Err(site.error("the sequence has an anchor or a tag; remove it as a whole"));
        }
        let colon = entry
            .colon
            .ok_or_else(|| site.error("the key is on a line of its own"))?;
        let brackets = Splice::insert(colon, Zeroizing::new(" []".to_owned()));
        let lines = self.open_end(first.top..line_at(site.text, end).next);
        Ok(vec![brackets, Splice::delete(lines)])
    }

    /// Takes the lines of the items that go. A first item behind a dash or a colon makes room for the next one that stays.
    fn removals(&self, removes: &BTreeSet<usize>) -> Vec<Splice> {
        let (site, mut ranges) = (self.site, Vec::<Range<usize>>::new());
        let mut rest = self.items.as_slice();
        let mut number = 0;
        if !site.starts_line(self.items[0].dash) {
            number = (0..rest.len())
                .take_while(|at| removes.contains(at))
                .count();
            if number > 0 {
                ranges.push(self.leading(number));
            }
            rest = &rest[number..];
        }
        let mut stays: Option<&Item> = None;
        for (number, item) in (number..).zip(rest) {
            if !removes.contains(&number) {
                stays = Some(item);
                continue;
            }
            let next = line_at(site.text, item.end).next;
            match ranges.last_mut().filter(|last| last.end == item.top) {
                Some(last) => last.end = next,
                None => ranges.push(item.top..next),
            }
        }
        // A block scalar needs the line break behind it.
        if !stays.is_some_and(|item| item.ends_in_block_scalar) {
            ranges = ranges
                .into_iter()
                .map(|range| self.open_end(range))
                .collect();
        }
        ranges.into_iter().map(Splice::delete).collect()
    }

    /// The first items, from the line they share with what stands before them.
    fn leading(&self, count: usize) -> Range<usize> {
        let (text, start) = (self.site.text, self.items[0].dash);
        let (end, next) = (self.items[count - 1].end, self.items[count].dash);
        if text[end..next].trim().is_empty() {
            return start..next;
        }
        text[..start].trim_end_matches([' ', '\t']).len()..end
    }

    /// Where the text ended without a line break it shall do so again.
    fn open_end(&self, range: Range<usize>) -> Range<usize> {
        let text = self.site.text;
        if range.end < text.len() || text.ends_with(['\n', '\r']) {
            return range;
        }
        range.start - break_before(text, range.start).len()..range.end
    }
}

/// Where the comment lines directly above a line start that stand after an offset, which lies on a line above.
fn top(site: &Site<'_>, dash: usize, above: usize) -> usize {
    let text = site.text;
    let mut top = site.line_start(dash);
    while top > 0 && line_start(text, top) == top {
        let before = site.line_start(top - break_before(text, top).len());
        let is_comment = text[before..top].trim_start().starts_with('#');
        if !is_comment || before < above {
            break;
        }
        top = before;
    }
    top
}

/// Whether the last line of the value belongs to a block scalar.
fn ends_in_block_scalar(node: &Node) -> bool {
    match &node.content {
        Content::Scalar(_) => matches!(node.style, Style::Literal | Style::Folded),
        _ if node.style == Style::Flow => false,
        Content::Sequence(items) => items.last().is_some_and(ends_in_block_scalar),
        Content::Mapping(entries) => entries
            .iter()
            .rfind(|entry| entry.value.range.end == node.range.end)
            .is_some_and(|entry| ends_in_block_scalar(&entry.value)),
    }
}

#[cfg(test)]
mod tests;
