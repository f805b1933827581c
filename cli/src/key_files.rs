//! Private keys from files: PEM, or exported key Secrets, alone or in a list.

use std::path::PathBuf;

use jiff::Timestamp;
use seal_api::Reason;
use seal_documents::list_items;
use seal_envelope::{OpeningKey, OpeningKeyError};
use seal_manifest::{Document, Node};
use seal_sealing::{HeldKey, KeyRing, Secret, opening_key_reason, read_key_secret};

use crate::{
    documents::place,
    input::{self, Input, from_manifest},
    problem::{Place, Problem},
    report::Reporter,
};

/// Reads every key of every file. A key that cannot be used is reported, and the others still serve; none at all is
/// never without a report.
pub(crate) fn read_ring(paths: &[PathBuf], now: Timestamp, reporter: &mut Reporter) -> KeyRing {
    let mut keys = Vec::new();
    for path in paths {
        let found = match input::read(path) {
            Ok(input) => keys_of(&input, now),
            Err(problem) => vec![Err(problem)],
        };
        for key in found {
            match key {
                Ok(key) => keys.push(key),
                Err(problem) => reporter.problem(&problem),
            }
        }
    }
    KeyRing::new(keys)
}

/// Every key of one file, or why it cannot be used.
pub(crate) fn keys_of(input: &Input, now: Timestamp) -> Vec<Result<HeldKey, Problem>> {
    let text = input.text.as_str();
    let is_pem = text.lines().any(|line| line.starts_with("-----BEGIN "));
    if is_pem {
        pem_keys(text, &input.place(), now)
    } else {
        secret_keys(input, now)
    }
}

fn pem_keys(text: &str, place: &Place, now: Timestamp) -> Vec<Result<HeldKey, Problem>> {
    let held = |opening_key| HeldKey {
        opening_key,
        certificate: None,
        created: now,
    };
    let unusable = |error: OpeningKeyError| {
        Problem::new(opening_key_reason(&error), error.to_string()).at(place.clone())
    };
    OpeningKey::all_from_pem(text.as_bytes())
        .into_iter()
        .map(|key| key.map(held).map_err(unusable))
        .collect()
}

fn secret_keys(input: &Input, now: Timestamp) -> Vec<Result<HeldKey, Problem>> {
    let stream = match input.stream() {
        Ok(stream) => stream,
        Err(problem) => return vec![Err(problem)],
    };
    let mut keys = Vec::new();
    for document in &stream.documents {
        match document {
            Ok(document) => add_secrets(input, document, &document.root, now, &mut keys),
            Err(error) => keys.push(Err(from_manifest(error, &input.name))),
        }
    }
    if keys.is_empty() {
        let message = "holds no private key: neither PEM nor a key Secret";
        keys.push(Err(Problem::new(Reason::NoKey, message)
            .at(input.place())
            .hint("--key takes PEM files and exported key Secrets")));
    }
    keys
}

/// Adds the keys of a Secret or of a list of them; lists and items need no `kind`, as kubeseal's backups have none.
fn add_secrets(
    input: &Input,
    document: &Document,
    node: &Node,
    now: Timestamp,
    keys: &mut Vec<Result<HeldKey, Problem>>,
) {
    if let Some(items) = list_items(node) {
        for item in items {
            add_secrets(input, document, item, now, keys);
        }
        return;
    }
    let at = || place(&input.name, document, node);
    let secret = Secret::from_json(&node.to_json()).map_err(|error| {
        Problem::new(Reason::UnreadableKey, format!("not a key Secret: {error}")).at(at())
    });
    keys.push(secret.and_then(|secret| {
        read_key_secret(&secret, now)
            .map_err(|error| Problem::new(error.reason(), error.to_string()).at(at()))
    }));
}
