//! Numbers and characters as Go writes them.

use super::{float::parse_float, quoted::unquote_character};
use crate::node::Number;

const ILLEGAL: &str = "not a number";

const NOTHING: Number = Number {
    int: None,
    uint: None,
    float: None,
    complex: None,
    looks_float: false,
};

/// `'a'`
pub(super) fn character(text: &str) -> Result<Number, &'static str> {
    let point = unquote_character(text)?;
    Ok(Number {
        int: Some(i64::from(point)),
        uint: Some(u64::from(point)),
        float: Some(f64::from(point)),
        ..NOTHING
    })
}

/// `1+2i`: the second sign is the last one that does not belong to an exponent.
pub(super) fn complex(text: &str) -> Result<Number, &'static str> {
    let body = text.strip_suffix('i').ok_or(ILLEGAL)?;
    let is_hex = body.contains(['x', 'X']);
    let exponents = if is_hex { ['p', 'P'] } else { ['e', 'E'] };
    let signs = body
        .char_indices()
        .skip(1)
        .filter(|(at, letter)| matches!(letter, '+' | '-') && !body[..*at].ends_with(exponents));
    let (at, _) = signs.last().ok_or(ILLEGAL)?;
    let real = parse_float(&body[..at]).ok_or(ILLEGAL)?;
    let imaginary = parse_float(&body[at..]).ok_or(ILLEGAL)?;
    Ok(simplified(real, imaginary))
}

/// Any other number.
pub(super) fn number(text: &str) -> Result<Number, &'static str> {
    if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
        return Ok(simplified(0.0, imaginary));
    }
    let mut number = Number {
        uint: parse_uint(text),
        int: parse_int(text),
        ..NOTHING
    };
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    let is_hex_int =
        (text.starts_with("0x") || text.starts_with("0X")) && !text.contains(['p', 'P']);
    number.looks_float = !is_hex_int && text.contains(['.', 'e', 'E', 'p', 'P']);
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else {
        let float = parse_float(text).ok_or(ILLEGAL)?;
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err("a number that is too large");
        }
        number.float = Some(float);
        number.int = exact_int(float);
        number.uint = exact_uint(float);
    }
    Ok(number)
}

fn simplified(real: f64, imaginary: f64) -> Number {
    let float = Some(real).filter(|_| imaginary == 0.0);
    Number {
        int: float.and_then(exact_int),
        uint: float.and_then(exact_uint),
        float,
        complex: Some((real, imaginary)),
        looks_float: false,
    }
}

fn exact_int(float: f64) -> Option<i64> {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    (fits && float.trunc() == float).then_some(float as i64)
}

fn exact_uint(float: f64) -> Option<u64> {
    let fits = (0.0..18_446_744_073_709_551_616.0).contains(&float);
    (fits && float.trunc() == float).then_some(float as u64)
}

/// An integer with its sign, in any base, with underscores: Go's `strconv.ParseInt` with base 0.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let size = parse_uint(digits)?;
    if negative {
        0_i64.checked_sub_unsigned(size)
    } else {
        size.try_into().ok()
    }
}

/// An integer without a sign, in any base, with underscores: Go's `strconv.ParseUint` with base 0.
fn parse_uint(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (base, digits) = match bytes {
        [b'0', b'x' | b'X', _, ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &text[2..]),
        [b'0', ..] => (8, &text[1..]),
        _ => (10, text),
    };
    if !underscores_are_fine(text) {
        return None;
    }
    let digits = digits.replace('_', "");
    if digits.is_empty() {
        return (bytes == b"0").then_some(0);
    }
    // The standard library would take a sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits, base).ok()
}

/// Whether underscores stand between digits, or between the prefix of a base and a digit.
pub(super) fn underscores_are_fine(text: &str) -> bool {
    #[derive(PartialEq)]
    enum Saw {
        Start,
        Digit,
        Underscore,
        Other,
    }
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let bytes = text.as_bytes();
    let (mut saw, rest, hex) = match bytes {
        [b'0', prefix, rest @ ..] if matches!(prefix.to_ascii_lowercase(), b'b' | b'o' | b'x') => {
            (Saw::Digit, rest, prefix.eq_ignore_ascii_case(&b'x'))
        }
        _ => (Saw::Start, bytes, false),
    };
    for byte in rest {
        let is_digit = byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit();
        saw = match (byte, saw) {
            _ if is_digit => Saw::Digit,
            (b'_', Saw::Digit) => Saw::Underscore,
            (b'_', _) | (_, Saw::Underscore) => return false,
            _ => Saw::Other,
        };
    }
    saw != Saw::Underscore
}
