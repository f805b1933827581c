//! Texts as words: their case, their initials, where lines are broken.

mod snake;

use super::{Arguments, Function, Parameter, Scope};
use crate::{error::Fault, unicode, value::Value};

const TEXT: &[Parameter] = &[Parameter::Text];
const INT_TEXT: &[Parameter] = &[Parameter::Int, Parameter::Text];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("title", TEXT, |scope, given| rewritten(scope, given, title)),
    Function::new("untitle", TEXT, |scope, given| {
        rewritten(scope, given, untitle)
    }),
    Function::new("swapcase", TEXT, |scope, given| {
        rewritten(scope, given, swap_case)
    }),
    Function::new("camelcase", TEXT, |scope, given| {
        rewritten(scope, given, pascal_case)
    }),
    Function::new("snakecase", TEXT, |scope, given| {
        rewritten(scope, given, |text| snake::words(text, '_'))
    }),
    Function::new("kebabcase", TEXT, |scope, given| {
        rewritten(scope, given, |text| snake::words(text, '-'))
    }),
    Function::new("initials", TEXT, |scope, given| {
        rewritten(scope, given, initials)
    }),
    Function::new("nospace", TEXT, |scope, given| {
        rewritten(scope, given, no_space)
    }),
    Function::new("abbrev", INT_TEXT, |scope, mut given| {
        let (width, text) = (given.int()?, given.text()?);
        if width < 4 {
            return Ok(Value::Text(text));
        }
        let short = abbreviated(&text, 0, width);
        scope.text(short)
    }),
    Function::new(
        "abbrevboth",
        &[Parameter::Int, Parameter::Int, Parameter::Text],
        |scope, mut given| {
            let (left, right, text) = (given.int()?, given.int()?, given.text()?);
            if right < 4 || left > 0 && right < 7 {
                return Ok(Value::Text(text));
            }
            let short = abbreviated(&text, left, right);
            scope.text(short)
        },
    ),
    Function::new("wrap", INT_TEXT, |scope, mut given| {
        let (width, text) = (given.int()?, given.text()?);
        wrapped(scope, &text, width, b"", false)
    }),
    Function::new(
        "wrapWith",
        &[Parameter::Int, Parameter::Text, Parameter::Text],
        |scope, mut given| {
            let (width, separator, text) = (given.int()?, given.text()?, given.text()?);
            wrapped(scope, &text, width, &separator, true)
        },
    ),
];

/// What is looked up of each letter takes longer than a step for the bytes of the text.
const BYTES_A_STEP: usize = 2;

/// A text by another that is at most three times as long.
fn rewritten(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    by: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<Value, Fault> {
    let text = given.text()?;
    scope.reserve(3 * text.len())?;
    scope.steps(text.len() / BYTES_A_STEP)?;
    scope.text(by(&text))
}

/// Each code point by what comes of it and the one before.
fn with_previous(text: &[u8], mut by: impl FnMut(char, char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut previous = ' ';
    for (_, letter) in unicode::runes(text) {
        unicode::push(&mut out, by(previous, letter));
        previous = letter;
    }
    out
}

fn title(text: &[u8]) -> Vec<u8> {
    with_previous(text, |previous, letter| {
        if separates(previous) {
            unicode::to_title(letter)
        } else {
            letter
        }
    })
}

fn separates(letter: char) -> bool {
    if letter.is_ascii() {
        return !letter.is_ascii_alphanumeric() && letter != '_';
    }
    !unicode::is_letter(letter) && !unicode::is_digit(letter) && unicode::is_space(letter)
}

fn untitle(text: &[u8]) -> Vec<u8> {
    let mut at_start = true;
    with_previous(text, |_, letter| {
        if unicode::is_space(letter) {
            at_start = true;
            return letter;
        }
        if std::mem::replace(&mut at_start, false) {
            unicode::to_lower(letter)
        } else {
            letter
        }
    })
}

fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut after_space = true;
    with_previous(text, |_, letter| {
        if unicode::is_upper(letter) || unicode::is_title(letter) {
            after_space = false;
            unicode::to_lower(letter)
        } else if unicode::is_lower(letter) {
            if std::mem::replace(&mut after_space, false) {
                unicode::to_title(letter)
            } else {
                unicode::to_upper(letter)
            }
        } else {
            after_space = unicode::is_space(letter);
            letter
        }
    })
}

/// What joins words: it goes, unless it leads or is doubled.
fn is_connector(letter: char) -> bool {
    letter == '-' || letter == '_' || unicode::is_space(letter)
}

fn pascal_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut letters = unicode::runes(text).map(|(_, letter)| letter).peekable();
    while let Some(connector) = letters.next_if(|letter| is_connector(*letter)) {
        if letters.peek().is_none() {
            // The last one comes a second time.
            unicode::push(&mut out, connector);
        }
        unicode::push(&mut out, connector);
    }
    let Some(first) = letters.next() else {
        return out;
    };
    let mut upper = unicode::is_upper(first);
    let mut current = unicode::to_upper(first);
    for letter in letters {
        let previous = std::mem::replace(&mut current, letter);
        if is_connector(current) && is_connector(previous) {
            unicode::push(&mut out, previous);
            continue;
        }
        if is_connector(previous) {
            upper = unicode::is_upper(current);
            current = unicode::to_upper(current);
        } else {
            if upper {
                if unicode::is_upper(current) {
                    current = unicode::to_lower(current);
                } else {
                    upper = false;
                }
            }
            unicode::push(&mut out, previous);
        }
    }
    unicode::push(&mut out, current);
    out
}

/// Bytes as code points: beyond ASCII this is Latin 1, as upstream has it.
fn latin(byte: u8) -> char {
    char::from(byte)
}

fn initials(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut after_space = true;
    for byte in text {
        if unicode::is_space(latin(*byte)) {
            after_space = true;
        } else if std::mem::replace(&mut after_space, false) {
            unicode::push(&mut out, latin(*byte));
        }
    }
    out
}

fn no_space(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| unicode::is_space(latin(*byte))) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    for byte in text.iter().filter(|byte| !unicode::is_space(latin(**byte))) {
        unicode::push(&mut out, latin(*byte));
    }
    out
}

/// At most `width` bytes, with three dots where something is left out; `offset` is what should be seen of it.
fn abbreviated(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    const DOTS: &[u8] = b"...";
    let length = text.len() as i64;
    if length <= width {
        return text.to_vec();
    }
    let mut offset = offset.min(length);
    // The number wraps around where the offset is far below zero, as it does in Go.
    if length.wrapping_sub(offset) < width - 3 {
        offset = length - (width - 3);
    }
    let kept = (width - 3) as usize;
    if offset <= 4 {
        return [&text[..kept], DOTS].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + width - 3 < length {
        let tail = &text[offset as usize..];
        // Without an offset it ends here.
        return [DOTS, &abbreviated(tail, 0, width - 3)].concat();
    }
    [DOTS, &text[text.len() - kept..]].concat()
}

/// With lines of at most `width` bytes where spaces allow it, or with `breaks` everywhere.
fn wrapped(
    scope: &mut Scope<'_>,
    text: &[u8],
    width: i64,
    separator: &[u8],
    breaks: bool,
) -> Result<Value, Fault> {
    let separator: &[u8] = if separator.is_empty() {
        b"\n"
    } else {
        separator
    };
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let lines = text.len() / width + memchr::memchr_iter(b' ', text).count();
    scope.reserve(
        text.len()
            .saturating_add(lines.saturating_mul(separator.len())),
    )?;
    scope.steps(text.len() / 8)?;
    let mut out = Vec::with_capacity(text.len());
    let mut offset = 0;
    while text.len() - offset > width {
        if text[offset] == b' ' {
            offset += 1;
            continue;
        }
        let end = offset + width;
        let last_space = memchr::memrchr(b' ', &text[offset..=end]);
        let line_end = match last_space {
            Some(space) => offset + space,
            None if breaks => {
                out.extend_from_slice(&text[offset..end]);
                out.extend_from_slice(separator);
                offset = end;
                continue;
            }
            None => match memchr::memchr(b' ', &text[end..]) {
                Some(space) => end + space,
                None => break,
            },
        };
        out.extend_from_slice(&text[offset..line_end]);
        out.extend_from_slice(separator);
        offset = line_end + 1;
    }
    out.extend_from_slice(&text[offset.min(text.len())..]);
    scope.text(out)
}
