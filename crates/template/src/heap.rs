//! Everything that a rendering makes is kept until it ends, and then taken apart piece by piece: a dictionary may contain
//! itself, and a list may be nested more deeply than the stack is high.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use crate::{
    regex::Regex,
    text::Text,
    value::{Element, Elements, Entries, Entry, List, Map, Value},
};

#[derive(Default)]
pub(crate) struct Heap {
    lists: Vec<Elements>,
    maps: Vec<Entries>,
    patterns: BTreeMap<Text, Rc<Regex>>,
}

/// How many patterns are kept; those of a template are few.
const PATTERNS: usize = 50;

impl Heap {
    /// A pattern that was compiled before.
    pub(crate) fn pattern(&self, text: &Text) -> Option<Rc<Regex>> {
        self.patterns.get(text).cloned()
    }

    pub(crate) fn keep_pattern(&mut self, text: Text, pattern: Rc<Regex>) {
        if self.patterns.len() < PATTERNS {
            self.patterns.insert(text, pattern);
        }
    }

    pub(crate) fn list(&mut self, element: Element, values: Vec<Value>) -> List {
        let elements = Rc::new(RefCell::new(values));
        // What holds neither lists nor dictionaries goes when its last user does.
        if matches!(element, Element::Any | Element::List) {
            self.lists.push(elements.clone());
        }
        List::of(element, elements)
    }

    pub(crate) fn map(&mut self, entry: Entry, values: BTreeMap<Text, Value>) -> Map {
        let entries = Rc::new(RefCell::new(values));
        if entry == Entry::Any {
            self.maps.push(entries.clone());
        }
        Map {
            entry,
            entries: Some(entries),
        }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // While all of them are held here, clearing one never drops another.
        for list in &self.lists {
            list.take();
        }
        for map in &self.maps {
            map.take();
        }
    }
}
