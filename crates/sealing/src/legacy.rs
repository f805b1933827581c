//! The deprecated form `spec.data`: one ciphertext that holds the JSON of a whole Secret.

use seal_api::{Reason, SealedSecret};

use crate::{
    Failure, Secret,
    opening::{Ended, Opening},
    template,
};

/// Opens `text`, the content of `spec.data`. Metadata, type and values all come from the plaintext; name and namespace
/// from the SealedSecret.
pub(crate) fn open(
    sealed: &SealedSecret,
    text: &str,
    opening: &mut Opening<'_>,
    allowed: u64,
) -> Result<Secret, Ended> {
    let plaintext = opening.open_text(text, allowed)?;
    let invalid = || {
        Failure::of_object(
            Reason::InvalidLegacyData,
            "spec.data opens, but does not hold a Secret as JSON",
        )
    };
    let object = serde_json::from_slice(plaintext.as_bytes()).map_err(|_| invalid())?;
    let mut secret = Secret::from_json(&object).map_err(|_| invalid())?;
    template::name_after(&mut secret, sealed);
    Ok(secret)
}
