//! Whose a Secret is.

use seal_api::{API_VERSION, KIND, annotations};
use seal_sealing::Secret;
use serde_json::{Value, json};

use super::Record;

/// A SealedSecret as an owner reference names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'o> {
    /// Its name.
    pub name: &'o str,
    /// Its uid.
    pub uid: &'o str,
}

impl Owner<'_> {
    /// `metadata.ownerReferences` of a Secret of this owner alone, as upstream writes it.
    pub(super) fn references(&self) -> Value {
        json!([{
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": true,
        }])
    }
}

/// By what right a Secret may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is ours.
    Ours,
    /// It was ours before names or clusters were restored.
    Restored,
    /// It was handed to us.
    Handed,
    /// Our items may be merged into it.
    Merge {
        /// Whether it becomes ours as well.
        takes_owner: bool,
    },
    /// It is somebody else's.
    Foreign,
}

/// By what right `owner` may write `existing`.
pub(super) fn claim(existing: &Secret, owner: &Owner<'_>, record: Record) -> Claim {
    let managed = existing.is_annotated(annotations::MANAGED);
    if existing.is_annotated(annotations::PATCH) {
        return Claim::Merge {
            takes_owner: managed,
        };
    }
    match controller(existing) {
        Some(reference) if reference["uid"] == owner.uid => Claim::Ours,
        // A backup restored elsewhere, or a SealedSecret made anew: everything but the uid is right.
        Some(reference) if names(reference, owner) => Claim::Restored,
        None if record == Record::WroteWithoutOwner => Claim::Ours,
        _ if managed => Claim::Handed,
        Some(_) | None => Claim::Foreign,
    }
}

/// Whether the controlling owner of a Secret is exactly this SealedSecret.
pub fn is_owned_by(existing: &Secret, owner: &Owner<'_>) -> bool {
    controller(existing)
        .is_some_and(|reference| reference["uid"] == owner.uid && names(reference, owner))
}

fn controller(existing: &Secret) -> Option<&Value> {
    let references = existing.metadata.get("ownerReferences")?.as_array()?;
    references
        .iter()
        .find(|reference| reference["controller"] == true)
}

fn names(reference: &Value, owner: &Owner<'_>) -> bool {
    reference["apiVersion"] == API_VERSION
        && reference["kind"] == KIND
        && reference["name"] == owner.name
}
