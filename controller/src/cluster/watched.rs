//! What the watches keep of the objects that they are told of: no more than is looked at, from the moment that it arrives.

use std::{borrow::Cow, collections::BTreeMap};

use k8s_openapi::{
    api::core::v1::Secret as ApiSecret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::Resource;
use seal_api::{SealedSecret, annotations};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

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
#[derive(Deserialize)]
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

/// A SealedSecret as the API server has it.
#[derive(Clone, Debug)]
pub(super) struct WholeSealedSecret {
    metadata: ObjectMeta,
    pub(super) object: Value,
}

impl<'de> Deserialize<'de> for WholeSealedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        Ok(Self {
            metadata: ObjectMeta {
                name: text("name"),
                namespace: text("namespace"),
                resource_version: text("resourceVersion"),
                ..ObjectMeta::default()
            },
            object,
        })
    }
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
    fn a_sealed_secret_is_kept_as_it_is() {
        let object = json!({
            "metadata": {"name": "db", "namespace": "prod", "resourceVersion": "7", "labels": {"app": "shop"}},
            "spec": {"encryptedData": {"password": 5}},
        });
        let watched: WholeSealedSecret =
            serde_json::from_value(object.clone()).expect("it is an object");
        assert_eq!(watched.object, object);
        assert_eq!(watched.meta().name.as_deref(), Some("db"));
        assert_eq!(watched.meta().namespace.as_deref(), Some("prod"));
    }
}
