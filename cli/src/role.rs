//! What a document is to `seal`: a Secret, a SealedSecret, a list to look into, or none of its business.
//!
//! What looks like a Secret and is not written as one is an error: passed through, it would go out in cleartext.

use seal_api::{API_VERSION, KIND, Reason};
use seal_documents::{implied_kind, implied_version, list_items, may_be_list};
use seal_manifest::{Document, Node};

use crate::{documents::place, problem::Problem};

/// What a document, or an item of a List, is to `seal`.
pub(crate) enum Role {
    /// A native Secret.
    Secret,
    /// A SealedSecret.
    SealedSecret,
    /// A `List`, `SecretList` or the like, or a plain sequence, to be looked into.
    List,
    /// Anything else.
    Other,
}

/// Tells what a node is, by `apiVersion` and `kind`. `implied` is the kind that a typed list gives its items.
pub(crate) fn role(
    node: &Node,
    implied: Option<&str>,
    file: &str,
    document: &Document,
) -> Result<Role, Problem> {
    let wrong = |node: &Node, message: &str| {
        Err(Problem::new(Reason::WrongKind, message).at(place(file, document, node)))
    };
    let kind = text(node, "kind").or(implied);
    let version = text(node, "apiVersion").or_else(|| implied.map(implied_version));
    match (version, kind) {
        (Some("v1"), Some("Secret")) => return Ok(Role::Secret),
        (Some(API_VERSION), Some(KIND)) => return Ok(Role::SealedSecret),
        _ => {}
    }
    if let Some(message) = almost_a_secret(node, kind, version) {
        return wrong(node, message);
    }
    if list_items(node).is_some() {
        return Ok(Role::List);
    }
    match node.get("items") {
        Some(items) if (kind.is_none() || is_list(kind)) && holds_secret(items, file, document) => {
            wrong(
                items,
                "items holds a Secret and is a mapping; the items of a list are a sequence",
            )
        }
        _ => Ok(Role::Other),
    }
}

/// A list, and what it says of its items.
pub(crate) struct List<'n> {
    node: &'n Node,
    /// Whether its items are objects: by its kind, or because one of them is a Secret or SealedSecret.
    is_of_objects: bool,
}

impl<'n> List<'n> {
    pub(crate) fn of(node: &'n Node) -> Self {
        let is_ours = |item: &Node| matches!(text(item, "kind"), Some("Secret" | KIND));
        let items = list_items(node).unwrap_or_default();
        Self {
            node,
            is_of_objects: is_list(text(node, "kind")) || items.iter().any(is_ours),
        }
    }

    /// The list itself where it is a typed one, such as a `SecretList`.
    pub(crate) fn typed(&self) -> Option<&'n Node> {
        implied_kind(self.node).map(|_| self.node)
    }

    /// Tells what an item of it is, as [`role`] does. An item with values that does not say what it is may be a Secret.
    pub(crate) fn role_of(
        &self,
        item: &Node,
        file: &str,
        document: &Document,
    ) -> Result<Role, Problem> {
        if self.may_be_secret(item) {
            let message = "an item of the list has data and no kind, and may be a Secret; a Secret has apiVersion v1 and kind Secret";
            return Err(Problem::new(Reason::WrongKind, message).at(place(file, document, item)));
        }
        role(item, implied_kind(self.node), file, document)
    }

    /// Whether an item without a kind is in a list of objects, or has what every object has in a list of no kind. Other
    /// sequences of mappings with `data` are nobody's business.
    fn may_be_secret(&self, item: &Node) -> bool {
        let is_object = || item.get("metadata").is_some() || item.get("apiVersion").is_some();
        let is_bare = text(self.node, "kind").is_none();
        implied_kind(self.node).is_none()
            && is_unnamed(item)
            && (self.is_of_objects || (is_bare && is_object()))
    }
}

/// Why a node that is not written as a Secret may be meant as one.
fn almost_a_secret(node: &Node, kind: Option<&str>, version: Option<&str>) -> Option<&'static str> {
    let is_core = is_core(version);
    let written = node.get("kind").filter(|kind| !kind.is_null());
    let says_secret =
        kind.is_some_and(is_secret_in_other_letters) || written.is_some_and(says_secret);
    let has_values = node.get("data").is_some() || node.get("stringData").is_some();
    if says_secret && (is_core || has_values) {
        return Some("looks like a Secret, but a Secret has apiVersion v1 and kind Secret");
    }
    if is_core && node.get("stringData").is_some() {
        return Some(
            "has stringData, as only Secrets have; a Secret has apiVersion v1 and kind Secret",
        );
    }
    let has_name = node.at(&["metadata", "name"]).is_some() || text(node, "type").is_some();
    if kind.is_none() && is_unnamed(node) && has_name {
        return Some(
            "has data and no kind, and may be a Secret; a Secret has apiVersion v1 and kind Secret",
        );
    }
    None
}

fn text<'n>(node: &'n Node, field: &str) -> Option<&'n str> {
    node.get(field).and_then(Node::as_str)
}

/// Whether a version can be meant for the core group: absent, without a group, or with one that says as much.
fn is_core(version: Option<&str>) -> bool {
    let Some((group, version)) = version.and_then(|version| version.split_once('/')) else {
        return true;
    };
    let group = group.trim().to_ascii_lowercase();
    let is_core_group = matches!(
        group.as_str(),
        "" | "core" | "v1" | "k8s.io" | "kubernetes.io"
    );
    is_core_group || version.trim().is_empty()
}

/// Whether a node has a mapping of values and does not say what it is.
fn is_unnamed(node: &Node) -> bool {
    let has = |field: &str| {
        let entries = node.get(field).and_then(Node::entries);
        entries.is_some_and(|entries| !entries.is_empty())
    };
    text(node, "kind").is_none() && (has("data") || has("stringData"))
}

/// Whether a `kind`, of whatever form, holds the word.
fn says_secret(kind: &Node) -> bool {
    if let Some(scalar) = kind.scalar() {
        return is_secret_in_other_letters(scalar.text());
    }
    let entries = kind.entries().unwrap_or_default();
    let mut parts = entries
        .iter()
        .flat_map(|entry| [&entry.key, &entry.value])
        .chain(kind.items().unwrap_or_default());
    parts.any(says_secret)
}

/// `secret`, `Secrets`, `"Secret "` and the like.
fn is_secret_in_other_letters(kind: &str) -> bool {
    let letters = kind.chars().filter(|c| c.is_alphabetic());
    let kind: String = letters.flat_map(char::to_lowercase).collect();
    kind == "secret" || kind == "secrets"
}

fn is_list(kind: Option<&str>) -> bool {
    kind.is_some_and(may_be_list)
}

/// Whether a value of a mapping is a Secret, or may be meant as one.
fn holds_secret(items: &Node, file: &str, document: &Document) -> bool {
    let mut values = items
        .entries()
        .unwrap_or_default()
        .iter()
        .map(|entry| &entry.value);
    values.any(|value| {
        let role = role(value, None, file, document);
        let list = List::of(value);
        let mut items = list_items(value).unwrap_or_default().iter();
        is_unnamed(value)
            || matches!(role, Ok(Role::Secret) | Err(_))
            || items.any(|item| list.may_be_secret(item))
    })
}
