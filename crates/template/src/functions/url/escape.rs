//! Per cent signs in URLs: what they mean depends on the part.

use crate::escape::percent;

/// A part of a URL.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

fn has_to_be_escaped(byte: u8, mode: Mode) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    if matches!(mode, Mode::Host | Mode::Zone)
        && matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'['
                | b']'
                | b'<'
                | b'>'
                | b'"'
        )
    {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match mode {
            Mode::Path => byte == b'?',
            Mode::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Mode::Fragment => false,
            Mode::Host | Mode::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' => mode != Mode::Fragment,
        _ => true,
    }
}

pub(super) fn escape(text: &[u8], mode: Mode) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if has_to_be_escaped(*byte, mode) {
            percent(&mut out, *byte);
        } else {
            out.push(*byte);
        }
    }
    out
}

/// Nothing where a per cent sign or a character does not belong there.
pub(super) fn unescape(text: &[u8], mode: Mode) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            let in_host = matches!(mode, Mode::Host | Mode::Zone);
            if in_host && first.is_ascii() && has_to_be_escaped(*first, mode) {
                return None;
            }
            out.push(*first);
            rest = after;
            continue;
        }
        let digits = after
            .get(..2)
            .and_then(|digits| str::from_utf8(digits).ok())?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        let is_percent = byte == b'%';
        if mode == Mode::Host && byte.is_ascii() && !is_percent {
            return None;
        }
        if mode == Mode::Zone && !is_percent && byte != b' ' && has_to_be_escaped(byte, Mode::Host)
        {
            return None;
        }
        out.push(byte);
        rest = &after[2..];
    }
    Some(out)
}
