//! `--recovery-unseal`: SealedSecrets opened offline with private keys. Prints cleartext, because that is what it was asked
//! for.

use std::path::Path;

use seal_api::Reason;
use seal_sealing::{Failure, KeyRing, UnsealOptions, unseal};
use zeroize::Zeroizing;

use super::{
    Call, files,
    objects::{place_of, read_sealed, sealed_secrets, stream, written},
};
use crate::{key_files::keys_of, problem::Problem, report::Reporter};

/// Cleartext is readable by its owner only.
const MODE: u32 = 0o600;

pub(super) fn run(call: &Call, reporter: &mut Reporter) -> Result<(), Problem> {
    let ring = ring(call)?;
    let text = call.with_input(|input| {
        let stream = stream(input)?;
        let mut text = Zeroizing::new(String::new());
        for found in sealed_secrets(input, &stream)? {
            let object = read_sealed(input, &found)?;
            let options = UnsealOptions {
                restricted_types: true,
                ..UnsealOptions::default()
            };
            match unseal(&object, &ring, &options) {
                Ok(opened) => {
                    let secret =
                        serde_json::to_value(&opened.secret).expect("Secrets have text keys only");
                    text.push_str(&written(secret, call.form));
                }
                // kubeseal's message stands at the start of the line.
                Err(failure) if stream.documents.len() == 1 => {
                    reporter.problem(&failed(&failure));
                }
                Err(failure) => {
                    reporter.problem(&failed(&failure).at(place_of(input, &found)));
                }
            }
        }
        Ok(text)
    })?;
    if reporter.has_problems() {
        return Ok(());
    }
    call.deliver(text.as_bytes(), Some(MODE))
}

/// Every key of every file.
fn ring(call: &Call) -> Result<KeyRing, Problem> {
    let mut keys = Vec::new();
    for path in call.values.texts("recovery-private-key") {
        let input = files::read(Path::new(path))?;
        for key in keys_of(&input, call.now) {
            keys.push(key?);
        }
    }
    Ok(KeyRing::new(keys))
}

/// What did not open, in kubeseal's words, and what is known of it.
fn failed(failure: &Failure) -> Problem {
    let is_key = |reason| {
        matches!(
            reason,
            Reason::NoKey
                | Reason::UnknownKey
                | Reason::CannotOpen
                | Reason::SealedForAnotherName
                | Reason::SealedForAnotherNamespace
                | Reason::SealedForAnotherScope
        )
    };
    let keys: Vec<&str> = failure
        .items()
        .iter()
        .filter(|item| is_key(item.reason))
        .filter_map(|item| item.item.as_deref())
        .collect();
    let all = failure.to_string();
    if keys.is_empty() {
        return Problem::new(failure.reason(), all);
    }
    let message = format!("no key could decrypt secret ({})", keys.join(", "));
    Problem::new(failure.reason(), message).hint(all)
}
