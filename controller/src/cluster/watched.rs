//! What the watches keep of the objects that they are told of: no more than is looked at, from the moment that it arrives.

use std::{borrow::Cow, collections::BTreeMap};

use k8s_openapi::{
    api::core::v1::Secret as ApiSecret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::Resource;
use seal_api::{SealedSecret, annotations};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

/// A value takes up to 288 bytes however few its text has, so that a SealedSecret of 1.5 MiB would take hundreds of MiB.
const MOST_VALUES: usize = 100_000;

/// A Secret: its name, its version, and whether it is labelled as a key. The API server is asked for metadata only.
#[derive(Clone, Debug)]
pub(super) struct SecretMetadata {
    metadata: ObjectMeta,
}

impl SecretMetadata {
    pub(super) fn version(&self) -> &str {
        let version = self.metadata.resource_version.as_deref();
        version.unwrap_or_default()
    }

    /// Whether it has the label of sealing keys, with any value.
    pub(super) fn is_labelled_as_key(&self) -> bool {
        self.metadata.labels.is_some()
    }
}

/// What is read of an object's metadata; the rest is skipped where it stands.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    name: Option<String>,
    namespace: Option<String>,
    resource_version: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl<'de> Deserialize<'de> for SecretMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            metadata: Kept,
        }

        let mut kept = Wire::deserialize(deserializer)?.metadata;
        let label = kept.labels.take();
        let label = label.and_then(|mut labels| labels.remove_entry(annotations::KEY_LABEL));
        Ok(Self {
            metadata: ObjectMeta {
                labels: label.map(|label| BTreeMap::from([label])),
                name: kept.name,
                namespace: kept.namespace,
                resource_version: kept.resource_version,
                ..ObjectMeta::default()
            },
        })
    }
}

/// A SealedSecret as the API server has it: the texts of its fields, which take far less than what is read from them may.
#[derive(Clone, Debug)]
pub(super) struct WholeSealedSecret {
    metadata: ObjectMeta,
    fields: BTreeMap<String, Box<RawValue>>,
}

impl WholeSealedSecret {
    /// The length of its text.
    pub(super) fn length(&self) -> usize {
        self.fields.values().map(|field| field.get().len()).sum()
    }

    /// Reads it, as [`read_sealed_secret`] does.
    pub(super) fn object(&self) -> Value {
        let fields = self.fields.iter();
        let read = fields.map(|(name, field)| (name.clone(), read_few(name, field.get())));
        read.collect()
    }
}

impl<'de> Deserialize<'de> for WholeSealedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let metadata = fields.get("metadata").map(|field| field.get());
        // What is wrong with one must not keep the others of its page away.
        let kept = metadata.and_then(|field| serde_json::from_str::<Kept>(field).ok());
        let kept = kept.unwrap_or_default();
        Ok(Self {
            metadata: ObjectMeta {
                name: kept.name,
                namespace: kept.namespace,
                resource_version: kept.resource_version,
                ..ObjectMeta::default()
            },
            fields,
        })
    }
}

/// Reads an object as the API server has it. A field in which values are nested more deeply than serde_json reads (127
/// times, while the API server takes thousands) is null in it; so is such a field of its metadata, as `managedFields` are then.
pub(super) fn read_object(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|_| read_fields(text, read_field))
}

/// Reads a SealedSecret as [`read_object`] does. Also a field is null in it that has more than [`MOST_VALUES`].
pub(super) fn read_sealed_secret(text: &str) -> serde_json::Result<Value> {
    if has_few_values(text) {
        read_object(text)
    } else {
        read_fields(text, read_few)
    }
}

fn read_few(name: &str, text: &str) -> Value {
    if has_few_values(text) {
        return read_field(name, text);
    }
    match name {
        "metadata" => {
            let few = |_: &str, field: &str| match has_few_values(field) {
                true => read_or_null(field),
                false => Value::Null,
            };
            read_fields(text, few).unwrap_or_default()
        }
        _ => Value::Null,
    }
}

/// Whether a text has no more than [`MOST_VALUES`], of which an empty array or object counts twice.
fn has_few_values(text: &str) -> bool {
    if text.len() < MOST_VALUES {
        return true;
    }
    let (mut is_text, mut is_escaped) = (false, false);
    let values = text.bytes().filter(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' => return !is_text,
            _ => {}
        }
        false
    });
    values.take(MOST_VALUES + 1).count() <= MOST_VALUES
}

fn read_fields(text: &str, read: impl Fn(&str, &str) -> Value) -> serde_json::Result<Value> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let fields = fields.into_iter().map(|(name, field)| {
        let field = read(&name, field.get());
        (name, field)
    });
    Ok(fields.collect())
}

fn read_field(name: &str, text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| match name {
        "metadata" => read_fields(text, |_, field| read_or_null(field)).unwrap_or_default(),
        _ => Value::Null,
    })
}

fn read_or_null(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A [`Resource`] that has the names of another one.
macro_rules! resource {
    ($watched:ty, $named_as:ty, metadata: $metadata:literal) => {
        impl Resource for $watched {
            type DynamicType = ();
            type Scope = <$named_as as Resource>::Scope;

            fn kind((): &()) -> Cow<'_, str> {
                <$named_as>::kind(&())
            }

            fn group((): &()) -> Cow<'_, str> {
                <$named_as>::group(&())
            }

            fn version((): &()) -> Cow<'_, str> {
                <$named_as>::version(&())
            }

            fn plural((): &()) -> Cow<'_, str> {
                <$named_as>::plural(&())
            }

            fn metadata_api() -> bool {
                $metadata
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(SecretMetadata, ApiSecret, metadata: true);
resource!(WholeSealedSecret, SealedSecret, metadata: false);

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_secret_nothing_is_kept_but_what_is_looked_at() {
        let secret: SecretMetadata = serde_json::from_value(json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": {
                "name": "db", "namespace": "prod", "resourceVersion": "7", "uid": "u",
                "labels": {"app": "shop"}, "annotations": {"note": "long"}, "managedFields": [{}],
            },
        }))
        .expect("it is a Secret");
        let kept = ObjectMeta {
            name: Some("db".to_owned()),
            namespace: Some("prod".to_owned()),
            resource_version: Some("7".to_owned()),
            ..ObjectMeta::default()
        };
        assert_eq!(secret.meta(), &kept);
        assert!(!secret.is_labelled_as_key());
    }

    #[test]
    fn the_values_of_secrets_are_not_asked_for() {
        assert!(SecretMetadata::metadata_api());
        assert!(!WholeSealedSecret::metadata_api());
    }

    #[test]
    fn the_label_of_keys_is_noticed_with_any_value() {
        for value in ["active", "", "other"] {
            let secret: SecretMetadata = serde_json::from_value(json!({
                "metadata": {"name": "key", "labels": {annotations::KEY_LABEL: value, "app": "shop"}},
            }))
            .expect("it is a Secret");
            assert!(secret.is_labelled_as_key(), "{value}");
        }
    }

    #[test]
    fn a_sealed_secret_that_is_nested_too_deeply_keeps_the_rest_of_its_page_and_of_itself() {
        let (open, close) = ("{\"a\":".repeat(5_000), "}".repeat(5_000));
        let list = format!(
            r#"{{"kind": "SealedSecretList", "apiVersion": "v1", "metadata": {{"resourceVersion": "9"}}, "items": [
                {{"metadata": {{"name": "deep", "namespace": "prod", "managedFields": {open}1{close}}},
                  "spec": {{"encryptedData": {{}}, "template": {open}1{close}}}, "status": {{"a": 1}}}},
                {{"metadata": {{"name": "db", "namespace": "prod"}}, "spec": {{}}}}
            ]}}"#
        );
        let list: kube::core::ObjectList<WholeSealedSecret> =
            serde_json::from_str(&list).expect("it is a list");
        let deep = &list.items[0];
        assert_eq!(deep.meta().name.as_deref(), Some("deep"));
        let object = deep.object();
        assert_eq!(object["status"], json!({"a": 1}));
        assert!(object["spec"].is_null());
        assert_eq!(list.items[1].object()["spec"], json!({}));
        let event = format!(
            r#"{{"type": "ADDED", "object": {{"metadata": {{"name": "deep"}}, "spec": {open}1{close}}}}}"#
        );
        let event = serde_json::from_slice(event.as_bytes());
        let Ok(kube::core::WatchEvent::<WholeSealedSecret>::Added(deep)) = event else {
            panic!("it is an event");
        };
        assert_eq!(deep.meta().name.as_deref(), Some("deep"));
    }

    #[test]
    fn a_page_takes_as_much_as_its_text_whatever_is_read_from_that() {
        let nothings = format!("[{}0]", "0,".repeat(MOST_VALUES - 100));
        let item = format!(
            r#"{{"metadata": {{"name": "db", "namespace": "prod"}}, "spec": {{"template": {{"metadata": {{"x": {nothings}}}}}}}}}"#
        );
        let items = [item.as_str(); 10].join(",");
        let list =
            format!(r#"{{"kind": "SealedSecretList", "metadata": {{}}, "items": [{items}]}}"#);
        let mut read = Vec::new();
        let taken = measure(|| {
            let list: kube::core::ObjectList<WholeSealedSecret> =
                serde_json::from_str(&list).expect("it is a list");
            read = list.items;
        });
        let text = list.len() as u64;
        assert!(taken.bytes_max < 2 * text, "{} of {text}", taken.bytes_max);
        // One of them takes more than all texts.
        let taken = measure(|| assert!(read[0].object()["spec"].is_object()));
        assert!(taken.bytes_max > 2 * text, "{} of {text}", taken.bytes_max);
    }

    #[test]
    fn of_a_field_with_too_many_values_nothing_is_read_and_the_rest_is() {
        let quotes = r#""\\\"[{,\"""#;
        let read = |values: usize, spec: bool| {
            let many = format!("[{}{quotes}]", "[],".repeat(values - 2));
            let (spec, managed) = if spec { (&*many, "1") } else { ("1", &*many) };
            let text = format!(
                r#"{{"metadata": {{"name": "db", "managedFields": {managed}}}, "status": {quotes}, "spec": {spec}}}"#
            );
            let read = read_sealed_secret(&text).expect("it is an object");
            let whole: WholeSealedSecret = serde_json::from_str(&text).expect("it is an object");
            assert_eq!(read, whole.object());
            assert_eq!(read["metadata"]["name"], "db");
            assert_eq!(read["status"], "\\\"[{,\"");
            let (spec, managed) = (&read["spec"], &read["metadata"]["managedFields"]);
            [spec.is_null(), managed.is_null()]
        };
        // A comma and a bracket each.
        let most = MOST_VALUES / 2;
        assert_eq!(read(most, true), [false, false]);
        assert_eq!(read(most + 10, true), [true, false]);
        assert_eq!(read(most - 10, false), [false, false]);
        assert_eq!(read(most + 10, false), [false, true]);
        let texts = format!("{{\"a\": \"{}\"}}", ",".repeat(3 * MOST_VALUES));
        assert!(has_few_values(&texts));
    }

    #[test]
    fn what_has_no_metadata_keeps_nobody_away() {
        let list =
            r#"{"metadata": {}, "items": [{}, {"metadata": 7}, {"metadata": {"name": "db"}}]}"#;
        let list: kube::core::ObjectList<WholeSealedSecret> =
            serde_json::from_str(list).expect("it is a list");
        let names = list.items.iter().map(|item| item.meta().name.as_deref());
        let names: Vec<_> = names.collect();
        assert_eq!(names, [None, None, Some("db")]);
    }

    #[test]
    fn what_is_no_object_is_not_read() {
        for text in ["", "[", "{\"a\":", "{\"a\": 1} x", "[1]"] {
            let read = read_object(text);
            assert!(
                read.is_err() || !read.expect("it was read").is_object(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_sealed_secret_is_kept_as_it_is() {
        let object = json!({
            "metadata": {"name": "db", "namespace": "prod", "resourceVersion": "7", "labels": {"app": "shop"}},
            "spec": {"encryptedData": {"password": 5}},
        });
        let watched: WholeSealedSecret =
            serde_json::from_value(object.clone()).expect("it is an object");
        assert_eq!(watched.object(), object);
        assert_eq!(watched.meta().name.as_deref(), Some("db"));
        assert_eq!(watched.meta().namespace.as_deref(), Some("prod"));
    }
}
