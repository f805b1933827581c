//! The private half: opens what its certificate sealed, and counts how often it was used.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, OaepPrivateDecryptingKey, PrivateDecryptingKey},
};
use x509_cert::{
    der::{
        Decode, Reader, SliceReader,
        asn1::{OctetStringRef, UintRef},
    },
    spki::{AlgorithmIdentifierRef, ObjectIdentifier},
};
use zeroize::Zeroizing;

use crate::{
    Ciphertext, KeyId, Label, Plaintext,
    ciphertext::Format,
    format1,
    public_key::{ACCEPTED_BITS, RSA_ENCRYPTION, significant_bits},
};

/// A private RSA key of 2048 to 8192 bits. `Debug` shows only its id.
pub struct OpeningKey {
    id: KeyId,
    bits: usize,
    decrypting: OaepPrivateDecryptingKey,
    pkcs8: Zeroizing<Vec<u8>>,
    operations: Operations,
}

/// The private-key operations that a key has done. It outlives the key, and knows nothing else of it.
#[derive(Debug, Default)]
pub struct Operations(Arc<AtomicU64>);

impl Operations {
    /// How many there were so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether this and `other` count the same key's.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether there will be no more: the key is gone, and nobody else counts with it.
    pub fn is_final(&mut self) -> bool {
        Arc::get_mut(&mut self.0).is_some()
    }
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpeningKeyError {
    /// The input holds no PEM block with a private key.
    #[error("no PEM block \"RSA PRIVATE KEY\" (PKCS#1) or \"PRIVATE KEY\" (PKCS#8) found")]
    NoPrivateKey,
    /// The key is encrypted with a passphrase.
    #[error(
        "the private key is encrypted with a passphrase; decrypt it first, for example with \"openssl pkey\""
    )]
    Encrypted,
    /// The key is of another algorithm, such as an elliptic curve.
    #[error("the private key is not RSA; opening needs an RSA key of 2048 to 8192 bits")]
    NotRsa,
    /// The modulus is shorter or longer than what is accepted.
    #[error("the private RSA key has {bits} bits; opening needs 2048 to 8192")]
    Size {
        /// The size of the modulus in bits.
        bits: usize,
    },
    /// The key says that it is RSA but does not decode or is not consistent.
    #[error("the private RSA key cannot be read")]
    Malformed,
}

impl OpeningKey {
    /// Reads the first private key of a PEM text: PKCS#1 (`RSA PRIVATE KEY`, RFC 8017 appendix A.1.2) or PKCS#8
    /// (`PRIVATE KEY`, RFC 5208). Blocks of other types are skipped.
    ///
    /// # Errors
    ///
    /// [`OpeningKeyError`]; no error holds a byte of the input.
    pub fn from_pem(text: &[u8]) -> Result<Self, OpeningKeyError> {
        Self::all_from_pem(text).swap_remove(0)
    }

    /// Reads every private key of a PEM text, each with its own result; never empty.
    pub fn all_from_pem(text: &[u8]) -> Vec<Result<Self, OpeningKeyError>> {
        let keys = match PrivateBlocks::parse(text) {
            Ok(blocks) => blocks.0.iter().filter_map(Self::from_block).collect(),
            Err(error) => vec![Err(error)],
        };
        if keys.is_empty() {
            vec![Err(OpeningKeyError::NoPrivateKey)]
        } else {
            keys
        }
    }

    /// Reads one block; `None` where it holds no private key.
    fn from_block(block: &pem::Pem) -> Option<Result<Self, OpeningKeyError>> {
        let encrypted = block.headers().iter().any(|(name, _)| name == "DEK-Info");
        match block.tag() {
            "ENCRYPTED PRIVATE KEY" => Some(Err(OpeningKeyError::Encrypted)),
            "RSA PRIVATE KEY" if encrypted => Some(Err(OpeningKeyError::Encrypted)),
            "RSA PRIVATE KEY" => Some(Self::from_pkcs1(block.contents())),
            "PRIVATE KEY" => Some(Self::from_pkcs8(block.contents())),
            "EC PRIVATE KEY" | "DSA PRIVATE KEY" | "OPENSSH PRIVATE KEY" => {
                Some(Err(OpeningKeyError::NotRsa))
            }
            _ => None,
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, OpeningKeyError> {
        check_size(der)?;
        let pair = KeyPair::from_der(der).map_err(|_| OpeningKeyError::Malformed)?;
        let pkcs8 = pair.as_der().map_err(|_| OpeningKeyError::Malformed)?;
        Self::from_checked_pkcs8(pkcs8.as_ref())
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, OpeningKeyError> {
        check_size(pkcs1_of(der)?)?;
        Self::from_checked_pkcs8(der)
    }

    fn from_checked_pkcs8(der: &[u8]) -> Result<Self, OpeningKeyError> {
        let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| OpeningKeyError::Malformed)?;
        let spki = key
            .public_key()
            .as_der()
            .map_err(|_| OpeningKeyError::Malformed)?;
        Ok(Self {
            id: KeyId::of_spki(spki.as_ref()),
            bits: key.key_size_bits(),
            decrypting: OaepPrivateDecryptingKey::new(key)
                .map_err(|_| OpeningKeyError::Malformed)?,
            pkcs8: Zeroizing::new(der.to_vec()),
            operations: Operations::default(),
        })
    }

    /// Opens `ciphertext` under `label`: the value, or `None` whatever the reason.
    ///
    /// Costs one private-key operation, or none where the ciphertext was made for a key of another size.
    pub fn open(&self, ciphertext: &Ciphertext, label: &Label) -> Option<Plaintext> {
        match &ciphertext.format {
            Format::One(parts) if parts.wrapped_key.len() == self.decrypting.key_size_bytes() => {
                self.operations.0.fetch_add(1, Ordering::Relaxed);
                format1::open(parts, label, &self.decrypting)
            }
            Format::One(_) => None,
        }
    }

    /// The key as PEM in the traditional form that the Go project writes: PKCS#1, `RSA PRIVATE KEY`.
    pub fn to_pkcs1_pem(&self) -> Zeroizing<String> {
        let pkcs1 = pkcs1_of(&self.pkcs8).expect("the key was read from this encoding");
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Zeroizing::new(pem::encode_config(
            &pem::Pem::new("RSA PRIVATE KEY", pkcs1),
            config,
        ))
    }

    /// The id of this key, the same as its certificate's.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The size of the RSA modulus in bits.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// How many private-key operations this key has done.
    pub fn operations(&self) -> u64 {
        self.operations.count()
    }

    /// The count of its private-key operations, which goes on as long as the key does.
    pub fn counted(&self) -> Operations {
        Operations(Arc::clone(&self.operations.0))
    }
}

/// The blocks of a PEM text, wiped when dropped.
struct PrivateBlocks(Vec<pem::Pem>);

impl PrivateBlocks {
    fn parse(text: &[u8]) -> Result<Self, OpeningKeyError> {
        pem::parse_many(text)
            .map(Self)
            .map_err(|_| OpeningKeyError::NoPrivateKey)
    }
}

impl Drop for PrivateBlocks {
    fn drop(&mut self) {
        for block in self.0.drain(..) {
            drop(Zeroizing::new(block.into_contents()));
        }
    }
}

/// The RSAPrivateKey inside a PKCS#8 PrivateKeyInfo.
fn pkcs1_of(pkcs8: &[u8]) -> Result<&[u8], OpeningKeyError> {
    let info = PrivateKeyInfo::parse(pkcs8).map_err(|_| OpeningKeyError::Malformed)?;
    if info.algorithm != RSA_ENCRYPTION {
        return Err(OpeningKeyError::NotRsa);
    }
    Ok(info.private_key)
}

/// What matters of a PrivateKeyInfo (RFC 5208 §5) or OneAsymmetricKey (RFC 5958 §2).
struct PrivateKeyInfo<'der> {
    algorithm: ObjectIdentifier,
    private_key: &'der [u8],
}

impl<'der> PrivateKeyInfo<'der> {
    fn parse(der: &'der [u8]) -> x509_cert::der::Result<Self> {
        SliceReader::new(der)?.sequence(|sequence| {
            u8::decode(sequence)?;
            let algorithm = AlgorithmIdentifierRef::decode(sequence)?.oid;
            let private_key = <&OctetStringRef>::decode(sequence)?.as_bytes();
            while !sequence.is_finished() {
                sequence.tlv_bytes()?;
            }
            Ok(Self {
                algorithm,
                private_key,
            })
        })
    }
}

/// The modulus size of an RSAPrivateKey (RFC 8017 appendix A.1.2), checked before the key is given to the RSA library
/// so that a refusal can say why.
fn check_size(pkcs1: &[u8]) -> Result<(), OpeningKeyError> {
    let bits = modulus_bits(pkcs1).map_err(|_| OpeningKeyError::Malformed)?;
    if ACCEPTED_BITS.contains(&bits) {
        Ok(())
    } else {
        Err(OpeningKeyError::Size { bits })
    }
}

fn modulus_bits(pkcs1: &[u8]) -> x509_cert::der::Result<usize> {
    SliceReader::new(pkcs1)?.sequence(|sequence| {
        u8::decode(sequence)?;
        let bits = significant_bits(UintRef::decode(sequence)?.as_bytes());
        while !sequence.is_finished() {
            sequence.tlv_bytes()?;
        }
        Ok(bits)
    })
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpeningKey")
            .field("key_id", &self.id)
            .field("bits", &self.bits)
            .finish_non_exhaustive()
    }
}
