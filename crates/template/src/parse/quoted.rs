//! Texts and characters in quotes, with Go's escapes.

const WRONG: &str = "a text or a character with an escape that does not exist";

/// What a text in quotes of any kind means.
pub(super) fn unquote(quoted: &str) -> Result<Vec<u8>, &'static str> {
    if let Some(raw) = quoted.strip_prefix('`') {
        let raw = raw.strip_suffix('`').ok_or(WRONG)?;
        return Ok(raw.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let body = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let mut rest = body.ok_or(WRONG)?;
    let mut text = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (unit, after) = unit(rest, '"')?;
        match unit {
            Unit::Byte(byte) => text.push(byte),
            Unit::Letter(letter) => crate::unicode::push(&mut text, letter),
        }
        rest = after;
    }
    Ok(text)
}

/// The code point that a character in quotes means.
pub(super) fn unquote_character(quoted: &str) -> Result<u32, &'static str> {
    let body = quoted.strip_prefix('\'').ok_or(WRONG)?;
    if body.starts_with('\'') {
        return Err(WRONG);
    }
    let (unit, after) = unit(body, '\'')?;
    if after != "'" {
        return Err("a character constant that is not one character");
    }
    Ok(match unit {
        Unit::Byte(byte) => u32::from(byte),
        Unit::Letter(letter) => u32::from(letter),
    })
}

enum Unit {
    Byte(u8),
    Letter(char),
}

/// The first character or escape, and what comes after it.
fn unit(text: &str, quote: char) -> Result<(Unit, &str), &'static str> {
    let mut letters = text.chars();
    let first = letters.next().ok_or(WRONG)?;
    if first != '\\' {
        return Ok((Unit::Letter(first), letters.as_str()));
    }
    let escape = letters.next().ok_or(WRONG)?;
    let rest = letters.as_str();
    let simple = |byte| Ok((Unit::Byte(byte), rest));
    match escape {
        'a' => simple(0x07),
        'b' => simple(0x08),
        'f' => simple(0x0c),
        'n' => simple(b'\n'),
        'r' => simple(b'\r'),
        't' => simple(b'\t'),
        'v' => simple(0x0b),
        '\\' => simple(b'\\'),
        '\'' | '"' if escape == quote => simple(quote as u8),
        'x' => {
            let (value, rest) = digits(rest, 2, 16)?;
            Ok((Unit::Byte(value as u8), rest))
        }
        'u' | 'U' => {
            let (value, rest) = digits(rest, if escape == 'u' { 4 } else { 8 }, 16)?;
            let letter = char::from_u32(value).ok_or(WRONG)?;
            Ok((Unit::Letter(letter), rest))
        }
        '0'..='7' => {
            let (value, rest) = digits(&text[1..], 3, 8)?;
            let byte = u8::try_from(value).map_err(|_| WRONG)?;
            Ok((Unit::Byte(byte), rest))
        }
        _ => Err(WRONG),
    }
}

fn digits(text: &str, count: usize, base: u32) -> Result<(u32, &str), &'static str> {
    let number = text.get(..count).ok_or(WRONG)?;
    if !number.chars().all(|letter| letter.is_digit(base)) {
        return Err(WRONG);
    }
    let value = u32::from_str_radix(number, base).map_err(|_| WRONG)?;
    Ok((value, &text[count..]))
}
