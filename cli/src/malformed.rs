//! Why a document that says it is a SealedSecret is none: the field that is not as the resource has it.

use seal_manifest::{Node, ScalarKind};

/// What a field holds.
#[derive(Clone, Copy)]
enum Shape {
    Mapping,
    Strings,
    String,
    Bool,
}

/// The fields that are looked at, outer ones before inner ones. What is sealed is read leniently instead.
const FIELDS: [(&[&str], Shape); 12] = [
    (&["metadata"], Shape::Mapping),
    (&["metadata", "name"], Shape::String),
    (&["metadata", "namespace"], Shape::String),
    (&["metadata", "labels"], Shape::Strings),
    (&["metadata", "annotations"], Shape::Strings),
    (&["spec"], Shape::Mapping),
    (&["spec", "data"], Shape::String),
    (&["spec", "template"], Shape::Mapping),
    (&["spec", "template", "metadata"], Shape::Mapping),
    (&["spec", "template", "type"], Shape::String),
    (&["spec", "template", "immutable"], Shape::Bool),
    (&["spec", "template", "data"], Shape::Strings),
];

/// The node to point at, what is wrong there, and what to do; `None` where it is none of the fields that are known.
pub(crate) fn malformed(object: &Node) -> Option<(&Node, String, &'static str)> {
    const NO_SPEC: &str = "the sealed items are lost: restore the file from Git, or seal them again with \"seal create\"";
    let Some(spec) = object.get("spec") else {
        let (message, hint) = if object.get("status").is_some() {
            let hint =
                "it is what a controller says of the SealedSecret: name the file that was sealed";
            ("has no spec, only a status", hint)
        } else {
            ("has no spec", NO_SPEC)
        };
        return Some((object, message.to_owned(), hint));
    };
    if spec.is_null() {
        return Some((spec, "spec is null, not a mapping".to_owned(), NO_SPEC));
    }
    FIELDS.iter().find_map(|(path, shape)| {
        let node = object.at(path).filter(|node| !node.is_null())?;
        let (node, expected) = wrong_in(node, *shape)?;
        let message = format!("{} is not {expected}", path.join("."));
        Some((node, message, "correct the field by hand"))
    })
}

/// The part of a field that has not its shape, and what the field should be.
fn wrong_in(node: &Node, shape: Shape) -> Option<(&Node, &'static str)> {
    let is = |kind: ScalarKind| node.scalar().is_some_and(|scalar| scalar.kind() == kind);
    match shape {
        Shape::Mapping => node.entries().is_none().then_some((node, "a mapping")),
        Shape::String => (!is(ScalarKind::String)).then_some((node, "a string; quote it")),
        Shape::Bool => (!is(ScalarKind::Bool)).then_some((node, "true or false")),
        Shape::Strings => {
            let Some(entries) = node.entries() else {
                return Some((node, "a mapping of strings"));
            };
            let values = entries.iter().map(|entry| &entry.value);
            let wrong = values
                .filter(|value| !value.is_null())
                .find(|value| value.as_str().is_none());
            wrong.map(|value| (value, "a mapping of strings; quote this one"))
        }
    }
}

#[cfg(test)]
mod tests {
    use seal_manifest::{Limits, read};

    use super::*;

    #[track_caller]
    fn check(text: &str, line: usize, says: &str) {
        let stream = read(text, &Limits::default()).expect("it is small");
        let document = stream.documents[0].as_ref().expect("it is YAML");
        let (node, message, _) = malformed(&document.root).expect("something is wrong");
        assert_eq!((node.position.line, message.as_str()), (line, says));
    }

    #[test]
    fn the_wrong_field_is_named() {
        check("kind: SealedSecret\n", 1, "has no spec");
        check("status: {}\n", 1, "has no spec, only a status");
        check("a: b\nspec:\n", 2, "spec is null, not a mapping");
        check("a: b\nspec: [1]\n", 2, "spec is not a mapping");
        check(
            "spec: {}\nmetadata:\n  name: 5\n",
            3,
            "metadata.name is not a string; quote it",
        );
        check(
            "spec:\n  template:\n    data:\n      a: b\n      c: 1\n",
            5,
            "spec.template.data is not a mapping of strings; quote this one",
        );
        check(
            "spec: {template: {immutable: x}}\n",
            1,
            "spec.template.immutable is not true or false",
        );
    }
}
