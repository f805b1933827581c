//! New sealing keys: an RSA key pair and its self-signed certificate.

use std::time::Duration;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa,
};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256,
};

use crate::{Certificate, OpeningKey};

/// The sizes a new key can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySize {
    /// 2048 bits.
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits, the default of the Go project and of Seal.
    Rsa4096,
    /// 8192 bits.
    Rsa8192,
}

/// A number of bits is not one of [`KeySize`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a new key can have 2048, 3072, 4096 or 8192 bits, not {0}")]
pub struct UnknownKeySize(pub usize);

impl TryFrom<usize> for KeySize {
    type Error = UnknownKeySize;

    fn try_from(bits: usize) -> Result<Self, UnknownKeySize> {
        match bits {
            2048 => Ok(Self::Rsa2048),
            3072 => Ok(Self::Rsa3072),
            4096 => Ok(Self::Rsa4096),
            8192 => Ok(Self::Rsa8192),
            other => Err(UnknownKeySize(other)),
        }
    }
}

impl KeySize {
    fn for_library(self) -> rsa::KeySize {
        match self {
            Self::Rsa2048 => rsa::KeySize::Rsa2048,
            Self::Rsa3072 => rsa::KeySize::Rsa3072,
            Self::Rsa4096 => rsa::KeySize::Rsa4096,
            Self::Rsa8192 => rsa::KeySize::Rsa8192,
        }
    }
}

/// A new key and its certificate.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The private half.
    pub opening_key: OpeningKey,
    /// The public half, self-signed.
    pub certificate: Certificate,
}

/// A key could not be made: the operating system gave no random bytes, or the validity lies out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key could not be made: no random bytes, or its validity ends beyond the year 9999")]
pub struct GenerateError;

/// Makes a key pair and a self-signed certificate as the Go project does: X.509 v3, SHA-256 with RSA, issuer and
/// subject with the common name or empty, valid from `now` for `valid_for`, a CA whose only key usage is encipherOnly.
///
/// # Errors
///
/// [`GenerateError`].
pub fn generate_key(
    size: KeySize,
    common_name: &str,
    now: Timestamp,
    valid_for: SignedDuration,
) -> Result<GeneratedKey, GenerateError> {
    let pair = rsa::KeyPair::generate(size.for_library()).map_err(|_| GenerateError)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| GenerateError)?;
    let signing = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_ref().into(), &PKCS_RSA_SHA256)
        .map_err(|_| GenerateError)?;
    let certificate = certificate_params(common_name, now, valid_for)?
        .self_signed(&signing)
        .map_err(|_| GenerateError)?;
    Ok(GeneratedKey {
        opening_key: OpeningKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| GenerateError)?,
        certificate: Certificate::from_der(certificate.der()).map_err(|_| GenerateError)?,
    })
}

fn certificate_params(
    common_name: &str,
    now: Timestamp,
    valid_for: SignedDuration,
) -> Result<CertificateParams, GenerateError> {
    let not_after = now.checked_add(valid_for).map_err(|_| GenerateError)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if !common_name.is_empty() {
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
    }
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::EncipherOnly];
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(now)?;
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(not_after)?;
    Ok(params)
}

fn since_epoch(time: Timestamp) -> Result<Duration, GenerateError> {
    u64::try_from(time.as_second())
        .map(Duration::from_secs)
        .map_err(|_| GenerateError)
}
