//! What gives something else each time.

use aws_lc_rs::cipher::{AES_256, EncryptingKey, UnboundCipherKey};
use zeroize::Zeroizing;

use super::{Arguments, Function, Parameter, Scope, Why, encoding};
use crate::{error::Fault, unicode, value::Value};

const COUNT: &[Parameter] = &[Parameter::Int];
const TWO: &[Parameter] = &[Parameter::Text, Parameter::Text];
const BLOCK: usize = 16;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("randAlphaNum", COUNT, |scope, given| {
        letters(scope, given, |letter| letter.is_ascii_alphanumeric())
    })
    .needs(Why::Random),
    Function::new("randAlpha", COUNT, |scope, given| {
        letters(scope, given, |letter| letter.is_ascii_alphabetic())
    })
    .needs(Why::Random),
    Function::new("randNumeric", COUNT, |scope, given| {
        letters(scope, given, |letter| letter.is_ascii_digit())
    })
    .needs(Why::Random),
    Function::new("randAscii", COUNT, |scope, given| {
        letters(scope, given, |letter| matches!(letter, b' '..=b'~'))
    })
    .needs(Why::Random),
    Function::new("randBytes", COUNT, |scope, mut given| {
        let count = usize::try_from(given.int()?).map_err(|_| Fault::Refused)?;
        let bytes = bytes(scope, count)?;
        scope.text(encoding::encode_base64(&bytes))
    })
    .needs(Why::Random),
    Function::new(
        "randInt",
        &[Parameter::Int, Parameter::Int],
        |scope, mut given| {
            let (least, end) = (given.int()?, given.int()?);
            let span = end.wrapping_sub(least);
            if span <= 0 {
                return Err(Fault::Refused);
            }
            let number = below(scope, span as u64)? as i64;
            Ok(Value::Int(least.wrapping_add(number)))
        },
    )
    .needs(Why::Random),
    Function::new("shuffle", &[Parameter::Text], |scope, mut given| {
        let text = given.text()?;
        scope.reserve(text.len() * 8)?;
        scope.steps(text.len())?;
        let mut letters: Vec<char> = unicode::runes(&text).map(|(_, letter)| letter).collect();
        for last in (1..letters.len()).rev() {
            letters.swap(last, below(scope, last as u64 + 1)? as usize);
        }
        scope.text(letters.into_iter().collect::<String>())
    })
    .needs(Why::Random),
    Function::new("uuidv4", &[], |scope, _| {
        let mut bytes = bytes(scope, 16)?;
        // The version and the variant of RFC 9562.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
        scope.text(parts.join("-"))
    })
    .needs(Why::Random),
    Function::new("encryptAES", TWO, encrypt).needs(Why::Random),
];

fn bytes(scope: &mut Scope<'_>, count: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    scope.reserve(count.saturating_mul(3))?;
    scope.steps(count / 8)?;
    let mut bytes = Zeroizing::new(vec![0; count]);
    scope.random(&mut bytes)?;
    Ok(bytes)
}

/// A number below another, each as likely as the next.
fn below(scope: &mut Scope<'_>, end: u64) -> Result<u64, Fault> {
    // What is above the last multiple would make some numbers likelier.
    let tail = (u64::MAX % end + 1) % end;
    loop {
        scope.steps(1)?;
        let mut bytes = [0; 8];
        scope.random(&mut bytes)?;
        let number = u64::from_le_bytes(bytes);
        if number <= u64::MAX - tail {
            return Ok(number % end);
        }
    }
}

/// So many letters of those that are wanted; none for less than none.
fn letters(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    is_wanted: fn(u8) -> bool,
) -> Result<Value, Fault> {
    let count = usize::try_from(given.int()?).unwrap_or(0);
    let alphabet: Vec<u8> = (0..0x80).filter(|letter| is_wanted(*letter)).collect();
    scope.reserve(count)?;
    let mut text = Vec::with_capacity(count);
    for _ in 0..count {
        text.push(alphabet[below(scope, alphabet.len() as u64)? as usize]);
    }
    scope.text(text)
}

/// AES-256 with as much of a password as fits.
fn key(password: &[u8]) -> Result<UnboundCipherKey, Fault> {
    let mut key = Zeroizing::new([0; 32]);
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    UnboundCipherKey::new(&AES_256, key.as_slice()).map_err(|_| Fault::Refused)
}

/// CBC with the padding of PKCS #7, the random first block before it.
fn encrypt(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (password, plaintext) = (given.text()?, given.text()?);
    if plaintext.is_empty() {
        return scope.text("");
    }
    scope.reserve(plaintext.len() * 5)?;
    scope.steps(plaintext.len() / 8)?;
    let key = EncryptingKey::ecb(key(&password)?).map_err(|_| Fault::Refused)?;
    let padding = BLOCK - plaintext.len() % BLOCK;
    let mut padded = Zeroizing::new(plaintext.to_vec());
    padded.extend(std::iter::repeat_n(padding as u8, padding));
    let mut before = [0; BLOCK];
    scope.random(&mut before)?;
    let mut out = before.to_vec();
    for block in padded.chunks(BLOCK) {
        for (byte, other) in before.iter_mut().zip(block) {
            *byte ^= other;
        }
        key.encrypt(&mut before).map_err(|_| Fault::Refused)?;
        out.extend(before);
    }
    scope.text(encoding::encode_base64(&out))
}
