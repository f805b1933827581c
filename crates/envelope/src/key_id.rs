//! The name of a sealing key: a digest of its public half.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest;

/// SHA-256 over the DER encoding of a key's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
///
/// `Display` shows the first 16 hexadecimal digits, the form for people and for item lines; pins and trust lists hold
/// all 64, from [`KeyId::full`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The id of the key whose SubjectPublicKeyInfo is `spki` in DER.
    pub fn of_spki(spki: &[u8]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(digest::digest(&digest::SHA256, spki).as_ref());
        Self(id)
    }

    /// All 64 hexadecimal digits, lower case.
    pub fn full(&self) -> String {
        hex(&self.0)
    }

    /// The first 16 hexadecimal digits, lower case.
    pub fn short(&self) -> String {
        hex(&self.0[..8])
    }
}

/// Bytes as hexadecimal digits in lower case. Not in constant time: for digests, never for a secret.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.short())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}

/// A text is not a full key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a full key id has 64 hexadecimal digits, this has {digits} characters or others than hexadecimal digits"
)]
pub struct ParseKeyIdError {
    digits: usize,
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    /// Reads all 64 hexadecimal digits, in upper or lower case. A shortened id is refused: it proves too little.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = ParseKeyIdError {
            digits: text.chars().count(),
        };
        let digits: Vec<u8> = text
            .chars()
            .map(|digit| {
                digit
                    .to_digit(16)
                    .and_then(|value| u8::try_from(value).ok())
            })
            .collect::<Option<_>>()
            .ok_or(error)?;
        let mut id = [0; 32];
        if digits.len() != 2 * id.len() {
            return Err(error);
        }
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_id_reads_back_and_short_id_is_its_beginning() {
        let id = KeyId::of_spki(b"some key");
        assert_eq!(id.full().parse(), Ok(id));
        assert_eq!(id.full().to_uppercase().parse(), Ok(id));
        assert!(id.full().starts_with(&id.to_string()));
        assert_eq!(id.to_string().len(), 16);
    }

    #[test]
    fn digits_are_lower_case_and_two_a_byte() {
        assert_eq!(hex(&[0x00, 0x0f, 0xf0, 0xa9, 0xff]), "000ff0a9ff");
    }

    #[test]
    fn shortened_or_foreign_text_is_no_full_id() {
        let id = KeyId::of_spki(b"some key");
        assert!(id.short().parse::<KeyId>().is_err());
        assert!(id.full().replace(|_| true, "g").parse::<KeyId>().is_err());
        assert!("".parse::<KeyId>().is_err());
    }
}
