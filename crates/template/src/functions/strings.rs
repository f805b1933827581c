//! Texts: case, parts, padding, quotes, lists of texts.

use std::collections::BTreeMap;

use super::{
    Arguments, Function, Parameter, Scope,
    convert::{all_bytes, shown, text_of, texts_of},
};
use crate::{
    error::Fault,
    fmt,
    text::Text,
    unicode,
    value::{Entry, Value},
};

const TEXT: &[Parameter] = &[Parameter::Text];
const TWO: &[Parameter] = &[Parameter::Text, Parameter::Text];
const THREE: &[Parameter] = &[Parameter::Text, Parameter::Text, Parameter::Text];
const INT_TEXT: &[Parameter] = &[Parameter::Int, Parameter::Text];
const ANY: &[Parameter] = &[Parameter::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("hello", &[], |scope, _| scope.text("Hello!")),
    Function::new("upper", TEXT, |scope, given| {
        mapped(scope, given, unicode::to_upper)
    }),
    Function::new("lower", TEXT, |scope, given| {
        mapped(scope, given, unicode::to_lower)
    }),
    Function::new("trim", TEXT, |scope, mut given| {
        let text = given.text()?;
        scope.text(unicode::trim(&text))
    }),
    Function::new("trimAll", TWO, trim_all),
    Function::new("trimall", TWO, trim_all),
    Function::new("trimPrefix", TWO, |scope, mut given| {
        let (prefix, text) = (given.text()?, given.text()?);
        scope.text(text.strip_prefix(prefix.bytes()).unwrap_or(&text))
    }),
    Function::new("trimSuffix", TWO, |scope, mut given| {
        let (suffix, text) = (given.text()?, given.text()?);
        scope.text(text.strip_suffix(suffix.bytes()).unwrap_or(&text))
    }),
    Function::new("contains", TWO, |_, mut given| {
        let (part, text) = (given.text()?, given.text()?);
        Ok(find(&text, &part).is_some().into())
    }),
    Function::new("hasPrefix", TWO, |_, mut given| {
        let (prefix, text) = (given.text()?, given.text()?);
        Ok(text.starts_with(&prefix).into())
    }),
    Function::new("hasSuffix", TWO, |_, mut given| {
        let (suffix, text) = (given.text()?, given.text()?);
        Ok(text.ends_with(&suffix).into())
    }),
    Function::new("repeat", INT_TEXT, |scope, mut given| {
        let count = usize::try_from(given.int()?).map_err(|_| Fault::Refused)?;
        let text = given.text()?;
        scope.reserve(count.saturating_mul(text.len()))?;
        scope.text(text.repeat(count))
    }),
    Function::new(
        "substr",
        &[Parameter::Int, Parameter::Int, Parameter::Text],
        substr,
    ),
    Function::new("trunc", INT_TEXT, trunc),
    Function::new("quote", ANY, quote).variadic(),
    Function::new("squote", ANY, squote).variadic(),
    Function::new("cat", ANY, cat).variadic(),
    Function::new("indent", INT_TEXT, |scope, given| indent(scope, given, "")),
    Function::new("nindent", INT_TEXT, |scope, given| {
        indent(scope, given, "\n")
    }),
    Function::new("replace", THREE, |scope, mut given| {
        let (old, new, text) = (given.text()?, given.text()?, given.text()?);
        replace(scope, &text, &old, &new)
    }),
    Function::new(
        "plural",
        &[Parameter::Text, Parameter::Text, Parameter::Int],
        |_, mut given| {
            let (one, many) = (given.any()?, given.any()?);
            Ok(if given.int()? == 1 { one } else { many })
        },
    ),
    Function::new("toString", ANY, |scope, mut given| {
        let text = text_of(scope, &given.any()?)?;
        scope.text(text)
    }),
    Function::new("toStrings", ANY, |scope, mut given| {
        let list = texts_of(scope, &given.any()?)?;
        Ok(Value::List(list))
    }),
    Function::new(
        "join",
        &[Parameter::Text, Parameter::Any],
        |scope, mut given| {
            let separator = given.text()?;
            let texts = all_bytes(&texts_of(scope, &given.any()?)?);
            let length = texts.iter().map(|text| text.len() + separator.len()).sum();
            scope.reserve(length)?;
            let parts: Vec<&[u8]> = texts.iter().map(Text::bytes).collect();
            scope.text(parts.join(separator.bytes()))
        },
    ),
    Function::new("split", TWO, |scope, mut given| {
        let (separator, text) = (given.text()?, given.text()?);
        let parts = split(&text, &separator, None);
        numbered(scope, &parts)
    }),
    Function::new(
        "splitn",
        &[Parameter::Text, Parameter::Int, Parameter::Text],
        |scope, mut given| {
            let (separator, count, text) = (given.text()?, given.int()?, given.text()?);
            let count = usize::try_from(count).ok();
            let parts = split(&text, &separator, count);
            numbered(scope, &parts)
        },
    ),
    Function::new("splitList", TWO, |scope, mut given| {
        let (separator, text) = (given.text()?, given.text()?);
        let parts = split(&text, &separator, None);
        scope.text_list(parts)
    }),
];

/// Each code point by another. A byte that is in none becomes U+FFFD.
fn mapped(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    by: fn(char) -> char,
) -> Result<Value, Fault> {
    let text = given.text()?;
    scope.reserve(3 * text.len())?;
    let mut out = Vec::with_capacity(text.len());
    for (_, letter) in unicode::runes(&text) {
        unicode::push(&mut out, by(letter));
    }
    scope.text(out)
}

fn trim_all(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (unwanted, text) = (given.text()?, given.text()?);
    let unwanted: Vec<char> = unicode::runes(&unwanted)
        .map(|(_, letter)| letter)
        .collect();
    scope.steps(text.len().saturating_mul(unwanted.len()) / 64)?;
    scope.text(unicode::trim_matches(&text, |letter| {
        unwanted.contains(&letter)
    }))
}

/// Where a part starts.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

fn substr(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (start, end, text) = (given.int()?, given.int()?, given.text()?);
    let start = usize::try_from(start).ok();
    let end = usize::try_from(end).ok();
    let part = match (start, end) {
        (None, Some(end)) => text.get(..end),
        (None, None) => None,
        (Some(start), Some(end)) if end <= text.len() => text.get(start..end),
        (Some(start), _) => text.get(start..),
    };
    scope.text(part.ok_or(Fault::Refused)?)
}

fn trunc(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (count, text) = (given.int()?, given.text()?);
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= text.len() {
        return Ok(Value::Text(text));
    }
    scope.text(if count < 0 {
        &text[text.len() - size..]
    } else {
        &text[..size]
    })
}

/// In double quotes, what is `nil` left out.
fn quote(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    let mut parts = Vec::new();
    for value in given.rest().iter().filter(|value| !value.is_nothing()) {
        let text = text_of(scope, value)?;
        scope.reserve(10 * text.len())?;
        parts.push(fmt::quoted(&text, false));
    }
    scope.text(parts.join(&b' '))
}

/// In single quotes, what is `nil` left out.
fn squote(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    let mut parts = Vec::new();
    for value in given.rest().iter().filter(|value| !value.is_nothing()) {
        let text = shown(scope, value)?;
        parts.push([b"'", text.bytes(), b"'"].concat());
    }
    scope.text(parts.join(&b' '))
}

/// With spaces between them, what is `nil` left out.
fn cat(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    let mut parts = Vec::new();
    for value in given.rest().iter().filter(|value| !value.is_nothing()) {
        parts.push(shown(scope, value)?.to_vec());
    }
    scope.text(parts.join(&b' '))
}

fn indent(scope: &mut Scope<'_>, mut given: Arguments, before: &str) -> Result<Value, Fault> {
    let spaces = usize::try_from(given.int()?).map_err(|_| Fault::Refused)?;
    let text = given.text()?;
    let lines = 1 + memchr::memchr_iter(b'\n', &text).count();
    scope.reserve(text.len().saturating_add(lines.saturating_mul(spaces)))?;
    let margin = b" ".repeat(spaces);
    let mut out = before.as_bytes().to_vec();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&margin);
        out.extend_from_slice(line);
    }
    scope.text(out)
}

/// All occurrences by something else. Nothing occurs before each code point and at the end.
pub(super) fn replace(
    scope: &mut Scope<'_>,
    text: &Text,
    old: &[u8],
    new: &[u8],
) -> Result<Value, Fault> {
    if old == new {
        return Ok(Value::Text(text.clone()));
    }
    let places: Vec<usize> = if old.is_empty() {
        let letters = unicode::runes(text).map(|(start, _)| start);
        letters.chain([text.len()]).collect()
    } else {
        memchr::memmem::find_iter(text, old).collect()
    };
    scope.reserve(
        text.len()
            .saturating_add(places.len().saturating_mul(new.len())),
    )?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = 0;
    for place in places {
        out.extend_from_slice(&text[rest..place]);
        out.extend_from_slice(new);
        rest = place + old.len();
    }
    out.extend_from_slice(&text[rest..]);
    scope.text(out)
}

/// The parts between separators, the last of at most so many with all that is left. Without a separator: the code points.
fn split<'a>(text: &'a [u8], separator: &[u8], most: Option<usize>) -> Vec<&'a [u8]> {
    let most = most.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = text;
    if most == 0 {
        return parts;
    }
    if separator.is_empty() {
        while !rest.is_empty() {
            let (_, length) = unicode::decode(rest);
            let length = if parts.len() + 1 == most {
                rest.len()
            } else {
                length
            };
            parts.push(&rest[..length]);
            rest = &rest[length..];
        }
        return parts;
    }
    let finder = memchr::memmem::Finder::new(separator);
    while parts.len() + 1 < most
        && let Some(found) = finder.find(rest)
    {
        parts.push(&rest[..found]);
        rest = &rest[found + separator.len()..];
    }
    parts.push(rest);
    parts
}

/// `{"_0": ..., "_1": ...}`
fn numbered(scope: &mut Scope<'_>, parts: &[&[u8]]) -> Result<Value, Fault> {
    scope.reserve(100 * parts.len())?;
    let mut values = BTreeMap::new();
    for (index, part) in parts.iter().enumerate() {
        let value = scope.text(*part)?;
        values.insert(Text::from(format!("_{index}")), value);
    }
    scope.map(Entry::Text, values)
}
