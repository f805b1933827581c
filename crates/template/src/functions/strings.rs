//! Texts: case, parts, padding, quotes, lists of texts.

use std::collections::BTreeMap;

use super::{
    Arguments, CELL, ENTRY, Function, Parameter, Scope, TEXT as TEXT_CELL,
    convert::{all_texts, shown, text_of, texts_of},
};
use crate::{
    error::Fault,
    fmt,
    text::{Growing, Text},
    unicode,
    value::{Entry, Value},
};

const TEXT: &[Parameter] = &[Parameter::Text];
const TWO: &[Parameter] = &[Parameter::Text, Parameter::Text];
const THREE: &[Parameter] = &[Parameter::Text, Parameter::Text, Parameter::Text];
const INT_TEXT: &[Parameter] = &[Parameter::Int, Parameter::Text];
const ANY: &[Parameter] = &[Parameter::Any];

/// So many bytes of a text whose letters are looked up are one step.
const LETTERS_A_STEP: usize = 8;

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
    })
    .by_reference(),
    Function::new("hasSuffix", TWO, |_, mut given| {
        let (suffix, text) = (given.text()?, given.text()?);
        Ok(text.ends_with(&suffix).into())
    })
    .by_reference(),
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
    Function::new("trunc", INT_TEXT, trunc).by_reference(),
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
    )
    .by_reference(),
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
            let texts = all_texts(&texts_of(scope, &given.any()?)?);
            let lengths = texts.iter().map(|text| text.len() + separator.len());
            scope.reserve(lengths.sum())?;
            let parts: Vec<&[u8]> = texts.iter().map(Text::bytes).collect();
            scope.text(parts.join(separator.bytes()))
        },
    ),
    Function::new("split", TWO, |scope, mut given| {
        let (separator, text) = (given.text()?, given.text()?);
        let parts = split(scope, &text, &separator, None)?;
        numbered(scope, &parts)
    }),
    Function::new(
        "splitn",
        &[Parameter::Text, Parameter::Int, Parameter::Text],
        |scope, mut given| {
            let (separator, count, text) = (given.text()?, given.int()?, given.text()?);
            let count = usize::try_from(count).ok();
            let parts = split(scope, &text, &separator, count)?;
            numbered(scope, &parts)
        },
    ),
    Function::new("splitList", TWO, |scope, mut given| {
        let (separator, text) = (given.text()?, given.text()?);
        let parts = split(scope, &text, &separator, None)?;
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
    scope.steps(text.len() / LETTERS_A_STEP)?;
    let mut out = Vec::with_capacity(text.len());
    for (_, letter) in unicode::runes(&text) {
        unicode::push(&mut out, by(letter));
    }
    scope.text(out)
}

fn trim_all(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (unwanted, text) = (given.text()?, given.text()?);
    scope.reserve(unwanted.len().saturating_mul(size_of::<char>()))?;
    scope.steps((unwanted.len() + text.len()) / LETTERS_A_STEP)?;
    let mut unwanted: Vec<char> = unicode::runes(&unwanted)
        .map(|(_, letter)| letter)
        .collect();
    unwanted.sort_unstable();
    unwanted.dedup();
    scope.text(unicode::trim_matches(&text, |letter| {
        unwanted.binary_search(&letter).is_ok()
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
    spaced(scope, given, |scope, value| {
        let text = text_of(scope, value)?;
        // No escape is more than four times as long as what it stands for.
        scope.reserve(text.len().saturating_mul(4))?;
        scope.steps(text.len() / LETTERS_A_STEP)?;
        Ok(fmt::quoted(&text, false).into())
    })
}

/// In single quotes, what is `nil` left out.
fn squote(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    spaced(scope, given, |scope, value| {
        let text = shown(scope, value)?;
        scope.reserve(text.len())?;
        Ok([b"'", text.bytes(), b"'"].concat().into())
    })
}

/// With spaces between them, what is `nil` left out.
fn cat(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    spaced(scope, given, shown)
}

/// What becomes of each value that is not `nil`, with spaces between.
fn spaced(
    scope: &mut Scope<'_>,
    given: Arguments,
    by: impl Fn(&mut Scope<'_>, &Value) -> Result<Text, Fault>,
) -> Result<Value, Fault> {
    let mut out = Growing::default();
    let values = given.rest();
    let kept = values.iter().filter(|value| !value.is_nothing());
    for (index, value) in kept.enumerate() {
        let text = by(scope, value)?;
        scope.reserve(out.len() + text.len() + 1)?;
        if index > 0 {
            out.extend(b" ");
        }
        out.extend(&text);
    }
    scope.text(out.into_vec())
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
    let places = || -> Box<dyn Iterator<Item = usize> + '_> {
        if old.is_empty() {
            let letters = unicode::runes(text).map(|(start, _)| start);
            Box::new(letters.chain([text.len()]))
        } else {
            Box::new(memchr::memmem::find_iter(text, old))
        }
    };
    let count = places().count();
    scope.steps(count / 4)?;
    scope.reserve(text.len().saturating_add(count.saturating_mul(new.len())))?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = 0;
    for place in places() {
        out.extend_from_slice(&text[rest..place]);
        out.extend_from_slice(new);
        rest = place + old.len();
    }
    out.extend_from_slice(&text[rest..]);
    scope.text(out)
}

/// The parts between separators, the last of at most so many with all that is left. Without a separator: the code points.
fn split<'a>(
    scope: &mut Scope<'_>,
    text: &'a [u8],
    separator: &[u8],
    most: Option<usize>,
) -> Result<Vec<&'a [u8]>, Fault> {
    let most = most.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = text;
    if most == 0 {
        return Ok(parts);
    }
    let finder = memchr::memmem::Finder::new(separator);
    let next = |rest: &[u8]| {
        if separator.is_empty() {
            // Behind the last code point there is no other.
            let length = unicode::decode(rest).1;
            (length < rest.len()).then_some(length)
        } else {
            finder.find(rest)
        }
    };
    if separator.is_empty() && text.is_empty() {
        return Ok(parts);
    }
    while parts.len() + 1 < most
        && let Some(found) = next(rest)
    {
        parts.push(&rest[..found]);
        rest = &rest[found + separator.len()..];
        if parts.len().is_power_of_two() {
            scope.reserve(parts.len() * (CELL + TEXT_CELL))?;
        }
    }
    parts.push(rest);
    scope.steps(parts.len())?;
    Ok(parts)
}

/// `{"_0": ..., "_1": ...}`
fn numbered(scope: &mut Scope<'_>, parts: &[&[u8]]) -> Result<Value, Fault> {
    scope.reserve((ENTRY + 2 * TEXT_CELL).saturating_mul(parts.len()))?;
    let mut values = BTreeMap::new();
    for (index, part) in parts.iter().enumerate() {
        let value = scope.kept_text(*part)?;
        values.insert(Text::from(format!("_{index}")), value);
    }
    scope.map(Entry::Text, values)
}
