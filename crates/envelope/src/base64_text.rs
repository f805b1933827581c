//! Base64 as Kubernetes reads it.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

/// Standard alphabet with padding (RFC 4648 §4); bits after the last byte may be set, as Go's decoder allows.
const TEXT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A text is not base64. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base64 (standard alphabet with padding)")]
pub struct NotBase64;

/// Decodes base64 (standard alphabet with padding, RFC 4648 §4) as Go's `encoding/base64`, and so the API server, does:
/// line breaks are passed over wherever they stand, and the bits after the last byte may be anything.
///
/// # Errors
///
/// [`NotBase64`].
pub fn decode_base64(text: &str) -> Result<Zeroizing<Vec<u8>>, NotBase64> {
    decode_line(&on_one_line(text))
}

/// Decodes a text without line breaks.
pub(crate) fn decode_line(line: &str) -> Result<Zeroizing<Vec<u8>>, NotBase64> {
    TEXT.decode(line).map(Zeroizing::new).map_err(|_| NotBase64)
}

/// A text without its line breaks.
pub(crate) fn on_one_line(text: &str) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    line.extend(text.split(['\r', '\n']));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], NotBase64>) {
        let decoded = decode_base64(text);
        assert_eq!(
            decoded.as_deref().map(Vec::as_slice),
            expected.as_ref().copied()
        );
    }

    #[test]
    fn it_is_read_as_go_reads_it() {
        check("", Ok(b""));
        check("YQ==", Ok(b"a"));
        check("\r\nY\nQ=\r=\n", Ok(b"a"));
        // The bits behind the last byte are set.
        check("YR==", Ok(b"a"));
        for text in ["YQ", "YQ=", "Y Q==", "YQ==YQ==", "YQ\t==", "_-==", "="] {
            check(text, Err(NotBase64));
        }
    }
}
