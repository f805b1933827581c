//! `status/keys.yaml`: what is written into it, and what a start reads back.

use std::path::Path;

use jiff::Timestamp;
use seal_api::Reason;
use seal_manifest::{Limits, Text, read};
use serde::{Deserialize, Serialize};

use super::{
    hold::{Hold, Known},
    read::{Entry, State},
};
use crate::directory::input;

/// `status/keys.yaml`.
#[derive(Debug, Serialize)]
pub(super) struct KeysFile<'k> {
    pub(super) keys: &'k [Line],
    /// The current key, while it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<&'k Known>,
    /// Why a key that is due is not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<&'k Hold>,
}

/// One key, or one file that holds none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    pub(super) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) document: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    pub(super) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
}

impl Line {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            file: entry.file.clone(),
            document: entry.document,
            key_id: entry.key_id.map(|id| id.full()),
            state: entry.state,
            reason: entry.reason,
            message: entry.message.clone(),
            not_before: entry.validity.map(|(not_before, _)| not_before),
            not_after: entry.validity.map(|(_, not_after)| not_after),
        }
    }
}

/// What a start needs of the file.
#[derive(Deserialize)]
struct Saved {
    keys: Vec<SavedLine>,
    #[serde(default)]
    missing: Option<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedLine {
    file: String,
    #[serde(default)]
    key_id: Option<String>,
    state: String,
}

/// The current key that an earlier run knew of. A file that cannot be read is as good as none.
pub(super) fn load(path: &Path) -> Option<Known> {
    let bytes = input::read(path).ok()??;
    let text = Text::decode(&bytes).ok()?;
    let documents = read(text.as_str(), &Limits::default()).ok()?.documents;
    let document = documents.into_iter().next()?.ok()?;
    let saved: Saved = serde_json::from_value(document.root.to_json()).ok()?;
    let current = |line: SavedLine| {
        Some(Known {
            key_id: line.key_id.filter(|_| line.state == "current")?,
            file: line.file,
            missing_since: None,
        })
    };
    saved
        .missing
        .or_else(|| saved.keys.into_iter().find_map(current))
}
