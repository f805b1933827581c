//! Texts and characters in quotes, as Go would write them in a program.

use crate::unicode;

/// In double quotes; with `ascii`, what is beyond ASCII is escaped.
pub(crate) fn quoted(text: &[u8], ascii: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(first) = rest.first() {
        match unicode::valid(rest) {
            Some(letter) => {
                escape(&mut out, letter, '"', ascii);
                rest = &rest[letter.len_utf8()..];
            }
            None => {
                hexadecimal(&mut out, b'x', 2, u32::from(*first));
                rest = &rest[1..];
            }
        }
    }
    out.push(b'"');
    out
}

/// A character in single quotes.
pub(super) fn quoted_letter(letter: char, ascii: bool) -> Vec<u8> {
    let mut out = vec![b'\''];
    escape(&mut out, letter, '\'', ascii);
    out.push(b'\'');
    out
}

/// Whether a text can stand between backquotes as it is.
pub(super) fn can_be_raw(text: &[u8]) -> bool {
    str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|letter| {
            letter != '\u{feff}'
                && letter != '`'
                && letter != '\u{7f}'
                && (letter >= ' ' || letter == '\t')
        })
    })
}

fn escape(out: &mut Vec<u8>, letter: char, quote: char, ascii: bool) {
    if letter == quote || letter == '\\' {
        out.push(b'\\');
        out.push(letter as u8);
        return;
    }
    if unicode::is_printed(letter) && (letter.is_ascii() || !ascii) {
        unicode::push(out, letter);
        return;
    }
    let simple = match letter {
        '\u{7}' => b'a',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{b}' => b'v',
        '\0'..' ' | '\u{7f}' => return hexadecimal(out, b'x', 2, u32::from(letter)),
        '\u{80}'..'\u{10000}' => return hexadecimal(out, b'u', 4, u32::from(letter)),
        _ => return hexadecimal(out, b'U', 8, u32::from(letter)),
    };
    out.extend([b'\\', simple]);
}

/// A backslash, a letter and so many digits.
fn hexadecimal(out: &mut Vec<u8>, letter: u8, digits: u32, number: u32) {
    out.extend([b'\\', letter]);
    for place in (0..digits).rev() {
        let digit = (number >> (4 * place)) as usize & 15;
        out.push(b"0123456789abcdef"[digit]);
    }
}
