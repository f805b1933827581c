//! JSON (RFC 8259) to trees with positions: one value, or several one after another.
//!
//! Strict: no comments, no trailing commas, no lone surrogates, no key twice. Numbers keep their
//! digits.

use std::collections::HashSet;

use zeroize::Zeroizing;

use crate::node::{Content, Entry, Origin, Scalar};
use crate::position::Walker;
use crate::yaml::MAX_DEPTH;
use crate::{Document, Error, Format, Limits, Node, Position, ScalarKind, Style};

mod token;

/// Reads all values; after the first error nothing more can be told apart.
pub(crate) fn documents(
    text: &str,
    limits: &Limits,
) -> Result<Vec<Result<Document, Error>>, Error> {
    let start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let walker = Walker::new(text, start, 1);
    let mut reader = Reader {
        text,
        offset: start,
        walker,
        limits,
        index: 0,
        nodes: 0,
        path: Vec::new(),
    };
    let mut documents = Vec::new();
    while reader.skip_blank() < text.len() {
        if documents.len() == limits.documents {
            return Err(Error::TooManyDocuments {
                limit: limits.documents,
            });
        }
        reader.index += 1;
        reader.nodes = 0;
        let root = reader.value(0);
        let is_broken = root.is_err();
        documents.push(root.map(|root| document(reader.index, root)));
        if is_broken {
            break;
        }
    }
    Ok(documents)
}

fn document(index: usize, root: Node) -> Document {
    Document {
        index,
        range: root.range.clone(),
        line: root.position.line,
        end: root.range.end,
        root,
        format: Format::Json,
    }
}

struct Reader<'t> {
    text: &'t str,
    offset: usize,
    walker: Walker<'t>,
    limits: &'t Limits,
    index: usize,
    nodes: usize,
    path: Vec<String>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn skip_blank(&mut self) -> usize {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.offset += 1;
        }
        self.offset
    }

    fn value(&mut self, depth: usize) -> Result<Node, Error> {
        let start = self.skip_blank();
        let position = self.walker.at(start);
        self.count(position)?;
        let (content, style) = match self.peek() {
            Some(b'{') => (self.mapping(depth, position)?, Style::Flow),
            Some(b'[') => (self.sequence(depth, position)?, Style::Flow),
            Some(b'"') => (Content::Scalar(self.string()?), Style::DoubleQuoted),
            _ => (Content::Scalar(self.bare()?), Style::Plain),
        };
        Ok(self.node(start, position, content, style))
    }

    fn node(&self, start: usize, position: Position, content: Content, style: Style) -> Node {
        Node {
            range: start..self.offset,
            position,
            content,
            start,
            style,
            origin: Origin::Written,
            anchored: false,
            shared: false,
            merges: Vec::new(),
        }
    }

    fn count(&mut self, position: Position) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        Err(Error::TooManyNodes {
            document: self.index,
            position,
            limit: self.limits.nodes,
        })
    }

    fn enter(&mut self, depth: usize, position: Position) -> Result<(), Error> {
        let limit = self.limits.depth.min(MAX_DEPTH);
        if depth >= limit {
            return Err(Error::TooDeep {
                document: self.index,
                position,
                limit,
            });
        }
        self.offset += 1;
        Ok(())
    }

    fn sequence(&mut self, depth: usize, position: Position) -> Result<Content, Error> {
        self.enter(depth, position)?;
        let mut items = Vec::new();
        self.skip_blank();
        if self.takes(b']') {
            return Ok(Content::Sequence(items));
        }
        loop {
            self.path.push(format!("[{}]", items.len()));
            items.push(self.value(depth + 1)?);
            self.path.pop();
            if self.ends(b']')? {
                return Ok(Content::Sequence(items));
            }
        }
    }

    fn mapping(&mut self, depth: usize, position: Position) -> Result<Content, Error> {
        self.enter(depth, position)?;
        let (mut entries, mut names) = (Vec::new(), HashSet::new());
        self.skip_blank();
        if self.takes(b'}') {
            return Ok(Content::Mapping(entries));
        }
        loop {
            entries.push(self.entry(depth, &mut names)?);
            if self.ends(b'}')? {
                return Ok(Content::Mapping(entries));
            }
        }
    }

    fn entry(&mut self, depth: usize, names: &mut HashSet<String>) -> Result<Entry, Error> {
        let start = self.skip_blank();
        let position = self.walker.at(start);
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in double quotes"));
        }
        self.count(position)?;
        let name = self.string()?;
        let text = name.text().to_owned();
        let key = self.node(start, position, Content::Scalar(name), Style::DoubleQuoted);
        if !names.insert(text.clone()) {
            let path = self.path.concat().trim_start_matches('.').to_owned();
            return Err(Error::DuplicateKey {
                document: self.index,
                position,
                path,
            });
        }
        self.skip_blank();
        if !self.takes(b':') {
            return Err(self.error("expected a colon after the key"));
        }
        let colon = Some(self.offset);
        self.path.push(format!(".{}", crate::yaml::shown(&text)));
        let value = self.value(depth + 1)?;
        self.path.pop();
        Ok(Entry {
            key,
            value,
            start,
            colon,
        })
    }

    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.offset += usize::from(found);
        found
    }

    fn ends(&mut self, close: u8) -> Result<bool, Error> {
        self.skip_blank();
        if self.takes(close) {
            return Ok(true);
        }
        if self.takes(b',') {
            return Ok(false);
        }
        Err(self.error("expected a comma or a closing bracket"))
    }

    fn string(&mut self) -> Result<Scalar, Error> {
        let (text, length) = token::string(&self.text[self.offset..]).map_err(|failure| {
            self.offset += failure.offset;
            self.error(failure.what)
        })?;
        self.offset += length;
        Ok(Scalar {
            text,
            kind: ScalarKind::String,
        })
    }

    fn bare(&mut self) -> Result<Scalar, Error> {
        let Some((kind, length)) = token::bare(&self.text[self.offset..]) else {
            return Err(self.error("expected a JSON value"));
        };
        let text = &self.text[self.offset..self.offset + length];
        self.offset += length;
        Ok(Scalar {
            text: Zeroizing::new(text.to_owned()),
            kind,
        })
    }

    fn error(&mut self, what: &'static str) -> Error {
        let position = self.walker.at(self.offset);
        Error::Syntax {
            document: self.index,
            position,
            what,
        }
    }
}
