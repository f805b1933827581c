//! The SealedSecrets in the bytes of one file. Pure.

use seal_api::{API_VERSION, KIND, Reason, SealedSecret};
use seal_manifest::{Node, ScalarKind};
use serde_json::Value;

use super::{
    documents::{Fault, Object, ends_at_marker, objects},
    object_name::ObjectName,
};
use crate::digest::Digest;

const GROUP: &str = "bitnami.com/";

/// What one file of `sealed/` holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The SealedSecrets, in order.
    pub(super) found: Vec<Found>,
    /// What cannot be used. With one of these the file counts as broken: it may hold more than was found.
    pub(super) faults: Vec<Fault>,
    /// How many documents are of other kinds.
    pub(super) ignored: usize,
    /// Those among them that are Secrets in cleartext, which nobody means to keep here.
    pub(super) cleartext: Vec<Fault>,
    /// Whether it ends where a further document begins, as one that is being written does.
    pub(super) is_unfinished: bool,
}

/// A SealedSecret in a file.
#[derive(Debug)]
pub(super) struct Found {
    /// Its name.
    pub(super) name: ObjectName,
    /// The document it stands in, from 1.
    pub(super) document: usize,
    /// The object, without the status that may stand in the file.
    pub(super) sealed: SealedSecret,
    /// Tells whether its spec is still the same.
    pub(super) spec_digest: Digest,
    /// Tells whether it still asks for the same Secret: its spec, and its annotations, which hold the scope.
    pub(super) made_from: Digest,
}

impl Scan {
    /// Whether the file holds no document at all, as one that is being written does.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.faults.is_empty() && self.ignored == 0
    }
}

/// Reads the SealedSecrets of a file.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan {
        is_unfinished: ends_at_marker(bytes),
        ..Scan::default()
    };
    for object in objects(bytes) {
        match object {
            Err(fault) => scan.faults.push(fault),
            Ok(object) if !is_ours(&object) => {
                scan.ignored += 1;
                scan.cleartext.extend(cleartext(&object));
            }
            Ok(object) => match sealed_secret(&object) {
                Ok(found) => scan.found.push(found),
                Err(fault) => scan.faults.push(fault),
            },
        }
    }
    scan
}

/// What to say of a document that is a Secret in cleartext.
fn cleartext(object: &Object) -> Option<Fault> {
    let is_secret = object.api_version == "v1" && object.kind == "Secret";
    let message =
        "a Secret in cleartext; it is not acted on, and it should be sealed before it is committed";
    is_secret.then(|| object.fault(None, Reason::WrongKind, message))
}

/// Whether a document is a SealedSecret, of whatever version, one that breaks off in its first lines, or one that was
/// meant to be: what is misspelt must not count as deleted.
fn is_ours(object: &Object) -> bool {
    let begins_like_one =
        KIND.starts_with(&object.kind) && API_VERSION.starts_with(&object.api_version);
    begins_like_one
        || object.kind.eq_ignore_ascii_case(KIND)
        || object.api_version.starts_with(GROUP)
        || object.node.at(&["spec", "encryptedData"]).is_some()
}

fn sealed_secret(object: &Object) -> Result<Found, Fault> {
    if object.api_version != API_VERSION || object.kind != KIND {
        let message = format!("a SealedSecret has apiVersion {API_VERSION} and kind {KIND}");
        return Err(object.fault(None, Reason::InvalidObject, message));
    }
    check_shape(object)?;
    let name = name(object)?;
    let mut json = object.node.to_json();
    if let Value::Object(fields) = &mut json {
        fields.remove("status");
        // In a typed list it need not say so itself.
        fields.insert("apiVersion".to_owned(), API_VERSION.into());
        fields.insert("kind".to_owned(), KIND.into());
    }
    // The decoder's own error would quote what stands in the file.
    let sealed: SealedSecret = serde_json::from_value(json).map_err(|_| {
        let message = "the document is not a well-formed SealedSecret";
        object.fault(None, Reason::InvalidObject, message)
    })?;
    let spec = serde_json::to_vec(&sealed.spec).unwrap_or_default();
    let annotations = serde_json::to_vec(&sealed.metadata.annotations).unwrap_or_default();
    Ok(Found {
        name,
        document: object.document,
        sealed,
        spec_digest: Digest::of(&[&spec]),
        made_from: Digest::of(&[&spec, &annotations]),
    })
}

fn name(object: &Object) -> Result<ObjectName, Fault> {
    let metadata = object.node.get("metadata");
    let text = |field: &str, missing: Reason| {
        let text = metadata.and_then(|metadata| metadata.get(field)?.as_str());
        text.filter(|text| !text.is_empty()).ok_or_else(|| {
            let message = format!("the SealedSecret has no metadata.{field}");
            object.fault(metadata, missing, message)
        })
    };
    let name = text("name", Reason::MissingName)?;
    let namespace = text("namespace", Reason::MissingNamespace)?;
    ObjectName::new(namespace, name)
        .map_err(|message| object.fault(metadata, Reason::InvalidName, message))
}

/// What the decoder would refuse, found beforehand so that the fault has a place and a name.
fn check_shape(object: &Object) -> Result<(), Fault> {
    use Shape::{Bool, Map, Strings, Text};
    if object
        .node
        .get("spec")
        .is_none_or(|spec| spec.entries().is_none())
    {
        return Err(object.fault(
            object.node.get("spec"),
            Reason::InvalidObject,
            "spec is missing or not a map",
        ));
    }
    for (path, shape) in [
        (&["metadata"][..], Map),
        (&["metadata", "name"], Text),
        (&["metadata", "namespace"], Text),
        (&["metadata", "labels"], Strings),
        (&["metadata", "annotations"], Strings),
        (&["spec", "data"], Text),
        (&["spec", "template"], Map),
        (&["spec", "template", "metadata"], Map),
        (&["spec", "template", "type"], Text),
        (&["spec", "template", "immutable"], Bool),
        (&["spec", "template", "data"], Strings),
    ] {
        let Some(node) = object.node.at(path) else {
            continue;
        };
        if let Some(wrong) = shape.wrong(node) {
            let message = format!("{} is not {}", path.join("."), shape.name());
            return Err(object.fault(Some(wrong), Reason::InvalidObject, message));
        }
    }
    Ok(())
}

/// What belongs in a field; null fits everywhere.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Bool,
    Map,
    Strings,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Bool => "true or false",
            Self::Map => "a map",
            Self::Strings => "a map of strings",
        }
    }

    /// The node that does not fit.
    fn wrong(self, node: &Node) -> Option<&Node> {
        if node.is_null() {
            return None;
        }
        let kind = node.scalar().map(|scalar| scalar.kind());
        match self {
            Self::Text => (kind != Some(ScalarKind::String)).then_some(node),
            Self::Bool => (kind != Some(ScalarKind::Bool)).then_some(node),
            Self::Map => node.entries().is_none().then_some(node),
            Self::Strings => match node.entries() {
                None => Some(node),
                Some(entries) => entries
                    .iter()
                    .find_map(|entry| Self::Text.wrong(&entry.value)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: app}\nspec: {encryptedData: {a: x}}\n";

    #[track_caller]
    fn check(text: &str, reason: Reason, line: usize, part: &str) {
        let scan = scan(text.as_bytes());
        assert_eq!(scan.found.len(), 0);
        let fault = &scan.faults[0];
        assert_eq!(
            (fault.reason, fault.line),
            (reason, Some(line)),
            "{}",
            fault.message
        );
        assert!(fault.message.contains(part), "{}", fault.message);
    }

    #[test]
    fn sealed_secrets_are_found_among_other_kinds() {
        let text = format!("apiVersion: v1\nkind: ConfigMap\n---\n{GOOD}status: marker\n");
        let scan = scan(text.as_bytes());
        assert_eq!(
            (scan.found.len(), scan.ignored, scan.faults.len()),
            (1, 1, 0)
        );
        let found = &scan.found[0];
        assert_eq!(
            (found.name.to_string().as_str(), found.document),
            ("app/db", 2)
        );
        assert!(found.sealed.status.is_none());
    }

    #[test]
    fn an_item_of_a_list_of_sealed_secrets_need_not_say_that_it_is_one() {
        let item = GOOD.lines().skip(2).collect::<Vec<_>>().join("\n  ");
        let text =
            format!("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecretList\nitems:\n- {item}\n");
        let scan = scan(text.as_bytes());
        assert_eq!((scan.found.len(), scan.faults.len()), (1, 0));
        assert_eq!(scan.found[0].name.to_string(), "app/db");
    }

    #[test]
    fn a_secret_in_cleartext_is_pointed_out_and_breaks_nothing() {
        let text = format!("{GOOD}---\napiVersion: v1\nkind: Secret\nstringData: {{a: marker}}\n");
        let scan = scan(text.as_bytes());
        assert_eq!(
            (scan.found.len(), scan.ignored, scan.faults.len()),
            (1, 1, 0)
        );
        assert_eq!(scan.cleartext[0].reason, Reason::WrongKind);
        assert_eq!(scan.cleartext[0].document, Some(2));
        assert!(!scan.cleartext[0].message.contains("marker"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_never_quoted() {
        check(
            &GOOD.replace("name: db, ", ""),
            Reason::MissingName,
            3,
            "metadata.name",
        );
        check(
            &GOOD.replace(", namespace: app", ""),
            Reason::MissingNamespace,
            3,
            "metadata.namespace",
        );
        check(
            &GOOD.replace("name: db", "name: ../../etc"),
            Reason::InvalidName,
            3,
            "name \"../../etc\"",
        );
        check(
            &GOOD.replace("namespace: app", "namespace: a.b"),
            Reason::InvalidName,
            3,
            "namespace \"a.b\"",
        );
        check(
            &GOOD.replace("v1alpha1", "v2"),
            Reason::InvalidObject,
            1,
            "apiVersion",
        );
        check(
            &GOOD.replace("spec: {encryptedData: {a: x}}", "spec: marker"),
            Reason::InvalidObject,
            4,
            "spec",
        );
        let template = GOOD.replace(
            "{encryptedData: {a: x}}",
            "\n  template:\n    immutable: marker",
        );
        check(
            &template,
            Reason::InvalidObject,
            6,
            "spec.template.immutable is not true or false",
        );
        let labels = GOOD.replace("{name: db", "{labels: {a: 5}, name: db");
        check(&labels, Reason::InvalidObject, 3, "metadata.labels");
    }

    #[test]
    fn what_is_misspelt_is_a_fault_and_not_another_kind() {
        for (right, wrong) in [
            ("SealedSecret", "sealedSecret"),
            ("SealedSecret", "SealedSecrets"),
            ("bitnami.com/", "bitnami.io/"),
            (
                "bitnami.com/v1alpha1\nkind: SealedSecret",
                "v1\nkind: Secret",
            ),
            ("encryptedData", "encrypteddata"),
        ] {
            let text = GOOD.replace(right, wrong);
            let scan = scan(text.as_bytes());
            assert_eq!(
                (scan.ignored, scan.found.len() + scan.faults.len()),
                (0, 1),
                "{wrong}"
            );
        }
        let list = format!(
            "apiVersion: v1\nkind: Things\nitems:\n- {}",
            GOOD.trim_end().replace('\n', "\n  ")
        );
        let scan = scan(list.as_bytes());
        assert_eq!((scan.found.len(), scan.faults.len()), (1, 0));
    }

    #[test]
    fn a_document_that_breaks_off_is_a_fault() {
        for length in 1..GOOD.len() - 1 {
            let scan = scan(&GOOD.as_bytes()[..length]);
            let whole = scan
                .found
                .iter()
                .any(|found| !found.sealed.spec.encrypted_data.is_empty());
            assert!(!scan.faults.is_empty() || whole, "{:?}", &GOOD[..length]);
        }
    }
}
