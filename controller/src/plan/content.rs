//! What a Secret should hold, and whether it does.

use std::collections::BTreeMap;

use seal_sealing::Secret;
use serde_json::Value;

use super::{Owner, Source};

const OWNER_REFERENCES: &str = "ownerReferences";

/// The Secret as it is made anew: as it opened, with the owner reference unless the template asks for none.
pub(super) fn wanted(opened: &Secret, source: &Source<'_>, owner: &Owner<'_>) -> Secret {
    let mut wanted = opened.clone();
    // Templates of older tools hold `creationTimestamp: null`.
    wanted.metadata.retain(|_, value| !value.is_null());
    match source {
        Source::There {
            without_owner: true,
            ..
        } => {
            // References in the template are somebody else's: with them the Secret would not count as ours.
            wanted.metadata.remove(OWNER_REFERENCES);
        }
        Source::There { .. } | Source::Gone => {
            wanted
                .metadata
                .insert(OWNER_REFERENCES.to_owned(), owner.references());
        }
    }
    wanted
}

/// The existing Secret with everything replaced that upstream replaces. `immutable` and other metadata stay.
pub(super) fn replaced(existing: &Secret, wanted: &Secret) -> Secret {
    let mut next = existing.clone();
    // Kubernetes itself fills in the token.
    if wanted.type_or_opaque() == "kubernetes.io/service-account-token" {
        next.data.extend(wanted.data.clone());
    } else {
        next.data = wanted.data.clone();
    }
    next.type_ = wanted.type_.clone();
    next.set_strings("labels", wanted.labels());
    next.set_strings("annotations", wanted.annotations());
    set_owner(&mut next, wanted);
    next
}

/// The existing Secret with everything that we declare as it was, and what others added to its metadata.
pub(super) fn repaired(existing: &Secret, wanted: &Secret) -> Secret {
    let mut next = replaced(existing, wanted);
    next.set_strings("labels", union(existing.labels(), wanted.labels()));
    next.set_strings(
        "annotations",
        union(existing.annotations(), wanted.annotations()),
    );
    let ours = references(wanted);
    let are_there = ours.iter().all(|ours| references(existing).contains(ours));
    if are_there && !ours.is_empty() {
        set_owner(&mut next, existing);
    }
    next
}

/// The existing Secret with our items, labels and annotations in it, and nothing taken away.
pub(super) fn merged(existing: &Secret, wanted: &Secret, takes_owner: bool) -> Secret {
    let mut next = existing.clone();
    next.data.extend(wanted.data.clone());
    if wanted
        .type_
        .as_deref()
        .is_some_and(|type_| !type_.is_empty())
    {
        next.type_ = wanted.type_.clone();
    }
    next.set_strings("labels", union(existing.labels(), wanted.labels()));
    next.set_strings(
        "annotations",
        union(existing.annotations(), wanted.annotations()),
    );
    if takes_owner {
        set_owner(&mut next, wanted);
    }
    next
}

fn union(
    mut existing: BTreeMap<String, String>,
    wanted: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    existing.extend(wanted);
    existing
}

fn set_owner(next: &mut Secret, wanted: &Secret) {
    match wanted.metadata.get(OWNER_REFERENCES) {
        Some(references) => {
            next.metadata
                .insert(OWNER_REFERENCES.to_owned(), references.clone());
        }
        None => {
            next.metadata.remove(OWNER_REFERENCES);
        }
    }
}

/// Whether the existing Secret has to be written.
///
/// Where it was right before (`settled`), only what the SealedSecret declares counts: labels, annotations and owner
/// references that others added are none of our business. A new SealedSecret is written wholesale, as upstream does.
pub(super) fn differs(existing: &Secret, next: &Secret, wanted: &Secret, settled: bool) -> bool {
    if values_differ(existing, next) {
        return true;
    }
    if settled {
        return !holds(&existing.labels(), &wanted.labels())
            || !holds(&existing.annotations(), &wanted.annotations())
            || !references(next)
                .iter()
                .all(|ours| references(existing).contains(ours));
    }
    existing.labels() != next.labels()
        || existing.annotations() != next.annotations()
        || references(existing) != references(next)
}

/// What a Secret should be where the data that is there stays: of the rendering only what `merges` into it and is missing.
pub(super) fn keeping_data(existing: &Secret, wanted: &Secret, merges: bool) -> Secret {
    let mut kept = wanted.clone();
    if merges {
        for (key, value) in &mut kept.data {
            if let Some(there) = existing.data.get(key) {
                value.clone_from(there);
            }
        }
    } else {
        kept.data.clone_from(&existing.data);
    }
    kept
}

/// Whether a Secret has a value for each key that it should have.
pub(super) fn has_all_keys(existing: &Secret, wanted: &Secret) -> bool {
    wanted
        .data
        .keys()
        .all(|key| existing.data.contains_key(key))
}

/// Whether a Secret was stored as it was written: a policy or webhook may change it on the way. What it adds to labels and
/// annotations does not count.
pub fn is_stored(written: &Secret, stored: &Secret) -> bool {
    !values_differ(stored, written)
        && holds(&stored.labels(), &written.labels())
        && holds(&stored.annotations(), &written.annotations())
}

/// Whether the data or the type differ, which an immutable Secret forbids.
pub(super) fn values_differ(existing: &Secret, next: &Secret) -> bool {
    existing.data != next.data || existing.type_or_opaque() != next.type_or_opaque()
}

fn holds(existing: &BTreeMap<String, String>, declared: &BTreeMap<String, String>) -> bool {
    declared
        .iter()
        .all(|(name, value)| existing.get(name) == Some(value))
}

fn references(secret: &Secret) -> &[Value] {
    let references = secret
        .metadata
        .get(OWNER_REFERENCES)
        .and_then(Value::as_array);
    references.map_or(&[], Vec::as_slice)
}
