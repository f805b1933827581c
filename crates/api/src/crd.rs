//! The CustomResourceDefinition, a superset of upstream's.
//!
//! Three things differ on purpose: `status.observedGeneration` defaults to -1, so that kstatus does not call an object
//! done that no controller has seen; conditions are a list map by type; printer columns select conditions by type. The
//! spec has no defaults, since Argo CD would show them as drift.

use serde_json::{Value, json};

/// The CustomResourceDefinition as JSON (`apiextensions.k8s.io/v1`), ready to be written as YAML or applied.
pub fn custom_resource_definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sealedsecrets.bitnami.com"},
        "spec": {
            "group": "bitnami.com",
            "names": {
                "kind": "SealedSecret",
                "listKind": "SealedSecretList",
                "plural": "sealedsecrets",
                "singular": "sealedsecret",
            },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": printer_columns(),
                "schema": {"openAPIV3Schema": schema()},
            }],
        },
    })
}

fn printer_columns() -> Value {
    json!([
        {"name": "Status", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Synced\")].message"},
        {"name": "Synced", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Synced\")].status"},
        {"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Synced\")].reason"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])
}

fn schema() -> Value {
    json!({
        "type": "object",
        "description": "A Secret that only the cluster can open.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec(),
            "status": status(),
        },
    })
}

fn spec() -> Value {
    json!({
        "type": "object",
        "required": ["encryptedData"],
        "properties": {
            "data": {
                "type": "string",
                "format": "byte",
                "description": "Deprecated: the whole Secret as one sealed value. Use encryptedData.",
            },
            "encryptedData": {
                "type": "object",
                "description": "The sealed items: key of the Secret's data to sealed value, base64.",
                "additionalProperties": {"type": "string"},
                "x-kubernetes-preserve-unknown-fields": true,
            },
            "template": template(),
        },
    })
}

fn template() -> Value {
    let strings = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "type": "object",
        "description": "The Secret to make, but for its sealed values.",
        "properties": {
            "data": {
                "type": "object",
                "nullable": true,
                "description": "Texts beside the sealed items; null removes the sealed item of that key.",
                "additionalProperties": {"type": "string", "nullable": true},
            },
            "immutable": {"type": "boolean", "description": "Whether the Secret is made immutable."},
            "metadata": {
                "type": "object",
                "nullable": true,
                "description": "The Secret's metadata.",
                "properties": {
                    "annotations": strings,
                    "finalizers": {"type": "array", "items": {"type": "string"}},
                    "labels": strings,
                    "name": {"type": "string"},
                    "namespace": {"type": "string"},
                },
                "x-kubernetes-preserve-unknown-fields": true,
            },
            "type": {"type": "string", "description": "The Secret's type."},
        },
    })
}

fn status() -> Value {
    let time = json!({"type": "string", "format": "date-time"});
    json!({
        "type": "object",
        "default": {"observedGeneration": -1},
        "properties": {
            "observedGeneration": {"type": "integer", "format": "int64"},
            "record": record(),
            "conditions": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": {
                    "type": "object",
                    "required": ["status", "type"],
                    "properties": {
                        "lastTransitionTime": time,
                        "lastUpdateTime": time,
                        "message": {"type": "string"},
                        "observedGeneration": {"type": "integer", "format": "int64"},
                        "reason": {"type": "string"},
                        "status": {"type": "string"},
                        "type": {"type": "string"},
                    },
                },
            },
        },
    })
}

fn record() -> Value {
    let names = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "type": "object",
        "description": "What the controller knows of the Secret it wrote; no other program can make or check it.",
        "properties": {
            "format": {"type": "integer", "format": "int32"},
            "rules": {"type": "integer", "format": "int32"},
            "flags": names,
            "mode": {"type": "string"},
            "withoutOwner": {"type": "boolean"},
            "data": names,
            "labels": names,
            "annotations": names,
            "sealingKeys": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"id": {"type": "string"}, "items": names},
                },
            },
            "secret": {
                "type": "object",
                "properties": {"uid": {"type": "string"}, "resourceVersion": {"type": "string"}},
            },
            "hmacKey": {"type": "string"},
            "written": {"type": "string"},
            "madeFrom": {"type": "string"},
            "record": {"type": "string"},
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube_core::Resource;

    use super::*;
    use crate::{
        Condition, RecordedKey, RecordedSecret, SealedSecret, SealedSecretSpec, SealedSecretStatus,
        SecretRecord, SecretTemplate, Verdict, transition,
    };

    fn keys(value: &Value) -> BTreeSet<String> {
        value
            .as_object()
            .expect("it is an object")
            .keys()
            .cloned()
            .collect()
    }

    #[test]
    fn the_schema_declares_exactly_the_fields_of_the_types() {
        let full = SealedSecretSpec {
            data: Some(String::new()),
            template: Some(SecretTemplate {
                metadata: Some(serde_json::Map::new()),
                type_: Some(String::new()),
                immutable: Some(true),
                data: Some([].into()),
            }),
            ..Default::default()
        };
        let full = serde_json::to_value(full).expect("it serialises");
        assert_eq!(keys(&full), keys(&spec()["properties"]));
        assert_eq!(keys(&full["template"]), keys(&template()["properties"]));

        let failed = Verdict::failed(crate::Reason::CannotOpen, "m");
        let conditions: Vec<Condition> =
            transition(&[], &failed, Some(1), jiff::Timestamp::UNIX_EPOCH).expect("new");
        let full = SealedSecretStatus {
            observed_generation: Some(1),
            conditions,
            record: Some(SecretRecord {
                flags: vec![String::new()],
                without_owner: true,
                data: vec![String::new()],
                labels: vec![String::new()],
                annotations: vec![String::new()],
                sealing_keys: vec![RecordedKey::default()],
                secret: Some(RecordedSecret::default()),
                written: Some(String::new()),
                ..Default::default()
            }),
        };
        let full = serde_json::to_value(full).expect("it serialises");
        assert_eq!(keys(&full), keys(&status()["properties"]));
        let condition = &status()["properties"]["conditions"]["items"]["properties"];
        assert_eq!(keys(&full["conditions"][0]), keys(condition));
        let (full, schema) = (&full["record"], record());
        assert_eq!(keys(full), keys(&schema["properties"]));
        let declared = &schema["properties"]["sealingKeys"]["items"]["properties"];
        assert_eq!(keys(&full["sealingKeys"][0]), keys(declared));
        let declared = &schema["properties"]["secret"]["properties"];
        assert_eq!(keys(&full["secret"]), keys(declared));
    }

    #[test]
    fn names_are_those_of_the_resource() {
        let definition = custom_resource_definition();
        assert_eq!(
            definition["spec"]["group"],
            SealedSecret::group(&()).as_ref()
        );
        assert_eq!(
            definition["spec"]["names"]["kind"],
            SealedSecret::kind(&()).as_ref()
        );
        assert_eq!(
            definition["spec"]["names"]["plural"],
            SealedSecret::plural(&()).as_ref()
        );
        assert_eq!(
            definition["spec"]["versions"][0]["name"],
            SealedSecret::version(&()).as_ref()
        );
    }

    #[test]
    fn the_spec_has_no_defaults() {
        assert!(!spec().to_string().contains("\"default\""));
    }
}
