//! Texts made safe for HTML, JavaScript and URLs.

use crate::unicode;

/// For HTML, also in attributes.
pub(crate) fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend("\u{fffd}".bytes()),
            b'"' => out.extend(b"&#34;"),
            b'\'' => out.extend(b"&#39;"),
            b'&' => out.extend(b"&amp;"),
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            _ => out.push(*byte),
        }
    }
    out
}

/// For a text in JavaScript.
pub(crate) fn javascript(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        let (letter, length) = unicode::decode(rest);
        match letter {
            '\\' | '\'' | '"' => out.extend([b'\\', *first]),
            '\0'..' ' | '<' | '>' | '&' | '=' => {
                out.extend(b"\\u00");
                digits(&mut out, *first);
            }
            letter if letter.is_ascii() || unicode::is_printed(letter) => {
                out.extend_from_slice(&rest[..length]);
            }
            letter => out.extend(format!("\\u{:04X}", u32::from(letter)).bytes()),
        }
        rest = &rest[length..];
    }
    out
}

/// For a value in the query of a URL.
pub(crate) fn url_query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b' ' => out.push(b'+'),
            b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            byte if byte.is_ascii_alphanumeric() => out.push(*byte),
            byte => percent(&mut out, *byte),
        }
    }
    out
}

/// A byte as a per cent sign and two digits.
pub(crate) fn percent(out: &mut Vec<u8>, byte: u8) {
    out.push(b'%');
    digits(out, byte);
}

fn digits(out: &mut Vec<u8>, byte: u8) {
    let digit = |number: u8| b"0123456789ABCDEF"[usize::from(number)];
    out.extend([digit(byte >> 4), digit(byte & 15)]);
}
