//! Certificates and private keys, as PEM, as the DER inside it, and as any DER in a PEM block of ours.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_envelope::{Certificate, OpeningKey};

use super::Features;

/// What is read is of an accepted size, and is written and read again as the same.
pub fn run(data: &[u8], features: &mut Features) {
    for read in [Certificate::from_pem(data), Certificate::from_der(data)] {
        let certificate = match read {
            Ok(certificate) => certificate,
            Err(error) => {
                features.note(("certificate", error.to_string()));
                continue;
            }
        };
        features.note(("certificate", certificate.bits()));
        assert!((2048..=8192).contains(&certificate.bits()));
        let again = Certificate::from_pem(certificate.to_pem().as_bytes()).expect("we wrote it");
        assert_eq!(again.key_id(), certificate.key_id());
        assert_eq!(again.not_after(), certificate.not_after());
    }
    check_key(data, features);
    for tag in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
        let text = STANDARD.encode(data);
        let pem = format!("-----BEGIN {tag}-----\n{text}\n-----END {tag}-----\n");
        check_key(pem.as_bytes(), features);
    }
}

fn check_key(pem: &[u8], features: &mut Features) {
    let key = match OpeningKey::from_pem(pem) {
        Ok(key) => key,
        Err(error) => return features.note(("key", error.to_string())),
    };
    features.note(("key", key.bits()));
    assert!((2048..=8192).contains(&key.bits()));
    let again = OpeningKey::from_pem(key.to_pkcs1_pem().as_bytes()).expect("we wrote it");
    assert_eq!(again.key_id(), key.key_id());
}
