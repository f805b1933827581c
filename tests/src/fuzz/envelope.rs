//! The text of a sealed item, as it may stand in any SealedSecret.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::RsaPrivateKey;
use seal_envelope::{Ciphertext, Label, OpeningKey, Plaintext};

use super::Features;
use crate::{keys, second};

/// Of the sealed values in the corpus.
const LABEL: &str = "prod/db";

/// What parses keeps its text, costs at most one private-key operation, and opens exactly when the second implementation
/// opens it, to the same.
pub fn run(data: &[u8], features: &mut Features) {
    if let Ok(text) = str::from_utf8(data) {
        check(text, features);
    }
    // Any bytes too: few changes of a text leave it base64.
    check(&STANDARD.encode(data), features);
}

fn check(text: &str, features: &mut Features) {
    let (ours, theirs) = key();
    let ciphertext = match Ciphertext::parse(text) {
        Ok(ciphertext) => ciphertext,
        Err(error) => {
            features.note(("error", std::mem::discriminant(&error)));
            assert_eq!(second::open(text, LABEL, theirs), None);
            return;
        }
    };
    assert_eq!(
        Ciphertext::parse(ciphertext.as_str()).as_ref(),
        Ok(&ciphertext)
    );
    assert!(ciphertext.plaintext_len() < text.len());
    assert!(ciphertext.key_bits() <= 8 * text.len());

    let before = ours.operations();
    let opened = ours.open(&ciphertext, &Label::strict("prod", "db"));
    let operations = ours.operations() - before;
    assert!(operations <= 1);
    let length = ciphertext.plaintext_len().checked_ilog2();
    features.note(("parts", length, ciphertext.key_bits().cmp(&2048)));
    features.note(("opened", operations, opened.is_some()));
    // Its private-key operation is slow, and no other length fits the key.
    let fits = ciphertext.key_bits() == 2048;
    let seen = fits.then(|| second::open(text, LABEL, theirs)).flatten();
    assert_eq!(
        opened.as_ref().map(Plaintext::as_bytes),
        seen.as_deref(),
        "the two implementations disagree"
    );
    if let Some(opened) = opened {
        assert_eq!(opened.len(), ciphertext.plaintext_len());
    }
}

fn key() -> &'static (OpeningKey, RsaPrivateKey) {
    static KEY: OnceLock<(OpeningKey, RsaPrivateKey)> = OnceLock::new();
    KEY.get_or_init(|| {
        let pem = keys::pem("rsa-2048.key");
        let ours = OpeningKey::from_pem(pem.as_bytes()).expect("the fixed key is good");
        (ours, second::private_key(&pem))
    })
}
