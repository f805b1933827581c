//! Floating-point numbers as Go reads them, decimal and hexadecimal.

use super::number::underscores_are_fine;

/// Go's `strconv.ParseFloat` to 64 bits. What is too large is no number.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let size = if ["inf", "infinity"].contains(&body.to_ascii_lowercase().as_str()) {
        f64::INFINITY
    } else if body.eq_ignore_ascii_case("nan") {
        // A sign is not taken.
        return (body.len() == text.len()).then_some(f64::NAN);
    } else {
        let size = finite(body)?;
        if size.is_infinite() {
            return None;
        }
        size
    };
    Some(if negative { -size } else { size })
}

fn finite(body: &str) -> Option<f64> {
    if body.contains('_') && !underscores_are_fine(body) {
        return None;
    }
    if let Some(digits) = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        return hexadecimal(&digits.replace('_', ""));
    }
    let body = body.replace('_', "");
    let starts = body.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let plain =
        |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | 'e' | 'E' | '+' | '-');
    (starts && body.chars().all(plain))
        .then(|| body.parse().ok())
        .flatten()
}

/// `1.8p3`: digits, an exponent of two, which has to be there.
fn hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i64 = {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // More decides nothing.
        let size = digits.parse::<i64>().unwrap_or(100_000).min(100_000);
        if exponent.starts_with('-') {
            -size
        } else {
            size
        }
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa = 0_u64;
    let mut rest_is_zero = true;
    let mut shift = 0_i64;
    for (index, letter) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(letter.to_digit(16)?);
        let in_fraction = index >= whole.len();
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            shift -= if in_fraction { 4 } else { 0 };
        } else {
            rest_is_zero &= digit == 0;
            shift += if in_fraction { 0 } else { 4 };
        }
    }
    Some(scaled(mantissa, rest_is_zero, exponent + shift))
}

/// `mantissa * 2^exponent`, rounded to the nearest, halves to even.
fn scaled(mantissa: u64, rest_is_zero: bool, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let leading = i64::from(mantissa.leading_zeros());
    let mantissa = mantissa << leading;
    // The value is 1.xxx * 2^top.
    let top = exponent - leading + 63;
    if top > 1023 {
        return f64::INFINITY;
    }
    let kept = if top >= -1022 { 53 } else { 53 - (-1022 - top) };
    if kept < 0 {
        return 0.0;
    }
    let dropped = 64 - kept as u32;
    let (mut bits, half, below) = if dropped == 64 {
        (0, true, mantissa << 1 != 0)
    } else {
        let bits = mantissa >> dropped;
        let half = mantissa >> (dropped - 1) & 1 == 1;
        (bits, half, mantissa & ((1 << (dropped - 1)) - 1) != 0)
    };
    if half && (below || !rest_is_zero || bits & 1 == 1) {
        bits += 1;
    }
    // A carry into the next power of two comes out right: the fields of a float lie beside each other.
    let biased = if top >= -1022 { (top + 1022) as u64 } else { 0 };
    f64::from_bits((biased << 52).wrapping_add(bits))
}
