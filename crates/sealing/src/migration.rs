//! What becomes different for a SealedSecret when the controller in its cluster changes from upstream's to ours.

use std::collections::BTreeSet;

use seal_api::{Reason, SealedSecret};

use crate::{
    contents::is_restricted_type, failure::ItemFailure, names::check_item_key, template_problems,
};

/// What ours does not do with a SealedSecret that upstream does, as far as it shows without opening it; each with the reason
/// that its status will have. An existing Secret is left as it is for all of them. No entry holds a value.
pub fn differences(sealed: &SealedSecret) -> Vec<ItemFailure> {
    let template = sealed.spec.template.as_ref();
    let mut found: Vec<ItemFailure> = template_problems(sealed)
        .into_iter()
        // What is in no template language fails with upstream as well.
        .filter(|problem| problem.reason == Reason::TemplateFunctionMissing)
        .map(|problem| ItemFailure {
            message: problem.to_string(),
            item: Some(problem.item),
            reason: problem.reason,
        })
        .collect();
    let type_ = template.and_then(|template| template.type_.as_deref());
    if let Some(type_) = type_.filter(|type_| is_restricted_type(type_)) {
        found.push(ItemFailure {
            item: None,
            reason: Reason::TypeNotAllowed,
            message: format!("Secrets of type {type_} are made only with --allow-restricted-types"),
        });
    }
    let texts = template
        .and_then(|template| template.data.as_ref())
        .into_iter()
        .flatten()
        .map(|(key, _)| key);
    let keys: BTreeSet<&String> = sealed.spec.encrypted_data.keys().chain(texts).collect();
    for key in keys {
        if let Err(error) = check_item_key(key) {
            found.push(ItemFailure {
                item: Some(key.clone()),
                reason: Reason::InvalidName,
                message: format!("the key {error}"),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reasons(spec: serde_json::Value) -> Vec<Reason> {
        let object = json!({"metadata": {"name": "db"}, "spec": spec});
        let sealed = serde_json::from_value(object).expect("the sample is a SealedSecret");
        let found = differences(&sealed);
        found.iter().map(|difference| difference.reason).collect()
    }

    #[test]
    fn an_ordinary_object_stays_as_it_is() {
        let spec = json!({"encryptedData": {"a": "x"}, "template": {"type": "Opaque", "data": {"b": "text"}}});
        assert_eq!(reasons(spec), []);
    }

    #[test]
    fn what_is_not_done_here_has_the_reason_of_its_status() {
        let spec = json!({
            "encryptedData": {"a b": "x", "c": "x"},
            "template": {
                "type": "kubernetes.io/service-account-token",
                "data": {"a b": "", "c": "{{ now }}", "d": "{{ .a }}{{"},
            },
        });
        let expected = [
            Reason::TemplateFunctionMissing,
            Reason::TypeNotAllowed,
            Reason::InvalidName,
        ];
        assert_eq!(reasons(spec), expected);
    }
}
