//! Events to nodes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Span, Tag};
use zeroize::Zeroizing;

use super::budget::{Budget, Weight};
use super::frame::{Children, Entries, Frame, Head, Key};
use super::style::{scalar_style, structure_style};
use super::{Source, lexical, merge, tag};
use crate::node::{Content, Entry, Origin, Scalar};
use crate::position::Walker;
use crate::{Error, Limits, Node, Position, Style};

/// Builds the tree of one document.
pub(crate) struct Builder<'t> {
    source: Source<'t>,
    walker: Walker<'t>,
    budget: Budget<'t>,
    depth: usize,
    /// The offset after the last token that was taken in.
    cursor: usize,
    /// The `?` before the key that comes next.
    question: Option<usize>,
    frames: Vec<Frame>,
    root: Option<Node>,
    used: HashSet<usize>,
    anchored: HashMap<usize, Anchored>,
}

struct Anchored {
    node: Node,
    weight: Weight,
}

impl<'t> Builder<'t> {
    pub(crate) fn new(
        source: Source<'t>,
        limits: &'t Limits,
        depth: usize,
        used: HashSet<usize>,
    ) -> Self {
        let walker = source.walker();
        Self {
            cursor: source.base,
            budget: Budget::new(limits, source.document),
            source,
            walker,
            question: None,
            depth,
            frames: Vec::new(),
            root: None,
            used,
            anchored: HashMap::new(),
        }
    }

    /// Takes in one event; `anchor` is the place of the anchor of the value it starts.
    pub(crate) fn event(
        &mut self,
        event: Event<'_>,
        span: Span,
        anchor: Option<Span>,
    ) -> Result<(), Error> {
        let id = event.anchor_id();
        match event {
            Event::Scalar(text, style, _, tag) => {
                self.before_child();
                let style = scalar_style(style);
                let mut head = self.head(&span, anchor.as_ref(), id, style);
                self.scalar(&mut head, text, &span, tag.as_deref())
                    .and_then(|(scalar, end)| {
                        let id = head.used_anchor;
                        self.complete(head.node(end, Content::Scalar(scalar)), id)
                    })
            }
            Event::SequenceStart(style, _, tag) => {
                self.before_child();
                let head = self.head(&span, anchor.as_ref(), id, structure_style(style));
                self.open(head, tag.as_deref(), "seq", Frame::items)
            }
            Event::MappingStart(style, _, tag) => {
                self.before_child();
                let mut head = self.head(&span, anchor.as_ref(), id, structure_style(style));
                if head.style == Style::Flow && !self.rest(head.value).starts_with('{') {
                    head.style = Style::Pair;
                }
                self.open(head, tag.as_deref(), "map", Frame::entries)
            }
            Event::DocumentStart(true, _) => {
                self.cursor = self.offset(&span.end);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&span),
            Event::Alias(id) => self.alias(id, &span),
            _ => Ok(()),
        }
    }

    /// The tree, or nothing if the document has no content.
    pub(crate) fn finish(self) -> Result<Option<Node>, Error> {
        let is_content = |root: &Node| !root.range.is_empty() || root.start < root.range.start;
        Ok(self.root.filter(is_content))
    }

    fn rest(&self, offset: usize) -> &'t str {
        &self.source.text[offset..self.source.end]
    }

    fn skip(&self, offset: usize) -> usize {
        lexical::skip_to_token(self.source.text, offset, self.source.end)
    }

    /// Passes what stands between two values: a dash, or the colon after an explicit key.
    fn before_child(&mut self) {
        let Some(frame) = self.frames.last() else {
            return;
        };
        if frame.expects_key() {
            self.question = self.question_mark(frame.head.style);
            return;
        }
        let is_item = matches!(frame.children, Children::Items(_));
        let (mark, is_first) = match (&frame.children, frame.head.style) {
            (Children::Items(_), Style::Block) => ('-', frame.is_empty()),
            (Children::Entries(entries), _) if entries.waits_for_colon() => (':', false),
            _ => return,
        };
        let at = self.skip(self.cursor);
        if !self.rest(at).starts_with(mark) {
            return;
        }
        self.cursor = at + 1;
        if is_item && is_first {
            let position = self.walker.at(at);
            self.starts_at(at, position);
        }
    }

    /// A block collection starts with its first dash or key; its anchor and tag may come earlier.
    fn starts_at(&mut self, offset: usize, position: Position) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let has_properties = frame.head.start < frame.head.value;
        frame.head.value = offset;
        frame.head.position = position;
        if !has_properties {
            frame.head.start = offset;
        }
    }

    fn head(
        &mut self,
        span: &Span,
        anchor: Option<&Span>,
        id: Option<usize>,
        style: Style,
    ) -> Head {
        let value = self.offset(&span.start);
        let properties = [anchor.copied(), span.tag_span()];
        let properties = || properties.iter().flatten();
        let start = properties().map(|span| self.offset(&span.start)).min();
        let end = properties().map(|span| self.offset(&span.end)).max();
        self.cursor = self.cursor.max(end.unwrap_or_default());
        let used_anchor = id.filter(|id| self.used.contains(id));
        let parent_shared = self.frames.last().is_some_and(|frame| frame.head.shared);
        Head {
            start: start.unwrap_or(value).min(value),
            value,
            position: self.source.position(&span.start),
            style,
            used_anchor,
            anchored: id.is_some(),
            shared: parent_shared || used_anchor.is_some(),
        }
    }

    fn offset(&self, marker: &granit_parser::Marker) -> usize {
        self.source.base + marker.byte_offset().unwrap_or_default()
    }

    /// The scalar and where it ends; corrects where it starts.
    fn scalar(
        &mut self,
        head: &mut Head,
        text: Cow<'_, str>,
        span: &Span,
        tag: Option<&Tag>,
    ) -> Result<(Scalar, usize), Error> {
        let mut text = Zeroizing::new(text.into_owned());
        let is_plain = head.style == Style::Plain;
        let mut end = self.offset(&span.end);
        if matches!(head.style, Style::Literal | Style::Folded) {
            let has_properties = head.start < head.value;
            let block = self.block(span)?;
            if block.is_cut_off && text.ends_with('\n') {
                // As kubectl reads it: there is no line break to keep.
                text.pop();
            }
            head.value = block.range.start;
            head.start = if has_properties {
                head.start
            } else {
                head.value
            };
            end = block.range.end;
        } else if is_plain && head.value == end {
            text.clear();
            let has_properties = head.start < head.value;
            // The parser puts an absent value behind blanks and comments; it belongs before them.
            let is_key = self.frames.last().is_some_and(Frame::expects_key);
            head.value = if is_key {
                self.cursor.max(head.value)
            } else {
                self.cursor
            };
            head.start = if has_properties {
                head.start
            } else {
                head.value
            };
            end = head.value;
        }
        head.position = self.walker.at(head.value);
        self.check_line_breaks(&self.source.text[head.value..end], head.position)?;
        let kind = tag::scalar_kind(&text, is_plain, tag).ok_or(Error::UnsupportedTag {
            document: self.source.document,
            position: head.position,
        })?;
        Ok((Scalar { text, kind }, end))
    }

    fn block(&self, span: &Span) -> Result<lexical::Block, Error> {
        let header = self.skip(self.cursor);
        if !self.rest(header).starts_with(['|', '>']) {
            return Err(self.syntax(self.source.position(&span.start), "not valid YAML here"));
        }
        Ok(lexical::block(
            self.source.text,
            header,
            span.indent,
            self.source.end,
        ))
    }

    fn check_line_breaks(&self, raw: &str, position: Position) -> Result<(), Error> {
        if raw.is_ascii() || !raw.contains(super::DISPUTED_BREAKS) {
            return Ok(());
        }
        let what = "a line separator (U+0085, U+2028 or U+2029) stands in the value; \
            write it as an escape in double quotes";
        Err(self.syntax(position, what))
    }

    fn syntax(&self, position: Position, what: &'static str) -> Error {
        Error::Syntax {
            document: self.source.document,
            position,
            what,
        }
    }

    fn open(
        &mut self,
        head: Head,
        tag: Option<&Tag>,
        name: &str,
        frame: fn(Head) -> Frame,
    ) -> Result<(), Error> {
        let (document, position) = (self.source.document, head.position);
        if !tag::fits_collection(tag, name) {
            return Err(Error::UnsupportedTag { document, position });
        }
        if self.frames.len() >= self.depth {
            return Err(Error::TooDeep {
                document,
                position,
                limit: self.depth,
            });
        }
        if self.frames.last().is_some_and(Frame::expects_key) {
            return Err(Error::UnsupportedKey { document, position });
        }
        if head.style == Style::Flow {
            self.cursor = head.value + 1;
        }
        self.frames.push(frame(head));
        Ok(())
    }

    fn close(&mut self, span: &Span) -> Result<(), Error> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        let end = match frame.head.style {
            Style::Flow => self.offset(&span.end),
            _ => self.cursor,
        };
        let id = frame.head.used_anchor;
        match frame.children {
            Children::Items(items) => {
                self.complete(frame.head.node(end, Content::Sequence(items)), id)
            }
            Children::Entries(entries) => {
                let node = self.mapping(frame.head, *entries, end)?;
                self.complete(node, id)
            }
        }
    }

    fn mapping(&self, head: Head, mut entries: Entries, end: usize) -> Result<Node, Error> {
        let merges = std::mem::take(&mut entries.merges);
        let mut ranges = Vec::with_capacity(merges.len());
        for (range, value) in merges {
            let position = value.position;
            if !merge::add(&mut entries, value) {
                return Err(self.syntax(position, "a merge key (<<) takes a mapping"));
            }
            ranges.push(range);
        }
        let mut node = head.node(end, Content::Mapping(entries.done));
        node.merges = ranges;
        Ok(node)
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<(), Error> {
        self.before_child();
        let (document, start) = (self.source.document, self.offset(&span.start));
        let position = self.walker.at(start);
        let Some(anchored) = self.anchored.get(&id) else {
            let what = "the alias stands inside the value it refers to";
            return Err(Error::Alias {
                document,
                position,
                what,
            });
        };
        let weight = anchored.weight;
        if self.frames.len() + weight.height > self.depth {
            return Err(Error::TooDeep {
                document,
                position,
                limit: self.depth,
            });
        }
        self.budget.charge(weight, position)?;
        self.budget.count(weight.nodes - 1, position)?;
        let Some(anchored) = self.anchored.get(&id) else {
            return Ok(());
        };
        let mut node = anchored.node.clone();
        node.set_origin(Origin::Alias);
        node.range = start..self.offset(&span.end);
        node.start = start;
        node.position = position;
        node.anchored = false;
        node.shared = self.frames.last().is_some_and(|frame| frame.head.shared);
        self.complete(node, None)
    }

    /// Hands a finished value to the collection it stands in.
    fn complete(&mut self, node: Node, used_anchor: Option<usize>) -> Result<(), Error> {
        self.budget.count(1, node.position)?;
        if let Some(id) = used_anchor {
            self.remember(id, &node)?;
        }
        self.cursor = self.cursor.max(node.range.end);
        match self.frames.last_mut().map(|frame| &mut frame.children) {
            None if self.root.is_some() => {
                Err(self.syntax(node.position, "a second value stands after the first"))
            }
            None => {
                self.root = Some(node);
                Ok(())
            }
            Some(Children::Items(items)) => {
                items.push(node);
                Ok(())
            }
            Some(Children::Entries(entries)) => match entries.pending.take() {
                Some(key) => {
                    entries.add(key, node);
                    Ok(())
                }
                None => self.key(node),
            },
        }
    }

    fn remember(&mut self, id: usize, node: &Node) -> Result<(), Error> {
        let weight = Weight::of(node);
        self.budget.charge(weight, node.position)?;
        let node = node.clone();
        self.anchored.insert(id, Anchored { node, weight });
        Ok(())
    }

    fn key(&mut self, node: Node) -> Result<(), Error> {
        let (document, position) = (self.source.document, node.position);
        let Some(name) = node.scalar().map(Scalar::text) else {
            return Err(Error::UnsupportedKey { document, position });
        };
        let colon = lexical::after_colon(self.source.text, node.range.end, self.source.end);
        let start = self.question.take().unwrap_or(node.start);
        let is_merge = name == "<<" && node.style == Style::Plain && node.origin == Origin::Written;
        let is_first = self.frames.last().is_some_and(Frame::is_empty);
        let is_block = self
            .frames
            .last()
            .is_some_and(|frame| frame.head.style == Style::Block);
        if is_first && is_block {
            // The walker is past the key already, and an explicit key starts on the same line.
            let column = position.column - (node.range.start - start).min(position.column - 1);
            self.starts_at(
                start,
                Position {
                    line: position.line,
                    column,
                },
            );
        }
        self.cursor = colon.unwrap_or(node.range.end);
        let Some(frame) = self.frames.last_mut() else {
            return Ok(());
        };
        let Children::Entries(entries) = &mut frame.children else {
            return Ok(());
        };
        if !entries.is_new(name) {
            let path = self.path();
            return Err(Error::DuplicateKey {
                document,
                position,
                path,
            });
        }
        entries.pending = Some(Key {
            node,
            start,
            colon,
            is_merge,
        });
        Ok(())
    }

    /// Where the `?` of an explicit key stands, if the next key is one.
    fn question_mark(&self, style: Style) -> Option<usize> {
        let mut at = self.skip(self.cursor);
        if style == Style::Flow && self.rest(at).starts_with(',') {
            at = self.skip(at + 1);
        }
        let rest = self.rest(at).strip_prefix('?')?;
        (rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r'])).then_some(at)
    }

    /// The path of the mapping or sequence that is being read.
    fn path(&self) -> String {
        let above = self.frames.len().saturating_sub(1);
        let path: String = self.frames[..above].iter().map(Frame::step).collect();
        path.trim_start_matches('.').to_owned()
    }
}

impl Entries {
    /// Whether the key stands alone on its line, so that its colon comes later.
    fn waits_for_colon(&self) -> bool {
        self.pending.as_ref().is_some_and(|key| key.colon.is_none())
    }

    fn add(&mut self, key: Key, value: Node) {
        let Key {
            node,
            start,
            colon,
            is_merge,
        } = key;
        if is_merge {
            self.merges.push((start..value.range.end, value));
        } else {
            self.done.push(Entry {
                key: node,
                value,
                start,
                colon,
            });
        }
    }
}
