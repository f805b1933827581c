//! Item lines: what is known of each sealed item without opening it.
//!
//! One annotation holds one line an item, sorted by key, fields parted by one space:
//!
//! ```text
//! password 3f9a0c1d2e4b5a69 2026-11-21T10:00:00Z strict prod db 0b54a1c2d3e4f506
//! ```
//!
//! item key, key id, time of sealing (RFC 3339, UTC), scope, namespace and name it was sealed for (`-` for none), digest
//! of the item's text. A hint for the controller and a fact for people: never trusted, never needed.

use std::{collections::BTreeMap, fmt, str::FromStr};

use aws_lc_rs::digest;
use jiff::Timestamp;
use seal_api::{Scope, SealedSecret, annotations};
use seal_envelope::hex;

use crate::Binding;

/// The longest annotation text in bytes.
const LONGEST_ANNOTATION: usize = 128 * 1024;
/// The largest JSON of an object, annotation counted once more: `kubectl apply` keeps a copy of the object in an
/// annotation, and all annotations together are limited to 256 KiB.
const LARGEST_OBJECT: usize = 250 * 1024;

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLine {
    /// The first 16 hexadecimal digits of the sealing key's id.
    pub key_id: String,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// What it was sealed for.
    pub binding: Binding,
    /// The first 16 hexadecimal digits of SHA-256 over the item's text.
    digest: String,
}

impl ItemLine {
    /// The line of an item just sealed. `key_id` is a key id's short form, `text` the item's base64 on one line.
    pub fn new(key_id: String, sealed_at: Timestamp, binding: Binding, text: &str) -> Self {
        let sealed_at = Timestamp::from_second(sealed_at.as_second()).unwrap_or(sealed_at);
        Self {
            key_id,
            sealed_at,
            binding,
            digest: digest_of(text),
        }
    }
}

/// All lines of an object, by item key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemLines(BTreeMap<String, ItemLine>);

impl ItemLines {
    /// The lines of an object that are true: those whose item is there with the text the line was made for.
    pub fn of(sealed: &SealedSecret) -> Self {
        let annotations = sealed.metadata.annotations.as_ref();
        let mut lines: Self = annotations
            .and_then(|all| all.get(annotations::ITEMS))
            .map_or_else(Self::default, |text| Self::parse(text));
        lines.retain_true(&sealed.spec.encrypted_data);
        lines
    }

    /// Reads an annotation's text. A line that cannot be read counts as absent.
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(parse_line).collect())
    }

    /// Drops every line whose item is missing or has another text.
    pub fn retain_true(&mut self, items: &BTreeMap<String, String>) {
        self.0.retain(|key, line| {
            items
                .get(key)
                .is_some_and(|text| digest_of(text) == line.digest)
        });
    }

    /// The line of an item.
    pub fn get(&self, key: &str) -> Option<&ItemLine> {
        self.0.get(key)
    }

    /// Sets the line of an item.
    pub fn insert(&mut self, key: &str, line: ItemLine) {
        self.0.insert(key.to_owned(), line);
    }

    /// Removes the line of an item.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ItemLine)> {
        self.0.iter().map(|(key, line)| (key.as_str(), line))
    }
}

impl fmt::Display for ItemLines {
    /// The annotation's text, each line ended by a newline, so that YAML writes it as a literal block.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (
            key,
            ItemLine {
                key_id,
                sealed_at,
                binding,
                digest,
            },
        ) in &self.0
        {
            let namespace = or_dash(&binding.namespace);
            let name = or_dash(&binding.name);
            writeln!(
                formatter,
                "{key} {key_id} {sealed_at} {} {namespace} {name} {digest}",
                binding.scope
            )?;
        }
        Ok(())
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn parse_line(line: &str) -> Option<(String, ItemLine)> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [key, key_id, sealed_at, scope, namespace, name, digest] = fields.as_slice() else {
        return None;
    };
    let or_empty = |text: &str| {
        if text == "-" {
            String::new()
        } else {
            text.to_owned()
        }
    };
    let binding = Binding {
        scope: scope.parse().ok()?,
        namespace: or_empty(namespace),
        name: or_empty(name),
    };
    let line = ItemLine {
        key_id: hex_digits(key_id)?,
        sealed_at: Timestamp::from_str(sealed_at).ok()?,
        binding,
        digest: hex_digits(digest)?,
    };
    (!key.is_empty()).then(|| ((*key).to_owned(), line))
}

fn hex_digits(text: &str) -> Option<String> {
    let right = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    right.then(|| text.to_owned())
}

fn digest_of(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    hex(&digest.as_ref()[..8])
}

/// Whether an object may carry its item lines: the text is at most 128 KiB, and `kubectl apply` keeps the whole within
/// the API server's limit on annotations. `object` is the object without the annotation.
pub fn item_lines_fit(object: &SealedSecret, lines: &str) -> bool {
    let without = json_length(object);
    let pushes_over =
        without.saturating_add(2 * lines.len()) > LARGEST_OBJECT && without <= LARGEST_OBJECT;
    lines.len() <= LONGEST_ANNOTATION && !pushes_over
}

/// The length of an object's JSON in bytes, without making it.
fn json_length(object: &SealedSecret) -> usize {
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    serde_json::to_writer(&mut length, object).map_or(usize::MAX, |()| length.0)
}

impl ItemLine {
    /// Whether an object bound as `binding` has the label that this item was sealed with.
    pub fn fits(&self, binding: &Binding) -> bool {
        self.binding.scope == binding.scope
            && match self.binding.scope {
                Scope::Strict => {
                    self.binding.namespace == binding.namespace && self.binding.name == binding.name
                }
                Scope::NamespaceWide => self.binding.namespace == binding.namespace,
                Scope::ClusterWide => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(scope: Scope, namespace: &str, name: &str, text: &str) -> ItemLine {
        let binding = Binding {
            scope,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        ItemLine::new(
            "3f9a0c1d2e4b5a69".to_owned(),
            Timestamp::UNIX_EPOCH,
            binding,
            text,
        )
    }

    #[test]
    fn a_line_reads_as_documented() {
        let mut lines = ItemLines::default();
        lines.insert("password", line(Scope::Strict, "prod", "db", "text"));
        let digest = digest_of("text");
        let text =
            format!("password 3f9a0c1d2e4b5a69 1970-01-01T00:00:00Z strict prod db {digest}\n");
        assert_eq!(lines.to_string(), text);
        assert_eq!(ItemLines::parse(&text), lines);
    }

    #[test]
    fn lines_that_cannot_be_read_are_absent_and_hide_no_other() {
        let mut lines = ItemLines::default();
        lines.insert("a", line(Scope::ClusterWide, "", "", "text"));
        let text = format!(
            "garbage\n\n{lines}b x y z\nc 3f9a0c1d2e4b5a69 never strict a b 0011223344556677\n"
        );
        assert_eq!(ItemLines::parse(&text), lines);
    }

    #[test]
    fn a_line_of_a_changed_item_is_not_true() {
        let mut lines = ItemLines::default();
        lines.insert("a", line(Scope::Strict, "prod", "db", "text"));
        lines.insert("b", line(Scope::Strict, "prod", "db", "text"));
        lines.retain_true(
            &[
                ("a".to_owned(), "text".to_owned()),
                ("b".to_owned(), "other".to_owned()),
            ]
            .into(),
        );
        assert!(lines.get("a").is_some());
        assert!(lines.get("b").is_none());
    }

    #[test]
    fn a_line_fits_what_its_scope_looks_at() {
        let other_name = line(Scope::NamespaceWide, "prod", "db", "").fits(&Binding {
            scope: Scope::NamespaceWide,
            namespace: "prod".into(),
            name: "x".into(),
        });
        assert!(other_name);
        let other_scope = line(Scope::Strict, "prod", "db", "").fits(&Binding {
            scope: Scope::NamespaceWide,
            namespace: "prod".into(),
            name: "db".into(),
        });
        assert!(!other_scope);
    }

    #[test]
    fn lines_are_left_out_where_kubectl_apply_would_fail() {
        let mut object = SealedSecret::default();
        assert!(item_lines_fit(&object, &"x".repeat(100 * 1024)));
        assert!(!item_lines_fit(&object, &"x".repeat(129 * 1024)));
        object
            .spec
            .encrypted_data
            .insert("a".into(), "x".repeat(240 * 1024));
        assert!(!item_lines_fit(&object, &"x".repeat(10 * 1024)));
        object
            .spec
            .encrypted_data
            .insert("a".into(), "x".repeat(260 * 1024));
        assert!(item_lines_fit(&object, &"x".repeat(10 * 1024)));
    }

    proptest! {
        #[test]
        fn any_text_parses_without_panic_and_what_is_read_reads_back(text in "[ -~\n]{0,200}") {
            let lines = ItemLines::parse(&text);
            prop_assert_eq!(ItemLines::parse(&lines.to_string()), lines);
        }
    }
}
