//! One value: bytes in, bytes out.
//!
//! This crate knows certificates, keys, labels and the ciphertext format of the SealedSecret resource, and nothing of
//! Kubernetes objects. `docs/wire-format.md` describes the bytes exactly enough to reimplement them.
//!
//! ```
//! use seal_envelope::{Ciphertext, KeySize, Label, generate_key};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = "2026-01-01T00:00:00Z".parse()?;
//! let generated = generate_key(KeySize::Rsa2048, "", now, jiff::SignedDuration::from_hours(24))?;
//! let label = Label::strict("prod", "db");
//! let sealed = generated.certificate.seal(b"correct horse", &label)?;
//!
//! let ciphertext = Ciphertext::parse(sealed.as_str())?;
//! let opened = generated.opening_key.open(&ciphertext, &label).expect("the label and the key are right");
//! assert_eq!(opened.as_bytes(), b"correct horse");
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! Opening answers yes or no and nothing else: which of key, padding, label or tag was wrong is not told apart.
//! Plaintext, session keys and private keys live in buffers that are wiped when dropped. The only source of
//! randomness is the operating system's.

mod base64_text;
mod certificate;
mod ciphertext;
mod format1;
mod generate;
mod key_id;
mod label;
mod opening_key;
mod plaintext;
mod public_key;
mod random;
mod stack;

pub use base64_text::{NotBase64, decode_base64};
pub use certificate::{Certificate, CertificateError, Validity};
pub use ciphertext::{Ciphertext, CiphertextError};
pub use format1::SealError;
pub use generate::{GenerateError, GeneratedKey, KeySize, UnknownKeySize, generate_key};
pub use key_id::{KeyId, ParseKeyIdError, hex};
pub use label::Label;
pub use opening_key::{OpeningKey, OpeningKeyError, Operations};
pub use plaintext::Plaintext;
pub use public_key::PublicKeyError;
pub use random::random_bytes;
pub use stack::wiped_after;
