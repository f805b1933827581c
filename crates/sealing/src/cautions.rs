//! What in a Secret is allowed but seldom meant. The messages name items, never values.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::Secret;

/// One thing to look at before sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caution {
    /// The value is empty.
    Empty {
        /// The item's key.
        item: String,
    },
    /// A one-line text ends with a line break, as `echo` without `-n` leaves it.
    TrailingNewline {
        /// The item's key.
        item: String,
    },
    /// The value begins with a byte order mark.
    ByteOrderMark {
        /// The item's key.
        item: String,
    },
    /// The value itself is base64 of text: it may have been encoded twice.
    EncodedTwice {
        /// The item's key.
        item: String,
    },
}

impl fmt::Display for Caution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { item } => write!(formatter, "the value of {item} is empty"),
            Self::TrailingNewline { item } => {
                write!(formatter, "the value of {item} ends with a line break")
            }
            Self::ByteOrderMark { item } => write!(
                formatter,
                "the value of {item} begins with a byte order mark"
            ),
            Self::EncodedTwice { item } => {
                write!(
                    formatter,
                    "the value of {item} is itself base64 of a text; it may have been encoded twice"
                )
            }
        }
    }
}

/// Looks at every value of a Secret.
pub fn cautions(secret: &Secret) -> Vec<Caution> {
    let of_item =
        |(item, value): (&String, &seal_envelope::Plaintext)| caution(item, value.as_bytes());
    secret.data.iter().filter_map(of_item).collect()
}

fn caution(item: &str, value: &[u8]) -> Option<Caution> {
    let item = item.to_owned();
    match value {
        [] => Some(Caution::Empty { item }),
        [0xef, 0xbb, 0xbf, ..] => Some(Caution::ByteOrderMark { item }),
        [line @ .., b'\n'] if !line.is_empty() && !line.contains(&b'\n') => {
            Some(Caution::TrailingNewline { item })
        }
        value if is_base64_of_text(value) => Some(Caution::EncodedTwice { item }),
        _ => None,
    }
}

/// Whether a value decodes as padded base64 to at least eight printable characters. Short words and hexadecimal digests
/// decode as base64 too, but not to text.
fn is_base64_of_text(value: &[u8]) -> bool {
    let decoded = STANDARD.decode(value).map(zeroize::Zeroizing::new);
    decoded.is_ok_and(|text| {
        text.len() >= 8
            && text
                .iter()
                .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<fn(String) -> Caution>) {
        assert_eq!(
            caution("k", value.as_bytes()),
            expected.map(|caution| caution("k".to_owned()))
        );
    }

    #[test]
    fn what_is_seldom_meant_is_named() {
        check("", Some(|item| Caution::Empty { item }));
        check("password\n", Some(|item| Caution::TrailingNewline { item }));
        check("\u{feff}text", Some(|item| Caution::ByteOrderMark { item }));
        check(
            "Y29ycmVjdCBob3JzZQ==",
            Some(|item| Caution::EncodedTwice { item }),
        );
    }

    #[test]
    fn ordinary_values_are_left_in_peace() {
        for value in [
            "correct horse",
            "two\nlines\n",
            "deadbeefdeadbeef",
            "password",
            "0123456789abcdef0123456789abcdef",
        ] {
            check(value, None);
        }
    }
}
