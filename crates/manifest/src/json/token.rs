//! JSON's strings, numbers and words.

use zeroize::Zeroizing;

use crate::ScalarKind;

/// Why a token is none, and how far into it.
pub(crate) struct Failure {
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
}

/// The text of the string at the start of `input`, and how many bytes it takes.
pub(crate) fn string(input: &str) -> Result<(Zeroizing<String>, usize), Failure> {
    let bytes = input.as_bytes();
    let (mut offset, mut plain_from) = (1, 1);
    let mut text = Zeroizing::new(String::new());
    loop {
        let failure = |what| Failure { offset, what };
        match bytes.get(offset) {
            None => return Err(failure("a string is not closed")),
            Some(b'"') => {
                append(&mut text, &input[plain_from..offset]);
                return Ok((text, offset + 1));
            }
            Some(b'\\') => {
                append(&mut text, &input[plain_from..offset]);
                let (character, length) = escape(&input[offset..])
                    .ok_or_else(|| failure("unknown escape or half a surrogate pair"))?;
                append(&mut text, character.encode_utf8(&mut [0; 4]));
                offset += length;
                plain_from = offset;
            }
            Some(0..0x20) => return Err(failure("a control character stands in a string")),
            Some(_) => offset += 1,
        }
    }
}

/// Appends without leaving an unwiped copy where the string has to move.
fn append(text: &mut Zeroizing<String>, part: &str) {
    if text.capacity() - text.len() < part.len() {
        let capacity = (text.capacity() * 2).max(text.len() + part.len());
        let mut larger = Zeroizing::new(String::with_capacity(capacity));
        larger.push_str(text);
        *text = larger;
    }
    text.push_str(part);
}

/// The character an escape stands for, and how many bytes the escape takes.
fn escape(input: &str) -> Option<(char, usize)> {
    let character = match input.as_bytes().get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(input),
        _ => return None,
    };
    Some((character, 2))
}

fn unicode(input: &str) -> Option<(char, usize)> {
    let first = unit(input)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let second = unit(&input[6..])?;
    let pair = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let character = char::decode_utf16(pair).next()?.ok()?;
    Some((character, 12))
}

fn unit(input: &str) -> Option<u32> {
    let digits = input.strip_prefix("\\u")?.get(..4)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

/// The type of the number or word at the start of `input`, and how many bytes it takes.
pub(crate) fn bare(input: &str) -> Option<(ScalarKind, usize)> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let length = input.bytes().take_while(is_part).count();
    let token = &input[..length];
    let kind = match token {
        "null" => ScalarKind::Null,
        "true" | "false" => ScalarKind::Bool,
        _ => number(token)?,
    };
    Some((kind, length))
}

fn number(token: &str) -> Option<ScalarKind> {
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let whole = digits(unsigned);
    if whole == 0 || (whole > 1 && unsigned.starts_with('0')) {
        return None;
    }
    let mut rest = &unsigned[whole..];
    let is_whole = rest.is_empty();
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = after_digits(fraction)?;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        rest = after_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?;
    }
    let kind = if is_whole {
        ScalarKind::Integer
    } else {
        ScalarKind::Float
    };
    rest.is_empty().then_some(kind)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn after_digits(text: &str) -> Option<&str> {
    let count = digits(text);
    (count > 0).then(|| &text[count..])
}
