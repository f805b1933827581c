//! Keys added to a mapping and taken from it.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::site::Site;
use super::splice::Splice;
use crate::Error;
use crate::emit::{self, Cleartext, Emitter};
use crate::node::{Entry, Origin, Style};
use crate::position::break_before;
use crate::render::Place;

mod flow;

pub(super) use flow::{gap, removals as removals_in_brackets};

/// What happens to one mapping.
#[derive(Default)]
pub(super) struct MappingEdit {
    pub(super) inserts: Inserts,
    /// The numbers of the entries that go.
    pub(super) removes: BTreeSet<usize>,
}

impl MappingEdit {
    pub(super) fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.removes.is_empty()
    }
}

/// New entries, wiped when dropped.
pub(super) struct Inserts(Cleartext);

impl Default for Inserts {
    fn default() -> Self {
        Self(Cleartext(Value::Object(Map::new())))
    }
}

impl Inserts {
    /// Adds an entry, mappings into mappings; false if there is one already.
    pub(super) fn add(&mut self, key: &str, value: &Value) -> bool {
        match &mut self.0.0 {
            Value::Object(entries) => add(entries, key, value),
            _ => false,
        }
    }

    /// Takes an entry back out; false if there is none.
    pub(super) fn take(&mut self, key: &str) -> bool {
        let Value::Object(entries) = &mut self.0.0 else {
            return false;
        };
        entries.shift_remove(key).map(Cleartext).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries().next().is_none()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.0.0.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.as_str(), value))
    }
}

fn add(entries: &mut Map<String, Value>, key: &str, value: &Value) -> bool {
    match (entries.get_mut(key), value) {
        (None, _) => {
            entries.insert(key.to_owned(), value.clone());
            true
        }
        (Some(Value::Object(there)), Value::Object(new)) if !new.is_empty() => {
            new.iter().all(|(key, value)| add(there, key, value))
        }
        _ => false,
    }
}

/// The splices that make the edit.
pub(super) fn splices(site: &Site<'_>, edit: &MappingEdit) -> Result<Vec<Splice>, Error> {
    if edit.is_empty() {
        return Ok(Vec::new());
    }
    let node = site.node();
    match node.style {
        Style::Block => block(site, edit),
        _ if node.range.is_empty() => Ok(into_absent(site, edit)),
        _ => Ok(into_empty_as_block(site, edit).unwrap_or_else(|| flow::splices(site, edit))),
    }
}

/// New lines below a key without value, or a value after a dash.
fn into_absent(site: &Site<'_>, edit: &MappingEdit) -> Vec<Splice> {
    let at = site.node().range.end;
    if site.place() == Place::Flow {
        let mut with = Zeroizing::new(" ".to_owned());
        with.push_str(&flow::braces(site, edit));
        return vec![Splice::insert(at, with)];
    }
    if site.entry.is_some() {
        return vec![Splice::insert(site.line_end(at), lines_below(site, edit))];
    }
    let mut emitter = emitter(site, at, site.parent_column());
    emitter.out.push(' ');
    emitter.entries(edit.inserts.entries(), site.parent_column() + 2);
    vec![Splice::insert(at, emitter.out)]
}

/// New lines for `key: {}`, `- {}`, `key: null` and a root `{}`, where the braces are written in
/// the plainest way.
fn into_empty_as_block(site: &Site<'_>, edit: &MappingEdit) -> Option<Vec<Splice>> {
    let node = site.node();
    let raw = &site.text[node.range.clone()];
    let is_bare = node.start == node.range.start && (raw == "{}" || node.is_null());
    if !is_bare || site.place() == Place::Flow || site.is_json() {
        return None;
    }
    if let Some(entry) = site.entry {
        let colon = entry
            .colon
            .filter(|colon| &site.text[*colon..node.range.start] == " ")?;
        let lines = Splice::insert(site.line_end(node.range.end), lines_below(site, edit));
        return Some(vec![Splice::delete(colon..node.range.end), lines]);
    }
    if site.parent().is_none() && !site.starts_line(node.range.start) {
        return None;
    }
    let column = site.column(node.range.start);
    let mut emitter = emitter(site, node.range.end, column);
    emitter.entries(edit.inserts.entries(), column);
    Some(vec![Splice {
        range: node.range.clone(),
        with: emitter.out,
    }])
}

/// The new entries on lines of their own, one level deeper than the key they belong to.
fn lines_below(site: &Site<'_>, edit: &MappingEdit) -> Zeroizing<String> {
    let indent = site.parent_column() + site.step();
    let at = site.line_end(site.node().range.end);
    let mut emitter = emitter(site, at, indent);
    emitter.line(indent);
    emitter.entries(edit.inserts.entries(), indent);
    emitter.out
}

/// An emitter for entries that end at an offset, their keys at a column.
fn emitter<'e>(site: &Site<'e>, end: usize, column: usize) -> Emitter<'e> {
    let mut emitter = Emitter::new(site.step(), site.eol(end));
    let is_alone = site.text[end..site.line_end(end)].is_empty();
    emitter.avoids_block_scalars = !is_alone || !site.can_end_block(end, column);
    emitter
}

/// The entries of a block mapping as they stand in the text.
struct Lines<'e> {
    site: &'e Site<'e>,
    /// The range of each written entry, and whether it goes.
    entries: Vec<(Range<usize>, bool)>,
}

fn block(site: &Site<'_>, edit: &MappingEdit) -> Result<Vec<Splice>, Error> {
    let node = site.node();
    let written = |entry: &&Entry| entry.value.origin != Origin::Merge;
    let entries = node
        .entries()
        .unwrap_or_default()
        .iter()
        .filter(written)
        .enumerate();
    let mut ranges: Vec<_> = entries
        .map(|(index, entry)| (range_of(site.text, entry), edit.removes.contains(&index)))
        .chain(node.merges.iter().map(|range| (range.clone(), false)))
        .collect();
    ranges.sort_by_key(|(range, _)| range.start);
    let lines = Lines {
        site,
        entries: ranges,
    };
    match lines.entries.iter().rfind(|(_, goes)| !goes) {
        None if edit.inserts.is_empty() => lines.leave_braces(),
        None => Ok(lines.replace_all(edit)),
        Some((last, _)) => {
            let mut splices = lines.removals();
            if !edit.inserts.is_empty() {
                splices.push(lines.insertion(last.end, edit));
            }
            Ok(splices)
        }
    }
}

fn range_of(text: &str, entry: &Entry) -> Range<usize> {
    let (start, value) = (entry.start, &entry.value.range);
    let end = match entry.colon {
        Some(colon) => value.end.max(colon),
        // What is not written (`? key`, `?`) has its place where the parser went on, maybe lines below.
        None if value.is_empty() => start + text[start..value.end].trim_end().len(),
        None => value.end,
    };
    start..end
}

impl Lines<'_> {
    fn insertion(&self, after: usize, edit: &MappingEdit) -> Splice {
        let at = self.site.line_end(after);
        let indent = self.site.column(self.site.node().range.start);
        let mut emitter = emitter(self.site, at, indent);
        emitter.line(indent);
        emitter.entries(edit.inserts.entries(), indent);
        Splice::insert(at, emitter.out)
    }

    fn replace_all(&self, edit: &MappingEdit) -> Vec<Splice> {
        let range = self.whole();
        let column = self.site.column(range.start);
        let mut emitter = emitter(self.site, range.end, column);
        emitter.entries(edit.inserts.entries(), column);
        vec![Splice {
            range,
            with: emitter.out,
        }]
    }

    /// From the first entry to the end of the last line.
    fn whole(&self) -> Range<usize> {
        let node = self.site.node();
        node.range.start..self.site.line_end(node.range.end)
    }

    /// Nothing is left: the mapping becomes `{}`, behind its key if it has one.
    fn leave_braces(&self) -> Result<Vec<Splice>, Error> {
        let (site, node) = (self.site, self.site.node());
        let Some(entry) = site.entry else {
            return Ok(vec![Splice {
                range: self.whole(),
                with: Zeroizing::new("{}".to_owned()),
            }]);
        };
        if node.start < node.range.start {
            return Err(site.error("the mapping has an anchor or a tag; remove the whole mapping"));
        }
        let colon = entry
            .colon
            .ok_or_else(|| site.error("the key is on a line of its own"))?;
        let mut splices = vec![Splice::insert(colon, Zeroizing::new(" {}".to_owned()))];
        splices.extend(self.removals());
        Ok(splices)
    }

    /// Takes the lines of the entries that go. A first entry behind a dash makes room for the
    /// next one that stays.
    fn removals(&self) -> Vec<Splice> {
        let (site, first) = (self.site, self.entries[0].0.start);
        let mut entries = self.entries.as_slice();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        if !site.starts_line(first) {
            let leading = entries.iter().take_while(|(_, goes)| *goes).count();
            if let (1.., Some((next, _))) = (leading, entries.get(leading)) {
                ranges.push(first..next.start);
            }
            entries = &entries[leading..];
        }
        for (range, _) in entries.iter().filter(|(_, goes)| *goes) {
            let start = site.line_start(range.start);
            match ranges.last_mut().filter(|last| last.end == start) {
                Some(last) => last.end = site.next_line(range.end),
                None => ranges.push(start..site.next_line(range.end)),
            }
        }
        if let Some(last) = ranges.last_mut().filter(|last| last.end == site.text.len()) {
            // The text ends without a line break and shall do so again.
            if !site.text.ends_with(['\n', '\r']) {
                last.start -= break_before(site.text, last.start).len();
            }
        }
        ranges.into_iter().map(Splice::delete).collect()
    }
}

/// A value on one line, as brackets or JSON have it.
fn one_line(site: &Site<'_>, value: &Value) -> Zeroizing<String> {
    if !site.is_json() {
        return emit::flow(value);
    }
    let mut out = Zeroizing::<String>::default();
    let layout = emit::JsonLayout {
        step: None,
        margin: "",
        eol: "",
        gap: gap(site),
    };
    layout.value(&mut out, value, 0);
    out
}
