//! Which public keys are fit for sealing: RSA of 2048 to 8192 bits.

use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use x509_cert::{
    der::{Decode, Encode, Reader, SliceReader, asn1::UintRef},
    spki::{ObjectIdentifier, SubjectPublicKeyInfoRef},
};

use crate::KeyId;

/// rsaEncryption, RFC 8017 appendix C.
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The sizes in bits that are accepted: below, RSA is breakable; above, one opening takes too long.
pub(crate) const ACCEPTED_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Why a public key cannot seal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// The key is of another algorithm, such as an elliptic curve.
    #[error("the key is not RSA; sealing needs an RSA key of 2048 to 8192 bits")]
    NotRsa,
    /// The modulus is shorter or longer than what is accepted.
    #[error("the RSA key has {bits} bits; sealing needs 2048 to 8192")]
    Size {
        /// The size of the modulus in bits.
        bits: usize,
    },
    /// The key says that it is RSA but does not decode.
    #[error("the RSA key cannot be read")]
    Malformed,
}

/// A checked public key, ready to encrypt with.
pub(crate) struct PublicKey {
    pub(crate) id: KeyId,
    pub(crate) bits: usize,
    pub(crate) encrypting: OaepPublicEncryptingKey,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, PublicKeyError> {
        let bits = rsa_bits(der)?;
        if !ACCEPTED_BITS.contains(&bits) {
            return Err(PublicKeyError::Size { bits });
        }
        let key = PublicEncryptingKey::from_der(der).map_err(|_| PublicKeyError::Malformed)?;
        let encrypting =
            OaepPublicEncryptingKey::new(key).map_err(|_| PublicKeyError::Malformed)?;
        Ok(Self {
            id: KeyId::of_spki(der),
            bits,
            encrypting,
        })
    }
}

fn rsa_bits(spki: &[u8]) -> Result<usize, PublicKeyError> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| PublicKeyError::Malformed)?;
    if spki.algorithm.oid != RSA_ENCRYPTION {
        return Err(PublicKeyError::NotRsa);
    }
    let key = spki
        .subject_public_key
        .as_bytes()
        .ok_or(PublicKeyError::Malformed)?;
    modulus_bits(key).map_err(|_| PublicKeyError::Malformed)
}

/// The modulus size of an RSAPublicKey (RFC 8017 appendix A.1.1).
fn modulus_bits(der: &[u8]) -> x509_cert::der::Result<usize> {
    let mut reader = SliceReader::new(der)?;
    let bits = reader.sequence(|sequence| {
        let modulus = UintRef::decode(sequence)?;
        UintRef::decode(sequence)?;
        Ok::<_, x509_cert::der::Error>(significant_bits(modulus.as_bytes()))
    })?;
    Ok(bits)
}

pub(crate) fn significant_bits(big_endian: &[u8]) -> usize {
    match big_endian {
        [] => 0,
        [first, rest @ ..] => 8 * rest.len() + (8 - first.leading_zeros() as usize),
    }
}

/// The DER of a SubjectPublicKeyInfo as it stands in a certificate.
pub(crate) fn spki_der(certificate: &x509_cert::Certificate) -> Result<Vec<u8>, PublicKeyError> {
    certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .map_err(|_| PublicKeyError::Malformed)
}
