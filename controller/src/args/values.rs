//! Values as Go's libraries read them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, fmt::rfc2822::DateTimeParser};
use seal_api::annotations;
use seal_envelope::KeySize;
use seal_sealing::check_namespace;

use super::{Cutoff, Namespaces, Pairs};
use crate::duration;

/// What Go's `strconv.ParseBool` accepts.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// What Go's `strconv.ParseInt` accepts: decimal, or after 0x, 0o and 0b, or after 0, with underscores between digits.
pub(super) fn number(text: &str) -> Result<i64, String> {
    const EXPECTED: &str = "must be a whole number";
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let prefixed = prefixes.into_iter().find_map(|(prefix, base)| {
        let rest = lower.strip_prefix(prefix)?;
        (!rest.is_empty()).then_some((rest, base))
    });
    let (digits, base) = prefixed.unwrap_or((lower.as_str(), 10));
    // Go allows one underscore between digits, and one after the prefix.
    let is_parted_well = !digits.ends_with('_')
        && !digits.contains("__")
        && (prefixed.is_some() || !digits.starts_with('_'));
    if !is_parted_well || digits.starts_with(['+', '-']) {
        return Err(EXPECTED.to_owned());
    }
    let digits = format!("{sign}{}", digits.replace('_', ""));
    i64::from_str_radix(&digits, base).map_err(|_| EXPECTED.to_owned())
}

/// A number that is not negative.
pub(super) fn whole_number(text: &str) -> Result<u32, String> {
    u32::try_from(number(text)?).map_err(|_| "must be 0 or more, and not too large".to_owned())
}

/// A number of at least one.
pub(super) fn positive_number(text: &str) -> Result<u32, String> {
    match whole_number(text)? {
        0 => Err("must be at least 1".to_owned()),
        number => Ok(number),
    }
}

/// Whole seconds, since a Lease knows no other, and so many that requests have the time for it.
pub(super) fn lease_duration(text: &str) -> Result<SignedDuration, String> {
    let duration = duration::parse(text)?;
    let is_whole = duration.subsec_nanos() == 0;
    if is_whole && (3..=3600).contains(&duration.as_secs()) {
        Ok(duration)
    } else {
        Err("must be whole seconds, from 3s to 1h".to_owned())
    }
}

/// Requests a second.
pub(super) fn rate(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(rate) if rate.is_finite() => Ok(rate),
        _ => Err("must be a number such as 20 or 0.5".to_owned()),
    }
}

pub(super) fn key_size(text: &str) -> Result<KeySize, String> {
    let bits = usize::try_from(number(text)?).unwrap_or_default();
    KeySize::try_from(bits).map_err(|error| error.to_string())
}

/// Upstream's rule for the prefix: five characters have to fit behind it.
pub(super) fn key_prefix(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.len() <= 245 && text.chars().all(fits) && !text.is_empty() && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err("must be lower-case letters, digits and '-', not begin with '-', 245 characters at most".to_owned())
    }
}

/// Names parted by commas; empty ones count for nothing.
pub(super) fn namespaces(text: &str) -> Result<Namespaces, String> {
    parts(text)
        .map(|name| match check_namespace(name) {
            Ok(()) => Ok(name.to_owned()),
            Err(error) => Err(format!("has a namespace that {error}")),
        })
        .collect()
}

/// Go's layout `Mon, 02 Jan 2006 15:04:05 -0700`; the empty text is no time.
pub(super) fn cutoff(text: &str) -> Result<Cutoff, String> {
    if text.is_empty() {
        return Ok(None);
    }
    DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .map(Some)
        .map_err(|_| {
            "must be a time as \"date -R\" prints it, such as \"Mon, 02 Jan 2006 15:04:05 -0700\""
                .to_owned()
        })
}

/// The address of a collector, to which a path is added.
pub(super) fn collector(text: &str) -> Result<String, String> {
    let is_url = |uri: &http::Uri| {
        let scheme = uri.scheme_str().unwrap_or_default();
        ["http", "https"].contains(&scheme) && uri.query().is_none()
    };
    match text.parse() {
        Ok(uri) if is_url(&uri) => Ok(text.to_owned()),
        _ => Err("must be a URL of http or https, such as http://HOST:4318".to_owned()),
    }
}

/// The label that makes a key a key is set in any case, and is no matter of this flag.
pub(super) fn labels(text: &str) -> Result<Pairs, String> {
    let mut labels = annotations(text)?;
    labels.remove(annotations::KEY_LABEL);
    Ok(labels)
}

pub(super) fn annotations(text: &str) -> Result<Pairs, String> {
    parts(text)
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err("must be NAME=VALUE, several parted by commas".to_owned()),
        })
        .collect::<Result<BTreeMap<_, _>, _>>()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}
