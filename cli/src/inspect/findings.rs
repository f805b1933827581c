//! What can be seen to be wrong with a SealedSecret without a key.

use std::fmt;

use seal_api::{Reason, Scope, SealedSecret};
use seal_envelope::{Certificate, Ciphertext};
use seal_sealing::{
    Binding, ItemLine, ItemLines, check_item_key, is_restricted_type, template_problems,
};
use serde_json::{Value, json};

/// One thing that is not right.
pub(super) struct Finding {
    reason: Reason,
    item: Option<String>,
    message: String,
    /// The lines of a template where it is, with a mark.
    excerpt: Option<String>,
}

impl Finding {
    fn of_object(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            item: None,
            message: message.into(),
            excerpt: None,
        }
    }

    fn of_item(reason: Reason, item: &str, message: impl Into<String>) -> Self {
        Self {
            reason,
            item: Some(item.to_owned()),
            message: message.into(),
            excerpt: None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let Self {
            reason,
            item,
            message,
            excerpt,
        } = self;
        json!({"reason": reason.as_str(), "item": item, "message": message, "excerpt": excerpt})
    }

    /// The lines of a template where it is, with a mark.
    pub(super) fn excerpt(&self) -> impl Iterator<Item = &str> {
        self.excerpt.as_deref().unwrap_or_default().lines()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = self
            .item
            .as_ref()
            .map_or_else(String::new, |item| format!("{item}: "));
        write!(formatter, "[{}] {item}{}", self.reason, self.message)
    }
}

/// Everything that is wrong, the object first, then its items in order. With a certificate, items sealed with another
/// key are told as well.
pub(super) fn findings(object: &SealedSecret, certificate: Option<&Certificate>) -> Vec<Finding> {
    let lines = ItemLines::of(object);
    let mut findings = of_object(object);
    for (key, text) in &object.spec.encrypted_data {
        findings.extend(of_item(object, key, text, lines.get(key), certificate));
    }
    findings
}

fn of_object(object: &SealedSecret) -> Vec<Finding> {
    let mut findings = Vec::new();
    let binding = Binding::of(object);
    let template = object.spec.template.clone().unwrap_or_default();
    if binding.name.is_empty() {
        findings.push(Finding::of_object(
            Reason::MissingName,
            "the object has no name",
        ));
    }
    if binding.namespace.is_empty() && binding.scope != Scope::ClusterWide {
        let message = format!(
            "the object has no namespace, and scope {} is bound to one",
            binding.scope
        );
        findings.push(Finding::of_object(Reason::MissingNamespace, message));
    }
    if object.spec.data.is_some() && !object.spec.encrypted_data.is_empty() {
        let message =
            "spec.encryptedData and the deprecated spec.data cannot be used at the same time";
        findings.push(Finding::of_object(Reason::ConflictingData, message));
    }
    if let Some(type_) = template
        .type_
        .as_deref()
        .filter(|type_| is_restricted_type(type_))
    {
        let message =
            format!("the controller makes Secrets of type {type_} only where a flag allows it");
        findings.push(Finding::of_object(Reason::TypeNotAllowed, message));
    }
    for problem in template_problems(object) {
        let text = template
            .data
            .as_ref()
            .and_then(|data| data.get(&problem.item)?.as_ref());
        let excerpt = text.map(|text| problem.error.excerpt(text));
        let finding = Finding::of_item(problem.reason, &problem.item, problem.to_string());
        findings.push(Finding { excerpt, ..finding });
    }
    findings
}

fn of_item(
    object: &SealedSecret,
    key: &str,
    text: &str,
    line: Option<&ItemLine>,
    certificate: Option<&Certificate>,
) -> Option<Finding> {
    if let Err(error) = check_item_key(key) {
        return Some(Finding::of_item(
            Reason::InvalidName,
            key,
            error.to_string(),
        ));
    }
    if let Err(error) = Ciphertext::parse(text) {
        return Some(Finding::of_item(
            Reason::MalformedItem,
            key,
            error.to_string(),
        ));
    }
    let line = line?;
    let binding = Binding::of(object);
    if !line.fits(&binding) {
        let (reason, message) =
            seal_sealing::mismatch("says it was sealed for", &line.binding, &binding);
        return Some(Finding::of_item(reason, key, message));
    }
    let other_key =
        certificate.filter(|certificate| certificate.key_id().short() != line.key_id)?;
    let message = format!(
        "says it was sealed with key {}, the certificate's is {}",
        line.key_id,
        other_key.key_id()
    );
    Some(Finding::of_item(Reason::UnknownKey, key, message))
}
