//! Sealing keys as Secrets, in the form that upstream writes and reads.

use jiff::Timestamp;
use seal_api::{Reason, annotations};
use seal_envelope::{
    Certificate, CertificateError, GeneratedKey, OpeningKey, OpeningKeyError, PublicKeyError,
};

use crate::{HeldKey, Secret};

/// Why a key Secret is of no use. No variant holds a byte of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySecretError {
    /// The Secret has no item `tls.key`.
    #[error("the key Secret has no tls.key")]
    NoKey,
    /// `tls.key` cannot be used.
    #[error("tls.key: {0}")]
    Key(#[source] OpeningKeyError),
    /// `tls.crt` cannot be used.
    #[error("tls.crt: {0}")]
    Certificate(#[source] CertificateError),
    /// `tls.crt` is the certificate of another key.
    #[error("tls.crt is the certificate of another key than tls.key")]
    Mismatch,
}

impl KeySecretError {
    /// The stable reason.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Key(error) => opening_key_reason(error),
            Self::Certificate(CertificateError::PublicKey(PublicKeyError::Malformed)) => {
                Reason::UnreadableKey
            }
            Self::Certificate(CertificateError::PublicKey(_)) => Reason::UnsupportedKey,
            Self::NoKey | Self::Certificate(_) => Reason::UnreadableKey,
            Self::Mismatch => Reason::MismatchedKey,
        }
    }
}

/// The stable reason of a private key's error, wherever the key comes from.
pub fn opening_key_reason(error: &OpeningKeyError) -> Reason {
    match error {
        OpeningKeyError::NotRsa | OpeningKeyError::Size { .. } => Reason::UnsupportedKey,
        _ => Reason::UnreadableKey,
    }
}

/// The Secret of a new sealing key: type `kubernetes.io/tls`, label `active`, `tls.key` as PKCS#1 PEM, `tls.crt` as PEM.
pub fn key_secret(key: &GeneratedKey, name: &str, namespace: Option<&str>) -> Secret {
    let mut secret = Secret::new(name, namespace);
    let label = (
        annotations::KEY_LABEL.to_owned(),
        annotations::KEY_ACTIVE.to_owned(),
    );
    secret.set_strings("labels", [label].into());
    secret.type_ = Some("kubernetes.io/tls".to_owned());
    secret.data.insert(
        "tls.crt".to_owned(),
        key.certificate.to_pem().as_bytes().into(),
    );
    secret.data.insert(
        "tls.key".to_owned(),
        key.opening_key.to_pkcs1_pem().as_bytes().into(),
    );
    secret
}

/// Reads a key Secret. The type and label are not looked at. Without `tls.crt`, or with an empty one, the key opens and
/// never seals. `now` stands in for a missing creation time.
///
/// # Errors
///
/// [`KeySecretError`].
pub fn read_key_secret(secret: &Secret, now: Timestamp) -> Result<HeldKey, KeySecretError> {
    let key = secret.data.get("tls.key").ok_or(KeySecretError::NoKey)?;
    let opening_key = OpeningKey::from_pem(key.as_bytes()).map_err(KeySecretError::Key)?;
    let certificate = secret.data.get("tls.crt").filter(|text| !text.is_empty());
    let certificate = certificate
        .map(|text| Certificate::from_pem(text.as_bytes()))
        .transpose();
    let certificate = certificate.map_err(KeySecretError::Certificate)?;
    if certificate
        .as_ref()
        .is_some_and(|certificate| certificate.key_id() != opening_key.key_id())
    {
        return Err(KeySecretError::Mismatch);
    }
    let created = secret
        .metadata
        .get("creationTimestamp")
        .and_then(|time| time.as_str()?.parse().ok());
    Ok(HeldKey {
        opening_key,
        certificate,
        created: created.unwrap_or(now),
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use seal_envelope::{KeySize, generate_key};

    use super::*;

    fn generated() -> GeneratedKey {
        generate_key(
            KeySize::Rsa2048,
            "",
            Timestamp::UNIX_EPOCH,
            SignedDuration::from_hours(1),
        )
        .expect("keys can be made")
    }

    #[test]
    fn a_key_secret_reads_back() {
        let key = generated();
        let held = read_key_secret(&key_secret(&key, "k", None), Timestamp::UNIX_EPOCH)
            .expect("it was just written");
        assert_eq!(held.id(), key.certificate.key_id());
        assert!(held.certificate.is_some());
    }

    #[test]
    fn a_certificate_of_another_key_is_a_mismatch() {
        let mut secret = key_secret(&generated(), "k", None);
        secret.data.insert(
            "tls.crt".into(),
            generated().certificate.to_pem().as_bytes().into(),
        );
        let error = read_key_secret(&secret, Timestamp::UNIX_EPOCH)
            .expect_err("the pair does not belong together");
        assert_eq!(error.reason(), Reason::MismatchedKey);
    }

    #[test]
    fn without_certificate_it_opens_and_without_key_it_is_refused() {
        let mut secret = key_secret(&generated(), "k", None);
        secret.data.remove("tls.crt");
        let held = read_key_secret(&secret, Timestamp::UNIX_EPOCH).expect("the key is there");
        assert!(held.certificate.is_none());
        secret.data.remove("tls.key");
        let error = read_key_secret(&secret, Timestamp::UNIX_EPOCH).expect_err("nothing is there");
        assert_eq!(error.reason(), Reason::UnreadableKey);
    }
}
