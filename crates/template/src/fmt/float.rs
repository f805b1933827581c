//! Floating-point numbers as Go shows them.

use super::Printer;

/// The digits of a number that is finite and not negative, and where its point is: `0.ddd * 10^point`.
struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

/// As many digits as tell the number from all others, with an exponent or without: Go's `strconv.FormatFloat` with `e` or
/// `f`, -1 and 64.
pub(crate) fn fixed(number: f64, with_exponent: bool) -> String {
    if with_exponent {
        formatted(number, 'e', None)
    } else {
        format!("{number}")
    }
}

/// So many digits of long division are one step.
const DIGITS_A_STEP: usize = 2;

impl Printer {
    /// Returns whether there is such a verb.
    pub(super) fn float(&mut self, number: f64, verb: char) -> bool {
        let (verb, usual) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return false,
        };
        let precision = self.flags.precision.or(usual);
        // Digits beyond those that tell numbers apart are long division, with a large number where there is no exponent.
        let digits = precision.map_or(0, |precision| precision.min(EXACT));
        let whole = if verb == 'f' {
            number.abs().log10().max(0.0) as usize
        } else {
            0
        };
        self.take_steps((digits + whole) / DIGITS_A_STEP);
        if !self.has_room(precision.unwrap_or(0)) {
            return true;
        }
        let mut text = formatted(number, verb, precision).into_bytes();
        // From here on the sign is always there.
        if text[0] != b'-' && text[0] != b'+' {
            text.insert(0, b'+');
        }
        if self.flags.space && text[0] == b'+' && !self.flags.plus {
            text[0] = b' ';
        }
        if !number.is_finite() {
            if number.is_nan() && !self.flags.space && !self.flags.plus {
                text.remove(0);
            }
            self.pad_with_spaces(&text);
            return true;
        }
        if self.flags.sharp && verb != 'b' {
            text = sharp(&text, verb, precision);
        }
        if self.flags.plus || text[0] != b'+' {
            let width = self.flags.width.unwrap_or(0);
            if self.flags.zero && !self.flags.minus && width > text.len() {
                self.write(&text[..1]);
                self.padding(width - text.len());
                self.write(&text[1..]);
            } else {
                self.pad(&text);
            }
        } else {
            self.pad(&text[1..]);
        }
        true
    }

    /// Returns whether there is such a verb.
    pub(super) fn complex(&mut self, real: f64, imaginary: f64, verb: char) -> bool {
        if !"vbgGxXfFeE".contains(verb) {
            return false;
        }
        let plus = self.flags.plus;
        self.write(b"(");
        self.float(real, verb);
        self.flags.plus = true;
        self.float(imaginary, verb);
        self.write(b"i)");
        self.flags.plus = plus;
        true
    }
}

/// `#`: a point in any case, and zeros to the precision.
fn sharp(text: &[u8], verb: char, precision: Option<usize>) -> Vec<u8> {
    let mut digits = match verb {
        'g' | 'G' | 'x' => precision.map_or(6, |precision| precision as i64),
        _ => 0,
    };
    let is_hex = matches!(verb, 'x' | 'X');
    let exponent = text.iter().position(|byte| match byte {
        b'p' | b'P' => true,
        b'e' | b'E' => !is_hex,
        _ => false,
    });
    let (number, tail) = text.split_at(exponent.unwrap_or(text.len()));
    let mut out = number.to_vec();
    let mut seen_nonzero = false;
    for byte in &number[1..] {
        if *byte == b'.' {
            continue;
        }
        seen_nonzero |= *byte != b'0';
        digits -= i64::from(seen_nonzero);
    }
    if !number.contains(&b'.') {
        if number.len() == 2 && number[1] == b'0' {
            digits -= 1;
        }
        out.push(b'.');
    }
    out.extend(std::iter::repeat_n(b'0', digits.max(0) as usize));
    out.extend_from_slice(tail);
    out
}

/// No number has more digits after the point; what is asked for beyond are zeros.
const EXACT: usize = 1100;

/// Go's `strconv.FormatFloat` to 64 bits; no precision is the shortest text that reads as the number.
fn formatted(number: f64, verb: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_infinite() {
        return if sign.is_empty() { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = number.abs();
    let text = match verb {
        'b' => binary(size),
        'x' | 'X' => hexadecimal(size, precision, verb == 'X'),
        'f' => {
            let precision = precision.unwrap_or(0);
            let exact = precision.min(EXACT);
            format!("{size:.exact$}") + &"0".repeat(precision - exact)
        }
        'e' | 'E' => scientific(
            &decimal(size, precision.map(|after| after + 1)),
            precision,
            verb,
        ),
        _ => general(size, precision, verb),
    };
    format!("{sign}{text}")
}

/// So many digits, or as many as needed.
fn decimal(size: f64, digits: Option<usize>) -> Decimal {
    let text = match digits {
        Some(digits) => format!("{size:.*e}", digits.saturating_sub(1).min(EXACT)),
        None => format!("{size:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    let is_zero = digits.iter().all(|digit| *digit == b'0');
    Decimal {
        digits,
        point: if is_zero {
            1
        } else {
            exponent.parse::<i32>().unwrap_or(0) + 1
        },
    }
}

/// `d.ddde±dd`
fn scientific(decimal: &Decimal, precision: Option<usize>, verb: char) -> String {
    let letter = if verb.is_ascii_uppercase() { 'E' } else { 'e' };
    let mut digits = decimal.digits.iter().map(|digit| char::from(*digit));
    let mut text = String::new();
    text.push(digits.next().unwrap_or('0'));
    let after = precision.unwrap_or_else(|| decimal.digits.len().saturating_sub(1));
    if after > 0 {
        text.push('.');
        text.extend(digits.chain(std::iter::repeat('0')).take(after));
    }
    let exponent = decimal.point - 1;
    let sign = if exponent < 0 { '-' } else { '+' };
    text.push_str(&format!("{letter}{sign}{:02}", exponent.unsigned_abs()));
    text
}

/// `%g`: the shorter of the other two.
fn general(size: f64, precision: Option<usize>, verb: char) -> String {
    let precision = precision.map(|precision| precision.max(1));
    let mut decimal = decimal(size, precision);
    while decimal.digits.len() > 1 && decimal.digits.last() == Some(&b'0') {
        decimal.digits.pop();
    }
    let count = decimal.digits.len() as i32;
    let mut limit = precision.map_or(6, |precision| precision as i32);
    if precision.is_some() && limit > count && count >= decimal.point {
        limit = count;
    }
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= limit {
        return scientific(&decimal, Some((count - 1) as usize), verb);
    }
    let digits = decimal.digits.iter().map(|digit| char::from(*digit));
    if decimal.point <= 0 {
        let zeros = "0".repeat(decimal.point.unsigned_abs() as usize);
        return format!("0.{zeros}{}", digits.collect::<String>());
    }
    let mut text: String = digits
        .chain(std::iter::repeat('0'))
        .take(decimal.point as usize)
        .collect();
    if count > decimal.point {
        text.push('.');
        text.extend(
            decimal.digits[decimal.point as usize..]
                .iter()
                .map(|digit| char::from(*digit)),
        );
    }
    text
}

/// The bits of the mantissa and the exponent of two: `size = mantissa * 2^exponent`.
fn parts(size: f64) -> (u64, i32) {
    let bits = size.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match (bits >> 52) as i32 {
        0 => (mantissa, -1074),
        biased => (mantissa | 1 << 52, biased - 1075),
    }
}

fn binary(size: f64) -> String {
    let (mantissa, exponent) = parts(size);
    format!("{mantissa}p{exponent:+}")
}

fn hexadecimal(size: f64, precision: Option<usize>, upper: bool) -> String {
    let (mut mantissa, mut exponent) = parts(size);
    if mantissa == 0 {
        exponent = 0;
    } else {
        let shift = mantissa.leading_zeros() as i32 - 11;
        mantissa <<= shift;
        exponent += 52 - shift;
    }
    // The mantissa is one digit and 13 after the point.
    if let Some(digits) = precision.filter(|digits| *digits < 13) {
        let dropped = 4 * (13 - digits) as u32;
        let rest = mantissa & ((1 << dropped) - 1);
        mantissa >>= dropped;
        let half = 1 << (dropped - 1);
        if rest > half || rest == half && mantissa & 1 == 1 {
            mantissa += 1;
        }
        mantissa <<= dropped;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let whole = mantissa >> 52;
    let mut fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    match precision {
        None => fraction.truncate(fraction.trim_end_matches('0').len()),
        Some(digits) if digits < 13 => fraction.truncate(digits),
        Some(digits) => fraction.push_str(&"0".repeat(digits - 13)),
    }
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!(
        "0x{whole}{point}{fraction}p{sign}{:02}",
        exponent.unsigned_abs()
    );
    if upper {
        text.to_ascii_uppercase()
    } else {
        text
    }
}
