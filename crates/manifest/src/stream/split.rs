//! A YAML text to the pieces that are parsed each by itself.
//!
//! A line that starts with `---` or `...` is a document marker wherever it stands, also inside
//! quotes and block scalars (YAML 1.2.2, rule c-forbidden), so the text is cut there before
//! anything is parsed.

use std::ops::Range;

use crate::position::line_at;

const BOM: char = '\u{feff}';

/// A piece of a text that holds at most one document.
pub(crate) struct Chunk {
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// Where a `...` line starts, else the end of the range.
    pub(crate) end: usize,
    /// The line where it starts, from 1.
    pub(crate) line: usize,
    /// Whether anything but comments and markers stands in it.
    pub(crate) has_content: bool,
}

enum LineKind {
    Start { has_content: bool },
    End,
    Directive,
    Blank,
    Content,
}

/// The pieces of the text, in order and without gaps.
pub(crate) fn chunks(text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut open = Chunk {
        range: 0..0,
        end: 0,
        line: 1,
        has_content: false,
    };
    // Directives stand before any content and before `---`; elsewhere `%` may be part of a scalar.
    let (mut bare, mut directives) = (true, false);
    let (mut offset, mut number) = (0, 1);
    while offset < text.len() {
        let line = line_at(text, offset);
        match kind_of(&text[line.range], bare && !open.has_content) {
            LineKind::Start { has_content } => {
                if !directives || open.has_content {
                    push(&mut chunks, &mut open, offset, number);
                }
                (bare, directives) = (false, false);
                open.has_content = has_content;
            }
            LineKind::End => {
                open.end = offset;
                open.range.end = line.next;
                (bare, directives) = (true, false);
                chunks.push(std::mem::replace(&mut open, empty(line.next, number + 1)));
            }
            LineKind::Directive => directives = true,
            LineKind::Blank => {}
            LineKind::Content => open.has_content = true,
        }
        offset = line.next;
        number += 1;
    }
    // Directives without a document are for the parser to refuse.
    open.has_content |= directives && bare;
    push(&mut chunks, &mut open, offset, number);
    chunks
}

fn empty(start: usize, line: usize) -> Chunk {
    Chunk {
        range: start..start,
        end: start,
        line,
        has_content: false,
    }
}

fn push(chunks: &mut Vec<Chunk>, open: &mut Chunk, end: usize, line: usize) {
    open.range.end = end;
    open.end = end;
    let chunk = std::mem::replace(open, empty(end, line));
    if !chunk.range.is_empty() {
        chunks.push(chunk);
    }
}

fn kind_of(line: &str, may_be_directive: bool) -> LineKind {
    // A byte order mark may start any document; files put together with `cat` bring them along.
    let line = line.strip_prefix(BOM).unwrap_or(line);
    if let Some(rest) = marker(line, "---") {
        return LineKind::Start {
            has_content: is_content(rest),
        };
    }
    if marker(line, "...").is_some() {
        return LineKind::End;
    }
    if may_be_directive && line.starts_with('%') {
        return LineKind::Directive;
    }
    if is_content(line) {
        LineKind::Content
    } else {
        LineKind::Blank
    }
}

fn marker<'l>(line: &'l str, marker: &str) -> Option<&'l str> {
    let rest = line.strip_prefix(marker)?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

fn is_content(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    !line.is_empty() && !line.starts_with('#')
}
