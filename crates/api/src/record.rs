//! What the controller notes in the status of a SealedSecret about the Secret that it wrote, so that it knows after a
//! restart that the Secret is right without opening anything.
//!
//! It holds names and keyed digests, never a value. Only the controller can make or check one: see `docs/record.md`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The one form of a record that there is.
pub const RECORD_FORMAT: u32 = 1;

/// The record of a written Secret, `status.record`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretRecord {
    /// The form of this record: [`RECORD_FORMAT`].
    pub format: u32,
    /// The version of the rules by which the Secret was made.
    pub rules: u32,
    /// The flags of the controller that were on and change what is made of a SealedSecret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Whether the whole Secret was written, or only our part of it.
    pub mode: RecordMode,
    /// Whether the Secret was written without owner reference, so that only this record proves it ours.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_owner: bool,
    /// The keys of the Secret's data that we wrote, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
    /// The labels that we wrote, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The annotations that we wrote, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
    /// Which sealing key opened which items, sorted by key id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealing_keys: Vec<RecordedKey>,
    /// The Secret as it was left; none while it is about to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<RecordedSecret>,
    /// The id of the key by which the digests were made, 16 hexadecimal digits.
    pub hmac_key: String,
    /// HMAC-SHA-256 over what was written, 64 hexadecimal digits. None for the deprecated form of a SealedSecret, whose
    /// names are secret as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// HMAC-SHA-256 over what the Secret was made from, 64 hexadecimal digits.
    pub made_from: String,
    /// HMAC-SHA-256 over this record and the namespace, name and uid of its SealedSecret, 64 hexadecimal digits.
    pub record: String,
}

/// How much of a Secret is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RecordMode {
    /// All of its data.
    #[default]
    Whole,
    /// The items that were merged into it.
    Patch,
}

impl RecordMode {
    /// The word that stands in a record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Patch => "patch",
        }
    }
}

/// A sealing key, and the items that it opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordedKey {
    /// The key id, all 64 hexadecimal digits of it.
    pub id: String,
    /// The keys of the items, sorted.
    pub items: Vec<String>,
}

/// A state of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedSecret {
    /// Its uid.
    pub uid: String,
    /// Its `resourceVersion`.
    pub resource_version: String,
}

/// A record that somebody broke counts as none, and breaks nothing else of the status.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretRecord>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
