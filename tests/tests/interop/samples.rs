//! Secrets to seal, and both programs as functions from text to object.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::{Scope, SealedSecret};
use seal_envelope::OpeningKey;
use seal_manifest::{Limits, read};
use seal_sealing::{HeldKey, KeyRing, UnsealOptions, unseal};
use seal_tests::{
    keys,
    run::{Finished, Run},
    scratch::Scratch,
};
use serde_json::{Value, json};

/// A Secret with everything that a Secret can have.
pub(crate) const EVERYTHING: &str = r#"apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: prod
  labels:
    app: db
    version: "1.10"
  annotations:
    example.com/note: "first line\nsecond: line\n"
    example.com/on: "yes"
  uid: 3c1f9a77-0000-0000-0000-000000000000
  resourceVersion: "7"
  creationTimestamp: "2026-01-01T00:00:00Z"
  ownerReferences:
    - {apiVersion: v1, kind: ConfigMap, name: x, uid: "1"}
type: example.com/own
immutable: true
data:
  binary: AAH//gDDKA==
  both: bG9zZXM=
  empty: ""
stringData:
  both: wins
  lines: "one\ntwo\n"
  password: correct horse battery
  unicode: "grüße, 秘密"
"#;

/// What becomes of [`EVERYTHING`] when it is sealed with `scope` and opened again.
pub(crate) fn everything(scope: Scope) -> Value {
    let mut annotations = json!({
        "example.com/note": "first line\nsecond: line\n",
        "example.com/on": "yes",
    });
    if let Some(annotation) = scope.annotation() {
        annotations[annotation] = "true".into();
    }
    json!({
        "name": "db",
        "namespace": "prod",
        "labels": {"app": "db", "version": "1.10"},
        "annotations": annotations,
        "type": "example.com/own",
        "immutable": true,
        "data": {
            "binary": "AAH//gDDKA==",
            "both": STANDARD.encode("wins"),
            "empty": "",
            "lines": STANDARD.encode("one\ntwo\n"),
            "password": STANDARD.encode("correct horse battery"),
            "unicode": STANDARD.encode("grüße, 秘密"),
        },
    })
}

/// What of a Secret has to be the same whoever opened it. kubeseal adds an owner reference, which is left out, and writes
/// an empty value as null, which Kubernetes reads as empty.
pub(crate) fn essence(secret: &Value) -> Value {
    assert_eq!(secret["apiVersion"], "v1");
    assert_eq!(secret["kind"], "Secret");
    let metadata = &secret["metadata"];
    for absent in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
        assert_eq!(metadata[absent], Value::Null, "{absent}");
    }
    let mut data = secret["data"].clone();
    for value in data
        .as_object_mut()
        .into_iter()
        .flat_map(|data| data.values_mut())
    {
        if value.is_null() {
            *value = "".into();
        }
    }
    json!({
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "labels": metadata["labels"],
        "annotations": metadata["annotations"],
        "type": secret["type"],
        "immutable": secret["immutable"],
        "data": data,
    })
}

/// A run of our program with the certificate of a size of key.
pub(crate) fn seal(scratch: &Scratch, arguments: &[&str], bits: u32) -> Run {
    let certificate = keys::path(&format!("rsa-{bits}.crt"));
    scratch.seal(arguments).arg("--cert").arg(certificate)
}

/// A run of kubeseal with the certificate of a size of key.
pub(crate) fn kubeseal(scratch: &Scratch, arguments: &[&str], bits: u32) -> Run {
    let certificate = keys::path(&format!("rsa-{bits}.crt"));
    scratch.kubeseal(arguments).arg("--cert").arg(certificate)
}

/// `seal unseal` of a text with the key of a size.
pub(crate) fn unsealed(scratch: &Scratch, sealed: &str, bits: u32) -> Finished {
    let key = keys::path(&format!("rsa-{bits}.key"));
    let run = scratch.seal(["unseal", "-", "--key"]).arg(key);
    run.stdin(sealed).finish()
}

/// `kubeseal --recovery-unseal` of a text with the key of a size.
pub(crate) fn recovered(scratch: &Scratch, sealed: &str, bits: u32) -> Finished {
    let key = keys::path(&format!("rsa-{bits}.key"));
    let flags = ["--recovery-unseal", "--recovery-private-key"];
    scratch.kubeseal(flags).arg(key).stdin(sealed).finish()
}

/// The Secret that our program makes of a sealed text.
#[track_caller]
pub(crate) fn opened_by_us(scratch: &Scratch, sealed: &str, bits: u32) -> Value {
    document(unsealed(scratch, sealed, bits).exits(0).out())
}

/// The Secret that kubeseal makes of a sealed text.
#[track_caller]
pub(crate) fn opened_by_kubeseal(scratch: &Scratch, sealed: &str, bits: u32) -> Value {
    document(recovered(scratch, sealed, bits).exits(0).out())
}

/// The Secret that our library makes of a sealed text.
#[track_caller]
pub(crate) fn opened_by_library(sealed: &str, bits: u32) -> Value {
    let object: SealedSecret = serde_json::from_value(document(sealed)).unwrap();
    let pem = keys::pem(&format!("rsa-{bits}.key"));
    let key = HeldKey {
        opening_key: OpeningKey::from_pem(pem.as_bytes()).unwrap(),
        certificate: None,
        created: jiff::Timestamp::UNIX_EPOCH,
    };
    let opened = unseal(&object, &KeyRing::new(vec![key]), &UnsealOptions::default()).unwrap();
    serde_json::to_value(opened.secret).unwrap()
}

/// The only document of a text, YAML or JSON.
#[track_caller]
pub(crate) fn document(text: &str) -> Value {
    let mut stream = read(text, &Limits::default()).expect("the text is within the limits");
    assert_eq!(
        stream.documents.len(),
        1,
        "one document is expected:\n{text}"
    );
    let document = stream.documents.remove(0);
    document.expect("the text is well-formed").root.to_json()
}
