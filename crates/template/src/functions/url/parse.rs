//! Taking URLs apart.

use core::net::IpAddr;

use super::{Mode, escape, unescape};

/// The parts of a URL, without escapes.
#[derive(Default)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    /// Name and password, with escapes.
    pub(super) user: Option<Vec<u8>>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

pub(super) fn parse(text: &[u8]) -> Option<Url> {
    let (text, fragment) = cut(text, b'#');
    let mut url = without_fragment(text)?;
    url.fragment = unescape(fragment, Mode::Fragment)?;
    Some(url)
}

fn without_fragment(text: &[u8]) -> Option<Url> {
    if text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return None;
    }
    let mut url = Url::default();
    if text == b"*" {
        url.path = b"*".to_vec();
        return Some(url);
    }
    let (scheme, rest) = scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = cut(rest, b'?');
    url.query = query.to_vec();
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Some(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return None;
        }
    }
    let has_authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
    if has_authority && let Some(after) = rest.strip_prefix(b"//") {
        let slash = after
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(after.len());
        rest = &after[slash..];
        authority(&mut url, &after[..slash])?;
    }
    url.path = unescape(rest, Mode::Path)?;
    Some(url)
}

/// The part before a byte and the part after it.
fn cut(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == at) {
        Some(place) => (&text[..place], &text[place + 1..]),
        None => (text, b""),
    }
}

fn scheme(text: &[u8]) -> Option<(&[u8], &[u8])> {
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b':' if index == 0 => return None,
            b':' => return Some((&text[..index], &text[index + 1..])),
            byte if byte.is_ascii_alphabetic() => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            _ => break,
        }
    }
    Some((b"", text))
}

fn authority(url: &mut Url, text: &[u8]) -> Option<()> {
    let (userinfo, host_text) = match text.iter().rposition(|byte| *byte == b'@') {
        Some(at) => (Some(&text[..at]), &text[at + 1..]),
        None => (None, text),
    };
    url.host = host(&url.scheme, host_text)?;
    url.user = match userinfo {
        Some(userinfo) => Some(user(userinfo)?),
        None => None,
    };
    Some(())
}

/// Name and password, escaped where they have to be.
fn user(text: &[u8]) -> Option<Vec<u8>> {
    let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !text.iter().all(is_valid) {
        return None;
    }
    let again = |part| Some(escape(&unescape(part, Mode::User)?, Mode::User));
    let (name, password) = cut(text, b':');
    let mut out = again(name)?;
    if text.contains(&b':') {
        out.push(b':');
        out.extend(again(password)?);
    }
    Some(out)
}

fn host(scheme: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    match text.iter().rposition(|byte| *byte == b'[') {
        Some(0) => return literal(text),
        Some(_) => return None,
        None => {}
    }
    if let Some(first) = text.iter().position(|byte| *byte == b':') {
        let last = text.iter().rposition(|byte| *byte == b':')?;
        let is_http = matches!(scheme, b"http" | b"https");
        if !is_port(&text[if is_http { first } else { last }..]) {
            return None;
        }
    }
    unescape(text, Mode::Host)
}

/// An address of IP version 6 in brackets, and perhaps a port.
fn literal(text: &[u8]) -> Option<Vec<u8>> {
    let close = text.iter().rposition(|byte| *byte == b']')?;
    let port = &text[close + 1..];
    if !is_port(port) {
        return None;
    }
    let name = &text[1..close];
    let zone = memchr::memmem::find(name, b"%25");
    let name = match zone {
        Some(at) => [
            unescape(&name[..at], Mode::Host)?,
            unescape(&name[at..], Mode::Zone)?,
        ]
        .concat(),
        None => unescape(name, Mode::Host)?,
    };
    let readable = str::from_utf8(&name).ok()?;
    let (address, zone) = match readable.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (readable, None),
    };
    if zone == Some("") || !matches!(address.parse().ok()?, IpAddr::V6(_)) {
        return None;
    }
    Some([b"[", name.as_slice(), b"]", port].concat())
}

fn is_port(text: &[u8]) -> bool {
    match text.split_first() {
        None => true,
        Some((colon, digits)) => *colon == b':' && digits.iter().all(u8::is_ascii_digit),
    }
}

/// The host without its port and brackets.
pub(super) fn hostname(host: &[u8]) -> Vec<u8> {
    let colon = host.iter().rposition(|byte| *byte == b':');
    let host = match colon {
        Some(colon) if is_port(&host[colon..]) => &host[..colon],
        _ => host,
    };
    let inner = host
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    inner.unwrap_or(host).to_vec()
}
