//! What the parser's spans leave out, found again in the text: colons, dashes, block scalars.
//!
//! Everything here runs after the parser accepted the bytes, so it searches and never validates.

use std::ops::Range;

use crate::position::line_at;

/// Skips blanks, line breaks and comments.
pub(crate) fn skip_to_token(text: &str, mut offset: usize, end: usize) -> usize {
    let bytes = text.as_bytes();
    while offset < end {
        match bytes[offset] {
            b' ' | b'\t' | b'\n' | b'\r' => offset += 1,
            b'#' => offset = line_at(text, offset).range.end.min(end),
            _ => break,
        }
    }
    offset
}

/// The offset after the colon that follows a key on its line.
pub(crate) fn after_colon(text: &str, key_end: usize, end: usize) -> Option<usize> {
    let rest = &text[key_end..end];
    let trimmed = rest.trim_start_matches([' ', '\t']);
    let at = key_end + (rest.len() - trimmed.len());
    trimmed.starts_with(':').then_some(at + 1)
}

/// A block scalar, found from its header on.
pub(crate) struct Block {
    /// From the indicator to the end of the content, without the last line break.
    pub(crate) range: Range<usize>,
    /// Whether the content ends with the text, without a line break.
    pub(crate) is_cut_off: bool,
}

/// Measures the block scalar whose `|` or `>` stands at `header`; `indent` is the indentation of
/// its content, none if it has none.
pub(crate) fn block(text: &str, header: usize, indent: Option<usize>, end: usize) -> Block {
    let header_line = line_at(text, header);
    let keeps = keeps_trailing_lines(&text[header..header_line.range.end]);
    let mut last = header_line.range.end;
    let mut offset = header_line.next;
    let mut is_cut_off = false;
    while offset < end {
        let line = line_at(text, offset);
        let content = &text[line.range.clone()];
        let spaces = content.len() - content.trim_start_matches(' ').len();
        let is_blank = spaces == content.len() && indent.is_none_or(|indent| spaces <= indent);
        if !is_blank && indent.is_none_or(|indent| spaces < indent) {
            break;
        }
        if !is_blank || keeps {
            last = line.range.end;
            is_cut_off = line.next == line.range.end;
        }
        offset = line.next;
    }
    Block {
        range: header..last,
        is_cut_off,
    }
}

fn keeps_trailing_lines(header: &str) -> bool {
    header
        .split([' ', '\t', '#'])
        .next()
        .is_some_and(|indicators| indicators.contains('+'))
}
