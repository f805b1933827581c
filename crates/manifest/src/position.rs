//! Lines and columns, and the lines of a text.
//!
//! A line ends with a line feed, a carriage return and line feed, or a lone carriage return, as
//! YAML has it. Nothing here looks at what a line says.

use std::fmt;
use std::ops::Range;

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One line of a text: its bytes without the line break, and where the next line starts.
pub(crate) struct Line {
    pub(crate) range: Range<usize>,
    pub(crate) next: usize,
}

/// The line that starts at `start`.
pub(crate) fn line_at(text: &str, start: usize) -> Line {
    let bytes = text.as_bytes();
    let Some(length) = find_break(&bytes[start..]) else {
        return Line {
            range: start..text.len(),
            next: text.len(),
        };
    };
    let end = start + length;
    let crlf = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
    Line {
        range: start..end,
        next: if crlf { end + 2 } else { end + 1 },
    }
}

/// The lines of a text, each with its line break.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let line = &text[start..line_at(text, start).next];
        start += line.len();
        Some(line).filter(|line| !line.is_empty())
    })
}

fn is_break(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The first line feed or carriage return.
///
/// Pieces are looked through without a way out of the middle, which takes a vector of bytes at a time. A library that
/// does the same by hand left such vectors, and with them pieces of cleartext, on the stack of a build without optimisation.
fn find_break(bytes: &[u8]) -> Option<usize> {
    const PIECE: usize = 32;
    let has_break = |piece: &[u8]| piece.iter().fold(false, |any, byte| any | is_break(byte));
    let pieces = bytes.chunks(PIECE);
    let clear = pieces.take_while(|piece| !has_break(piece)).count() * PIECE;
    let found = bytes.get(clear..)?.iter().position(is_break)?;
    Some(clear + found)
}

/// Where the line that holds `offset` starts.
pub(crate) fn line_start(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset];
    before.iter().rposition(is_break).map_or(0, |at| at + 1)
}

/// The line break that ends the line before `offset`, which is the start of a line.
pub(crate) fn break_before(text: &str, offset: usize) -> &str {
    let before = &text[..offset];
    ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|eol| before.ends_with(eol))
        .unwrap_or_default()
}

/// Follows a text forward and tells positions without counting anything twice.
pub(crate) struct Walker<'t> {
    text: &'t str,
    offset: usize,
    position: Position,
}

impl<'t> Walker<'t> {
    pub(crate) fn new(text: &'t str, offset: usize, line: usize) -> Self {
        Self {
            text,
            offset,
            position: Position { line, column: 1 },
        }
    }

    /// The position of `offset`, which lies at or after every offset asked for before.
    pub(crate) fn at(&mut self, offset: usize) -> Position {
        let bytes = self.text.as_bytes();
        while self.offset < offset {
            let ahead = &bytes[self.offset..offset];
            let found = find_break(ahead);
            let line = &ahead[..found.unwrap_or(ahead.len())];
            self.position.column += characters(line);
            self.offset += line.len();
            if found.is_some() {
                self.pass_break();
            }
        }
        self.position
    }

    fn pass_break(&mut self) {
        let is_crlf = self.text[self.offset..].starts_with("\r\n");
        self.offset += 1;
        if !is_crlf {
            self.position = Position {
                line: self.position.line + 1,
                column: 1,
            };
        }
    }
}

/// How many characters a piece of UTF-8 holds.
fn characters(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let starts_one = |byte: &&u8| (*byte & 0xC0) != 0x80;
    text.iter().filter(starts_one).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_any_break_wherever_it_stands() {
        for length in [0, 1, 31, 32, 33, 63, 64, 65, 100] {
            for eol in ["\n", "\r", "\r\n"] {
                let first = format!("{}{eol}", "a".repeat(length));
                let text = format!("{first}b{eol}c");
                let second = format!("b{eol}");
                let expected = [first.as_str(), &second, "c"];
                assert_eq!(lines(&text).collect::<Vec<_>>(), expected, "{text:?}");
                let at = Walker::new(&text, 0, 1).at(text.len());
                assert_eq!((at.line, at.column), (3, 2), "{text:?}");
            }
        }
        assert_eq!(lines("").next(), None);
    }

    #[test]
    fn columns_count_characters() {
        let text = "\u{e9}\u{20ac}x: \u{1f511}\r\n\u{e9}!";
        let mut walker = Walker::new(text, 0, 1);
        assert_eq!(walker.at(text.find('x').unwrap()).column, 3);
        let last = walker.at(text.find('!').unwrap());
        assert_eq!((last.line, last.column), (2, 2));
    }
}
