//! Code points: reading them from bytes as Go does, and what they are.

mod cases;
mod tables;

/// What Go reads where there is no code point: U+FFFD.
pub(crate) const REPLACEMENT: char = '\u{fffd}';

/// The code point at the start of bytes that are not empty, and how many bytes it takes; U+FFFD and one byte where there
/// is none.
pub(crate) fn decode(bytes: &[u8]) -> (char, usize) {
    if let Some(first) = bytes.first().filter(|first| first.is_ascii()) {
        return (char::from(*first), 1);
    }
    valid(bytes).map_or((REPLACEMENT, 1), |letter| (letter, letter.len_utf8()))
}

/// The code point at the start of bytes, if there is one.
pub(crate) fn valid(bytes: &[u8]) -> Option<char> {
    let length = match bytes.first()? {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    str::from_utf8(bytes.get(..length)?).ok()?.chars().next()
}

/// The code points of bytes, each with where it starts.
pub(crate) fn runes(bytes: &[u8]) -> impl Iterator<Item = (usize, char)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let (letter, length) = decode(rest);
        at += length;
        Some((start, letter))
    })
}

/// How many code points there are; a byte that is in none counts as one.
pub(crate) fn count(bytes: &[u8]) -> usize {
    runes(bytes).count()
}

/// Adds a code point to bytes.
pub(crate) fn push(bytes: &mut Vec<u8>, letter: char) {
    bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

// ASCII needs no tables: that is what most texts are.

pub(crate) fn is_letter(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphabetic();
    }
    within(tables::LETTERS, letter)
}

pub(crate) fn is_digit(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_digit();
    }
    within(tables::DIGITS, letter)
}

/// Whether a quoted text shows it as it is.
pub(crate) fn is_printed(letter: char) -> bool {
    if letter.is_ascii() {
        return (' '..='~').contains(&letter);
    }
    within(tables::PRINTED, letter)
}

pub(crate) fn is_upper(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_uppercase();
    }
    within(cases::UPPER, letter)
}

pub(crate) fn is_lower(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_lowercase();
    }
    within(cases::LOWER, letter)
}

pub(crate) fn is_title(letter: char) -> bool {
    !letter.is_ascii() && within(cases::TITLE, letter)
}

pub(crate) fn is_number(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_digit();
    }
    within(tables::NUMBERS, letter)
}

pub(crate) fn is_punctuation(letter: char) -> bool {
    within(tables::PUNCTUATION, letter)
}

/// White space as Go's `unicode.IsSpace` has it.
pub(crate) fn is_space(letter: char) -> bool {
    matches!(
        letter,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

pub(crate) fn to_upper(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_uppercase();
    }
    mapped(cases::TO_UPPER, letter)
}

pub(crate) fn to_lower(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    mapped(cases::TO_LOWER, letter)
}

pub(crate) fn to_title(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_uppercase();
    }
    mapped(cases::TO_TITLE, letter)
}

/// Without white space at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    trim_matches(bytes, is_space)
}

/// Without the code points at both ends that are asked for.
pub(crate) fn trim_matches(bytes: &[u8], is_unwanted: impl Fn(char) -> bool) -> &[u8] {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (letter, length) = decode(rest);
        if !is_unwanted(letter) {
            break;
        }
        rest = &rest[length..];
    }
    while !rest.is_empty() {
        let (letter, length) = decode_last(rest);
        if !is_unwanted(letter) {
            break;
        }
        rest = &rest[..rest.len() - length];
    }
    rest
}

/// The code point at the end of bytes that are not empty, as [`decode`].
pub(crate) fn decode_last(bytes: &[u8]) -> (char, usize) {
    for length in 1..=bytes.len().min(4) {
        let tail = &bytes[bytes.len() - length..];
        if let Some(letter) = valid(tail)
            && letter.len_utf8() == length
        {
            return (letter, length);
        }
    }
    (REPLACEMENT, 1)
}

fn within(table: &[(u32, u32)], letter: char) -> bool {
    let point = u32::from(letter);
    let after = table.partition_point(|(first, _)| *first <= point);
    after > 0 && point <= table[after - 1].1
}

fn mapped(table: &[(u32, u32, u32, i32)], letter: char) -> char {
    let point = u32::from(letter);
    let after = table.partition_point(|(first, ..)| *first <= point);
    // Ranges with a step of two lie inside each other.
    for &(first, last, step, added) in table[after.saturating_sub(3)..after].iter().rev() {
        if point <= last && (point - first).is_multiple_of(step) {
            return point
                .checked_add_signed(added)
                .and_then(char::from_u32)
                .unwrap_or(letter);
        }
    }
    letter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_ascii_is_what_the_tables_say() {
        for letter in '\0'..='\u{7f}' {
            assert_eq!(is_letter(letter), within(tables::LETTERS, letter));
            assert_eq!(is_digit(letter), within(tables::DIGITS, letter));
            assert_eq!(is_printed(letter), within(tables::PRINTED, letter));
            assert_eq!(is_number(letter), within(tables::NUMBERS, letter));
            assert_eq!(is_upper(letter), within(cases::UPPER, letter));
            assert_eq!(is_lower(letter), within(cases::LOWER, letter));
            assert_eq!(is_title(letter), within(cases::TITLE, letter));
            assert_eq!(to_upper(letter), mapped(cases::TO_UPPER, letter));
            assert_eq!(to_lower(letter), mapped(cases::TO_LOWER, letter));
            assert_eq!(to_title(letter), mapped(cases::TO_TITLE, letter));
        }
    }
}
