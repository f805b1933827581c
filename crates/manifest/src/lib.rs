//! YAML and JSON documents: read with byte positions, edit in place, write.
//!
//! Three things that general YAML crates leave to chance matter for files that hold secrets and
//! live in Git:
//!
//! - **What a value is** is decided as kubectl decides it ([`ScalarKind`]), and where readers
//!   disagree the document is refused instead of read in one of the ways.
//! - **What is not edited keeps its bytes**: comments, quotes, indentation, line endings, a
//!   missing last line break. [`Edits`] replaces ranges of the text, reads the result again and
//!   hands it out only if it says what was intended.
//! - **Cleartext stays inside**: [`Error`] and all `Debug` output name lines, columns and keys,
//!   never a value, and the text of scalars is wiped when it is dropped.
//!
//! Hostile input ends in an error: size, number of documents, nodes, depth and what aliases expand
//! to are bounded by [`Limits`]. One broken YAML document hides none of its neighbours.
//!
//! ```
//! use seal_manifest::{Edits, Limits, Text, read};
//!
//! let text = Text::decode(b"kind: Secret # old\nstringData:\n  user: 'admin'\n")?;
//! let stream = read(text.as_str(), &Limits::default())?;
//! let document = stream.documents[0].as_ref().map_err(Clone::clone)?;
//! let user = document.root.at(&["stringData", "user"]).expect("the sample has it");
//! assert_eq!((user.as_str(), user.position.line), (Some("admin"), 3));
//!
//! let mut edits = Edits::new(text.as_str());
//! edits.replace_scalar(user, "root")?;
//! edits.set(document, &["metadata", "name"], "db")?;
//! assert_eq!(
//!     edits.apply()?.as_str(),
//!     "kind: Secret # old\nstringData:\n  user: 'root'\nmetadata:\n  name: db\n",
//! );
//! # Ok::<(), seal_manifest::Error>(())
//! ```
//!
//! Nothing here reads a file, a clock or the environment.

mod edit;
mod emit;
mod error;
mod json;
mod kind;
mod node;
mod position;
mod render;
mod stream;
mod text;
pub mod write;
mod yaml;

pub use edit::Edits;
pub use error::Error;
pub use kind::ScalarKind;
pub use node::{Content, Entry, Node, Origin, Scalar, Style};
pub use position::{Position, lines};
pub use stream::{Document, Format, Limits, Part, Stream, parts, read};
pub use text::{Encoding, Text};
