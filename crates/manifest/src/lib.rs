//! YAML and JSON documents: read with byte positions, edit in place, write.
mod error;
mod json;
mod kind;
mod node;
mod position;
mod stream;
mod text;
mod yaml;

pub use error::Error;
pub use kind::ScalarKind;
pub use node::{Content, Entry, Node, Origin, Scalar, Style};
pub use position::Position;
pub use stream::{Document, Format, Limits, Stream, read};
pub use text::{Encoding, Text};
