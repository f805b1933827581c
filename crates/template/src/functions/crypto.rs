//! Digests and decryption.

use aws_lc_rs::{
    cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey},
    digest,
    iv::FixedLength,
};

use super::{Arguments, Function, Parameter, Scope, encoding::decode_base64};
use crate::{
    error::Fault,
    text::{Growing, Text},
    value::Value,
};

const TEXT: &[Parameter] = &[Parameter::Text];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("sha1sum", TEXT, |scope, given| {
        digested(scope, given, &digest::SHA1_FOR_LEGACY_USE_ONLY)
    }),
    Function::new("sha256sum", TEXT, |scope, given| {
        digested(scope, given, &digest::SHA256)
    }),
    Function::new("sha512sum", TEXT, |scope, given| {
        digested(scope, given, &digest::SHA512)
    }),
    Function::new("adler32sum", TEXT, |scope, mut given| {
        let sum = adler32(&given.text()?);
        scope.text(sum.to_string())
    }),
    Function::new(
        "decryptAES",
        &[Parameter::Text, Parameter::Text],
        decrypt_aes,
    ),
];

/// In hexadecimal digits.
fn digested(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    algorithm: &'static digest::Algorithm,
) -> Result<Value, Fault> {
    let text = given.text()?;
    // However short the text is.
    scope.steps(10)?;
    let digest = digest::digest(algorithm, &text);
    let mut digits = Vec::with_capacity(2 * digest.as_ref().len());
    for byte in digest.as_ref() {
        digits.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
    scope.text(digits)
}

/// RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    const PRIME: u32 = 65_521;
    let (mut low, mut high) = (1, 0);
    // So many bytes cannot overflow the sums.
    for chunk in bytes.chunks(5_552) {
        for byte in chunk {
            low += u32::from(*byte);
            high += low;
        }
        low %= PRIME;
        high %= PRIME;
    }
    high << 16 | low
}

const BLOCK: usize = 16;

/// What `encryptAES` gives: AES-256 in CBC mode, base64, the first block the initialization vector. The password is the key,
/// cut or filled with zeros.
fn decrypt_aes(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (password, text) = (given.text()?, given.text()?);
    if text.is_empty() {
        return Ok(Value::Text(Text::from("")));
    }
    let mut key = zeroize::Zeroizing::new([0; 32]);
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    let sealed = decode_base64(&text).map_err(|_| Fault::Refused)?;
    scope.reserve(sealed.len())?;
    let (vector, blocks) = sealed.split_first_chunk::<BLOCK>().ok_or(Fault::Refused)?;
    if blocks.is_empty() || !blocks.len().is_multiple_of(BLOCK) {
        return Err(Fault::Refused);
    }
    let key = UnboundCipherKey::new(&AES_256, key.as_slice()).map_err(|_| Fault::Refused)?;
    // Not the library's padding: upstream looks at the last byte only.
    let key = DecryptingKey::cbc(key).map_err(|_| Fault::Refused)?;
    let context = DecryptionContext::Iv128(FixedLength::from(vector));
    let mut opened = Growing::default();
    opened.extend(blocks);
    let mut opened = opened.into_vec();
    key.decrypt(&mut opened, context)
        .map_err(|_| Fault::Refused)?;
    let padding = opened.last().map_or(0, |last| usize::from(*last));
    let end = opened.len().checked_sub(padding).ok_or(Fault::Refused)?;
    opened.truncate(end);
    scope.text(opened)
}
