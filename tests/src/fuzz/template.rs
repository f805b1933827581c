//! Templates: parsed, and rendered within their limits.

use std::{collections::BTreeMap, mem::discriminant};

use seal_template::{Error, Limits, Template, Text};

use super::Features;

/// Low ones, so that they are met.
const LIMITS: Limits = Limits {
    steps: 100_000,
    calls: 100,
    output: 1 << 16,
    memory: 1 << 20,
    value_depth: 50,
};

/// The text up to a zero byte is the template, what follows is a value: a fault lies in the template, a result keeps within
/// the limits, and comes out the same once more.
pub fn run(data: &[u8], features: &mut Features) {
    let end = data.iter().position(|byte| *byte == 0);
    let (text, value) = data.split_at(end.unwrap_or(data.len()));
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let template = match Template::parse("item", text) {
        Ok(template) => template,
        Err(error) => return check("parse", text, &error, features),
    };
    for off in template.functions_off() {
        check("off", text, &off, features);
    }
    let values: BTreeMap<Text, Text> = [
        ("a", b"alice".as_slice()),
        ("num", b"42"),
        ("json", br#"{"a":[1,2.5,"x",null,true]}"#),
        ("value", value),
    ]
    .map(|(key, value)| (key.into(), value.into()))
    .into();
    let mut limits = LIMITS;
    match template.render(&values, &mut limits) {
        Ok(rendered) => {
            features.note(("length", rendered.len().min(64)));
            assert!(rendered.len() <= LIMITS.output);
            assert_eq!(limits.output, LIMITS.output - rendered.len());
            let again = template.render(&values, &mut LIMITS.clone());
            assert!(again.is_ok_and(|again| *again == *rendered));
        }
        Err(error) => check("render", text, &error, features),
    }
    let steps = LIMITS.steps - limits.steps;
    features.note(("steps", steps.checked_ilog2()));
}

fn check(when: &str, text: &str, error: &Error, features: &mut Features) {
    features.note((when, discriminant(&error.problem), &error.function));
    assert!(text.is_char_boundary(error.position.offset));
    assert!(!error.excerpt(text).is_empty());
    assert!(!error.to_string().contains('\n'));
}
