//! One string as YAML or JSON writes it, in a given style.
//!
//! What is written plain reads as the same string under YAML 1.1 and 1.2, go-yaml's habits
//! included (no `?` in flow values, no tab before the text of a block scalar).

use zeroize::Zeroizing;

use crate::kind::is_unambiguous;

/// Whether a value stands inside brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Block,
    Flow,
}

/// Where the lines of a block scalar go.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'t> {
    /// The column of its lines, from 0.
    pub(crate) indent: usize,
    /// The column of the collection it stands in.
    pub(crate) parent: usize,
    pub(crate) eol: &'t str,
}

/// Whether the value can stand without quotes.
pub(crate) fn is_plain(value: &str, place: Place) -> bool {
    is_unambiguous(value)
        && (is_one_ascii_word(value) || are_plain_words(value))
        && !value.ends_with(':')
        && !value.starts_with("---")
        && !value.starts_with("...")
        && starts_plain(value)
        && (place == Place::Block || !value.contains([',', '[', ']', '{', '}', '?']))
}

/// As sealed values are: what the other checks would look for one by one is not in it.
fn is_one_ascii_word(value: &str) -> bool {
    // Piece by piece without a way out of the middle, which takes a vector of bytes at a time.
    let is_graphic = |piece: &[u8]| {
        let graphic = piece.iter().map(u8::is_ascii_graphic);
        graphic.fold(true, |all, graphic| all & graphic)
    };
    value.as_bytes().chunks(64).all(is_graphic)
}

fn are_plain_words(value: &str) -> bool {
    value
        .chars()
        .all(|c| is_printable(c) && c != '\t' && c != '\n')
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && !value.contains(": ")
        && !value.contains(" #")
}

fn starts_plain(value: &str) -> bool {
    let indicators = [
        ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '?', ':',
    ];
    !value.starts_with(indicators) && value != "-" && !value.starts_with("- ")
}

/// Characters that YAML 1.1 and 1.2 both allow unescaped and neither takes for a line break.
fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

/// The value in single quotes, if they can hold it.
pub(crate) fn single_quoted(value: &str) -> Option<Zeroizing<String>> {
    if !value.chars().all(|c| is_printable(c) && c != '\n') {
        return None;
    }
    let mut out = Zeroizing::new(String::with_capacity(value.len() * 2 + 2));
    out.push('\'');
    for c in value.chars() {
        out.push_str(if c == '\'' { "'" } else { "" });
        out.push(c);
    }
    out.push('\'');
    Some(out)
}

/// The value in double quotes as YAML has them.
pub(crate) fn double_quoted(value: &str) -> Zeroizing<String> {
    quoted(value, |out, c| match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_printable(c) => out.push(c),
        c if u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02X}", u32::from(c))),
        c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
    })
}

/// The value in double quotes as JSON has them.
pub(crate) fn json_quoted(value: &str) -> Zeroizing<String> {
    quoted(value, |out, c| match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push(c),
    })
}

fn quoted(value: &str, mut push: impl FnMut(&mut String, char)) -> Zeroizing<String> {
    // The longest escape has six bytes for one byte of text.
    let mut out = Zeroizing::new(String::with_capacity(value.len() * 6 + 2));
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c => push(&mut out, c),
        }
    }
    out.push('"');
    out
}

/// The value as a block scalar with `|`, if it can be one. `rest` follows the header on its line.
pub(crate) fn literal(value: &str, shape: Shape<'_>, rest: &str) -> Option<Zeroizing<String>> {
    if !fits_block(value, shape) {
        return None;
    }
    let mut out = header('|', value, shape, rest);
    for line in body(value).split('\n') {
        push_line(&mut out, line, shape);
    }
    Some(out)
}

/// The value as a block scalar with `>`, if it can be one: no line starts with a blank.
pub(crate) fn folded(value: &str, shape: Shape<'_>, rest: &str) -> Option<Zeroizing<String>> {
    let is_smooth = |line: &str| !line.starts_with([' ', '\t']);
    if !fits_block(value, shape) || !body(value).split('\n').all(is_smooth) {
        return None;
    }
    let mut out = header('>', value, shape, rest);
    let mut follows_text = false;
    for line in body(value).split('\n') {
        // Folding turns one line break after text into a space, so it takes one more.
        if follows_text {
            push_line(&mut out, "", shape);
        }
        push_line(&mut out, line, shape);
        follows_text = !line.is_empty();
    }
    Some(out)
}

/// The value without its last line break.
fn body(value: &str) -> &str {
    value.strip_suffix('\n').unwrap_or(value)
}

/// Block scalars are used only where the text says by itself how it ends.
fn fits_block(value: &str, shape: Shape<'_>) -> bool {
    let has_text = value.contains(|c| !matches!(c, ' ' | '\t' | '\n'));
    let width = shape.indent.checked_sub(shape.parent);
    has_text
        && value.chars().all(is_printable)
        && !body(value).ends_with([' ', '\t', '\n'])
        && shape.indent > 0
        && width.is_some_and(|width| (1..=9).contains(&width))
}

fn header(style: char, value: &str, shape: Shape<'_>, rest: &str) -> Zeroizing<String> {
    let lines = value.split('\n').count() * 2;
    let capacity = value.len() + rest.len() + 8 + lines * (shape.indent + shape.eol.len());
    let mut out = Zeroizing::new(String::with_capacity(capacity));
    out.push(style);
    if needs_indicator(value) {
        out.push_str(&(shape.indent - shape.parent).to_string());
    }
    out.push_str(if value.ends_with('\n') { "" } else { "-" });
    out.push_str(rest);
    out
}

/// Whether the indentation cannot be told from the first line.
fn needs_indicator(value: &str) -> bool {
    value.trim_start_matches('\n').starts_with([' ', '\t'])
}

fn push_line(out: &mut String, line: &str, shape: Shape<'_>) {
    out.push_str(shape.eol);
    if !line.is_empty() {
        out.extend(std::iter::repeat_n(' ', shape.indent));
        out.push_str(line);
    }
}
