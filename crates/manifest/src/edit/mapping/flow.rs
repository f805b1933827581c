//! Keys added to a mapping in brackets and taken from it; JSON objects are such mappings.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{MappingEdit, one_line, range_of};
use crate::edit::replace::json_layout;
use crate::edit::site::Site;
use crate::edit::splice::Splice;
use crate::emit;
use crate::node::{Entry, Origin};

/// The splices that make the edit.
pub(super) fn splices(site: &Site<'_>, edit: &MappingEdit) -> Vec<Splice> {
    let node = site.node();
    let entries = written(site);
    if entries.is_empty() && node.merges.is_empty() {
        let with = braces(site, edit);
        return vec![Splice {
            range: node.range.clone(),
            with,
        }];
    }
    let mut ranges: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| (range_of(site.text, entry), edit.removes.contains(&index)))
        .chain(node.merges.iter().map(|range| (range.clone(), false)))
        .collect();
    ranges.sort_by_key(|(range, _)| range.start);
    let Some((last, _)) = ranges.iter().rfind(|(_, goes)| !goes) else {
        let with = braces(site, edit);
        return vec![Splice {
            range: node.range.clone(),
            with,
        }];
    };
    let mut splices = Vec::new();
    if !edit.inserts.is_empty() {
        splices.push(Splice::insert(last.end, appended(site, edit, &ranges)));
    }
    splices.extend(removals(&ranges));
    splices
}

/// A run of entries, or of items, goes with the comma before it, or after it at the start.
pub(in crate::edit) fn removals(ranges: &[(Range<usize>, bool)]) -> Vec<Splice> {
    let mut splices = Vec::new();
    let mut kept: Option<&Range<usize>> = None;
    let mut run: Option<Range<usize>> = None;
    for (range, goes) in ranges {
        if *goes {
            let start = run
                .map(|run| run.start)
                .or_else(|| kept.map(|kept| kept.end))
                .unwrap_or(range.start);
            run = Some(start..range.end);
            continue;
        }
        if let Some(mut gone) = run.take() {
            if kept.is_none() {
                gone.end = range.start;
            }
            splices.push(Splice::delete(gone));
        }
        kept = Some(range);
    }
    splices.extend(run.map(Splice::delete));
    splices
}

fn written<'e>(site: &Site<'e>) -> Vec<&'e Entry> {
    let entries = site.node().entries().unwrap_or_default();
    entries
        .iter()
        .filter(|entry| entry.value.origin != Origin::Merge)
        .collect()
}

/// The new entries, each after the separator that stands between the last two.
fn appended(
    site: &Site<'_>,
    edit: &MappingEdit,
    ranges: &[(Range<usize>, bool)],
) -> Zeroizing<String> {
    let separator = separator(site, ranges);
    let mut out = Zeroizing::<String>::default();
    for (key, value) in edit.inserts.entries() {
        out.push_str(&separator);
        if site.is_json() {
            let margin = separator.rsplit(['\n', '\r']).next().unwrap_or_default();
            let layout = json_layout(site, margin, separator.contains(['\n', '\r']));
            layout.entry(&mut out, key, value, 0);
        } else {
            out.push_str(&emit::flow_string(key));
            out.push_str(": ");
            out.push_str(&one_line(site, value));
        }
    }
    out
}

fn separator(site: &Site<'_>, ranges: &[(Range<usize>, bool)]) -> String {
    let is_simple = |text: &&str| text.trim_matches([' ', '\t', '\n', '\r']) == ",";
    if let [.., (before, _), (last, _)] = ranges {
        let between = &site.text[before.end..last.start];
        return Some(between).filter(is_simple).unwrap_or(", ").to_owned();
    }
    let first = ranges
        .first()
        .map_or_else(|| site.node().range.end, |(range, _)| range.start);
    let open = &site.text[site.node().range.start + 1..first];
    if open.contains(['\n', '\r']) && open.trim().is_empty() {
        return format!(",{open}");
    }
    let is_compact = site.is_json() && gap(site).is_empty();
    if is_compact {
        ",".to_owned()
    } else {
        ", ".to_owned()
    }
}

/// What stands between a colon and its value in this document.
pub(in crate::edit) fn gap(site: &Site<'_>) -> &'static str {
    fn first(node: &crate::Node) -> Option<&Entry> {
        match &node.content {
            crate::Content::Scalar(_) => None,
            crate::Content::Sequence(items) => items.iter().find_map(first),
            crate::Content::Mapping(entries) => entries.first(),
        }
    }
    let touches = |entry: &Entry| entry.colon == Some(entry.value.start);
    if first(&site.document.root).is_some_and(touches) {
        ""
    } else {
        " "
    }
}

/// The new entries in braces of their own.
pub(super) fn braces(site: &Site<'_>, edit: &MappingEdit) -> Zeroizing<String> {
    let mut out = Zeroizing::new("{".to_owned());
    let margin = super::super::replace::margin(site);
    let is_open = site.is_json() && !edit.inserts.is_empty();
    let layout = json_layout(site, margin, is_open);
    for (number, (key, value)) in edit.inserts.entries().enumerate() {
        if site.is_json() {
            let separator = if layout.step.is_none() && !layout.gap.is_empty() {
                ", "
            } else {
                ","
            };
            out.push_str(if number > 0 { separator } else { "" });
            layout.line(&mut out, 1);
            layout.entry(&mut out, key, value, 1);
        } else {
            out.push_str(if number > 0 { ", " } else { "" });
            out.push_str(&emit::flow_string(key));
            out.push_str(": ");
            out.push_str(&one_line(site, value));
        }
    }
    if is_open {
        layout.line(&mut out, 0);
    }
    out.push('}');
    out
}
