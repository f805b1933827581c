//! Texts of templates: bytes as Go's strings are, not always UTF-8, shared and wiped.

use std::{borrow::Borrow, cmp::Ordering, fmt, ops::Deref, sync::Arc};

use zeroize::Zeroize;

/// A text of a template or of a value: any bytes. It is cheap to clone, wiped when the last clone is dropped, and never
/// shown by `Debug`.
#[derive(Clone)]
pub struct Text(Arc<Wiped>);

struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Text {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.0
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Wiped(bytes)))
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

/// Its order, equality and hash are those of the bytes.
impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Text(..)")
    }
}

/// Bytes that grow, wiped when dropped and wherever they were before they grew.
#[derive(Default)]
pub(crate) struct Growing(Vec<u8>);

impl Growing {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.grow(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn fill(&mut self, byte: u8, count: usize) {
        self.grow(count);
        self.0.resize(self.0.len() + count, byte);
    }

    /// Makes room for more bytes.
    fn grow(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if needed > self.0.capacity() {
            let mut grown = Vec::with_capacity((self.0.capacity() * 2).max(needed).max(64));
            grown.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = grown;
        }
    }

    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
