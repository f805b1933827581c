//! Secrets and SealedSecrets with a marker in every value.

use seal_api::{Scope, SealedSecret};
use seal_envelope::Certificate;
use seal_sealing::{Secret, seal};
use seal_tests::{keys, memory};
use serde_json::{Value, json};

/// Short enough to fit into one block of the cipher, so that a single block left behind is found.
pub(crate) const MARKER: &str = "mk7d21c5e09b";

/// Values that put the marker at every place: alone, at the beginning, across blocks, at the end, many times.
pub(crate) fn values() -> [String; 5] {
    [
        MARKER.to_owned(),
        format!("{MARKER} correct horse battery staple"),
        format!("correct {MARKER} horse {MARKER}"),
        format!("{}{MARKER}", ".".repeat(1000)),
        format!("{MARKER}....").repeat(20_000),
    ]
}

/// `app/<name>` with the items `a`, `b` and so on.
pub(crate) fn secret(name: &str, values: &[String]) -> Secret {
    let mut secret = Secret::new(name, Some("app"));
    for (key, value) in ('a'..).zip(values) {
        secret.data.insert(key.to_string(), value.as_bytes().into());
    }
    secret
}

/// The same, sealed for the fixed key.
pub(crate) fn sealed(secret: &Secret) -> SealedSecret {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    seal(secret, Scope::Strict, &certificate(), now)
        .unwrap()
        .object
}

pub(crate) fn certificate() -> Certificate {
    Certificate::from_pem(keys::pem("rsa-2048.crt").as_bytes()).unwrap()
}

/// The fixed key as a Secret.
pub(crate) fn key_secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": "fixed", "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "stringData": {"tls.key": keys::pem("rsa-2048.key"), "tls.crt": keys::pem("rsa-2048.crt")},
    })
}

pub(crate) fn to_yaml(object: &impl serde::Serialize) -> String {
    seal_manifest::write::yaml(object).unwrap().to_string()
}

/// Whether bytes hold the marker in any form.
pub(crate) fn holds_marker(bytes: &[u8]) -> bool {
    memory::forms(MARKER.as_bytes()).iter().any(|form| {
        bytes
            .windows(form.bytes.len())
            .any(|window| window == form.bytes)
    })
}
