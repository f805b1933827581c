//! The public half: what is committed, pinned and sealed with.

use std::fmt;

use jiff::Timestamp;
use x509_cert::der::{Decode, Encode};

use crate::{
    Ciphertext, KeyId, Label, PublicKeyError, SealError, format1,
    public_key::{PublicKey, spki_der},
};

/// A certificate with an RSA key of 2048 to 8192 bits (RFC 5280).
///
/// Its signature is not checked: a sealing certificate is self-signed and trusted by its key id, which is pinned.
pub struct Certificate {
    der: Vec<u8>,
    key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The input holds no PEM block `CERTIFICATE` (RFC 7468), or not a readable one.
    #[error("no PEM block \"CERTIFICATE\" found")]
    NoCertificate,
    /// The block does not decode as a certificate.
    #[error("the PEM block \"CERTIFICATE\" does not hold an X.509 certificate")]
    Malformed,
    /// The certificate's key cannot seal.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
}

/// How a moment relates to a certificate's validity period, both ends included (RFC 5280 §4.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// The moment lies in the period.
    Valid,
    /// The period has not begun.
    NotYetValid,
    /// The period is over.
    Expired,
}

impl Certificate {
    /// Reads the first certificate of a PEM text. Blocks of other types, and text around the blocks, are skipped.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]; a key that is not RSA, or not of 2048 to 8192 bits, is refused here.
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let blocks = pem::parse_many(text).map_err(|_| CertificateError::NoCertificate)?;
        let block = blocks
            .iter()
            .find(|block| block.tag() == "CERTIFICATE" && block.headers().iter().next().is_none())
            .ok_or(CertificateError::NoCertificate)?;
        Self::from_der(block.contents())
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// As [`Certificate::from_pem`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate =
            x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let validity = certificate.tbs_certificate().validity();
        Ok(Self {
            key: PublicKey::from_spki(&spki_der(&certificate)?)?,
            not_before: timestamp(&validity.not_before)?,
            not_after: timestamp(&validity.not_after)?,
            der: certificate
                .to_der()
                .map_err(|_| CertificateError::Malformed)?,
        })
    }

    /// Seals one value. Each call uses a session key of its own, so two results of the same value differ.
    ///
    /// # Errors
    ///
    /// [`SealError`] when the operating system gives no random bytes.
    pub fn seal(&self, plaintext: &[u8], label: &Label) -> Result<Ciphertext, SealError> {
        format1::seal(plaintext, label, &self.key)
    }

    /// The certificate as PEM (RFC 7468), lines of 64 characters, ended by a newline.
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("CERTIFICATE", self.der.clone()), config)
    }

    /// The id of the key that opens what this certificate seals.
    pub fn key_id(&self) -> KeyId {
        self.key.id
    }

    /// The size of the RSA modulus in bits.
    pub fn bits(&self) -> usize {
        self.key.bits
    }

    /// The first moment of the validity period.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment of the validity period.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// How `now` relates to the validity period.
    pub fn validity_at(&self, now: Timestamp) -> Validity {
        if now < self.not_before {
            Validity::NotYetValid
        } else if now > self.not_after {
            Validity::Expired
        } else {
            Validity::Valid
        }
    }
}

fn timestamp(time: &x509_cert::time::Time) -> Result<Timestamp, CertificateError> {
    i64::try_from(time.to_unix_duration().as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or(CertificateError::Malformed)
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("key_id", &self.key_id())
            .field("bits", &self.bits())
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish()
    }
}
