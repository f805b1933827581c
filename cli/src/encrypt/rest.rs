//! What goes to standard output where something failed: all the rest, and nothing of what failed, as that is cleartext.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use seal_documents::list_items;
use seal_manifest::{Content, Document, Node, Origin};
use zeroize::Zeroizing;

use super::{comments, position, request::Request, source::Source};
use crate::problem::{Place, Problem};

/// What failed in a part: documents, and items of lists.
#[derive(Default)]
pub(super) struct Failed<'s> {
    /// Positions of the documents of which nothing can stay.
    documents: BTreeSet<usize>,
    /// By position of the document.
    items: BTreeMap<usize, Items<'s>>,
}

/// Items of one document.
struct Items<'s> {
    document: &'s Document,
    nodes: Vec<&'s Node>,
}

/// What is left of a part.
pub(super) struct Rest {
    /// Its text, sealed.
    pub(super) text: Result<Zeroizing<String>, Problem>,
    /// The lists of which nothing is left, though not all in them failed.
    pub(super) lists_left_out: Vec<Place>,
}

impl<'s> Failed<'s> {
    /// Adds a document, or an item in it.
    pub(super) fn add(&mut self, document: &'s Document, node: &'s Node) {
        let position = position(document);
        if std::ptr::eq(node, &document.root) {
            self.add_document(position);
            return;
        }
        let none = || Items {
            document,
            nodes: Vec::new(),
        };
        let items = self.items.entry(position).or_insert_with(none);
        items.nodes.push(node);
    }

    pub(super) fn add_document(&mut self, position: usize) {
        self.documents.insert(position);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.items.is_empty()
    }

    /// Takes it out of the part and seals again what is left.
    pub(super) fn take_out(mut self, source: &Source<'_>, request: &Request) -> Rest {
        let emptied: Vec<usize> = self.emptied().collect();
        self.items.retain(|position, _| {
            !self.documents.contains(position) && !emptied.contains(position)
        });
        let edited = self.without_items(source);
        let lists = self.documents.iter();
        let lists_left_out = lists
            .filter(|position| !emptied.contains(position))
            .filter_map(|position| source.place_of_list(*position))
            .collect();
        self.documents.extend(emptied);
        let edited = edited
            .as_ref()
            .map(|text| Source::whole(source.name(), text));
        let text = match edited {
            None => cut(source, &self.documents, request),
            Some(edited) => edited.and_then(|edited| cut(&edited, &self.documents, request)),
        };
        Rest {
            text,
            lists_left_out,
        }
    }

    /// The documents in which every item of the list failed.
    fn emptied(&self) -> impl Iterator<Item = usize> {
        let is_emptied = |items: &Items<'_>| {
            let failed: HashSet<*const Node> =
                items.nodes.iter().map(|node| &raw const **node).collect();
            let list = list_items(&items.document.root);
            list.is_some_and(|list| list.iter().all(|item| failed.contains(&(&raw const *item))))
        };
        let documents = self.items.iter();
        documents
            .filter(move |(_, items)| is_emptied(items))
            .map(|(position, _)| *position)
    }

    /// The text without the items that failed, where some did. A document in which something of them might stay counts as
    /// failed from then on.
    fn without_items(&mut self, source: &Source<'_>) -> Option<Zeroizing<String>> {
        while !self.items.is_empty() {
            let edited = self.edit(source);
            let refused = match &edited {
                Ok(text) => self.leaking(source.name(), text),
                Err(position) => vec![*position],
            };
            if refused.is_empty() {
                return edited.ok();
            }
            for position in refused {
                self.items.remove(&position);
                self.documents.insert(position);
            }
        }
        None
    }

    /// The text without the items, or the position of a document in which that is not possible.
    fn edit(&self, source: &Source<'_>) -> Result<Zeroizing<String>, usize> {
        let mut edits = source.edits();
        for (position, Items { document, nodes }) in &self.items {
            for node in nodes {
                let removed = edits.remove_item(document, node);
                if removed.is_err() || !is_all_written_here(node) {
                    return Err(*position);
                }
            }
        }
        edits.apply().map_err(|error| {
            let named = error.document().map(|number| number - 1);
            let any = self.items.keys().next().copied();
            named
                .filter(|named| self.items.contains_key(named))
                .or(any)
                .expect("without items there is nothing to edit")
        })
    }

    /// The documents in which a comment that stays gives away an item that does not.
    fn leaking(&self, name: &str, edited: &str) -> Vec<usize> {
        let Ok(edited) = Source::whole(name, edited) else {
            return self.items.keys().copied().collect();
        };
        let documents = self.items.iter();
        documents
            .filter(|(position, items)| comments::give_away(&edited, **position, &items.nodes))
            .map(|(position, _)| *position)
            .collect()
    }
}

/// Whether nothing in the node comes from elsewhere in the document, where it would stay.
pub(super) fn is_all_written_here(node: &Node) -> bool {
    node.origin() == Origin::Written
        && match &node.content {
            Content::Scalar(_) => true,
            Content::Sequence(items) => items.iter().all(is_all_written_here),
            Content::Mapping(entries) => entries
                .iter()
                .all(|entry| is_all_written_here(&entry.key) && is_all_written_here(&entry.value)),
        }
}

/// Seals again what is left when the documents at these positions are cut out, with the comments before and behind them,
/// which may hold values.
fn cut(
    source: &Source<'_>,
    documents: &BTreeSet<usize>,
    request: &Request,
) -> Result<Zeroizing<String>, Problem> {
    let text = source.text();
    let mut rest = Zeroizing::new(String::with_capacity(text.len()));
    let mut start = 0;
    for range in documents
        .iter()
        .map(|position| source.surroundings(*position))
    {
        // What stands between two of them belongs to both.
        rest.push_str(&text[start.min(range.start)..range.start]);
        start = range.end;
    }
    rest.push_str(&text[start..]);
    Source::whole(source.name(), &rest)?
        .seal(request)
        .into_text()
}
