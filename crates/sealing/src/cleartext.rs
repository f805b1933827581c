//! The values of a Secret, to be looked for in texts that would be committed.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_envelope::Plaintext;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::Secret;

/// From this length on any text counts; shorter ones may be ordinary words, such as a user's or a host's name.
const LONG: usize = 16;
/// From this length on a text counts that no name looks like, and the base64 of a value. Nothing that counts is shorter.
const SHORT: usize = 8;

/// What must not stand in a text that is committed: each value as text and as base64, each line of values of several lines.
/// Wiped when dropped.
///
/// A value or line counts from 16 bytes on, a value of one line from 8 where it holds a character that names do not have
/// (anything but small letters, digits, `-`, `.` and `_`); its base64 from 8 bytes on. The first and last lines of PEM
/// blocks do not count.
pub struct Cleartext(Vec<Zeroizing<String>>);

impl Cleartext {
    /// The values of a Secret.
    pub fn of(secret: &Secret) -> Self {
        Self::of_values(secret.data.values())
    }

    /// Values that stand in no Secret.
    pub fn of_values<'v>(values: impl IntoIterator<Item = &'v Plaintext>) -> Self {
        let mut needles = Vec::new();
        for value in values {
            if value.len() >= SHORT {
                let encoded = Zeroizing::new(STANDARD.encode(value.as_bytes()));
                needles.push(Zeroizing::new(encoded.trim_end_matches('=').to_owned()));
            }
            let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
            let is_one = text.lines().nth(1).is_none();
            let lines = text.lines().map(str::trim);
            let telling = lines.filter(|line| line.len() >= LONG || (is_one && tells(line)));
            let telling = telling.filter(|line| !line.starts_with("-----"));
            needles.extend(telling.map(|line| Zeroizing::new(line.to_owned())));
        }
        Self(needles)
    }

    /// Whether a text holds one of them.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|needle| text.contains(needle.as_str()))
    }
}

/// For each of several Secrets the number of the first text that holds a value of it. It takes as long as there are values
/// and texts, not one times the other.
pub fn first_holding(cleartexts: &[Cleartext], texts: &[&str]) -> Vec<Option<usize>> {
    let mut by_start: HashMap<&[u8], Vec<(usize, &[u8])>> = HashMap::new();
    for (number, cleartext) in cleartexts.iter().enumerate() {
        for needle in cleartext.0.iter().map(|needle| needle.as_bytes()) {
            let same_start = by_start.entry(&needle[..SHORT]).or_default();
            same_start.push((number, needle));
        }
    }
    let mut first = vec![None; cleartexts.len()];
    for (text_number, text) in texts.iter().map(|text| text.as_bytes()).enumerate() {
        for (offset, start) in text.windows(SHORT).enumerate() {
            for (number, needle) in by_start.get(start).into_iter().flatten() {
                if first[*number].is_none() && text[offset..].starts_with(needle) {
                    first[*number] = Some(text_number);
                }
            }
        }
    }
    first
}

/// Whether a value of one line that is not long gives itself away: no name looks like it.
fn tells(value: &str) -> bool {
    let in_names = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
    value.len() >= SHORT && !value.chars().all(in_names)
}

/// The path of the first text in `value` that must not be committed: it holds a value of the Secret, or is a copy of a
/// whole Secret. `path` is where `value` itself stands.
pub(crate) fn find(cleartext: &Cleartext, path: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            (is_copy_of_a_secret(text) || cleartext.is_in(text)).then(|| path.to_owned())
        }
        Value::Array(items) => items.iter().find_map(|item| find(cleartext, path, item)),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if cleartext.is_in(name) {
                return Some(path.to_owned());
            }
            find(cleartext, &format!("{path}.{name}"), value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether a text is a Secret as JSON or YAML, as tools leave it in annotations.
fn is_copy_of_a_secret(text: &str) -> bool {
    let object: Value = serde_json::from_str(text).unwrap_or_default();
    let is_json = object["kind"] == "Secret"
        && (object["data"].is_object() || object["stringData"].is_object());
    let has = |start: &str| text.lines().any(|line| line.starts_with(start));
    is_json || (has("kind: Secret") && (has("data:") || has("stringData:")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &str, text: &str, expected: bool) {
        let mut secret = Secret::new("db", Some("prod"));
        secret
            .data
            .insert("key".to_owned(), value.as_bytes().into());
        assert_eq!(
            Cleartext::of(&secret).is_in(text),
            expected,
            "{value:?} in {text:?}"
        );
    }

    #[test]
    fn a_value_is_found_as_text_as_base64_and_line_by_line() {
        check("hunter2hunter2!", "the password is hunter2hunter2!", true);
        check("hunter2hunter2!", "aHVudGVyMmh1bnRlcjIh", true);
        check(
            "-----BEGIN X-----\nMIIBCgKCAQEAsomething\n-----END X-----\n",
            "#  MIIBCgKCAQEAsomething",
            true,
        );
        check("0123456789abcdef", "0123456789abcdef", true);
    }

    #[test]
    fn ordinary_words_are_left_in_peace() {
        check("keycloak", "keycloak-operator", false);
        check("[default]\n# Written by us\n", "# Written by us", false);
        check("db01.example.com", "see db01.example.com", true);
        check("db.example.com", "see db.example.com", false);
        check("-----BEGIN X-----\nshort\n", "-----BEGIN X-----", false);
        check("", "anything", false);
    }

    #[test]
    fn many_values_are_found_in_many_texts_as_each_by_itself() {
        let cleartexts: Vec<Cleartext> = [
            "Hunter2!",
            "Hunter2!2",
            "keycloak",
            "",
            "0123456789abcdef\nx\n",
        ]
        .iter()
        .map(|value| {
            let mut secret = Secret::new("db", Some("prod"));
            secret
                .data
                .insert("key".to_owned(), value.as_bytes().into());
            Cleartext::of(&secret)
        })
        .collect();
        let texts = [
            "",
            "short",
            "# Hunter2",
            "# Hunter2!",
            "0123456789abcde",
            "is Hunter2!2",
            "SHVudGVyMiE=",
            "ä0123456789abcdefä",
            "# keycloak",
        ];
        let alone = |cleartext: &Cleartext| texts.iter().position(|text| cleartext.is_in(text));
        assert_eq!(
            first_holding(&cleartexts, &texts),
            cleartexts.iter().map(alone).collect::<Vec<_>>()
        );
        assert_eq!(
            first_holding(&cleartexts, &texts),
            [Some(3), Some(5), None, None, Some(7)]
        );
    }

    #[test]
    fn every_text_of_the_metadata_is_looked_at() {
        let mut secret = Secret::new("db", Some("prod"));
        secret
            .data
            .insert("key".to_owned(), b"Hunter2hunter2".as_slice().into());
        let cleartext = Cleartext::of(&secret);
        let found = |value: Value| find(&cleartext, "metadata", &value);
        assert_eq!(
            found(json!({"labels": {"a": "x-Hunter2hunter2"}})),
            Some("metadata.labels.a".to_owned())
        );
        assert_eq!(
            found(json!({"finalizers": ["Hunter2hunter2"]})),
            Some("metadata.finalizers".to_owned())
        );
        assert_eq!(
            found(json!({"labels": {"Hunter2hunter2": "x"}})),
            Some("metadata.labels".to_owned())
        );
        let copy = "apiVersion: v1\nkind: Secret\nstringData:\n  a: b\n";
        assert_eq!(
            found(json!({"annotations": {"copy": copy}})),
            Some("metadata.annotations.copy".to_owned())
        );
        assert_eq!(found(json!({"name": "db", "generation": 1})), None);
    }
}
