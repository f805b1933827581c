//! Tags, and the type they give a scalar.

use granit_parser::Tag;

use crate::ScalarKind;
use crate::kind::resolve;

/// The type of a scalar with its tag, or nothing where the tag is not one of JSON's types or does
/// not fit the text.
pub(crate) fn scalar_kind(text: &str, is_plain: bool, tag: Option<&Tag>) -> Option<ScalarKind> {
    let Some(tag) = tag else {
        return Some(if is_plain {
            resolve(text).kind()
        } else {
            ScalarKind::String
        });
    };
    // With a tag the quotes do not matter, as in go-yaml.
    let wanted = match tag.core_suffix()? {
        "str" => return Some(ScalarKind::String),
        "null" => ScalarKind::Null,
        "bool" => ScalarKind::Bool,
        "int" => ScalarKind::Integer,
        "float" => ScalarKind::Float,
        _ => return None,
    };
    let actual = resolve(text).kind();
    let fits = wanted == actual || (wanted, actual) == (ScalarKind::Float, ScalarKind::Integer);
    fits.then_some(wanted)
}

/// Whether the tag, if any, says what the collection is anyway.
pub(crate) fn fits_collection(tag: Option<&Tag>, name: &str) -> bool {
    tag.is_none_or(|tag| tag.is_yaml_core_schema_tag(name))
}
