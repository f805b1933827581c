//! A SealedSecret as the API server has it, taken apart.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::{Reason, SealedSecret, SealedSecretStatus, annotations};
use seal_sealing::Failure;
use serde_json::Value;

use super::objects::{Fingerprint, Known};
use crate::digest::Digest;

/// The SealedSecret as it was read.
pub(super) struct Read {
    pub(super) object: Value,
    pub(super) uid: String,
    pub(super) version: String,
    pub(super) seen: Fingerprint,
    pub(super) sealed: Result<SealedSecret, Failure>,
    pub(super) generation: Option<i64>,
    pub(super) status: Option<SealedSecretStatus>,
    /// Tells what the Secret is made from.
    pub(super) made_from: Digest,
}

impl Read {
    /// Takes an object apart; `None` where it has no metadata, which the API server always gives.
    pub(super) fn of(object: Value) -> Option<Self> {
        let metadata: ObjectMeta = serde_json::from_value(object["metadata"].clone()).ok()?;
        let sealed = serde_json::from_value(without_status(&object)).map_err(|_| {
            let message = "a field of spec has another type than the API has";
            Failure::of_object(Reason::InvalidObject, message)
        });
        let spec = object["spec"].to_string();
        let scope = metadata.annotations.clone().unwrap_or_default();
        let scope = format!("{scope:?}");
        Some(Self {
            uid: metadata.uid.clone().unwrap_or_default(),
            version: metadata.resource_version.clone().unwrap_or_default(),
            seen: Fingerprint::of(&metadata),
            generation: metadata.generation,
            status: serde_json::from_value(object["status"].clone()).ok(),
            made_from: Digest::of(&[spec.as_bytes(), scope.as_bytes()]),
            sealed,
            object,
        })
    }

    pub(super) fn is_being_deleted(&self) -> bool {
        !self.object["metadata"]["deletionTimestamp"].is_null()
    }

    /// Whether its template asks for a Secret without owner reference.
    pub(super) fn asks_for_no_owner(&self) -> bool {
        self.sealed.as_ref().is_ok_and(|sealed| {
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
            opens,
            secret,
        }
    }
}

/// The object without its status, of which a broken one should not break the rest.
fn without_status(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    object
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
        let read = Read::of(object).expect("it has metadata");
        assert_eq!(read.generation, Some(3));
        assert!(read.status.is_none());
        let failure = read.sealed.expect_err("the template is a text");
        assert_eq!(failure.reason(), Reason::InvalidObject);
    }
}
