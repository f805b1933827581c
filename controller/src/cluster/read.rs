//! A SealedSecret as the API server has it, taken apart.

use std::sync::OnceLock;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::{Reason, Scope, SealedSecret, SealedSecretStatus, SecretRecord, annotations};
use seal_sealing::Failure;
use serde::{Deserialize, de::value::MapDeserializer};
use serde_json::Value;

use super::objects::{Fingerprint, Known, number};
use crate::{digest::Digest, record::Basis};

/// The SealedSecret as it was read.
pub(super) struct Read {
    pub(super) object: Value,
    pub(super) uid: String,
    pub(super) version: String,
    pub(super) seen: Fingerprint,
    sealed: OnceLock<Result<SealedSecret, Failure>>,
    pub(super) generation: Option<i64>,
    pub(super) status: Option<SealedSecretStatus>,
    /// Tells what the Secret is made from.
    pub(super) made_from: Digest,
    /// What a record holds the Secret to be made from.
    pub(super) basis: Basis,
}

impl Read {
    /// Takes an object apart; `None` where it has no metadata, which the API server always gives. `flags` are those that
    /// change what is made of it, where they are on.
    pub(super) fn of(object: Value, flags: Vec<&'static str>) -> Option<Self> {
        let metadata: ObjectMeta = serde_json::from_value(object["metadata"].clone()).ok()?;
        let spec = object["spec"].to_string();
        let annotations = metadata.annotations.clone().unwrap_or_default();
        let scope = format!("{annotations:?}");
        Some(Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            version: metadata.resource_version.clone().unwrap_or_default(),
            seen: Fingerprint::of(&metadata, &spec),
            generation: metadata.generation,
            status: serde_json::from_value(object["status"].clone()).ok(),
            made_from: Digest::of(&[spec.as_bytes(), scope.as_bytes()]),
            basis: Basis {
                flags,
                scope: Scope::of(&annotations),
                spec,
            },
            sealed: OnceLock::new(),
            object,
        })
    }

    pub(super) fn is_being_deleted(&self) -> bool {
        !self.object["metadata"]["deletionTimestamp"].is_null()
    }

    /// The record in its status, whatever that proves.
    pub(super) fn record(&self) -> Option<&SecretRecord> {
        self.status.as_ref()?.record.as_ref()
    }

    /// Takes note of a newer state of it in which nothing changed but the status.
    pub(super) fn renew(&mut self, object: Value) {
        self.version = text(&object, "resourceVersion");
        self.status = serde_json::from_value(object["status"].clone()).ok();
        self.object = object;
    }

    /// The SealedSecret, or why it is none.
    pub(super) fn sealed(&self) -> Result<&SealedSecret, &Failure> {
        let sealed = self.sealed.get_or_init(|| {
            sealed_secret(&self.object).map_err(|_| {
                let message = match &self.object["spec"] {
                    Value::Null => "spec is missing, nested more deeply than can be read, or of too many values",
                    _ => "a field of spec has another type than the API has",
                };
                Failure::of_object(Reason::InvalidObject, message)
            })
        });
        sealed.as_ref()
    }

    /// Whether it has the deprecated form.
    pub(super) fn is_legacy(&self) -> bool {
        self.sealed().is_ok_and(|sealed| sealed.spec.data.is_some())
    }

    /// Whether its template asks for a Secret without owner reference.
    pub(super) fn asks_for_no_owner(&self) -> bool {
        self.sealed().is_ok_and(|sealed| {
            annotations::is_set(
                &sealed.template_strings("annotations"),
                annotations::SKIP_SET_OWNER_REFERENCES,
            )
        })
    }

    /// Whether a Secret that somebody else changed is to be left so.
    pub(super) fn leaves_drift(&self) -> bool {
        self.object["metadata"]["annotations"][annotations::DRIFT] == annotations::DRIFT_IGNORE
    }

    pub(super) fn known(&self, opens: bool, secret: Option<String>) -> Known {
        Known {
            seen: self.seen,
            version: number(&self.version),
            opens,
            secret,
        }
    }
}

/// Reads the object without its status, of which a broken one should not break the rest.
fn sealed_secret(object: &Value) -> serde_json::Result<SealedSecret> {
    let fields = object.as_object().into_iter().flatten();
    let fields = fields.filter(|(name, _)| *name != "status");
    let fields = fields.map(|(name, field)| (name.as_str(), field));
    SealedSecret::deserialize(MapDeserializer::new(fields))
}

/// A text of an object's metadata, or the empty one.
pub(super) fn text(object: &Value, field: &str) -> String {
    object["metadata"][field]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_with_odd_types_is_one_that_cannot_be_read() {
        let object = serde_json::json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": "db", "namespace": "prod", "uid": "u", "generation": 3},
            "spec": {"encryptedData": {"a": 5}, "template": "text"}, "status": {"conditions": 7},
        });
        let read = Read::of(object, Vec::new()).expect("it has metadata");
        assert_eq!(read.generation, Some(3));
        assert!(read.status.is_none());
        let failure = read.sealed().expect_err("the template is a text");
        assert_eq!(failure.reason(), Reason::InvalidObject);
    }
}
