//! Whole documents as text.
//!
//! Strings that any YAML 1.1 or 1.2 reader would take for something else are quoted; long ones
//! stay on one line, those with lines become literal blocks. Keys keep their order.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::Error;
use crate::emit::{Cleartext, Emitter};

/// Writes a value as a YAML document with a final line break and without `---`.
///
/// # Errors
///
/// [`Error::NotWritable`] if the value has no form in JSON.
pub fn yaml(value: &impl Serialize) -> Result<Zeroizing<String>, Error> {
    let value = Cleartext(serde_json::to_value(value).map_err(|_| Error::NotWritable)?);
    let mut emitter = Emitter::new(2, "\n");
    emitter.value(&value.0, 0);
    emitter.out.push('\n');
    Ok(emitter.out)
}

/// Writes a value as a JSON document, indented by two spaces, with a final line break.
///
/// # Errors
///
/// [`Error::NotWritable`] if the value has no form in JSON.
pub fn json(value: &impl Serialize) -> Result<Zeroizing<String>, Error> {
    let mut text =
        Zeroizing::new(serde_json::to_string_pretty(value).map_err(|_| Error::NotWritable)?);
    text.push('\n');
    Ok(text)
}
