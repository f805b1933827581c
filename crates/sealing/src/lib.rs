//! Secret and certificate to SealedSecret; SealedSecret and key ring to Secret.
//!
//! The domain: scopes and bindings, item lines, templates, the key ring and the order in which its keys are tried, what
//! a failure means, when a key is renewed. Bytes are `seal-envelope`'s, names and shapes `seal-api`'s. Nothing here
//! reads a file, a clock, a socket or the environment.
//!
//! ```
//! use seal_api::Scope;
//! use seal_envelope::{KeySize, generate_key};
//! use seal_sealing::{HeldKey, KeyRing, Secret, UnsealOptions, seal, unseal};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = "2026-01-01T00:00:00Z".parse()?;
//! let key = generate_key(KeySize::Rsa2048, "", now, jiff::SignedDuration::from_hours(24))?;
//! let mut secret = Secret::new("db", Some("prod"));
//! secret.data.insert("password".into(), b"correct horse".as_slice().into());
//!
//! let sealed = seal(&secret, Scope::Strict, &key.certificate, now)?.object;
//! let ring = KeyRing::new(vec![HeldKey::generated(key, now)]);
//! let opened = unseal(&sealed, &ring, &UnsealOptions::default()).expect("the ring holds the key");
//! assert_eq!(opened.secret.data["password"].as_bytes(), b"correct horse");
//! # Ok(())
//! # }
//! ```

mod binding;
mod cautions;
mod cleartext;
mod contents;
mod diagnosis;
mod failure;
mod item_lines;
mod key_ring;
mod key_secret;
mod legacy;
mod migration;
mod names;
mod opening;
mod operations;
mod renewal;
mod reseal;
mod seal;
mod secret;
mod template;
mod tried;
mod unseal;

pub use binding::Binding;
pub use cautions::{Caution, cautions};
pub use cleartext::{Cleartext, first_holding};
pub use contents::{ContentsError, check_contents, check_known_contents, is_restricted_type};
pub use diagnosis::mismatch;
pub use failure::{Failure, ItemFailure};
pub use item_lines::{ItemLine, ItemLines, item_lines_fit};
pub use key_ring::{HeldKey, KeyOrder, KeyRing};
pub use key_secret::{KeySecretError, key_secret, opening_key_reason, read_key_secret};
pub use migration::differences;
pub use names::{NameError, check_item_key, check_name, check_namespace};
pub use operations::Purpose;
pub use renewal::{Renewal, renewal};
pub use reseal::{NotResealed, check_opens, reseal};
pub use seal::{SealError, Sealed, SealedItem, seal, seal_item, seal_with_any_name};
pub use secret::{Secret, SecretError};
pub use template::{TemplateProblem, render, template_problems};
pub use tried::Tried;
pub use unseal::{Attempt, Opened, Outcome, UnsealOptions, unseal, unseal_again};
