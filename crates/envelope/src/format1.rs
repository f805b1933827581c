//! Format 1, byte-compatible with the Go project: u16 length, RSA-OAEP, AES-256-GCM.
//!
//! RSA-OAEP (RFC 8017 §7.1) with SHA-256, MGF1 with SHA-256 and the label wraps a fresh AES-256 key; GCM (NIST SP
//! 800-38D) uses the zero nonce, which is safe only because each key seals one value and is then thrown away.

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Nonce},
};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey};
use rand::{TryRng, rngs::SysRng};
use zeroize::Zeroizing;

use crate::{
    Ciphertext, Label, Plaintext,
    public_key::PublicKey,
    stack::{CIPHER, wiped_after},
};

/// AES-256 key length in bytes.
const SESSION_KEY: usize = 32;
/// GCM tag length in bytes.
const TAG: usize = 16;

/// A value could not be sealed: the operating system gave no random bytes, or the RSA operation failed.
///
/// Neither happens with a certificate that was read and a working operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value could not be sealed: no random bytes, or the RSA operation failed")]
pub struct SealError;

/// The two parts of a ciphertext, and nothing that was checked about them but their lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The RSA-OAEP ciphertext of the session key.
    pub(crate) wrapped_key: Vec<u8>,
    /// The AES-GCM ciphertext followed by its tag.
    sealed: Vec<u8>,
}

impl Parts {
    /// Splits the bytes: big-endian u16 length L, L bytes of RSA ciphertext, the rest AES-GCM with tag.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (wrapped_key, sealed) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        if wrapped_key.is_empty() || sealed.len() < TAG {
            return None;
        }
        Some(Self {
            wrapped_key: wrapped_key.to_vec(),
            sealed: sealed.to_vec(),
        })
    }

    pub(crate) fn plaintext_len(&self) -> usize {
        self.sealed.len() - TAG
    }

    fn to_bytes(&self) -> Vec<u8> {
        let length = u16::try_from(self.wrapped_key.len())
            .expect("an accepted RSA modulus has at most 1024 bytes");
        [
            &length.to_be_bytes(),
            self.wrapped_key.as_slice(),
            &self.sealed,
        ]
        .concat()
    }
}

/// Seals `plaintext` for `key` under `label`.
pub(crate) fn seal(
    plaintext: &[u8],
    label: &Label,
    key: &PublicKey,
) -> Result<Ciphertext, SealError> {
    let mut session_key = Zeroizing::new([0; SESSION_KEY]);
    SysRng
        .try_fill_bytes(session_key.as_mut_slice())
        .map_err(|_| SealError)?;
    let sealed =
        wiped_after::<CIPHER, _>(|| cipher(&session_key).encrypt(&zero_nonce(), plaintext))
            .map_err(|_| SealError)?;
    let mut wrapped_key = vec![0; key.encrypting.ciphertext_size()];
    key.encrypting
        .encrypt(
            &OAEP_SHA256_MGF1SHA256,
            session_key.as_slice(),
            &mut wrapped_key,
            Some(label.as_bytes()),
        )
        .map_err(|_| SealError)?;
    let parts = Parts {
        wrapped_key,
        sealed,
    };
    Ok(Ciphertext::from_bytes(&parts.to_bytes(), parts))
}

/// Opens `parts` with `key` under `label`: the value, or `None` for whatever was wrong.
pub(crate) fn open(
    parts: &Parts,
    label: &Label,
    key: &OaepPrivateDecryptingKey,
) -> Option<Plaintext> {
    let mut buffer = Zeroizing::new(vec![0; key.min_output_size()]);
    let session_key = key
        .decrypt(
            &OAEP_SHA256_MGF1SHA256,
            &parts.wrapped_key,
            &mut buffer,
            Some(label.as_bytes()),
        )
        .ok()?;
    let session_key = Zeroizing::new(<[u8; SESSION_KEY]>::try_from(&*session_key).ok()?);
    let opened = wiped_after::<CIPHER, _>(|| {
        cipher(&session_key).decrypt(&zero_nonce(), parts.sealed.as_slice())
    })
    .ok()?;
    Some(Plaintext::from(opened))
}

fn cipher(session_key: &[u8; SESSION_KEY]) -> Aes256Gcm {
    Aes256Gcm::new(session_key.into())
}

fn zero_nonce() -> Nonce<Aes256Gcm> {
    Nonce::<Aes256Gcm>::default()
}
