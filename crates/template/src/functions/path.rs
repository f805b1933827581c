//! Paths with slashes.

use super::{Arguments, Function, Parameter, Scope};
use crate::{error::Fault, text::Text, value::Value};

const TEXT: &[Parameter] = &[Parameter::Text];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base", TEXT, |scope, given| part(scope, given, base)),
    Function::new("dir", TEXT, |scope, given| part(scope, given, dir)),
    Function::new("clean", TEXT, |scope, given| part(scope, given, clean)),
    Function::new("ext", TEXT, |scope, given| part(scope, given, ext)),
    Function::new("isAbs", TEXT, is_abs),
    Function::new("osBase", TEXT, |scope, given| part(scope, given, base)),
    Function::new("osDir", TEXT, |scope, given| part(scope, given, dir)),
    Function::new("osClean", TEXT, |scope, given| part(scope, given, clean)),
    Function::new("osExt", TEXT, |scope, given| part(scope, given, ext)),
    Function::new("osIsAbs", TEXT, is_abs),
];

fn part(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    of: fn(&[u8]) -> Vec<u8>,
) -> Result<Value, Fault> {
    let path: Text = given.text()?;
    scope.text(of(&path))
}

fn is_abs(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    Ok(given.text()?.starts_with(b"/").into())
}

/// What follows the last slash.
fn base(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let end = path.iter().rposition(|byte| *byte != b'/');
    let Some(end) = end else {
        return b"/".to_vec();
    };
    let path = &path[..=end];
    path[memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)..].to_vec()
}

/// What comes before the last slash, made clean.
fn dir(path: &[u8]) -> Vec<u8> {
    clean(&path[..memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)])
}

/// From the last dot of the last part.
fn ext(path: &[u8]) -> Vec<u8> {
    let last = &path[memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)..];
    memchr::memrchr(b'.', last).map_or_else(Vec::new, |dot| last[dot..].to_vec())
}

/// The shortest path to the same place, as its text alone tells.
fn clean(path: &[u8]) -> Vec<u8> {
    let is_rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    let mut out = if is_rooted { b"/".to_vec() } else { Vec::new() };
    out.extend(parts.join(&b'/'));
    if out.is_empty() { b".".to_vec() } else { out }
}
