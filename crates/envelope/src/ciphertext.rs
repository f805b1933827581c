//! The text of one sealed item, and the one place that tells formats apart.

use std::mem;

use base64::{Engine, engine::general_purpose};

use crate::{
    base64_text::{decode_line, on_one_line},
    format1,
};

/// One sealed item: its text and what the text decodes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ciphertext {
    text: String,
    pub(crate) format: Format,
}

/// The known formats. Another one is told apart by the beginning of the text, in [`Ciphertext::parse`] and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    One(format1::Parts),
}

/// Why a text is no ciphertext. Says nothing of whether it could be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CiphertextError {
    /// The text is not standard base64 with padding on one line.
    #[error("not base64 (standard alphabet with padding)")]
    NotBase64,
    /// The decoded bytes end before the ciphertext is complete.
    #[error("too short for a sealed value: {bytes} bytes")]
    TooShort {
        /// The number of decoded bytes.
        bytes: usize,
    },
}

impl Ciphertext {
    /// Reads the text of an item: standard base64 with padding, in which line breaks are ignored as in Go's decoder.
    ///
    /// # Errors
    ///
    /// [`CiphertextError`] when the text is not base64 or the bytes cannot be a ciphertext.
    pub fn parse(text: &str) -> Result<Self, CiphertextError> {
        let text = mem::take(&mut *on_one_line(text));
        let bytes = decode_line(&text).map_err(|_| CiphertextError::NotBase64)?;
        let parts = format1::Parts::parse(&bytes)
            .ok_or(CiphertextError::TooShort { bytes: bytes.len() })?;
        Ok(Self {
            text,
            format: Format::One(parts),
        })
    }

    pub(crate) fn from_bytes(bytes: &[u8], parts: format1::Parts) -> Self {
        Self {
            text: general_purpose::STANDARD.encode(bytes),
            format: Format::One(parts),
        }
    }

    /// The text: base64 on one line.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text of [`Ciphertext::as_str`], taken out.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The length in bytes of the value inside.
    pub fn plaintext_len(&self) -> usize {
        match &self.format {
            Format::One(parts) => parts.plaintext_len(),
        }
    }

    /// The size in bits of the RSA key that can open this, as far as the ciphertext shows it.
    pub fn key_bits(&self) -> usize {
        match &self.format {
            Format::One(parts) => 8 * parts.wrapped_key.len(),
        }
    }
}
