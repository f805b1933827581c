//! `snakecase` and `kebabcase`: words found by case, digits and punctuation.

use super::is_connector;
use crate::unicode::{self, REPLACEMENT};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// In lower case, with a connector between the words.
pub(super) fn words(text: &[u8], connector: char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    if text.is_empty() {
        return out;
    }
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Kind::Connector {
            lower(&mut out, kind, word, connector);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Kind::Number => {
                while matches!(kind, Kind::Alphabet | Kind::Number) {
                    lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Kind::Invalid | Kind::Punctuation | Kind::Connector) {
                    unicode::push(&mut out, connector);
                }
            }
            Kind::Connector => lower(&mut out, before, last, connector),
            Kind::Punctuation => {}
            _ if kind != Kind::Number => {
                if !matches!(kind, Kind::Connector | Kind::Punctuation) {
                    unicode::push(&mut out, connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind == Kind::Alphabet {
                    unicode::push(&mut out, connector);
                    lower(&mut out, Kind::Number, number, connector);
                    while matches!(kind, Kind::Alphabet | Kind::Number) {
                        lower(&mut out, kind, word, connector);
                        (kind, word, rest) = next_word(rest);
                    }
                    if !matches!(kind, Kind::Invalid | Kind::Connector | Kind::Punctuation) {
                        unicode::push(&mut out, connector);
                    }
                } else {
                    lower(&mut out, Kind::Number, number, connector);
                    if !matches!(kind, Kind::Connector | Kind::Punctuation) {
                        unicode::push(&mut out, connector);
                    }
                }
            }
        }
    }
    lower(&mut out, kind, word, connector);
    out
}

fn next_word(text: &[u8]) -> (Kind, &[u8], &[u8]) {
    if text.is_empty() {
        return (Kind::Invalid, text, text);
    }
    let (first, size) = next_valid(text, REPLACEMENT);
    if first == REPLACEMENT {
        return (Kind::Invalid, &text[..size], &text[size..]);
    }
    if is_connector(first) {
        return while_it(text, size, Kind::Connector, is_connector);
    }
    if unicode::is_punctuation(first) {
        return while_it(text, size, Kind::Punctuation, unicode::is_punctuation);
    }
    let continues_word = |letter| is_alphabet(letter) && !unicode::is_upper(letter);
    if unicode::is_upper(first) {
        if text.len() == size {
            return (Kind::Upper, text, &[]);
        }
        let (second, second_size) = next_valid(&text[size..], first);
        if unicode::is_upper(second) {
            return upper_word(text, size);
        }
        if is_alphabet(second) {
            return while_it(text, size + second_size, Kind::Upper, continues_word);
        }
        return (Kind::Upper, &text[..size], &text[size..]);
    }
    if is_alphabet(first) {
        return while_it(text, size, Kind::Alphabet, continues_word);
    }
    if unicode::is_number(first) {
        return while_it(text, size, Kind::Number, unicode::is_number);
    }
    while_it(text, size, Kind::Other, |letter| {
        !(is_connector(letter)
            || is_alphabet(letter)
            || unicode::is_number(letter)
            || unicode::is_punctuation(letter))
    })
}

/// Upper case letters; the last one belongs to the next word where that goes on in lower case.
fn upper_word(text: &[u8], first: usize) -> (Kind, &[u8], &[u8]) {
    let mut offset = first;
    let mut last_size = 0;
    let mut letter = ' ';
    while offset < text.len() {
        let (next, size) = next_valid(&text[offset..], if last_size == 0 { 'A' } else { letter });
        letter = next;
        if !unicode::is_upper(next) {
            break;
        }
        last_size = size;
        offset += size;
    }
    if offset < text.len() && is_alphabet(letter) {
        offset -= last_size;
    }
    (Kind::Upper, &text[..offset], &text[offset..])
}

fn while_it(
    text: &[u8],
    first: usize,
    kind: Kind,
    belongs: impl Fn(char) -> bool,
) -> (Kind, &[u8], &[u8]) {
    let mut offset = first;
    // Invalid bytes at the end are read as what comes before them, which belongs.
    let mut letter = None;
    while offset < text.len() {
        let (next, size) = next_valid(&text[offset..], REPLACEMENT);
        let next = if next == REPLACEMENT {
            letter
        } else {
            Some(next)
        };
        if next.is_some_and(|next| !belongs(next)) {
            break;
        }
        letter = next.or(letter);
        offset += size;
    }
    (kind, &text[..offset], &text[offset..])
}

/// The next code point and how many bytes it takes with the invalid ones before it; `otherwise` where there is none.
fn next_valid(text: &[u8], otherwise: char) -> (char, usize) {
    let mut size = 0;
    while size < text.len() {
        let (letter, length) = unicode::decode(&text[size..]);
        size += length;
        if letter != REPLACEMENT {
            return (letter, size);
        }
    }
    (otherwise, size)
}

/// A letter, but none of the common Chinese, Japanese and Korean ones.
fn is_alphabet(letter: char) -> bool {
    unicode::is_letter(letter)
        && !matches!(
            letter,
            '\u{4e00}'..='\u{9fcc}' | '\u{3400}'..='\u{4d85}' | '\u{20000}'..='\u{2b81d}'
        )
}

fn lower(out: &mut Vec<u8>, kind: Kind, word: &[u8], connector: char) {
    if !matches!(kind, Kind::Upper | Kind::Connector) {
        out.extend_from_slice(word);
        return;
    }
    for (_, letter) in unicode::runes(word) {
        let letter = match letter {
            letter if is_connector(letter) => connector,
            letter if unicode::is_upper(letter) => unicode::to_lower(letter),
            letter => letter,
        };
        unicode::push(out, letter);
    }
}
