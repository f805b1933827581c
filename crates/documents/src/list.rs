//! What a list of objects is.
//!
//! Lists are `List`, the typed ones such as `SecretList`, whose items may leave out what the list says of them, and, as
//! backups and hand-written files have them, anything else with a sequence under `items`, or a sequence by itself.

use seal_api::{API_VERSION, KIND};
use seal_manifest::Node;

/// The items of a node that is a list: of a sequence, or of a mapping with a sequence under `items`, of whatever kind;
/// `None` where there is neither.
pub fn list_items(node: &Node) -> Option<&[Node]> {
    node.items().or_else(|| node.get("items")?.items())
}

/// Whether every item of a list of this `kind` is an object that concerns us.
pub fn is_certain_list(kind: &str) -> bool {
    matches!(kind, "List" | "SecretList" | "SealedSecretList")
}

/// Whether a `kind` can be meant as that of a list: in any letters, and with spaces around it.
pub fn may_be_list(kind: &str) -> bool {
    kind.trim().to_ascii_lowercase().ends_with("list")
}

/// The kind that a typed list such as `SecretList` gives items that name none.
pub fn implied_kind(list: &Node) -> Option<&str> {
    let kind = list.get("kind").and_then(Node::as_str)?;
    kind.strip_suffix("List").filter(|kind| !kind.is_empty())
}

/// The version that goes with a kind which a typed list implies.
pub fn implied_version(kind: &str) -> &'static str {
    match kind {
        KIND => API_VERSION,
        _ => "v1",
    }
}

#[cfg(test)]
mod tests {
    use seal_manifest::{Limits, read};

    use super::*;

    /// How many items a text has, and the kind it implies for them.
    #[track_caller]
    fn check(text: &str, items: Option<usize>, implied: Option<&str>) {
        let stream = read(text, &Limits::default()).expect("it is small");
        let root = &stream.documents[0].as_ref().expect("it is YAML").root;
        assert_eq!(list_items(root).map(<[Node]>::len), items, "{text}");
        assert_eq!(implied_kind(root), implied, "{text}");
    }

    #[test]
    fn lists_are_known_by_their_items() {
        check("kind: List\nitems: [{a: b}]\n", Some(1), None);
        check("kind: SecretList\nitems: []\n", Some(0), Some("Secret"));
        check("items: [{}, {}]\n", Some(2), None);
        check("[{}, {}, {}]\n", Some(3), None);
        check("kind: List\nitems: {a: b}\n", None, None);
        check("kind: Secret\ndata: {}\n", None, None);
    }

    #[test]
    fn kinds_of_lists_are_told_from_those_that_may_be_meant() {
        for kind in ["List", "SecretList", "SealedSecretList"] {
            assert!(is_certain_list(kind) && may_be_list(kind), "{kind}");
        }
        for kind in ["list", " SecretLIST", "IPAllowList"] {
            assert!(!is_certain_list(kind) && may_be_list(kind), "{kind}");
        }
        assert!(!may_be_list("Lists"));
    }
}
