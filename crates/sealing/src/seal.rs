//! Secret and certificate to SealedSecret.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_api::{
    Reason, SERVER_FIELDS, Scope, SealedSecret, SealedSecretSpec, SecretTemplate, annotations,
};
use seal_envelope::Certificate;
use serde_json::{Map, Value};

use crate::{
    Binding, Failure, Secret,
    cleartext::{self, Cleartext},
    item_lines::{ItemLine, ItemLines, item_lines_fit},
    names::{check_item_key, check_name, check_namespace},
};

/// Fields of ObjectMeta that travel. What stands under another name is no metadata, and may be a value indented too far.
const TRAVELLING_FIELDS: [&str; 6] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "generateName",
];

/// A sealed Secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The resource, ready to be committed.
    pub object: SealedSecret,
    /// Whether the item lines were left out for size, which the user is told.
    pub lines_left_out: bool,
}

/// One sealed value.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedItem {
    /// The ciphertext, base64 on one line.
    pub text: String,
    /// What is known of it.
    pub line: ItemLine,
}

/// Why a value could not be sealed: see [`seal_envelope::SealError`].
pub use seal_envelope::SealError;

/// Seals one value for `binding`.
///
/// # Errors
///
/// [`SealError`].
pub fn seal_item(
    value: &[u8],
    binding: &Binding,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<SealedItem, SealError> {
    let text = certificate.seal(value, &binding.label())?.into_text();
    let line = ItemLine::new(certificate.key_id().short(), now, binding.clone(), &text);
    Ok(SealedItem { text, line })
}

/// Seals a Secret for its own name and namespace.
///
/// The template gets a copy of the metadata but for what must not travel: server fields, owner references, the copies
/// that `kubectl apply` and `kubecfg` leave, and item lines. The SealedSecret itself gets name, namespace, the scope
/// annotation and the item lines.
///
/// # Errors
///
/// [`Failure`] with reason `MissingName`, `MissingNamespace`, `InvalidName`, `PlaintextInMetadata`, or `Retrying` where the
/// operating system gives no random bytes. The certificate's validity, the Secret's type and empty data are the
/// caller's to judge, who knows the flags.
pub fn seal(
    secret: &Secret,
    scope: Scope,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<Sealed, Failure> {
    check_names(secret)?;
    seal_with_any_name(secret, scope, certificate, now)
}

/// Seals as [`seal`] does, whatever the Secret's name and namespace are: they need not be ones that Kubernetes takes.
///
/// # Errors
///
/// As [`seal`]; `InvalidName` is left for the keys.
pub fn seal_with_any_name(
    secret: &Secret,
    scope: Scope,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<Sealed, Failure> {
    let binding = Binding {
        scope,
        namespace: secret.namespace().to_owned(),
        name: secret.name().to_owned(),
    };
    check(secret, &binding)?;
    let template = template(secret, scope);
    check_template(secret, &template)?;
    let mut spec = SealedSecretSpec {
        template: Some(template),
        ..Default::default()
    };
    let mut lines = ItemLines::default();
    for (key, value) in &secret.data {
        let item = seal_item(value.as_bytes(), &binding, certificate, now)
            .map_err(|error| Failure::of_object(Reason::Retrying, error.to_string()))?;
        spec.encrypted_data.insert(key.clone(), item.text);
        lines.insert(key, item.line);
    }
    let mut object = SealedSecret::new(&binding.name, spec);
    object.metadata.namespace = Some(binding.namespace).filter(|namespace| !namespace.is_empty());
    object.metadata.annotations = scope
        .annotation()
        .map(|name| [(name.to_owned(), "true".to_owned())].into());
    let lines_left_out = !add_lines(&mut object, &lines);
    Ok(Sealed {
        object,
        lines_left_out,
    })
}

/// Adds the item lines where they fit; false where they were left out for size.
pub(crate) fn add_lines(object: &mut SealedSecret, lines: &ItemLines) -> bool {
    let text = lines.to_string();
    let fit = item_lines_fit(object, &text);
    if fit && !lines.is_empty() {
        object
            .metadata
            .annotations
            .get_or_insert_default()
            .insert(annotations::ITEMS.to_owned(), text);
    }
    fit
}

fn check(secret: &Secret, binding: &Binding) -> Result<(), Failure> {
    if binding.name.is_empty() {
        return Err(Failure::of_object(
            Reason::MissingName,
            "the Secret has no metadata.name",
        ));
    }
    if binding.namespace.is_empty() && binding.scope != Scope::ClusterWide {
        let message = format!(
            "the Secret has no namespace, and scope {} is bound to one",
            binding.scope
        );
        return Err(Failure::of_object(Reason::MissingNamespace, message));
    }
    let known = |field: &str| stays_behind(field) || TRAVELLING_FIELDS.contains(&field);
    if secret.metadata.keys().any(|field| !known(field)) {
        let message = "metadata has a field that the metadata of Kubernetes does not have; is a value indented too far?";
        return Err(Failure::of_object(Reason::InvalidObject, message));
    }
    for key in secret.data.keys() {
        check_item_key(key).map_err(|error| invalid("key", key, &error))?;
    }
    Ok(())
}

/// Refuses a name or namespace that Kubernetes does not take; one that is missing is another failure.
fn check_names(secret: &Secret) -> Result<(), Failure> {
    let (name, namespace) = (secret.name(), secret.namespace());
    if !name.is_empty() {
        check_name(name).map_err(|error| invalid("name", name, &error))?;
    }
    if !namespace.is_empty() {
        check_namespace(namespace).map_err(|error| invalid("namespace", namespace, &error))?;
    }
    Ok(())
}

fn invalid(what: &str, text: &str, error: &crate::NameError) -> Failure {
    Failure::of_object(Reason::InvalidName, format!("{what} {text:?} {error}"))
}

/// Refuses a template that holds a value of the Secret. Its name and namespace stand in the open anyway.
fn check_template(secret: &Secret, template: &SecretTemplate) -> Result<(), Failure> {
    let mut metadata = template.metadata.clone().unwrap_or_default();
    metadata.retain(|field, _| field != "name" && field != "namespace");
    let type_ = template.type_.clone().unwrap_or_default();
    let cleartext = Cleartext::of(secret);
    let found = cleartext::find(&cleartext, "metadata", &Value::Object(metadata))
        .or_else(|| cleartext::find(&cleartext, "type", &Value::String(type_)));
    match found {
        Some(field) => Err(Failure::of_object(
            Reason::PlaintextInMetadata,
            format!(
                "{field} holds a value of the Secret in cleartext and would be committed; remove it"
            ),
        )),
        None => Ok(()),
    }
}

fn template(secret: &Secret, scope: Scope) -> SecretTemplate {
    let mut metadata: Map<String, Value> = secret.metadata.clone();
    metadata.retain(|field, _| !stays_behind(field));
    let mut stripped = Secret {
        metadata,
        type_: None,
        immutable: None,
        data: BTreeMap::new(),
    };
    stripped.set_strings("annotations", template_annotations(secret, scope));
    SecretTemplate {
        metadata: Some(stripped.metadata),
        type_: secret.type_.clone(),
        immutable: secret.immutable,
        data: None,
    }
}

/// The annotations that travel, with exactly the annotation of the chosen scope among them.
fn template_annotations(secret: &Secret, scope: Scope) -> BTreeMap<String, String> {
    let mut annotations = secret.annotations();
    annotations.retain(|name, _| travels(name));
    for other in Scope::ALL
        .into_iter()
        .filter(|other| *other != scope)
        .filter_map(Scope::annotation)
    {
        annotations.remove(other);
    }
    annotations.extend(
        scope
            .annotation()
            .map(|name| (name.to_owned(), "true".to_owned())),
    );
    annotations
}

/// Whether a field of ObjectMeta belongs to one object in one cluster.
fn stays_behind(field: &str) -> bool {
    field == "ownerReferences" || SERVER_FIELDS.contains(&field)
}

pub(crate) fn travels(annotation: &str) -> bool {
    !annotations::LAST_APPLIED.contains(&annotation) && annotation != annotations::ITEMS
}
