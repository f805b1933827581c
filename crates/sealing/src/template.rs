//! What the template of a SealedSecret adds to the opened items.

use std::collections::BTreeMap;

use seal_api::{Reason, SealedSecret, SecretTemplate};
use seal_envelope::Plaintext;
use serde_json::Map;

use crate::{Secret, failure::ItemFailure};

/// The Secret that a template and opened items make.
///
/// Metadata, type and immutable come from the template, name and namespace always from the SealedSecret. Texts of
/// `template.data` are taken as they stand; a sealed item wins over a text of the same key, and `null` removes it.
pub(crate) fn apply(sealed: &SealedSecret, items: BTreeMap<String, Plaintext>) -> Secret {
    let template = sealed.spec.template.clone().unwrap_or_default();
    let mut data = items;
    for (key, text) in template.data.iter().flatten() {
        match text {
            Some(text) => {
                data.entry(key.clone())
                    .or_insert_with(|| text.as_bytes().into());
            }
            None => {
                data.remove(key);
            }
        }
    }
    let mut secret = Secret {
        metadata: template.metadata.unwrap_or_default(),
        type_: template.type_,
        immutable: template.immutable,
        data,
    };
    name_after(&mut secret, sealed);
    secret
}

/// Gives the Secret the name and namespace of the SealedSecret, whatever stood there.
pub(crate) fn name_after(secret: &mut Secret, sealed: &SealedSecret) {
    let rest = std::mem::replace(&mut secret.metadata, Map::new());
    for (field, value) in [
        ("name", &sealed.metadata.name),
        ("namespace", &sealed.metadata.namespace),
    ] {
        if let Some(value) = value {
            secret
                .metadata
                .insert(field.to_owned(), value.clone().into());
        }
    }
    secret.metadata.extend(
        rest.into_iter()
            .filter(|(field, _)| field != "name" && field != "namespace"),
    );
}

/// The texts that cannot be taken as they stand, because they use the template language.
///
/// A text whose key is also a sealed item counts too: upstream renders it and fails the object if that fails.
pub(crate) fn unsupported(template: Option<&SecretTemplate>) -> Vec<ItemFailure> {
    let texts = template
        .and_then(|template| template.data.as_ref())
        .into_iter()
        .flatten();
    texts
        .filter(|(_, text)| text.as_ref().is_some_and(|text| text.contains("{{")))
        .map(|(key, _)| ItemFailure {
            item: Some(key.clone()),
            reason: Reason::TemplateUnsupported,
            message: "the template text uses \"{{\", which this version does not render".to_owned(),
        })
        .collect()
}
