//! The text of a sealed item, as it may stand in any SealedSecret.

use std::sync::OnceLock;

use rsa::RsaPrivateKey;
use seal_envelope::{Ciphertext, Label, OpeningKey};

use crate::{keys, second};

/// What parses keeps its text, costs at most one private-key operation, and opens only to what the second
/// implementation sees in it too.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(ciphertext) = Ciphertext::parse(text) else {
        return;
    };
    assert_eq!(
        Ciphertext::parse(ciphertext.as_str()).as_ref(),
        Ok(&ciphertext)
    );
    assert!(ciphertext.plaintext_len() < data.len());
    assert!(ciphertext.key_bits() <= 8 * data.len());

    let (ours, theirs) = key();
    let before = ours.operations();
    let opened = ours.open(&ciphertext, &Label::strict("prod", "db"));
    assert!(ours.operations() - before <= 1);
    if let Some(opened) = opened {
        assert_eq!(opened.len(), ciphertext.plaintext_len());
        let seen = second::open(ciphertext.as_str(), "prod/db", theirs);
        assert_eq!(seen.as_deref(), Some(opened.as_bytes()));
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
