//! A native Secret in cleartext, as the domain sees it.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::annotations;
use seal_envelope::{Plaintext, decode_base64};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// A Secret in cleartext. The values are wiped when dropped, and `Debug` prints none.
///
/// It serialises as the Kubernetes object `v1`, `Secret`, with its values in `data`, base64.
#[derive(Clone, PartialEq)]
pub struct Secret {
    /// The metadata, every field of ObjectMeta. Never holds cleartext.
    pub metadata: Map<String, Value>,
    /// The type; `None` and the empty text mean `Opaque`.
    pub type_: Option<String>,
    /// Whether the Secret is immutable.
    pub immutable: Option<bool>,
    /// The values.
    pub data: BTreeMap<String, Plaintext>,
}

/// A JSON object is not a Secret. The message names the field, never what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// A field has another JSON type than the API has.
    #[error("{field} is not {expected}")]
    Field {
        /// The path of the field.
        field: String,
        /// What belongs there.
        expected: &'static str,
    },
}

impl Secret {
    /// An empty Secret of type `Opaque`.
    pub fn new(name: &str, namespace: Option<&str>) -> Self {
        let mut metadata = Map::new();
        metadata.insert("name".into(), name.into());
        if let Some(namespace) = namespace {
            metadata.insert("namespace".into(), namespace.into());
        }
        Self {
            metadata,
            type_: None,
            immutable: None,
            data: BTreeMap::new(),
        }
    }

    /// Reads the JSON form of a Secret. `apiVersion` and `kind` are not looked at; `stringData` wins over `data`.
    ///
    /// # Errors
    ///
    /// [`SecretError`], which holds no value.
    pub fn from_json(object: &Value) -> Result<Self, SecretError> {
        let mut data = BTreeMap::new();
        for (key, value) in strings_of(object, "data")? {
            data.insert(key.clone(), from_base64(&key, value)?);
        }
        for (key, value) in strings_of(object, "stringData")? {
            data.insert(key, value.as_bytes().into());
        }
        let metadata = match &object["metadata"] {
            Value::Object(metadata) => metadata.clone(),
            Value::Null => Map::new(),
            _ => return Err(wrong("metadata", "an object")),
        };
        Ok(Self {
            metadata,
            type_: optional_string(object, "type")?,
            immutable: object["immutable"].as_bool(),
            data,
        })
    }

    /// `metadata.name`, or the empty text.
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// `metadata.namespace`, or the empty text.
    pub fn namespace(&self) -> &str {
        self.text("namespace")
    }

    fn text(&self, field: &str) -> &str {
        self.metadata
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The type, `Opaque` where none is set.
    pub fn type_or_opaque(&self) -> &str {
        self.type_
            .as_deref()
            .filter(|type_| !type_.is_empty())
            .unwrap_or("Opaque")
    }

    /// `metadata.labels`; what is no string is left out.
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.strings("labels")
    }

    /// `metadata.annotations`; what is no string is left out.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.strings("annotations")
    }

    fn strings(&self, field: &str) -> BTreeMap<String, String> {
        let entries = self
            .metadata
            .get(field)
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        entries
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Replaces `metadata.labels` or `metadata.annotations`; an empty map removes the field.
    pub fn set_strings(&mut self, field: &str, strings: BTreeMap<String, String>) {
        if strings.is_empty() {
            self.metadata.remove(field);
        } else {
            let strings = strings
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect();
            self.metadata
                .insert(field.to_owned(), Value::Object(strings));
        }
    }

    /// Whether an annotation of [`annotations`] is set, by upstream's rule.
    pub fn is_annotated(&self, name: &str) -> bool {
        annotations::is_set(&self.annotations(), name)
    }
}

fn wrong(field: &str, expected: &'static str) -> SecretError {
    SecretError::Field {
        field: field.to_owned(),
        expected,
    }
}

fn strings_of<'v>(object: &'v Value, field: &str) -> Result<Vec<(String, &'v str)>, SecretError> {
    let entries = match &object[field] {
        Value::Object(entries) => entries,
        Value::Null => return Ok(Vec::new()),
        _ => return Err(wrong(field, "an object")),
    };
    let string = |(key, value): (&String, &'v Value)| match value {
        Value::String(text) => Ok((key.clone(), text.as_str())),
        Value::Null => Ok((key.clone(), "")),
        _ => Err(wrong(&format!("{field}.{key}"), "a string")),
    };
    entries.iter().map(string).collect()
}

fn from_base64(key: &str, text: &str) -> Result<Plaintext, SecretError> {
    decode_base64(text)
        .map(Plaintext::from)
        .map_err(|_| wrong(&format!("data.{key}"), "base64"))
}

fn optional_string(object: &Value, field: &str) -> Result<Option<String>, SecretError> {
    match &object[field] {
        Value::String(text) => Ok(Some(text.clone())),
        Value::Null => Ok(None),
        _ => Err(wrong(field, "a string")),
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", "v1")?;
        map.serialize_entry("kind", "Secret")?;
        map.serialize_entry("metadata", &self.metadata)?;
        map.serialize_entry("type", self.type_or_opaque())?;
        if let Some(immutable) = self.immutable {
            map.serialize_entry("immutable", &immutable)?;
        }
        map.serialize_entry("data", &Base64Data(&self.data))?;
        map.end()
    }
}

/// The values as the API has them; each text is wiped as soon as it is written.
struct Base64Data<'s>(&'s BTreeMap<String, Plaintext>);

impl Serialize for Base64Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            let text = Zeroizing::new(STANDARD.encode(value.as_bytes()));
            map.serialize_entry(key, text.as_str())?;
        }
        map.end()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Secret")
            .field("namespace", &self.namespace())
            .field("name", &self.name())
            .field("keys", &self.data.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn string_data_wins_over_data_and_both_are_read() {
        let object = json!({"data": {"a": "YQ==", "b": "Yg=="}, "stringData": {"b": "wins"}});
        let secret = Secret::from_json(&object).expect("the object is well-formed");
        assert_eq!(secret.data["a"].as_bytes(), b"a");
        assert_eq!(secret.data["b"].as_bytes(), b"wins");
    }

    #[test]
    fn errors_name_the_field_and_not_the_value() {
        for (object, message) in [
            (json!({"data": {"a": "marker"}}), "data.a is not base64"),
            (json!({"data": {"a": ["marker"]}}), "data.a is not a string"),
            (
                json!({"stringData": "marker"}),
                "stringData is not an object",
            ),
            (json!({"type": 5}), "type is not a string"),
            (json!({"metadata": "marker"}), "metadata is not an object"),
        ] {
            assert_eq!(
                Secret::from_json(&object)
                    .expect_err("it is odd")
                    .to_string(),
                message
            );
        }
    }

    #[test]
    fn debug_output_holds_no_value() {
        let mut secret = Secret::new("db", Some("prod"));
        secret
            .data
            .insert("password".into(), b"marker".as_slice().into());
        assert!(!format!("{secret:?}").contains("marker"));
    }

    #[test]
    fn it_serialises_as_the_object_of_the_api() {
        let mut secret = Secret::new("db", Some("prod"));
        secret
            .data
            .insert("a".into(), b"\x00\xff".as_slice().into());
        let expected = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"},
            "type": "Opaque", "data": {"a": "AP8="}});
        assert_eq!(
            serde_json::to_value(&secret).expect("it serialises"),
            expected
        );
    }
}
