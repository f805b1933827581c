//! From documents to Secrets and SealedSecrets, with the place of everything that is wrong.

use seal_api::{Reason, SealedSecret};
use seal_documents::{implied_kind, list_items};
use seal_envelope::{Plaintext, decode_base64};
use seal_manifest::{Document, Node, ScalarKind, Stream};
use seal_sealing::{Secret, check_item_key};

use serde_json::{Map, Value};

pub(crate) use crate::role::{List, Role, role};
use crate::{
    input::Input,
    malformed::malformed,
    problem::{Place, Problem},
    report::Reporter,
};

/// The first Secret with values that stands within another object, where nothing seals it.
pub(crate) fn embedded_secret(node: &Node) -> Option<&Node> {
    let is = |field: &str, text: &str| node.get(field).and_then(Node::as_str) == Some(text);
    let has = |field: &str| {
        let entries = node.get(field).and_then(Node::entries);
        entries.is_some_and(|entries| !entries.is_empty())
    };
    if is("apiVersion", "v1") && is("kind", "Secret") && (has("data") || has("stringData")) {
        return Some(node);
    }
    let entries = node.entries().unwrap_or_default();
    let values = entries.iter().map(|entry| &entry.value);
    values
        .chain(node.items().unwrap_or_default())
        .find_map(embedded_secret)
}

/// The place of a node.
pub(crate) fn place(file: &str, document: &Document, node: &Node) -> Place {
    Place {
        file: Some(file.to_owned()),
        document: Some(document.index),
        line: Some(node.position.line),
        column: Some(node.position.column),
    }
}

/// Reads nodes of one document of one file.
pub(crate) struct Reader<'r> {
    pub(crate) file: &'r str,
    pub(crate) document: &'r Document,
}

impl Reader<'_> {
    fn wrong(&self, reason: Reason, node: &Node, message: String) -> Problem {
        Problem::new(reason, message).at(place(self.file, self.document, node))
    }

    /// Reads a native Secret strictly: a value that another tool would rewrite in silence is an error.
    pub(crate) fn secret(&self, node: &Node) -> Result<Secret, Problem> {
        self.check_fields(node)?;
        self.check_item_keys(node)?;
        let mut secret = Secret {
            metadata: self.metadata(node)?,
            type_: self.optional_text(node, "type")?,
            immutable: self.optional_bool(node, "immutable")?,
            data: self.data(node)?,
        };
        for (key, text) in self.texts(node, "stringData")? {
            secret.data.insert(key, text.as_bytes().into());
        }
        Ok(secret)
    }

    /// Unknown fields are refused: a misspelt `stringdata` would drop values without a word.
    fn check_fields(&self, node: &Node) -> Result<(), Problem> {
        const KNOWN: [&str; 7] = [
            "apiVersion",
            "kind",
            "metadata",
            "type",
            "immutable",
            "data",
            "stringData",
        ];
        let unknown = |entry: &&seal_manifest::Entry| {
            entry
                .key
                .scalar()
                .is_none_or(|key| !KNOWN.contains(&key.text()) && key.text() != "status")
        };
        match node.entries().unwrap_or_default().iter().find(unknown) {
            Some(entry) => Err(self.wrong(
                Reason::InvalidObject,
                &entry.key,
                "the Secret has a field that Secrets do not have; known are apiVersion, kind, metadata, type, immutable, \
                 data and stringData"
                    .to_owned(),
            )),
            None => Ok(()),
        }
    }

    /// A key that no item can have is not repeated in the message: it may be part of a value.
    fn check_item_keys(&self, node: &Node) -> Result<(), Problem> {
        for field in ["data", "stringData"] {
            let entries = node.get(field).and_then(Node::entries);
            for key in entries.unwrap_or_default().iter().map(|entry| &entry.key) {
                if let Some(Err(error)) = key.as_str().map(check_item_key) {
                    let message = format!("a key in {field} {error}");
                    return Err(self.wrong(Reason::InvalidName, key, message));
                }
            }
        }
        Ok(())
    }

    fn metadata(&self, node: &Node) -> Result<Map<String, Value>, Problem> {
        let Some(metadata) = node.get("metadata").filter(|metadata| !metadata.is_null()) else {
            return Ok(Map::new());
        };
        for field in ["name", "namespace"] {
            self.optional_text(metadata, field)?;
        }
        for field in ["labels", "annotations"] {
            self.texts(metadata, field)?;
        }
        match metadata.to_json() {
            Value::Object(mut map) => {
                map.retain(|_, value| !value.is_null());
                Ok(map)
            }
            _ => Err(self.wrong(
                Reason::InvalidObject,
                metadata,
                "metadata is not a mapping".to_owned(),
            )),
        }
    }

    fn data(&self, node: &Node) -> Result<std::collections::BTreeMap<String, Plaintext>, Problem> {
        let decode = |(key, text): (String, &str), at: &Node| {
            let invalid = |_| {
                self.wrong(
                    Reason::InvalidValue,
                    at,
                    format!("data.{key} is not base64 (standard alphabet with padding)"),
                )
                .hint("put cleartext into stringData, base64 into data")
            };
            Ok((
                key.clone(),
                Plaintext::from(decode_base64(text).map_err(invalid)?),
            ))
        };
        let entries = self.entries(node, "data")?;
        entries
            .into_iter()
            .map(|(key, value)| decode((key.clone(), self.text(value, "data", &key)?), value))
            .collect()
    }

    /// The entries of a mapping of texts; each value must be a string as every YAML reader sees it.
    fn texts<'n>(&self, node: &'n Node, field: &str) -> Result<Vec<(String, &'n str)>, Problem> {
        let entries = self.entries(node, field)?;
        entries
            .into_iter()
            .map(|(key, value)| Ok((key.clone(), self.text(value, field, &key)?)))
            .collect()
    }

    fn entries<'n>(&self, node: &'n Node, field: &str) -> Result<Vec<(String, &'n Node)>, Problem> {
        let Some(mapping) = node.get(field).filter(|value| !value.is_null()) else {
            return Ok(Vec::new());
        };
        let Some(entries) = mapping.entries() else {
            return Err(self.wrong(
                Reason::InvalidObject,
                mapping,
                format!("{field} is not a mapping"),
            ));
        };
        let entry = |entry: &'n seal_manifest::Entry| match entry.key.as_str() {
            Some(key) => Ok((key.to_owned(), &entry.value)),
            None => Err(self.wrong(
                Reason::InvalidValue,
                &entry.key,
                format!(
                    "a key in {field} is read as {}, not as a string; quote it",
                    kind_of(&entry.key)
                ),
            )),
        };
        entries.iter().map(entry).collect()
    }

    fn text<'n>(&self, value: &'n Node, field: &str, key: &str) -> Result<&'n str, Problem> {
        value.as_str().ok_or_else(|| {
            let message = format!("{field}.{key} is {}, not a string", kind_of(value));
            self.wrong(Reason::InvalidValue, value, message)
                .hint("quote it, so that every reader takes the same characters; write \"\" for an empty value")
        })
    }

    fn optional_text(&self, node: &Node, field: &str) -> Result<Option<String>, Problem> {
        match node.get(field) {
            Some(value) if !value.is_null() => Ok(Some(self.text_of(value, field)?.to_owned())),
            _ => Ok(None),
        }
    }

    fn text_of<'n>(&self, value: &'n Node, field: &str) -> Result<&'n str, Problem> {
        value.as_str().ok_or_else(|| {
            self.wrong(
                Reason::InvalidValue,
                value,
                format!("{field} is {}, not a string; quote it", kind_of(value)),
            )
        })
    }

    fn optional_bool(&self, node: &Node, field: &str) -> Result<Option<bool>, Problem> {
        let Some(value) = node.get(field).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        match value.to_json() {
            Value::Bool(value) => Ok(Some(value)),
            _ => Err(self.wrong(
                Reason::InvalidValue,
                value,
                format!("{field} is not true or false"),
            )),
        }
    }

    /// Reads a SealedSecret as leniently as a cluster does.
    pub(crate) fn sealed_secret(&self, node: &Node) -> Result<SealedSecret, Problem> {
        serde_json::from_value(node.to_json()).map_err(|_| {
            let (node, what, hint) = malformed(node).unwrap_or_else(|| {
                let what = "a field has another type than the resource has".to_owned();
                (node, what, "compare it with one that \"seal create\" makes")
            });
            let message = format!("is not a well-formed SealedSecret: {what}");
            self.wrong(Reason::InvalidObject, node, message).hint(hint)
        })
    }
}

/// What a node is, in words, without its text.
fn kind_of(node: &Node) -> &'static str {
    match node.scalar().map(seal_manifest::Scalar::kind) {
        Some(ScalarKind::String) => "a string",
        Some(ScalarKind::Null) => "null",
        Some(ScalarKind::Bool) => "true or false",
        Some(ScalarKind::Integer | ScalarKind::Float) => "a number",
        None if node.items().is_some() => "a sequence",
        None => "a mapping",
    }
}

/// A SealedSecret, as a document or as an item of a list.
pub(crate) struct SealedDocument<'s> {
    pub(crate) document: &'s Document,
    pub(crate) node: &'s Node,
}

/// Every SealedSecret of an input, whose broken documents are told.
///
/// # Errors
///
/// Where it has none, and nothing in it is broken.
pub(crate) fn sealed_documents_of<'s>(
    input: &Input,
    stream: &'s Stream,
    reporter: &mut Reporter,
) -> Result<Vec<SealedDocument<'s>>, Problem> {
    let is_broken = input.report_broken(stream, reporter);
    let found = sealed_documents(&stream.documents);
    if found.is_empty() && !is_broken {
        return Err(Problem::new(Reason::WrongKind, "holds no SealedSecret").at(input.place()));
    }
    Ok(found)
}

/// Every SealedSecret in readable documents; the broken ones are the caller's to report.
pub(crate) fn sealed_documents<E>(documents: &[Result<Document, E>]) -> Vec<SealedDocument<'_>> {
    let mut found = Vec::new();
    for document in documents.iter().flatten() {
        add_sealed(document, &document.root, None, &mut found);
    }
    found
}

fn add_sealed<'s>(
    document: &'s Document,
    node: &'s Node,
    implied: Option<&str>,
    found: &mut Vec<SealedDocument<'s>>,
) {
    match role(node, implied, "", document) {
        Ok(Role::SealedSecret) => found.push(SealedDocument { document, node }),
        Ok(Role::List) => {
            for item in list_items(node).unwrap_or_default() {
                add_sealed(document, item, implied_kind(node), found);
            }
        }
        _ => {}
    }
}
