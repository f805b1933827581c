//! Regular expressions.

use std::rc::Rc;

use super::{Arguments, Function, Parameter, Scope};
use crate::{
    error::Fault,
    regex::{Found, Regex},
    text::Text,
    unicode,
    value::{Element, List, Value},
};

const TWO: &[Parameter] = &[Parameter::Text, Parameter::Text];
const THREE: &[Parameter] = &[Parameter::Text, Parameter::Text, Parameter::Text];
const COUNTED: &[Parameter] = &[Parameter::Text, Parameter::Text, Parameter::Int];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", TWO, |scope, given| {
        match is_match(scope, given) {
            // What is no expression matches nothing.
            Err(Fault::Refused) => Ok(false.into()),
            result => result,
        }
    }),
    Function::new("mustRegexMatch", TWO, is_match),
    Function::new("regexFind", TWO, find),
    Function::new("mustRegexFind", TWO, find),
    Function::new("regexFindAll", COUNTED, find_all),
    Function::new("mustRegexFindAll", COUNTED, find_all),
    Function::new("regexReplaceAll", THREE, replace_all),
    Function::new("mustRegexReplaceAll", THREE, replace_all),
    Function::new("regexReplaceAllLiteral", THREE, replace_all_literal),
    Function::new("mustRegexReplaceAllLiteral", THREE, replace_all_literal),
    Function::new("regexSplit", COUNTED, split),
    Function::new("mustRegexSplit", COUNTED, split),
    Function::new("regexQuoteMeta", &[Parameter::Text], quote),
];

fn expression(scope: &mut Scope<'_>, given: &mut Arguments) -> Result<(Rc<Regex>, Text), Fault> {
    let (expression, text) = (given.text()?, given.text()?);
    Ok((Regex::new(scope, &expression)?, text))
}

fn is_match(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (regex, text) = expression(scope, &mut given)?;
    Ok(regex.is_match(scope, &text)?.into())
}

fn find(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (regex, text) = expression(scope, &mut given)?;
    let (start, end) = regex
        .find(scope, &text)?
        .map_or_else(Default::default, |found| found.whole());
    scope.text(&text[start..end])
}

fn find_all(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (regex, text) = expression(scope, &mut given)?;
    let count = usize::try_from(given.int()?).unwrap_or(usize::MAX);
    let all = regex.find_all(scope, &text, count)?;
    if all.is_empty() {
        return Ok(Value::List(List::nil(Element::Text)));
    }
    scope.text_list(all.iter().map(|found| {
        let (start, end) = found.whole();
        &text[start..end]
    }))
}

fn replace_all_literal(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (regex, text) = expression(scope, &mut given)?;
    let replacement = given.text()?;
    let add = |out: &mut Vec<u8>, _: &Found| out.extend_from_slice(&replacement);
    let replaced = regex.replace_all(scope, &text, 1, 0, add, |_| replacement.len())?;
    scope.text(replaced)
}

fn replace_all(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (regex, text) = expression(scope, &mut given)?;
    let replacement = given.text()?;
    let pieces = pieces(&replacement);
    scope.steps(pieces.len())?;
    // What each match takes: names are looked for among all that there are.
    let named = pieces
        .iter()
        .filter(|piece| matches!(piece, Piece::Name(_)))
        .count();
    let each = pieces
        .len()
        .saturating_add(named.saturating_mul(regex.names()))
        / 4;
    let has_groups = pieces.iter().any(|piece| !matches!(piece, Piece::Text(_)));
    let groups = if has_groups { regex.groups() } else { 1 };
    let piece_of = |piece: &Piece<'_>, found: &Found| match piece {
        Piece::Text(_) => None,
        Piece::Group(group) => found.group(*group),
        Piece::Name(name) => {
            let group = regex.group(name, found)?;
            found.group(group)
        }
    };
    let add = |out: &mut Vec<u8>, found: &Found| {
        for piece in &pieces {
            if let Piece::Text(text) = piece {
                out.extend_from_slice(text);
            } else if let Some((start, end)) = piece_of(piece, found) {
                out.extend_from_slice(&text[start..end]);
            }
        }
    };
    let length = |found: &Found| {
        let lengths = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            _ => piece_of(piece, found).map_or(0, |(start, end)| end - start),
        });
        lengths.fold(0, usize::saturating_add)
    };
    let replaced = regex.replace_all(scope, &text, groups, each, add, length)?;
    scope.text(replaced)
}

/// A part of a replacement.
enum Piece<'a> {
    Text(&'a [u8]),
    Group(usize),
    Name(&'a [u8]),
}

/// `$1`, `${1}`, `$name` and `${name}` stand for groups, `$$` for `$`.
fn pieces(replacement: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = replacement;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        pieces.push(Piece::Text(&rest[..at]));
        let dollar = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(b"$") {
            pieces.push(Piece::Text(dollar));
            rest = after;
        } else if let Some((name, after)) = name(rest) {
            pieces.push(group(name));
            rest = after;
        } else {
            pieces.push(Piece::Text(dollar));
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The name of a group after `$`, and what follows.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"{");
    let start = inner.unwrap_or(text);
    let is_part = |letter| letter == '_' || unicode::is_letter(letter) || unicode::is_digit(letter);
    let length = unicode::runes(start)
        .find(|(_, letter)| !is_part(*letter))
        .map_or(start.len(), |(at, _)| at);
    let (name, rest) = start.split_at(length);
    let rest = match inner {
        Some(_) => rest.strip_prefix(b"}")?,
        None => rest,
    };
    (!name.is_empty()).then_some((name, rest))
}

/// A number without leading zeros, or a name.
fn group(name: &[u8]) -> Piece<'_> {
    let digits = str::from_utf8(name).ok().filter(|name| {
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        is_number && name.len() <= 9 && (name.len() == 1 || !name.starts_with('0'))
    });
    digits
        .and_then(|digits| digits.parse().ok())
        .map_or(Piece::Name(name), Piece::Group)
}

fn split(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (expression, text, count) = (given.text()?, given.text()?, given.int()?);
    let regex = Regex::new(scope, &expression)?;
    if count == 0 {
        return Ok(Value::List(List::nil(Element::Text)));
    }
    if !expression.is_empty() && text.is_empty() {
        return scope.text_list([""]);
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let all = regex.find_all(scope, &text, count)?;
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for found in &all {
        if parts.len() >= count - 1 {
            break;
        }
        let whole = found.whole();
        end = whole.0;
        if whole.1 != 0 {
            parts.push(&text[start..end]);
        }
        start = whole.1;
    }
    if end != text.len() {
        parts.push(&text[start..]);
    }
    scope.text_list(parts)
}

fn quote(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let text = given.text()?;
    scope.reserve(2 * text.len())?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text.iter() {
        if b"\\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    scope.text(out)
}
