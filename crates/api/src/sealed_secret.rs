//! The resource `bitnami.com/v1alpha1`, kind `SealedSecret`.

use std::collections::BTreeMap;

use kube_derive::CustomResource;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{Condition, SecretRecord, record};

/// The `apiVersion` of a SealedSecret.
pub const API_VERSION: &str = "bitnami.com/v1alpha1";
/// The `kind` of a SealedSecret.
pub const KIND: &str = "SealedSecret";

/// What a user writes into a SealedSecret.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, CustomResource)]
#[kube(
    group = "bitnami.com",
    version = "v1alpha1",
    kind = "SealedSecret",
    plural = "sealedsecrets",
    namespaced,
    status = "SealedSecretStatus",
    schema = "disabled",
    derive = "PartialEq",
    derive = "Default",
    crates(
        kube_core = "kube_core",
        k8s_openapi = "k8s_openapi",
        serde = "serde",
        serde_json = "serde_json"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretSpec {
    /// The sealed items: key of the Secret's data to ciphertext, base64 (`docs/wire-format.md`).
    ///
    /// Read as leniently as upstream does, since a cluster may hold anything here: a value that is no string counts as
    /// the empty string, which fails as an item of its own; anything but a map counts as an empty map.
    #[serde(default, deserialize_with = "lenient_items")]
    pub encrypted_data: BTreeMap<String, String>,
    /// The Secret to make, but for its sealed values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<SecretTemplate>,
    /// The deprecated form: the whole Secret as JSON in one ciphertext, base64. Opened, never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// What the Secret gets beside its sealed values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretTemplate {
    /// The Secret's metadata; every field of ObjectMeta passes through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// The Secret's type; absent or empty means `Opaque`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// Whether the Secret is made immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// Texts that go into the Secret's data beside the sealed items; `null` removes a sealed item of that key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<BTreeMap<String, Option<String>>>,
}

/// What the controller says about a SealedSecret.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretStatus {
    /// The `metadata.generation` that the conditions speak of; -1 before the controller has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Synced` first, then the kstatus conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What the controller knows of the Secret it wrote.
    #[serde(
        default,
        deserialize_with = "record::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub record: Option<SecretRecord>,
}

impl SealedSecret {
    /// The label or annotation map of the template's metadata, or empty; a value that is no string is left out.
    pub fn template_strings(&self, field: &str) -> BTreeMap<String, String> {
        self.spec
            .template
            .as_ref()
            .and_then(|template| template.metadata.as_ref()?.get(field)?.as_object())
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// The object as JSON. The items, which make up most of it, are moved and not copied.
    pub fn into_json(mut self) -> Value {
        let items = std::mem::take(&mut self.spec.encrypted_data);
        let mut object = serde_json::to_value(self).expect("a SealedSecret has text keys only");
        object["spec"]["encryptedData"] = items.into_iter().collect();
        object
    }
}

fn lenient_items<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(items) = Value::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    let text = |value| match value {
        Value::String(text) => text,
        _ => String::new(),
    };
    Ok(items
        .into_iter()
        .map(|(key, value)| (key, text(value)))
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items(value: Value) -> BTreeMap<String, String> {
        let object = json!({"metadata": {}, "spec": {"encryptedData": value}});
        serde_json::from_value::<SealedSecret>(object)
            .expect("odd items do not break the object")
            .spec
            .encrypted_data
    }

    #[test]
    fn its_names_are_those_of_the_resource() {
        use kube_core::Resource;
        assert_eq!(SealedSecret::api_version(&()), API_VERSION);
        assert_eq!(SealedSecret::kind(&()), KIND);
    }

    #[test]
    fn odd_items_decode_as_upstream_decodes_them() {
        let odd = items(json!({"a": "text", "b": 5, "c": {"d": 1}, "e": null}));
        let expected = [("a", "text"), ("b", ""), ("c", ""), ("e", "")];
        assert_eq!(
            odd,
            expected
                .map(|(key, text)| (key.to_owned(), text.to_owned()))
                .into()
        );
        for no_map in [json!(null), json!([1]), json!("text")] {
            assert!(items(no_map).is_empty());
        }
    }

    #[test]
    fn template_metadata_passes_through_whole() {
        let object = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db"},
            "spec": {"template": {"metadata": {"generateName": "x", "labels": {"a": "b"}}, "data": {"k": null}},
                     "encryptedData": {"a": "text"}}
        });
        let read: SealedSecret =
            serde_json::from_value(object.clone()).expect("the object is well-formed");
        assert_eq!(serde_json::to_value(&read).expect("it serialises"), object);
        assert_eq!(
            read.template_strings("labels"),
            [("a".to_owned(), "b".to_owned())].into()
        );
        assert_eq!(read.into_json(), object);
    }
}
