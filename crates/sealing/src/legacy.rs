//! The deprecated form `spec.data`: one ciphertext that holds the JSON of a whole Secret.

use seal_api::{Reason, SealedSecret};
use seal_envelope::{Ciphertext, KeyId};

use crate::{
    Binding, Failure, KeyRing, Secret,
    diagnosis::{self, Subject},
    item_lines::ItemLines,
    key_ring::Hints,
    template,
};

/// Opens `text`, the content of `spec.data`. Metadata, type and values all come from the plaintext; name and namespace
/// from the SealedSecret.
pub(crate) fn open(
    sealed: &SealedSecret,
    text: &str,
    ring: &KeyRing,
) -> Result<(Secret, KeyId), Failure> {
    let binding = Binding::of(sealed);
    let ciphertext = Ciphertext::parse(text).map_err(|error| {
        Failure::of_object(Reason::MalformedItem, format!("spec.data is {error}"))
    })?;
    let opened = ring.open(&ciphertext, &binding.label(), &Hints::default());
    let Some((plaintext, key_id)) = opened else {
        let lines = ItemLines::default();
        let subject = Subject {
            sealed,
            binding: &binding,
            lines: &lines,
            ring,
        };
        let (reason, message) = diagnosis::prove(&subject, &ciphertext, None);
        return Err(Failure::of_object(reason, message));
    };
    let invalid = || {
        Failure::of_object(
            Reason::InvalidLegacyData,
            "spec.data opens, but does not hold a Secret as JSON",
        )
    };
    let object = serde_json::from_slice(plaintext.as_bytes()).map_err(|_| invalid())?;
    let mut secret = Secret::from_json(&object).map_err(|_| invalid())?;
    template::name_after(&mut secret, sealed);
    Ok((secret, key_id))
}
