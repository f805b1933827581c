//! URLs, taken apart and put together as Go's `net/url` does.

mod escape;
mod parse;

use std::collections::BTreeMap;

use escape::{Mode, escape, unescape};
use parse::{Url, parse};

use super::{Arguments, Function, Parameter, Scope};
use crate::{
    error::Fault,
    text::Text,
    value::{Entry, Map, Value},
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("urlParse", &[Parameter::Text], url_parse),
    Function::new("urlJoin", &[Parameter::Map], url_join),
];

fn url_parse(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let text = given.text()?;
    let url = parse(&text).ok_or(Fault::Refused)?;
    let parts = [
        ("scheme", url.scheme),
        ("hostname", parse::hostname(&url.host)),
        ("host", url.host),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", url.user.unwrap_or_default()),
    ];
    let mut entries = BTreeMap::new();
    for (key, part) in parts {
        entries.insert(Text::from(key), scope.text(part)?);
    }
    scope.map(Entry::Any, entries)
}

fn url_join(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let map = given.map()?;
    let userinfo = part(&map, "userinfo")?;
    let url = Url {
        scheme: part(&map, "scheme")?,
        host: part(&map, "host")?,
        path: part(&map, "path")?,
        query: part(&map, "query")?,
        opaque: part(&map, "opaque")?,
        fragment: part(&map, "fragment")?,
        user: if userinfo.is_empty() {
            None
        } else {
            user_of(&userinfo)?
        },
    };
    let length: usize = map.to_vec().iter().map(|(_, value)| size(value)).sum();
    scope.reserve(4 * length)?;
    scope.text(joined(&url))
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        _ => 0,
    }
}

fn part(map: &Map, key: &str) -> Result<Vec<u8>, Fault> {
    match map.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Text(text)) => Ok(text.to_vec()),
        Some(_) => Err(Fault::Refused),
    }
}

/// As upstream reads it: in front of a host.
fn user_of(userinfo: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let url = [b"proto://", userinfo, b"@host"].concat();
    parse(&url).map(|url| url.user).ok_or(Fault::Refused)
}

fn joined(url: &Url) -> Vec<u8> {
    let mut out = Vec::new();
    if !url.scheme.is_empty() {
        out.extend_from_slice(&url.scheme);
        out.push(b':');
    }
    if url.opaque.is_empty() {
        if url.scheme.is_empty() && url.host.is_empty() && url.user.is_none() {
            // Nothing comes before the path.
        } else if !url.host.is_empty() || !url.path.is_empty() || url.user.is_some() {
            out.extend(b"//");
            if let Some(user) = &url.user {
                out.extend_from_slice(user);
                out.push(b'@');
            }
            out.extend(escape(&url.host, Mode::Host));
        }
        let path = if url.path == b"*" {
            b"*".to_vec()
        } else {
            escape(&url.path, Mode::Path)
        };
        if !path.is_empty() && !path.starts_with(b"/") && !url.host.is_empty() {
            out.push(b'/');
        }
        let first = path.split(|byte| *byte == b'/').next().unwrap_or_default();
        if out.is_empty() && first.contains(&b':') {
            out.extend(b"./");
        }
        out.extend(path);
    } else {
        out.extend_from_slice(&url.opaque);
    }
    if !url.query.is_empty() {
        out.push(b'?');
        out.extend_from_slice(&url.query);
    }
    if !url.fragment.is_empty() {
        out.push(b'#');
        out.extend(escape(&url.fragment, Mode::Fragment));
    }
    out
}
