//! What sprig makes of a value of any type where it wants a text or a number.

use super::Scope;
use crate::{
    error::Fault,
    fmt,
    parse::{parse_float, parse_int},
    text::Text,
    value::{Element, List, Value},
};

/// A value as a text: itself, or what `%v` shows.
pub(super) fn text_of(scope: &mut Scope<'_>, value: &Value) -> Result<Text, Fault> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::List(list) if list.element == Element::Byte => {
            let bytes = list.to_vec();
            let bytes = bytes.iter().filter_map(|byte| match byte {
                Value::Uint8(byte) => Some(*byte),
                _ => None,
            });
            Ok(bytes.collect::<Vec<u8>>().into())
        }
        _ => shown(scope, value),
    }
}

/// What `%v` shows.
pub(super) fn shown(scope: &mut Scope<'_>, value: &Value) -> Result<Text, Fault> {
    fmt::printf(scope, b"%v", std::slice::from_ref(value)).map(Text::from)
}

/// A value as a list of texts: the elements that are not `nil`, or the value alone. `[]string` is itself.
pub(super) fn texts_of(scope: &mut Scope<'_>, value: &Value) -> Result<List, Fault> {
    let elements = match value {
        Value::List(list) if list.element == Element::Text => return Ok(list.clone()),
        Value::List(list) => list.to_vec(),
        Value::Missing | Value::Nil => Vec::new(),
        other => vec![other.clone()],
    };
    let mut texts = Vec::new();
    for element in elements.iter().filter(|element| !element.is_nothing()) {
        let text = text_of(scope, element)?;
        texts.push(scope.kept_text(text)?);
    }
    match scope.list(Element::Text, texts)? {
        Value::List(list) => Ok(list),
        _ => Err(Fault::Refused),
    }
}

/// The texts of a list of texts.
pub(super) fn all_texts(list: &List) -> Vec<Text> {
    let texts = list.to_vec().into_iter().filter_map(|value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    });
    texts.collect()
}

/// An integer, 0 where there is none.
pub(super) fn int_of(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Uint8(number) => i64::from(*number),
        Value::Uint32(number) => i64::from(*number),
        Value::Uint64(number) => *number as i64,
        Value::Float(number) => truncated(*number),
        Value::Bool(truth) => i64::from(*truth),
        Value::Text(text) => str::from_utf8(text)
            .ok()
            .and_then(|text| parse_int(without_zero_decimals(text)))
            .unwrap_or(0),
        Value::Object(object) => object.plain_number().unwrap_or(0),
        Value::Missing | Value::Nil | Value::Complex(..) | Value::List(_) | Value::Map(_) => 0,
    }
}

/// A floating-point number, 0 where there is none.
pub(super) fn float_of(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Uint64(number) => *number as f64,
        Value::Text(text) => str::from_utf8(text)
            .ok()
            .and_then(parse_float)
            .unwrap_or(0.0),
        other => int_of(other) as f64,
    }
}

/// What the processor makes of a number that does not fit: the smallest.
pub(super) fn truncated(number: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits { number as i64 } else { i64::MIN }
}

/// `1.00` is 1.
fn without_zero_decimals(text: &str) -> &str {
    let whole = text.trim_end_matches('0');
    match whole.strip_suffix('.') {
        Some(before) if whole.len() < text.len() => before,
        _ => text,
    }
}
