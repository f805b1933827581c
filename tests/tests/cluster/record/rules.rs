//! Records that are authentic, but made by another version of the rules.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::{Scope, SecretRecord};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ours, secret_version};
use crate::site::Site;

const BLOCK: usize = 64;

#[test]
fn an_authentic_record_of_older_or_newer_rules_costs_one_opening_and_is_replaced_and_the_secret_is_not()
 {
    let mut site = ours();
    let current = site_with(&site, &["right", "older", "newer"]);
    let names = ["older", "newer"];
    let before = names.map(|name| secret_version(&site, name));
    let operations = site.operations_after(|site| {
        let signer = Signer::of(site);
        // That these are the digests of the controller.
        let object = site.api().get(&site.sealed_path("right")).body;
        let stored = object["status"]["record"].clone();
        assert_eq!(signer.sign(&object, stored.clone(), current), stored);

        let rules = [current - 1, current + 1];
        for (name, rules) in names.iter().zip(rules) {
            let object = site.api().get(&site.sealed_path(name)).body;
            let record = signer.sign(&object, object["status"]["record"].clone(), rules);
            site.edit_status(name, |status| status["record"] = record.clone());
        }
    });
    assert_eq!(operations, 2.0);
    for name in names {
        let record = site.recorded(name);
        assert_eq!(record["rules"], current, "{name}");
        let object = site.api().get(&site.sealed_path(name)).body;
        assert_eq!(
            Signer::of(&site).sign(&object, record.clone(), current),
            record
        );
    }
    assert_eq!(before, names.map(|name| secret_version(&site, name)));
    assert_eq!(site.operations_after(|_| ()), 0.0);
}

/// Applies SealedSecrets, waits for their records, and returns the version of the rules.
fn site_with(site: &Site, names: &[&str]) -> u32 {
    let mut rules = Value::Null;
    for name in names {
        site.api().apply(&site.sealed(name, &[("password", "one")]));
        rules = site.recorded(name)["rules"].clone();
    }
    let rules = rules.as_u64().and_then(|rules| u32::try_from(rules).ok());
    rules.expect("it is a number")
}

/// Who has the key of the records: an implementation of its own of what the controller signs.
struct Signer(Vec<u8>);

impl Signer {
    fn of(site: &Site) -> Self {
        let path = format!(
            "/api/v1/namespaces/{}/secrets/sealed-secrets-controller-record-key",
            site.system
        );
        let secret = site.api().get(&path).body;
        let key = secret["data"]["key"].as_str().expect("it holds the key");
        Self(STANDARD.decode(key).expect("it is base64"))
    }

    /// The record of an object as it is, by other rules.
    fn sign(&self, object: &Value, record: Value, rules: u32) -> Value {
        let mut record: SecretRecord = serde_json::from_value(record).expect("it is a record");
        record.rules = rules;
        let mut parts = Parts::of("seal record madeFrom");
        parts.add(&rules.to_be_bytes());
        parts.list(&record.flags);
        parts.add(Scope::Strict.as_str().as_bytes());
        parts.add(object["spec"].to_string().as_bytes());
        record.made_from = self.mac(&parts);

        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let mut parts = Parts::of("seal record");
        parts.add(&record.format.to_be_bytes());
        for field in ["namespace", "name", "uid"] {
            parts.add(text(field).as_bytes());
        }
        parts.add(&rules.to_be_bytes());
        parts.list(&record.flags);
        parts.add(record.mode.as_str().as_bytes());
        parts.add(&[u8::from(record.without_owner)]);
        parts.list(&record.data);
        parts.list(&record.labels);
        parts.list(&record.annotations);
        parts.count(record.sealing_keys.len());
        for key in &record.sealing_keys {
            parts.add(key.id.as_bytes());
            parts.list(&key.items);
        }
        let secret = record.secret.as_ref();
        parts.optional(secret.map(|secret| secret.uid.as_str()));
        parts.optional(secret.map(|secret| secret.resource_version.as_str()));
        parts.add(record.hmac_key.as_bytes());
        parts.optional(record.written.as_deref());
        parts.add(record.made_from.as_bytes());
        record.record = self.mac(&parts);
        json!(record)
    }

    /// HMAC-SHA-256 (RFC 2104).
    fn mac(&self, parts: &Parts) -> String {
        let padded = |pad: u8| {
            let mut key = self.0.clone();
            key.resize(BLOCK, 0);
            Sha256::new().chain_update(key.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>())
        };
        let inner = padded(0x36).chain_update(&parts.0).finalize();
        let digest = padded(0x5c).chain_update(inner).finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is signed: each part with its length in front.
struct Parts(Vec<u8>);

impl Parts {
    fn of(purpose: &str) -> Self {
        let mut parts = Self(Vec::new());
        parts.add(purpose.as_bytes());
        parts
    }

    fn count(&mut self, count: usize) {
        self.0.extend((count as u64).to_be_bytes());
    }

    fn add(&mut self, part: &[u8]) {
        self.count(part.len());
        self.0.extend(part);
    }

    fn optional(&mut self, part: Option<&str>) {
        self.count(usize::from(part.is_some()));
        if let Some(part) = part {
            self.add(part.as_bytes());
        }
    }

    fn list(&mut self, parts: &[String]) {
        self.count(parts.len());
        for part in parts {
            self.add(part.as_bytes());
        }
    }
}
