//! Edits of a text in place: what is not edited keeps its bytes.
//!
//! Edits are collected, then applied all at once. Afterwards the text is read again and compared,
//! document by document, with what was intended; if anything differs nothing comes out.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::Error;
use crate::emit::Cleartext;
use crate::node::{Content, Node, Origin};
use crate::stream::{Document, Limits, Stream, read};

mod mapping;
mod model;
mod replace;
mod scalar;
mod sequence;
mod site;
mod splice;

use mapping::MappingEdit;
use model::{Change, Changes};
use site::{Site, Target};
use splice::Splice;

/// Edits of one text, collected and then applied together.
///
/// The nodes and documents handed in are those that [`read`] returned for the same text.
///
/// # What stays the same
///
/// - Setting a scalar to another value and back gives the identical text wherever its style can
///   hold both values and it was written in the plainest form of that style (one line, no
///   needless escapes).
/// - Inserting a key and removing it again gives the identical text, except under a key without
///   value (`key:` comes back as `key: {}`) and in brackets with blanks or comments inside.
///
/// # What is refused
///
/// Values that came through an alias or a merge key, values that an alias elsewhere repeats, and
/// removing or replacing an anchor that is in use: each would change more than it seems to.
pub struct Edits<'t> {
    text: &'t str,
    limits: Limits,
    stream: Result<Cow<'t, Stream>, Error>,
    /// Where the documents that could be read start, with their numbers.
    starts: Vec<(usize, usize)>,
    /// How much deeper nested mappings stand in each document: to be found by reading all of it, and so only once.
    steps: Vec<OnceLock<usize>>,
    /// What is known already of the bytes to replace; mappings and sequences are worked out at the end.
    splices: Vec<Splice>,
    texts: Vec<(Target, Zeroizing<String>)>,
    nodes: Vec<(Target, Cleartext)>,
    mappings: BTreeMap<Target, MappingEdit>,
    /// The numbers of the items that go, for each sequence.
    items: BTreeMap<Target, BTreeSet<usize>>,
}

impl<'t> Edits<'t> {
    /// Starts to edit a text that was read within the default limits.
    pub fn new(text: &'t str) -> Self {
        Self::with_limits(text, &Limits::default())
    }

    /// Starts to edit a text that was read within the given limits.
    pub fn with_limits(text: &'t str, limits: &Limits) -> Self {
        Self::from(text, limits, read(text, limits).map(Cow::Owned))
    }

    /// Starts to edit a text that was read, within the default limits, as `stream`.
    pub fn of(text: &'t str, stream: &'t Stream) -> Self {
        Self::from(text, &Limits::default(), Ok(Cow::Borrowed(stream)))
    }

    fn from(text: &'t str, limits: &Limits, stream: Result<Cow<'t, Stream>, Error>) -> Self {
        let documents = stream.as_ref().map(|stream| stream.documents.as_slice());
        let documents = documents.unwrap_or_default();
        let steps = documents.iter().map(|_| OnceLock::new()).collect();
        let numbered = documents.iter().enumerate();
        let starts = numbered
            .filter_map(|(number, document)| Some((document.as_ref().ok()?.range.start, number)))
            .collect();
        Self {
            text,
            limits: limits.clone(),
            starts,
            steps,
            stream,
            splices: Vec::new(),
            texts: Vec::new(),
            nodes: Vec::new(),
            mappings: BTreeMap::new(),
            items: BTreeMap::new(),
        }
    }

    /// Whether nothing was edited so far.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
            && self.nodes.is_empty()
            && self.items.is_empty()
            && self.mappings.values().all(MappingEdit::is_empty)
    }

    /// Gives a scalar a new text, in the style it has if that can hold it, else in the nearest
    /// one that can. The value becomes a string whatever it was.
    ///
    /// # Errors
    ///
    /// [`Error::EditNotPossible`] if the node is no scalar or see [`Edits`], and
    /// [`Error::NotInText`].
    pub fn replace_scalar(&mut self, node: &Node, value: &str) -> Result<(), Error> {
        let target = self.locate(node)?;
        self.replace_scalar_at(target, value)
    }

    /// Adds a key with a text at the end of a mapping, indented as its siblings are; a text of
    /// several lines becomes a literal block. The mapping may be `{}` or a key without value.
    ///
    /// # Errors
    ///
    /// [`Error::EditNotPossible`] if the key is there already, if the node is no mapping or see
    /// [`Edits`], and [`Error::NotInText`].
    pub fn insert(
        &mut self,
        document: &Document,
        mapping: &Node,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        let target = self.locate_in(document, mapping)?;
        self.insert_at(target, key, Value::String(value.to_owned()))
    }

    /// Adds a key with any value at the end of a mapping.
    ///
    /// # Errors
    ///
    /// As [`Edits::insert`].
    pub fn insert_node(
        &mut self,
        document: &Document,
        mapping: &Node,
        key: &str,
        value: &Value,
    ) -> Result<(), Error> {
        let target = self.locate_in(document, mapping)?;
        self.insert_at(target, key, value.clone())
    }

    /// Sets the text at the end of a path of keys (or of indices, where a sequence stands);
    /// inserts it, and the mappings on the way, where they are missing.
    ///
    /// # Errors
    ///
    /// [`Error::EditNotPossible`] if something on the path is neither a mapping nor null, if the
    /// path is empty or see [`Edits`], and [`Error::NotInText`].
    pub fn set(&mut self, document: &Document, path: &[&str], value: &str) -> Result<(), Error> {
        self.set_in(document, &document.root, path, value)
    }

    /// As [`Edits::set`], with a path that begins at a mapping inside the document, such as an
    /// item of a list.
    ///
    /// # Errors
    ///
    /// As [`Edits::set`].
    pub fn set_in(
        &mut self,
        document: &Document,
        start: &Node,
        path: &[&str],
        value: &str,
    ) -> Result<(), Error> {
        let mut target = self.locate_in(document, start)?;
        for (depth, key) in path.iter().enumerate() {
            let site = self.site(&target)?;
            let found = match &site.node().content {
                Content::Sequence(items) => {
                    let index = key.parse().ok().filter(|index| *index < items.len());
                    Some(index.ok_or_else(|| site.error("the sequence has no such item"))?)
                }
                Content::Scalar(_) | Content::Mapping(_) => self.written(&target, key)?,
            };
            let Some(index) = found else {
                return self.insert_at(target, key, nested(&path[depth + 1..], value));
            };
            target.path.push(index);
        }
        self.replace_scalar_at(target, value)
    }

    /// Removes a key with its value, its lines and the comment behind it; false if it is not
    /// there. Comments above it stay. A mapping that loses its last key becomes `{}`.
    ///
    /// # Errors
    ///
    /// [`Error::EditNotPossible`], see [`Edits`], and [`Error::NotInText`].
    pub fn remove(
        &mut self,
        document: &Document,
        mapping: &Node,
        key: &str,
    ) -> Result<bool, Error> {
        let target = self.locate_in(document, mapping)?;
        let site = self.site(&target)?;
        let entries = site.node().entries().unwrap_or_default();
        let Some(index) = entries.iter().position(|entry| entry.is_named(key)) else {
            let edit = self.mappings.get_mut(&target);
            return Ok(edit.is_some_and(|edit| edit.inserts.take(key)));
        };
        site.check_removable(&entries[index])?;
        let edit = self.mappings.entry(target).or_default();
        Ok(edit.removes.insert(index) || edit.inserts.take(key))
    }

    /// Removes an item of a sequence with its lines: also the comment lines directly above it, the comments in and behind
    /// it, and those below it that are indented deeper than its dash, as any of them may hold what the item holds. A
    /// sequence that loses its last item becomes `[]`. False if the item was removed already.
    ///
    /// # Errors
    ///
    /// [`Error::EditNotPossible`] if the node is no item of a sequence, if it stands in brackets with a comment beside it
    /// or see [`Edits`], and [`Error::NotInText`].
    pub fn remove_item(&mut self, document: &Document, item: &Node) -> Result<bool, Error> {
        let mut target = self.locate_in(document, item)?;
        let site = self.site(&target)?;
        site.check_removable_item()?;
        let index = target.path.pop().ok_or(Error::NotInText)?;
        Ok(self.items.entry(target).or_default().insert(index))
    }

    /// Puts another value where a value stands: as a whole document, as an item or under a key.
    /// It is written as block YAML at the indentation of what it replaces, in brackets where that
    /// stands in brackets, and as JSON in JSON.
    ///
    /// Comments inside the old value go, as they may hold cleartext, and so do those after the
    /// root of a document; comments before it stay.
    ///
    /// # Errors
    ///
    /// [`Error::EditNotPossible`], see [`Edits`], and [`Error::NotInText`].
    pub fn replace_node(
        &mut self,
        document: &Document,
        node: &Node,
        value: Value,
    ) -> Result<(), Error> {
        let target = self.locate_in(document, node)?;
        let site = self.site(&target)?;
        site.check_replaceable()?;
        let value = Cleartext(value);
        let splices = replace::splices(&site, &value.0);
        self.splices.extend(splices);
        self.nodes.push((target, value));
        Ok(())
    }

    /// The edited text.
    ///
    /// # Errors
    ///
    /// [`Error::EditsOverlap`] if two edits touch the same bytes, [`Error::EditNotVerified`] if
    /// the edited text does not read back as intended, and [`Error::EditNotPossible`].
    pub fn apply(mut self) -> Result<Zeroizing<String>, Error> {
        let mut splices = std::mem::take(&mut self.splices);
        for (target, edit) in &self.mappings {
            splices.extend(mapping::splices(&self.site(target)?, edit)?);
        }
        for (target, removes) in &self.items {
            splices.extend(sequence::splices(&self.site(target)?, removes)?);
        }
        let stream = self.stream.as_ref().map_err(Clone::clone)?;
        let edited = splice::apply(self.text, stream, splices)?;
        model::verify(stream, &self.changes(), &edited, &self.limits)?;
        Ok(edited)
    }

    fn changes(&self) -> Changes<'_> {
        let mut changes = Changes::default();
        for (target, text) in &self.texts {
            changes.add(target, Change::Text(text));
        }
        for (target, value) in &self.nodes {
            changes.add(target, Change::Value(&value.0));
        }
        for (target, edit) in self.mappings.iter().filter(|(_, edit)| !edit.is_empty()) {
            changes.add(target, Change::Mapping(edit));
        }
        for (target, gone) in &self.items {
            changes.add(target, Change::Items(gone));
        }
        changes
    }

    fn replace_scalar_at(&mut self, target: Target, value: &str) -> Result<(), Error> {
        let site = self.site(&target)?;
        if site.node().as_str() == Some(value) {
            return Ok(());
        }
        let splice = scalar::splice(&site, value)?;
        self.splices.push(splice);
        self.texts.push((target, Zeroizing::new(value.to_owned())));
        Ok(())
    }

    fn insert_at(&mut self, target: Target, key: &str, value: Value) -> Result<(), Error> {
        let value = Cleartext(value);
        let site = self.site(&target)?;
        site.check_insertable()?;
        let is_there = self.written(&target, key)?.is_some();
        let error = site.error("the key is there already");
        if is_there
            || !self
                .mappings
                .entry(target)
                .or_default()
                .inserts
                .add(key, &value.0)
        {
            return Err(error);
        }
        Ok(())
    }

    /// The number of the entry with the key, if it is written in the mapping and stays there.
    fn written(&self, target: &Target, key: &str) -> Result<Option<usize>, Error> {
        let site = self.site(target)?;
        let entries = site.node().entries().unwrap_or_default();
        let index = entries
            .iter()
            .position(|entry| entry.is_named(key) && entry.value.origin != Origin::Merge);
        Ok(index.filter(|_| !self.is_removed(target, key)))
    }

    fn is_removed(&self, target: &Target, key: &str) -> bool {
        let Some(edit) = self.mappings.get(target) else {
            return false;
        };
        let Ok(site) = self.site(target) else {
            return false;
        };
        let entries = site.node().entries().unwrap_or_default();
        edit.removes
            .iter()
            .any(|index| entries[*index].is_named(key))
    }

    fn locate_in(&self, document: &Document, node: &Node) -> Result<Target, Error> {
        let target = self.locate(node)?;
        let found = self.site(&target)?.document.index;
        if found == document.index {
            Ok(target)
        } else {
            Err(Error::NotInText)
        }
    }

    fn locate(&self, node: &Node) -> Result<Target, Error> {
        let stream = self.stream.as_ref().map_err(Clone::clone)?;
        let after = self
            .starts
            .partition_point(|(start, _)| *start <= node.range.start);
        let (_, index) = after
            .checked_sub(1)
            .map(|at| self.starts[at])
            .ok_or(Error::NotInText)?;
        let document = &stream.documents[index];
        let document = document.as_ref().map_err(Clone::clone)?;
        if node.origin != Origin::Written {
            return Err(Error::EditNotPossible {
                document: document.index,
                position: node.position,
                what: "the value stands elsewhere and an alias or merge key repeats it here",
            });
        }
        let path = site::path_to(&document.root, node).ok_or(Error::NotInText)?;
        Ok(Target {
            document: index,
            path,
        })
    }

    fn site(&self, target: &Target) -> Result<Site<'_>, Error> {
        let stream = self.stream.as_ref().map_err(Clone::clone)?;
        let document = stream
            .documents
            .get(target.document)
            .ok_or(Error::NotInText)?;
        Site::new(
            self.text,
            document.as_ref().map_err(Clone::clone)?,
            &self.steps[target.document],
            &target.path,
        )
    }
}

/// A text under the mappings that lead to it.
fn nested(path: &[&str], value: &str) -> Value {
    let text = Value::String(value.to_owned());
    path.iter().rev().fold(text, |value, key| {
        Value::Object(Map::from_iter([((*key).to_owned(), value)]))
    })
}

#[cfg(test)]
mod tests;
