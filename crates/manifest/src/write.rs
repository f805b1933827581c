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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Limits, read};

    fn back(text: &str) -> Value {
        let stream = read(text, &Limits::default()).expect("the text is small");
        let document = stream.documents[0]
            .as_ref()
            .expect("what was written reads back");
        document.root.to_json()
    }

    #[test]
    fn strings_that_a_reader_may_misread_are_quoted() {
        let value = json!({"on": ["yes", "1_000", "12:30:45", "=", "0o17", "a: b", "# c", "", "- x"],
            "plain": "AgBy3i4O+/8=", "n": null, "i": 12, "s": {"m": {}, "l": []}});
        let expected = "\"on\":\n- \"yes\"\n- \"1_000\"\n- \"12:30:45\"\n- \"=\"\n- \"0o17\"\n- \"a: b\"\n\
            - \"# c\"\n- \"\"\n- \"- x\"\nplain: AgBy3i4O+/8=\n\"n\": null\ni: 12\ns:\n  m: {}\n  l: []\n";
        assert_eq!(
            yaml(&value).map(|text| text.to_string()),
            Ok(expected.to_owned())
        );
        assert_eq!(back(expected), value);
    }

    #[test]
    fn lines_become_literal_blocks_and_long_values_stay_on_one_line() {
        let long = "A".repeat(4000);
        let value =
            json!({"a": "x\n\n  y\n", "b": "x\ny", "c": " x\ny\n", "d": "x\n\n", "e": long});
        let text = yaml(&value).expect("the value is writable");
        let expected = format!(
            "a: |\n  x\n\n    y\nb: |-\n  x\n  y\nc: |2\n   x\n  y\nd: \"x\\n\\n\"\ne: {long}\n"
        );
        assert_eq!(*text, expected);
        assert_eq!(back(&text), value);
    }

    #[test]
    fn json_ends_with_a_line_break() {
        let text = json(&json!({"a": [1]})).expect("the value is writable");
        assert_eq!(*text, "{\n  \"a\": [\n    1\n  ]\n}\n");
    }

    #[test]
    fn a_value_without_a_form_in_json_is_an_error_without_its_text() {
        let value = std::collections::BTreeMap::from([(vec!["hunter2"], 1)]);
        assert_eq!(yaml(&value).err(), Some(Error::NotWritable));
        assert_eq!(json(&value).err(), Some(Error::NotWritable));
    }
}
