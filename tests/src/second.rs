//! The independent second implementation of ciphertext format 1 (docs/wire-format.md), sharing no code with ours:
//! what one seals the other opens.

use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce, aead::Aead};
use base64::{
    Engine, alphabet,
    engine::{
        GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{PAD, STANDARD},
    },
};
use rsa::{
    Oaep, RsaPrivateKey, RsaPublicKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::DecodePrivateKey,
    rand_core::{OsRng, RngCore},
};
use sha2::Sha256;

/// As lenient as Go's decoder: bits after the last byte may be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_BITS);
const LENIENT_BITS: GeneralPurposeConfig = PAD.with_decode_allow_trailing_bits(true);

/// Seals a value under a label: `namespace/name`, `namespace` or nothing.
pub fn seal(plaintext: &[u8], label: &str, key: &RsaPublicKey) -> String {
    let mut session_key = [0; 32];
    OsRng.fill_bytes(&mut session_key);
    let padding = Oaep::new_with_label::<Sha256, _>(label);
    let wrapped = key
        .encrypt(&mut OsRng, padding, &session_key)
        .expect("a session key fits into every accepted key");
    let sealed = cipher(&session_key)
        .encrypt(&Nonce::default(), plaintext)
        .expect("the plaintext is not 64 GiB long");
    let length = u16::try_from(wrapped.len()).expect("no modulus has 64 KiB");
    STANDARD.encode([&length.to_be_bytes()[..], &wrapped, &sealed].concat())
}

/// Opens what [`seal`] or any other implementation made; nothing when anything at all does not fit.
pub fn open(text: &str, label: &str, key: &RsaPrivateKey) -> Option<Vec<u8>> {
    // Go's decoder skips line breaks.
    let bytes = LENIENT.decode(text.replace(['\r', '\n'], "")).ok()?;
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (wrapped, sealed) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let padding = Oaep::new_with_label::<Sha256, _>(label);
    let session_key: [u8; 32] = key.decrypt(padding, wrapped).ok()?.try_into().ok()?;
    cipher(&session_key).decrypt(&Nonce::default(), sealed).ok()
}

/// Reads a private key from PEM, PKCS#8 or PKCS#1.
///
/// # Panics
///
/// When it is neither.
pub fn private_key(pem: &str) -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs8_pem(pem)
        .or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem))
        .expect("the key is an RSA key in PKCS#8 or PKCS#1")
}

fn cipher(session_key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*session_key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn what_is_sealed_opens_under_its_label_only() {
        let key = private_key(&keys::pem("rsa-2048.key"));
        for plaintext in [&b""[..], b"value", &[0xff; 5000]] {
            let text = seal(plaintext, "prod/db", &key.to_public_key());
            assert_eq!(open(&text, "prod/db", &key).as_deref(), Some(plaintext));
            assert_eq!(open(&text, "prod/db2", &key), None);
            assert_eq!(open(&text, "", &key), None);
        }
    }

    #[test]
    fn both_forms_of_a_key_are_the_same_key() {
        let (one, other) = (keys::pem("rsa-2048.key"), keys::pem("rsa-2048.pkcs1.key"));
        assert_eq!(private_key(&one), private_key(&other));
    }

    #[test]
    fn damage_anywhere_opens_nothing() {
        let key = private_key(&keys::pem("rsa-2048.key"));
        let text = seal(b"value", "", &key.to_public_key());
        let bytes = STANDARD.decode(&text).unwrap();
        for position in [0, 2, 100, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1;
            assert_eq!(
                open(&STANDARD.encode(&damaged), "", &key),
                None,
                "byte {position}"
            );
        }
        for length in [0, 1, 2, 200, bytes.len() - 1] {
            assert_eq!(
                open(&STANDARD.encode(&bytes[..length]), "", &key),
                None,
                "{length} bytes"
            );
        }
    }
}
