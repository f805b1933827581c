//! Which type a plain scalar has.
//!
//! The rules are those of `sigs.k8s.io/yaml`, through which kubectl and the API server read YAML
//! (go.yaml.in/yaml/v2, `resolve.go`): YAML 1.1 booleans, Go's integer prefixes, underscores in
//! numbers; timestamps and base-60 numbers stay strings. [`is_unambiguous`] is stricter: it asks
//! whether every YAML 1.1 and 1.2 reader takes a text for a string.

use serde_json::{Number, Value};

/// The type of a scalar as kubectl reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarKind {
    /// A string.
    String,
    /// Null: nothing at all, `~` or `null`.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool,
    /// A whole number of at most 64 bits.
    Integer,
    /// Any other number, also infinite or not a number.
    Float,
}

/// A plain scalar with its type and value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Resolved {
    String,
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Resolved {
    pub(crate) fn kind(self) -> ScalarKind {
        match self {
            Self::String => ScalarKind::String,
            Self::Null => ScalarKind::Null,
            Self::Bool(_) => ScalarKind::Bool,
            Self::Signed(_) | Self::Unsigned(_) => ScalarKind::Integer,
            Self::Float(_) => ScalarKind::Float,
        }
    }

    /// The value in JSON; none for a string and for numbers JSON does not have.
    pub(crate) fn to_json(self) -> Option<Value> {
        match self {
            Self::String => None,
            Self::Null => Some(Value::Null),
            Self::Bool(value) => Some(Value::Bool(value)),
            Self::Signed(value) => Some(Value::Number(value.into())),
            Self::Unsigned(value) => Some(Value::Number(value.into())),
            Self::Float(value) => Number::from_f64(value).map(Value::Number),
        }
    }
}

/// The type and value of a plain scalar without a tag.
pub(crate) fn resolve(text: &str) -> Resolved {
    let Some(first) = text.bytes().next() else {
        return Resolved::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => special_float(text)
            .or_else(|| float(text))
            .unwrap_or(Resolved::String),
        b'0'..=b'9' | b'+' | b'-' => number(text),
        _ => Resolved::String,
    }
}

fn word(text: &str) -> Resolved {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        _ => Resolved::String,
    }
}

fn special_float(text: &str) -> Option<Resolved> {
    let value = match text {
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return None,
    };
    Some(Resolved::Float(value))
}

fn number(text: &str) -> Resolved {
    let plain = text.replace('_', "");
    let odd_binary = || {
        plain
            .strip_prefix("0b")
            .and_then(|digits| integer_of(digits, 2))
    };
    special_float(text)
        .or_else(|| timestamp(text).then_some(Resolved::String))
        .or_else(|| integer(&plain))
        .or_else(|| float(&plain))
        .or_else(odd_binary)
        .unwrap_or(Resolved::String)
}

/// What Go's `strconv.ParseInt(text, 0, 64)` and `ParseUint` accept.
fn integer(text: &str) -> Option<Resolved> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("+", &text[1..]),
        _ => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    if rest.starts_with(['+', '-']) {
        return None;
    }
    match sign {
        // ParseUint knows no sign, so a signed number has to fit 64 signed bits.
        "" => integer_of(rest, radix),
        _ => i64::from_str_radix(&format!("{sign}{rest}"), radix)
            .ok()
            .map(Resolved::Signed),
    }
}

fn integer_of(digits: &str, radix: u32) -> Option<Resolved> {
    let signed = i64::from_str_radix(digits, radix)
        .ok()
        .map(Resolved::Signed);
    signed.or_else(|| {
        let digits = Some(digits).filter(|digits| !digits.starts_with('+'))?;
        u64::from_str_radix(digits, radix)
            .ok()
            .map(Resolved::Unsigned)
    })
}

/// A decimal float: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, and not too large.
fn float(text: &str) -> Option<Resolved> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let good = digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0;
    if !good || !exponent_is_good {
        return None;
    }
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some(Resolved::Float(value))
}

/// Whether the text starts like `2026-1-2`. Go checks the whole date; what is no date after all
/// is no number either, so that both end as a string.
fn timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 5 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

/// Whether YAML 1.1 and 1.2 readers alike take the plain text for a string.
pub(crate) fn is_unambiguous(text: &str) -> bool {
    resolve(text) == Resolved::String
        && (!text.contains('_') || resolve(&text.replace('_', "")) == Resolved::String)
        && !matches!(text, "=" | "<<")
        && !timestamp(text)
        && !is_base_60(text)
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`, a number in YAML 1.1.
fn is_base_60(text: &str) -> bool {
    if !text.contains(':') {
        return false;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let unsigned = unsigned
        .split_once('.')
        .map_or(unsigned, |(whole, _)| whole);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    unsigned.contains(':')
        && first.starts_with(|character: char| character.is_ascii_digit())
        && digits(first)
        && parts.all(|part| matches!(part.len(), 1 | 2) && digits(part))
}

#[cfg(test)]
mod tests;
