//! YAML and JSON documents: read with byte positions, edit in place, write.
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
pub use position::Position;
pub use stream::{Document, Format, Limits, Stream, read};
pub use text::{Encoding, Text};
