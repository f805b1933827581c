//! SealedSecret and key ring to Secret.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret};
use seal_envelope::KeyId;

use crate::{
    Failure, KeyRing, Secret,
    contents::is_restricted_type,
    legacy,
    names::check_item_key,
    opening::{Ended, Opening},
    operations::{Operations, Purpose},
    template,
    tried::Tried,
};

/// What changes the result of unsealing.
#[derive(Debug, Clone)]
pub struct UnsealOptions {
    /// Whether the deprecated form `spec.data` is opened. On by default, as upstream.
    pub legacy_data: bool,
    /// Whether Secrets are made whose type Kubernetes itself acts on, such as `kubernetes.io/service-account-token`.
    pub restricted_types: bool,
    /// Whether templates may have functions that are random or read the clock, and what time it is then. None by default.
    pub random_functions: Option<Timestamp>,
}

impl Default for UnsealOptions {
    fn default() -> Self {
        Self {
            legacy_data: true,
            restricted_types: false,
            random_functions: None,
        }
    }
}

/// An opened SealedSecret.
#[derive(Debug)]
pub struct Opened {
    /// The Secret, named after the SealedSecret, without owner references of ours.
    pub secret: Secret,
    /// Which key opened which item; empty for the deprecated form.
    pub keys: BTreeMap<String, KeyId>,
    /// Whether its template has functions that are random or read the clock, so that it opens to something else each time.
    pub is_random: bool,
}

/// One try to open a SealedSecret.
#[derive(Debug)]
pub struct Attempt {
    /// What came of it.
    pub outcome: Outcome,
    /// The private-key operations that it took.
    pub operations: u64,
}

/// What came of a try to open a SealedSecret.
#[derive(Debug)]
pub enum Outcome {
    /// It opens.
    Opened(Opened),
    /// It does not; with what was found out, for the next try.
    Failed(Failure, Tried),
    /// It does not, and it would have taken more operations than were allowed to say why; with what was found out so far.
    PutOff(Tried),
    /// It does not, and an operation that would have shown why was not wanted; with what was found out so far.
    Unexplained(Tried),
    /// It is not known, as an operation was not wanted.
    BrokenOff,
}

/// Opens a SealedSecret: all of it or nothing.
///
/// The label comes from the SealedSecret's own name, namespace and annotations, never from its template. Costs one
/// private-key operation an item where its line names the right key; see `KeyRing` for the order otherwise.
///
/// # Errors
///
/// [`Failure`], with one entry for each item that failed, or one for the whole where the Secret is of a type that is not
/// made or has a key that no Secret can have. No entry holds cleartext, and what failed inside an opening is
/// not told apart.
pub fn unseal(
    sealed: &SealedSecret,
    ring: &KeyRing,
    options: &UnsealOptions,
) -> Result<Opened, Failure> {
    let tried = Tried::default();
    match unseal_again(sealed, ring, options, tried, u64::MAX, &mut |_| true).outcome {
        Outcome::Opened(opened) => Ok(opened),
        Outcome::Failed(failure, _) => Err(failure),
        Outcome::PutOff(_) | Outcome::Unexplained(_) | Outcome::BrokenOff => {
            Err(Failure::of_object(
                Reason::CannotOpen,
                "it took too many private-key operations",
            ))
        }
    }
}

/// Opens a SealedSecret as [`unseal`] does, knowing what earlier tries found out of the very same object.
///
/// No key is tried again with an item that it did not open, so a new key costs one operation for each such item. Once an
/// item failed, no further one is tried when `allowed` operations were made. Where none are allowed, each item is tried
/// with the likeliest key only. What it takes to find out why something does not open is allowed always.
///
/// `goes_on` is asked before each operation, may take its time, and says whether the operation is wanted. Where one to
/// open something is not, nothing came of the try; where only one to find out why something does not open is not, all
/// others of the try count, and another try makes up for it.
pub fn unseal_again(
    sealed: &SealedSecret,
    ring: &KeyRing,
    options: &UnsealOptions,
    tried: Tried,
    allowed: u64,
    goes_on: &mut dyn FnMut(Purpose) -> bool,
) -> Attempt {
    if let Err(failure) = check_form(sealed, options) {
        return Attempt {
            // No key will ever change it.
            outcome: Outcome::Failed(failure, Tried::default()),
            operations: 0,
        };
    }
    let mut opening = Opening::new(sealed, ring, tried, Operations::new(goes_on));
    let outcome = match open(sealed, options, &mut opening, allowed) {
        Ok(opened) => Outcome::Opened(opened),
        Err(Ended::Failed(failure)) => Outcome::Failed(failure, opening.tried),
        Err(Ended::PutOff) => Outcome::PutOff(opening.tried),
        Err(Ended::Unexplained) => Outcome::Unexplained(opening.tried),
        Err(Ended::BrokenOff) => Outcome::BrokenOff,
    };
    Attempt {
        outcome,
        operations: opening.operations.made,
    }
}

/// Refuses an object that is not opened, whatever is sealed in it.
fn check_form(sealed: &SealedSecret, options: &UnsealOptions) -> Result<(), Failure> {
    let (reason, message) = match &sealed.spec.data {
        Some(_) if !sealed.spec.encrypted_data.is_empty() => (
            Reason::ConflictingData,
            "spec.encryptedData and the deprecated spec.data cannot be used at the same time",
        ),
        Some(_) if !options.legacy_data => (
            Reason::InvalidObject,
            "the deprecated field spec.data is switched off; seal the Secret again",
        ),
        Some(_) | None => return Ok(()),
    };
    Err(Failure::of_object(reason, message))
}

fn open(
    sealed: &SealedSecret,
    options: &UnsealOptions,
    opening: &mut Opening<'_>,
    allowed: u64,
) -> Result<Opened, Ended> {
    let opened = match &sealed.spec.data {
        Some(text) => Opened {
            secret: legacy::open(sealed, text, opening, allowed)?,
            keys: BTreeMap::new(),
            is_random: false,
        },
        None => {
            let template = sealed.spec.template.as_ref();
            let mut templates = template::parse(template, options.random_functions);
            let items = opening.open_all(allowed, std::mem::take(&mut templates.failures))?;
            Opened {
                secret: template::apply(sealed, &templates, items.values)?,
                keys: items.keys,
                is_random: templates.is_random(),
            }
        }
    };
    let type_ = opened.secret.type_or_opaque();
    if is_restricted_type(type_) && !options.restricted_types {
        let message =
            format!("Secrets of type {type_} are not made: Kubernetes would act on them by itself");
        Err(Failure::of_object(Reason::TypeNotAllowed, message))?;
    }
    check_keys(sealed, &opened.secret)?;
    Ok(opened)
}

/// Refuses a Secret with a key that the API server would refuse; a folder would take it.
fn check_keys(sealed: &SealedSecret, secret: &Secret) -> Result<(), Failure> {
    let mut keys = secret.data.keys();
    let invalid = keys.find_map(|key| Some((key, check_item_key(key).err()?)));
    let Some((key, error)) = invalid else {
        return Ok(());
    };
    // The deprecated form seals the keys as well, so they are not named.
    let message = if sealed.spec.data.is_some() {
        format!("a key in spec.data {error}")
    } else {
        format!("key {key:?} {error}; rename it in the SealedSecret")
    };
    Err(Failure::of_object(Reason::InvalidName, message))
}
