//! What the values of flags may be. A message says what belongs there and never repeats the value, which may be a secret
//! in the wrong place.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use seal_api::{Scope, UnknownScope};
use seal_envelope::{KeyId, KeySize, ParseKeyIdError};
use seal_sealing::{check_item_key, check_name, check_namespace};
use zeroize::Zeroizing;

/// The longest generated value.
const LONGEST_GENERATED: usize = 4096;
/// The longest name of a label, without its prefix, and its longest value.
const LONGEST_LABEL: usize = 63;
/// How many days a certificate is valid at most.
const MOST_DAYS: u32 = 36_500;

/// A key and its value, as typed. `Debug` shows neither.
#[derive(Clone)]
pub struct Literal {
    pub key: String,
    pub value: Zeroizing<String>,
}

impl fmt::Debug for Literal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Literal(..)")
    }
}

/// A key and the file with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileValue {
    pub key: String,
    pub path: PathBuf,
}

/// A key and the length of the value to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    pub key: String,
    pub length: usize,
}

/// A label's name and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub name: String,
    pub value: String,
}

pub(crate) fn pin(text: &str) -> Result<KeyId, String> {
    text.parse()
        .map_err(|error: ParseKeyIdError| format!("{error}; \"seal cert show\" prints it"))
}

/// A time such as `30s`, `2m` or `500ms`, or whole seconds.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse().ok().map(Duration::from_secs);
    let span = || {
        let span: jiff::SignedDuration = text.parse().ok()?;
        Duration::try_from(span).ok()
    };
    seconds()
        .or_else(span)
        .ok_or_else(|| "a time is written as 30s or 2m".to_owned())
}

pub(crate) fn scope(text: &str) -> Result<Scope, String> {
    text.parse()
        .map_err(|error: UnknownScope| format!("a scope {error}"))
}

pub(crate) fn name(text: &str) -> Result<String, String> {
    match check_name(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(format!("a name {error}")),
    }
}

pub(crate) fn namespace(text: &str) -> Result<String, String> {
    match check_namespace(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(format!("a namespace {error}")),
    }
}

/// A type has letters, digits and a few marks, as those of Kubernetes do.
pub(crate) fn secret_type(text: &str) -> Result<String, String> {
    let is_mark = |byte: u8| b"-._/".contains(&byte);
    let is_sane = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte));
    if is_sane && !text.is_empty() {
        Ok(text.to_owned())
    } else {
        Err("a type has letters, digits, '-', '.', '_' and '/'".to_owned())
    }
}

pub(crate) fn item_key(text: &str) -> Result<String, String> {
    match check_item_key(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(format!("an item's key {error}")),
    }
}

pub(crate) fn literal(text: &str) -> Result<Literal, String> {
    let (key, value) = split(text, "KEY=VALUE")?;
    Ok(Literal {
        key: item_key(key)?,
        value: Zeroizing::new(value.to_owned()),
    })
}

/// The key is the file's name unless given.
pub(crate) fn file_value(text: &str) -> Result<FileValue, String> {
    let (key, path) = match text.split_once('=') {
        Some((key, path)) => (Some(key), Path::new(path)),
        None => (None, Path::new(text)),
    };
    let own = path.file_name().and_then(|name| name.to_str());
    let own = own.filter(|_| !is_standard_stream(path));
    match key.or(own) {
        _ if path.as_os_str().is_empty() => Err("the form is [KEY=]PATH".to_owned()),
        Some(key) => Ok(FileValue {
            key: item_key(key)?,
            path: path.to_owned(),
        }),
        None => Err("this path gives no key: the form is KEY=PATH".to_owned()),
    }
}

pub(crate) fn generated(text: &str) -> Result<Generated, String> {
    let (key, length) = split(text, "KEY=LENGTH")?;
    let length = length.parse().ok();
    let length = length.filter(|length| (1..=LONGEST_GENERATED).contains(length));
    Ok(Generated {
        key: item_key(key)?,
        length: length.ok_or_else(|| format!("a length is from 1 to {LONGEST_GENERATED}"))?,
    })
}

/// A label by the rules of Kubernetes.
pub(crate) fn label(text: &str) -> Result<Label, String> {
    let (name, value) = split(text, "NAME=VALUE")?;
    let (prefix, rest) = match name.split_once('/') {
        Some((prefix, rest)) => (Some(prefix), rest),
        None => (None, name),
    };
    let is_prefix = prefix.is_none_or(|prefix| check_name(prefix).is_ok());
    if is_prefix && is_label_word(rest) && (value.is_empty() || is_label_word(value)) {
        return Ok(Label {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }
    Err(format!(
        "name and value of a label have at most {LONGEST_LABEL} letters, digits, '-', '_' and '.', a letter or digit at \
         both ends; the name may have a DNS name and '/' before it"
    ))
}

fn is_label_word(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= LONGEST_LABEL
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

pub(crate) fn key_size() -> impl TypedValueParser<Value = KeySize> {
    PossibleValuesParser::new(["2048", "3072", "4096", "8192"]).map(|text| {
        let bits: usize = text.parse().expect("each possible value is a number");
        KeySize::try_from(bits).expect("each possible value is a size")
    })
}

pub(crate) fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok();
    days.filter(|days| (1..=MOST_DAYS).contains(days))
        .ok_or_else(|| format!("a number of days is from 1 to {MOST_DAYS}"))
}

/// A file by its name, where neither standard input nor output will do.
pub(crate) fn file_only() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        if is_standard_stream(&path) {
            Err("a file has to be named here; \"-\" is standard input or output")
        } else {
            Ok(path)
        }
    })
}

pub(crate) fn is_standard_stream(path: &Path) -> bool {
    path == Path::new("-")
}

/// Splits at the first `=`.
fn split<'t>(text: &'t str, form: &str) -> Result<(&'t str, &'t str), String> {
    text.split_once('=')
        .ok_or_else(|| format!("the form is {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_key_unless_one_is_given() {
        let check = |text: &str| {
            let value = file_value(text).ok();
            value.map(|value| (value.key, value.path.display().to_string()))
        };
        let found = |key: &str, path: &str| Some((key.to_owned(), path.to_owned()));
        assert_eq!(check("dir/tls.crt"), found("tls.crt", "dir/tls.crt"));
        assert_eq!(check("ca=dir/tls.crt"), found("ca", "dir/tls.crt"));
        for wrong in ["-", ".", "a=", "", "a b", "a b=c"] {
            assert_eq!(check(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn labels_are_as_kubernetes_has_them() {
        for right in [
            "a=b",
            "a=",
            "example.com/a_b.c=D-e",
            "app.kubernetes.io/name=x",
        ] {
            assert!(label(right).is_ok(), "{right}");
        }
        let long = format!("a={}", "b".repeat(64));
        for wrong in [
            "a", "=b", "a b=c", "a=b c", "-a=b", "a=b-", "A/b/c=d", "Ex/a=b", &long,
        ] {
            assert!(label(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_message_repeats_its_value() {
        let marker = "4711-Marker";
        let messages = [
            pin(marker).map(|_| ()),
            scope(marker).map(|_| ()),
            name(marker).map(|_| ()),
            namespace(marker).map(|_| ()),
            secret_type("4711-Marker!").map(|_| ()),
            item_key("4711-Marker!").map(|_| ()),
            literal(marker).map(|_| ()),
            literal("4711-Marker!=x").map(|_| ()),
            file_value("4711-Marker!=x").map(|_| ()),
            generated(marker).map(|_| ()),
            generated("a=4711-Marker").map(|_| ()),
            generated("a=47110").map(|_| ()),
            label(marker).map(|_| ()),
            label("a=4711-Marker!").map(|_| ()),
            days("47110").map(|_| ()),
        ];
        for message in messages {
            let message = message.expect_err("it is wrong");
            assert!(!message.contains("4711"), "{message}");
        }
    }

    #[test]
    fn a_literal_does_not_show_itself() {
        let literal = literal("a=marker").expect("it has the form");
        assert!(!format!("{literal:?}").contains("marker"));
    }
}
