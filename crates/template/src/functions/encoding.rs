//! Base64 and base32. What cannot be decoded gives Go's words for it, which name the first byte that is wrong.

use super::{Function, Parameter, Scope};
use crate::{error::Fault, value::Value};

const TEXT: &[Parameter] = &[Parameter::Text];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("b64enc", TEXT, |scope, mut given| {
        let text = given.text()?;
        scope.reserve(2 * text.len())?;
        scope.text(encode_base64(&text))
    }),
    Function::new("b32enc", TEXT, |scope, mut given| {
        let text = given.text()?;
        scope.reserve(2 * text.len())?;
        scope.text(encode(&text, BASE32, 5, 5))
    }),
    Function::new("b64dec", TEXT, |scope, mut given| {
        let text = given.text()?;
        decoded(scope, "base64", decode_base64(&text))
    }),
    Function::new("b32dec", TEXT, |scope, mut given| {
        let text = given.text()?;
        decoded(scope, "base32", decode_base32(&text))
    }),
];

fn decoded(
    scope: &mut Scope<'_>,
    name: &str,
    result: Result<Vec<u8>, usize>,
) -> Result<Value, Fault> {
    match result {
        Ok(bytes) => scope.text(bytes),
        Err(at) => scope.text(format!("illegal {name} data at input byte {at}")),
    }
}

pub(super) fn encode_base64(bytes: &[u8]) -> Vec<u8> {
    encode(bytes, BASE64, 6, 3)
}

/// In groups of so many bytes, filled up with `=`.
fn encode(bytes: &[u8], alphabet: &[u8], bits: usize, group: usize) -> Vec<u8> {
    let letters = group * 8 / bits;
    let mut out = Vec::with_capacity(bytes.len() / group * letters + letters);
    for chunk in bytes.chunks(group) {
        let mut block = [0; 8];
        block[8 - group..8 - group + chunk.len()].copy_from_slice(chunk);
        let block = u64::from_be_bytes(block);
        let used = (chunk.len() * 8).div_ceil(bits);
        for index in 0..letters {
            let digit = (block >> ((letters - 1 - index) * bits)) as usize & ((1 << bits) - 1);
            out.push(if index < used { alphabet[digit] } else { b'=' });
        }
    }
    out
}

/// By byte what digit it is; [`NO_DIGIT`] where it is none.
const fn digits(alphabet: &[u8]) -> [u8; 256] {
    let mut digits = [NO_DIGIT; 256];
    let mut index = 0;
    while index < alphabet.len() {
        digits[alphabet[index] as usize] = index as u8;
        index += 1;
    }
    digits
}

const NO_DIGIT: u8 = u8::MAX;
static DIGITS_64: [u8; 256] = digits(BASE64);
static DIGITS_32: [u8; 256] = digits(BASE32);

fn digit(digits: &[u8; 256], letter: u8) -> Option<u64> {
    let digit = digits[usize::from(letter)];
    (digit != NO_DIGIT).then(|| u64::from(digit))
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Line breaks anywhere, padding where it belongs.
pub(super) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut block, mut count) = (0, 0);
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        at += 1;
        if let Some(digit) = digit(&DIGITS_64, byte) {
            block = block << 6 | digit;
            count += 1;
            if count == 4 {
                out.extend_from_slice(&block.to_be_bytes()[5..]);
                (block, count) = (0, 0);
            }
            continue;
        }
        if is_newline(byte) {
            continue;
        }
        if byte != b'=' || count < 2 {
            return Err(at - 1);
        }
        let skip_newlines = |at: usize| {
            let rest = text[at..].iter().position(|byte| !is_newline(*byte));
            rest.map_or(text.len(), |rest| at + rest)
        };
        if count == 2 {
            at = skip_newlines(at);
            match text.get(at) {
                None => return Err(text.len()),
                Some(b'=') => at += 1,
                Some(_) => return Err(at - 1),
            }
        }
        at = skip_newlines(at);
        if at < text.len() {
            return Err(at);
        }
        let bytes = (block << (6 * (4 - count))).to_be_bytes();
        out.extend_from_slice(&bytes[5..5 + count - 1]);
        return Ok(out);
    }
    if count > 0 { Err(at - count) } else { Ok(out) }
}

fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !is_newline(*byte))
        .collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5 + 5);
    let mut at = 0;
    while at < text.len() {
        let (mut block, mut count) = (0, 0);
        let mut is_end = false;
        while count < 8 {
            let Some(byte) = text.get(at) else {
                return Err(at - count);
            };
            at += 1;
            let left = text.len() - at;
            if *byte == b'=' && count >= 2 && left < 8 {
                if left + count < 7 {
                    return Err(text.len());
                }
                let padding = &text[at..text.len().min(at + 7 - count)];
                if let Some(wrong) = padding.iter().position(|byte| *byte != b'=') {
                    return Err(text.len() - left + wrong - 1);
                }
                if matches!(count, 3 | 6) {
                    return Err(at - 1);
                }
                is_end = true;
                break;
            }
            block = block << 5 | digit(&DIGITS_32, *byte).ok_or(at - 1)?;
            count += 1;
        }
        let bytes = (block << (5 * (8 - count))).to_be_bytes();
        out.extend_from_slice(&bytes[3..3 + count * 5 / 8]);
        if is_end {
            break;
        }
    }
    Ok(out)
}
