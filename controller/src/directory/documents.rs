//! The objects in the bytes of one file: documents one by one, lists unpacked. Pure.

use seal_api::Reason;
use seal_documents::{implied_kind, implied_version, is_certain_list, reason};
use seal_manifest::{Error, Limits, Node, Text, read};

/// One object in a file.
#[derive(Debug)]
pub(super) struct Object {
    /// The document it stands in, from 1.
    pub(super) document: usize,
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// Its `apiVersion`.
    pub(super) api_version: String,
    /// Its `kind`.
    pub(super) kind: String,
    /// The object itself.
    pub(super) node: Node,
}

/// A file or a document that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The document, where it is one.
    pub(super) document: Option<usize>,
    /// The line, where it has one.
    pub(super) line: Option<usize>,
    /// Why.
    pub(super) reason: Reason,
    /// The explanation for people.
    pub(super) message: String,
}

impl Object {
    /// A fault of this object, at one of its values.
    pub(super) fn fault(
        &self,
        at: Option<&Node>,
        reason: Reason,
        message: impl Into<String>,
    ) -> Fault {
        let line = at
            .filter(|node| !node.range.is_empty())
            .map_or(self.line, |node| node.position.line);
        Fault {
            document: Some(self.document),
            line: Some(line),
            reason,
            message: message.into(),
        }
    }
}

/// Reads the objects of a file. A document that cannot be read stands as a fault in its place and hides no other.
pub(super) fn objects(bytes: &[u8]) -> Vec<Result<Object, Fault>> {
    let text = match Text::decode(bytes) {
        Ok(text) => text,
        Err(error) => return vec![Err(of_error(&error))],
    };
    let stream = match read(text.as_str(), &Limits::default()) {
        Ok(stream) => stream,
        Err(error) => return vec![Err(of_error(&error))],
    };
    let mut found = Vec::new();
    for document in stream.documents {
        match document {
            Err(error) => found.push(Err(of_error(&error))),
            Ok(document) => add(document.index, document.root, None, &mut found),
        }
    }
    found
}

/// Adds the object in a node, or those of a list. `implied` is the kind that a typed list gives items that name none.
fn add(document: usize, node: Node, implied: Option<&str>, found: &mut Vec<Result<Object, Fault>>) {
    let implied = implied.filter(|_| node.entries().is_some());
    let text = |field: &str, implied: Option<&str>| {
        let text = node.get(field).map_or(implied, Node::as_str);
        text.unwrap_or_default().to_owned()
    };
    let api_version = text("apiVersion", implied.map(implied_version));
    let (kind, line) = (text("kind", implied), node.position.line);
    let object = Object {
        document,
        line,
        api_version,
        kind,
        node,
    };
    if object.api_version.is_empty() || object.kind.is_empty() {
        let message = "the document has no apiVersion and kind";
        found.push(Err(object.fault(None, Reason::InvalidObject, message)));
        return;
    }
    let is_list = is_certain_list(&object.kind);
    let implied = implied_kind(&object.node).filter(|_| is_list);
    match object.node.get("items").map(|items| (items, items.items())) {
        Some((_, Some(items))) if is_list => items
            .iter()
            .for_each(|item| add(document, item.clone(), implied, found)),
        Some((node, None)) if is_list && !node.is_null() => {
            let message = "items of the list is not a list";
            found.push(Err(object.fault(
                Some(node),
                Reason::InvalidObject,
                message,
            )));
        }
        Some((_, Some(items))) => {
            // A list whose kind is another or misspelt may hold an object all the same.
            for item in items.iter().filter(|item| looks_like_object(item)) {
                add(document, item.clone(), None, found);
            }
            found.push(Ok(object));
        }
        Some((_, None)) | None if is_list => {}
        Some((_, None)) | None => found.push(Ok(object)),
    }
}

/// Whether an item of something that need not be a list of objects is an object, or sealed all the same.
fn looks_like_object(node: &Node) -> bool {
    let is_named = node.get("apiVersion").is_some() && node.get("kind").is_some();
    is_named || node.at(&["spec", "encryptedData"]).is_some()
}

/// Whether a file ends right behind the marker of a further document, as one that is being written does.
pub(super) fn ends_at_marker(bytes: &[u8]) -> bool {
    let Ok(text) = Text::decode(bytes) else {
        return false;
    };
    let mut lines = text.as_str().lines().rev().map(str::trim_end);
    let last = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    last.and_then(|line| line.strip_prefix("---"))
        .is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with('#'))
}

/// A parser's error without what stands in our own fields already.
fn of_error(error: &Error) -> Fault {
    Fault {
        document: error.document(),
        line: error.position().map(|position| position.line),
        reason: reason(error),
        message: error.explanation(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_document_hides_no_other() {
        let text = "apiVersion: v1\nkind: A\n---\na: [\n---\napiVersion: v1\nkind: B\n";
        let found = objects(text.as_bytes());
        let kinds: Vec<Option<&str>> = found
            .iter()
            .map(|object| Some(object.as_ref().ok()?.kind.as_str()))
            .collect();
        assert_eq!(kinds, [Some("A"), None, Some("B")]);
        let fault = found[1].as_ref().expect_err("it is broken");
        assert_eq!(
            (fault.document, fault.reason),
            (Some(2), Reason::InvalidSyntax)
        );
        assert!(!fault.message.contains("document"), "{}", fault.message);
    }

    #[test]
    fn lists_are_unpacked() {
        let text = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"A"},{"kind":"B"}]}"#;
        let found = objects(text.as_bytes());
        assert!(found[0].as_ref().is_ok_and(|object| object.kind == "A"));
        assert!(
            found[1]
                .as_ref()
                .is_err_and(|fault| fault.reason == Reason::InvalidObject)
        );
    }

    #[test]
    fn items_of_typed_lists_need_not_say_what_they_are() {
        let text = r#"{"apiVersion":"v1","kind":"SealedSecretList","items":[{"a":1},{"apiVersion":"v1","kind":"A"}]}"#;
        let found = objects(text.as_bytes());
        let says = |object: &Result<Object, Fault>| {
            let object = object.as_ref().expect("it is one");
            (object.api_version.clone(), object.kind.clone())
        };
        assert_eq!(
            found.iter().map(says).collect::<Vec<_>>(),
            [
                ("bitnami.com/v1alpha1".into(), "SealedSecret".into()),
                ("v1".into(), "A".into())
            ]
        );
        let text = r#"{"apiVersion":"v1","kind":"SecretList","items":["x"]}"#;
        assert!(objects(text.as_bytes())[0].is_err());
    }

    #[test]
    fn objects_in_lists_of_any_kind_are_found_beside_them() {
        let text = r#"{"apiVersion":"v1","kind":"list","items":["x",{"a":1},{"apiVersion":"v1","kind":"A"}]}"#;
        let found = objects(text.as_bytes());
        let kinds = found
            .iter()
            .map(|object| object.as_ref().expect("it is one").kind.as_str());
        assert_eq!(kinds.collect::<Vec<_>>(), ["A", "list"]);
        let text = r#"{"apiVersion":"v1","kind":"list","items":[{"spec":{"encryptedData":{}}}]}"#;
        assert!(objects(text.as_bytes())[0].is_err());
    }

    #[test]
    fn a_file_may_end_where_a_document_begins() {
        for text in [
            "a: b\n---",
            "a: b\n---\n",
            "---\n\n# x\n",
            "a: b\n--- # x\n \n",
        ] {
            assert!(ends_at_marker(text.as_bytes()), "{text:?}");
        }
        for text in [
            "",
            "a: b\n",
            "---\na: b\n",
            "a: b\n...\n",
            "a: b\n--- c\n",
            "a: ---\n",
        ] {
            assert!(!ends_at_marker(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_one_fault() {
        let found = objects(b"a: \xff");
        assert!(
            found[0]
                .as_ref()
                .is_err_and(|fault| fault.reason == Reason::InvalidEncoding)
        );
    }
}
