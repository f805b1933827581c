//! Bytes of a file to text.
//!
//! UTF-8 is the rule; UTF-16 is read because Windows shells still write it. Nothing is ever
//! replaced by U+FFFD: what does not decode is an error.

use std::fmt;

use zeroize::Zeroizing;

use crate::Error;

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// How the bytes of a file stood for characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 with a byte order mark, which stays in the text.
    Utf8WithBom,
    /// UTF-16, low byte first. The text is UTF-8 from here on.
    Utf16Le,
    /// UTF-16, high byte first. The text is UTF-8 from here on.
    Utf16Be,
}

/// The text of a file, wiped when dropped.
///
/// A UTF-8 byte order mark is part of the text, so that what is not edited is written back byte
/// for byte. A UTF-16 one is not.
#[derive(Clone)]
pub struct Text {
    text: Zeroizing<String>,
    encoding: Encoding,
}

impl Text {
    /// Decodes the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Error::NotUtf8`] or [`Error::NotUtf16`] with the line of the first wrong byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (text, encoding) = match bytes {
            [0xFF, 0xFE, rest @ ..] => (utf16(rest, u16::from_le_bytes)?, Encoding::Utf16Le),
            [0xFE, 0xFF, rest @ ..] => (utf16(rest, u16::from_be_bytes)?, Encoding::Utf16Be),
            [1..=255, 0, ..] => (utf16(bytes, u16::from_le_bytes)?, Encoding::Utf16Le),
            [0, 1..=255, ..] => (utf16(bytes, u16::from_be_bytes)?, Encoding::Utf16Be),
            _ if bytes.starts_with(UTF8_BOM) => (utf8(bytes)?, Encoding::Utf8WithBom),
            _ => (utf8(bytes)?, Encoding::Utf8),
        };
        Ok(Self { text, encoding })
    }

    /// The text, with the byte order mark if it was UTF-8 with one.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How the file was encoded.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("encoding", &self.encoding)
            .field("bytes", &self.text.len())
            .finish()
    }
}

fn utf8(bytes: &[u8]) -> Result<Zeroizing<String>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        Error::NotUtf8 {
            line: 1 + good.iter().filter(|byte| **byte == b'\n').count(),
        }
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Zeroizing<String>, Error> {
    // One unit becomes at most three bytes, so the string never moves and leaves no copy behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 2 * 3));
    let mut line = 1;
    let (pairs, odd) = bytes.as_chunks::<2>();
    for unit in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let character = unit.map_err(|_| Error::NotUtf16 { line })?;
        line += usize::from(character == '\n');
        text.push(character);
    }
    if odd.is_empty() {
        Ok(text)
    } else {
        Err(Error::NotUtf16 { line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn utf16_is_read_with_and_without_byte_order_mark() {
        let sample = "a: 'é😀'\n";
        for (order, encoding) in [
            (u16::to_le_bytes as fn(u16) -> [u8; 2], Encoding::Utf16Le),
            (u16::to_be_bytes, Encoding::Utf16Be),
        ] {
            for with_mark in [sample.to_owned(), format!("\u{feff}{sample}")] {
                let text = Text::decode(&units(&with_mark, order)).expect("the sample is valid");
                assert_eq!((text.as_str(), text.encoding()), (sample, encoding));
            }
        }
    }

    #[test]
    fn a_utf8_byte_order_mark_stays_in_the_text() {
        let text = Text::decode("\u{feff}a: 1".as_bytes()).expect("the sample is valid");
        assert_eq!(
            (text.as_str(), text.encoding()),
            ("\u{feff}a: 1", Encoding::Utf8WithBom)
        );
    }

    #[test]
    fn wrong_bytes_are_an_error_with_their_line() {
        assert_eq!(
            Text::decode(b"a\nb\n\xFF\xFFc").err(),
            Some(Error::NotUtf8 { line: 3 })
        );
        let mut half = units("a\n\u{10000}", u16::to_le_bytes);
        half.truncate(half.len() - 2);
        assert_eq!(Text::decode(&half).err(), Some(Error::NotUtf16 { line: 2 }));
        assert_eq!(
            Text::decode(&[b'a', 0, b'b']).err(),
            Some(Error::NotUtf16 { line: 1 })
        );
    }

    #[test]
    fn debug_output_shows_no_text() {
        let text = Text::decode(b"hunter2").expect("the sample is valid");
        assert!(!format!("{text:?}").contains("hunter2"));
    }
}
