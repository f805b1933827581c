//! SealedSecret and key ring to SealedSecret: the same values, sealed again with another key, without showing any.
//!
//! Made for callers that nobody vouches for. So nothing says why something does not open: there is no diagnosis, and each
//! way of not opening costs the same private-key operations, one for each key that is held. No template is rendered, no
//! value is taken apart, and the label comes from the object's own metadata alone, so that no scope becomes wider.

use jiff::Timestamp;
use seal_api::{SealedSecret, SealedSecretSpec, annotations};
use seal_envelope::{Certificate, Ciphertext, Plaintext, SealError};
use serde_json::Value;

use crate::{
    KeyRing,
    item_lines::ItemLines,
    opening::{LEGACY, Opening},
    operations::Operations,
    seal::{add_lines, seal_item, travels},
    tried::Tried,
};

/// Why nothing came of it. Says no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotResealed {
    /// Something in it does not open, or is in a form that is not opened.
    #[error("the SealedSecret does not open")]
    DoesNotOpen,
    /// The caller did not want to go on.
    #[error("the work was broken off")]
    BrokenOff,
    /// The operating system gives no random bytes, or the key is too small for what is to be sealed.
    #[error("the values cannot be sealed")]
    CannotSeal,
}

impl From<SealError> for NotResealed {
    fn from(_: SealError) -> Self {
        Self::CannotSeal
    }
}

/// Says whether everything that is sealed in an object opens. `legacy_data` says whether the deprecated form counts;
/// `goes_on` is asked before each private-key operation, and may take its time.
///
/// # Errors
///
/// [`NotResealed::DoesNotOpen`] at the first item that does not, and [`NotResealed::BrokenOff`].
pub fn check_opens(
    sealed: &SealedSecret,
    ring: &KeyRing,
    legacy_data: bool,
    goes_on: impl FnMut() -> bool,
) -> Result<(), NotResealed> {
    open_each(sealed, ring, legacy_data, goes_on, |_, _| Ok(()))
}

/// Seals everything that is sealed in an object again with `certificate`, for the same scope, name and namespace.
///
/// The result has the object's name, namespace, labels and annotations, but for item lines, which are made anew, and the
/// copies that `kubectl apply` and `kubecfg` leave; the template stays as it is. The deprecated form stays one, since
/// all it holds, metadata included, is sealed. What the cluster keeps of an object (uid, status and the like) is left out.
///
/// # Errors
///
/// [`NotResealed`], as in [`check_opens`].
pub fn reseal(
    sealed: &SealedSecret,
    ring: &KeyRing,
    legacy_data: bool,
    certificate: &Certificate,
    now: Timestamp,
    goes_on: impl FnMut() -> bool,
) -> Result<SealedSecret, NotResealed> {
    let mut object = shell_of(sealed);
    let binding = crate::Binding::of(sealed);
    let mut lines = ItemLines::default();
    open_each(sealed, ring, legacy_data, goes_on, |item, value| {
        let again = seal_item(value.as_bytes(), &binding, certificate, now)?;
        match item {
            Some(item) => {
                object
                    .spec
                    .encrypted_data
                    .insert(item.to_owned(), again.text);
                lines.insert(item, again.line);
            }
            None => object.spec.data = Some(again.text),
        }
        Ok(())
    })?;
    add_lines(&mut object, &lines);
    Ok(object)
}

/// Opens every item, or the one text of the deprecated form, which has no key.
fn open_each(
    sealed: &SealedSecret,
    ring: &KeyRing,
    legacy_data: bool,
    mut goes_on: impl FnMut() -> bool,
    mut each: impl FnMut(Option<&str>, Plaintext) -> Result<(), NotResealed>,
) -> Result<(), NotResealed> {
    let items = &sealed.spec.encrypted_data;
    let legacy = sealed.spec.data.as_ref();
    if legacy.is_some() && (!legacy_data || !items.is_empty()) {
        return Err(NotResealed::DoesNotOpen);
    }
    let mut goes_on = |_| goes_on();
    let operations = Operations::new(&mut goes_on);
    let mut opening = Opening::new(sealed, ring, Tried::default(), operations);
    let of_items = items.iter().map(|(item, text)| (Some(item.as_str()), text));
    for (item, text) in of_items.chain(legacy.map(|text| (None, text))) {
        let ciphertext = Ciphertext::parse(text).map_err(|_| NotResealed::DoesNotOpen)?;
        let (value, _) = opening
            .open(item.unwrap_or(LEGACY), &ciphertext)
            .map_err(|_| NotResealed::BrokenOff)?
            .ok_or(NotResealed::DoesNotOpen)?;
        each(item, value)?;
    }
    Ok(())
}

/// The object without what is sealed in it and what does not travel.
fn shell_of(sealed: &SealedSecret) -> SealedSecret {
    let mut object = SealedSecret {
        metadata: Default::default(),
        spec: SealedSecretSpec {
            template: sealed.spec.template.clone(),
            ..Default::default()
        },
        status: None,
    };
    let metadata = &sealed.metadata;
    object.metadata.name.clone_from(&metadata.name);
    object.metadata.namespace.clone_from(&metadata.namespace);
    object.metadata.labels.clone_from(&metadata.labels);
    let mut annotations = metadata.annotations.clone().unwrap_or_default();
    annotations.retain(|name, _| travels(name));
    object.metadata.annotations = Some(annotations).filter(|all| !all.is_empty());
    // Where upstream's rotate copied them into the template, they would go on into the Secret.
    let in_template = object
        .spec
        .template
        .as_mut()
        .and_then(|template| template.metadata.as_mut()?.get_mut("annotations"))
        .and_then(Value::as_object_mut);
    if let Some(annotations) = in_template {
        annotations.shift_remove(annotations::ITEMS);
    }
    object
}
