//! Why an item does not open: the question that users of such tools ask most.
//!
//! What an item's line says is a claim until an operation proves it, and is worded so. Proof costs at most four
//! private-key operations, with one key only, and is sought for one item an object.

use seal_api::{Reason, Scope, SealedSecret};
use seal_envelope::Ciphertext;

use crate::{
    Binding, KeyRing,
    item_lines::{ItemLine, ItemLines},
    operations::{Operations, Purpose, Unwanted},
};

/// The object that failed, and what is at hand to find out why.
pub(crate) struct Subject<'s> {
    pub(crate) sealed: &'s SealedSecret,
    pub(crate) binding: &'s Binding,
    pub(crate) lines: &'s ItemLines,
    pub(crate) ring: &'s KeyRing,
}

/// Finds out why an item does not open, with private-key operations, unless one of them is not wanted.
pub(crate) fn prove(
    subject: &Subject<'_>,
    ciphertext: &Ciphertext,
    item: Option<&str>,
    operations: &mut Operations<'_>,
) -> Result<(Reason, String), Unwanted> {
    let line = item.and_then(|item| subject.lines.get(item));
    let hinted = line.map(|line| subject.ring.find(&line.key_id));
    if let (Some(line), Some(None)) = (line, hinted) {
        return Ok(unknown_key(line, subject.ring));
    }
    let newest = || subject.ring.keys().first().map(|key| &**key);
    let Some(key) = hinted.flatten().or_else(newest) else {
        return Ok((
            Reason::NoKey,
            "no key is held, so nothing can be opened".to_owned(),
        ));
    };
    for guess in guesses(subject, line) {
        operations.begin(Purpose::Diagnosis)?;
        if key.opening_key.open(ciphertext, &guess.label()).is_some() {
            return Ok(mismatch("sealed for", &guess, subject.binding));
        }
    }
    Ok(claim(subject, line))
}

/// What can be said of an item without an operation.
pub(crate) fn claim(subject: &Subject<'_>, line: Option<&ItemLine>) -> (Reason, String) {
    match line {
        Some(line) if subject.ring.find(&line.key_id).is_none() => unknown_key(line, subject.ring),
        Some(line) if !line.fits(subject.binding) => {
            mismatch("says it was sealed for", &line.binding, subject.binding)
        }
        _ => (Reason::CannotOpen, "no key could decrypt secret".to_owned()),
    }
}

/// The bindings it may have been sealed with, likeliest first; not the one that just failed, and none twice.
fn guesses(subject: &Subject<'_>, line: Option<&ItemLine>) -> Vec<Binding> {
    let Binding {
        namespace, name, ..
    } = subject.binding.clone();
    let template = subject
        .sealed
        .spec
        .template
        .as_ref()
        .and_then(|template| template.metadata.as_ref());
    let declared = |field: &str, own: &str| {
        let text = template
            .and_then(|metadata| metadata.get(field)?.as_str())
            .filter(|text| !text.is_empty());
        text.unwrap_or(own).to_owned()
    };
    let strict = Binding {
        scope: Scope::Strict,
        namespace: declared("namespace", &namespace),
        name: declared("name", &name),
    };
    let namespace_wide = Binding {
        scope: Scope::NamespaceWide,
        namespace,
        name: name.clone(),
    };
    let cluster_wide = Binding {
        scope: Scope::ClusterWide,
        namespace: String::new(),
        name,
    };
    let mut guesses: Vec<Binding> = Vec::new();
    for guess in line.map(|line| line.binding.clone()).into_iter().chain([
        strict,
        namespace_wide,
        cluster_wide,
    ]) {
        let known = guesses.iter().any(|other| other.label() == guess.label());
        if !known && guess.label() != subject.binding.label() {
            guesses.push(guess);
        }
    }
    guesses
}

fn unknown_key(line: &ItemLine, ring: &KeyRing) -> (Reason, String) {
    let held = if ring.is_empty() {
        "no key is held".to_owned()
    } else {
        format!("held: {}", ring.short_ids())
    };
    (
        Reason::UnknownKey,
        format!(
            "says it was sealed with key {}, which is not held here ({held})",
            line.key_id
        ),
    )
}

/// Says that a value sealed for one place was found in another. `how` begins the message and says how sure that is.
pub fn mismatch(how: &str, sealed_for: &Binding, found: &Binding) -> (Reason, String) {
    if sealed_for.scope != found.scope {
        let message = format!(
            "{how} {sealed_for} (scope {}), found in {}/{} (scope {})",
            sealed_for.scope, found.namespace, found.name, found.scope
        );
        return (Reason::SealedForAnotherScope, message);
    }
    let reason = if sealed_for.namespace == found.namespace {
        Reason::SealedForAnotherName
    } else {
        Reason::SealedForAnotherNamespace
    };
    (
        reason,
        format!(
            "{how} {sealed_for}, found in {}/{}",
            found.namespace, found.name
        ),
    )
}
