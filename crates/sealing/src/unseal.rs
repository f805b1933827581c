//! SealedSecret and key ring to Secret.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret};
use seal_envelope::{Ciphertext, KeyId, Plaintext};

use crate::{
    Binding, Failure, KeyRing, Secret,
    contents::is_restricted_type,
    diagnosis::{self, Subject},
    failure::ItemFailure,
    item_lines::ItemLines,
    key_ring::Hints,
    legacy,
    names::check_item_key,
    template,
};

/// What changes the result of unsealing.
#[derive(Debug, Clone)]
pub struct UnsealOptions {
    /// Whether the deprecated form `spec.data` is opened. On by default, as upstream.
    pub legacy_data: bool,
    /// Whether Secrets are made whose type Kubernetes itself acts on, such as `kubernetes.io/service-account-token`.
    pub restricted_types: bool,
}

impl Default for UnsealOptions {
    fn default() -> Self {
        Self {
            legacy_data: true,
            restricted_types: false,
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
    let opened = match &sealed.spec.data {
        Some(_) if !sealed.spec.encrypted_data.is_empty() => Err(Failure::of_object(
            Reason::ConflictingData,
            "spec.encryptedData and the deprecated spec.data cannot be used at the same time",
        )),
        Some(_) if !options.legacy_data => Err(Failure::of_object(
            Reason::InvalidObject,
            "the deprecated field spec.data is switched off; seal the Secret again",
        )),
        Some(text) => legacy::open(sealed, text, ring).map(|(secret, _)| Opened {
            secret,
            keys: BTreeMap::new(),
        }),
        None => open_items(sealed, ring),
    }?;
    let type_ = opened.secret.type_or_opaque();
    if is_restricted_type(type_) && !options.restricted_types {
        let message =
            format!("Secrets of type {type_} are not made: Kubernetes would act on them by itself");
        return Err(Failure::of_object(Reason::TypeNotAllowed, message));
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

fn open_items(sealed: &SealedSecret, ring: &KeyRing) -> Result<Opened, Failure> {
    let mut unsupported = template::unsupported(sealed.spec.template.as_ref());
    let mut run = Run::new(sealed, ring);
    let items = run.open_all();
    run.failures.append(&mut unsupported);
    match Failure::of_items(run.failures) {
        Some(failure) => Err(failure),
        None => Ok(Opened {
            secret: template::apply(sealed, items),
            keys: run.keys,
        }),
    }
}

/// Opening the items of one object, one after the other: what opened one is tried first with the next.
pub(crate) struct Opening<'r> {
    ring: &'r KeyRing,
    pub(crate) binding: Binding,
    lines: ItemLines,
    created: Option<Timestamp>,
    /// Last used first.
    used: Vec<KeyId>,
}

impl<'r> Opening<'r> {
    pub(crate) fn new(sealed: &SealedSecret, ring: &'r KeyRing) -> Self {
        let created = sealed
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0);
        Self {
            ring,
            binding: Binding::of(sealed),
            lines: ItemLines::of(sealed),
            created,
            used: Vec::new(),
        }
    }

    /// Opens one item: its value and the key that opened it.
    pub(crate) fn open(
        &mut self,
        item: &str,
        ciphertext: &Ciphertext,
    ) -> Option<(Plaintext, KeyId)> {
        let of_line = self.lines.get(item).map(|line| line.key_id.as_str());
        let hints = Hints {
            of_line,
            of_other_items: &self.used,
            created: self.created,
        };
        let (value, key_id) = self.ring.open(ciphertext, &self.binding.label(), &hints)?;
        self.used.retain(|used| *used != key_id);
        self.used.insert(0, key_id);
        Some((value, key_id))
    }
}

/// One pass over the items of one object.
struct Run<'r> {
    sealed: &'r SealedSecret,
    opening: Opening<'r>,
    keys: BTreeMap<String, KeyId>,
    failures: Vec<ItemFailure>,
    /// The outcome of the one diagnosis, with the line it was made for.
    diagnosed: Option<(Option<crate::ItemLine>, Reason, String)>,
}

impl<'r> Run<'r> {
    fn new(sealed: &'r SealedSecret, ring: &'r KeyRing) -> Self {
        Self {
            sealed,
            opening: Opening::new(sealed, ring),
            keys: BTreeMap::new(),
            failures: Vec::new(),
            diagnosed: None,
        }
    }

    fn open_all(&mut self) -> BTreeMap<String, Plaintext> {
        let mut opened = BTreeMap::new();
        for (item, text) in &self.sealed.spec.encrypted_data {
            match self.open(item, text) {
                Ok(value) => {
                    opened.insert(item.clone(), value);
                }
                Err((reason, message)) => {
                    self.failures.push(ItemFailure {
                        item: Some(item.clone()),
                        reason,
                        message,
                    });
                }
            }
        }
        opened
    }

    fn open(&mut self, item: &str, text: &str) -> Result<Plaintext, (Reason, String)> {
        let ciphertext =
            Ciphertext::parse(text).map_err(|error| (Reason::MalformedItem, error.to_string()))?;
        let Some((value, key_id)) = self.opening.open(item, &ciphertext) else {
            return Err(self.diagnose(item, &ciphertext));
        };
        self.keys.insert(item.to_owned(), key_id);
        Ok(value)
    }

    /// Diagnoses the first failing item with operations, the others by their lines.
    fn diagnose(&mut self, item: &str, ciphertext: &Ciphertext) -> (Reason, String) {
        let Opening {
            ring,
            binding,
            lines,
            ..
        } = &self.opening;
        let subject = Subject {
            sealed: self.sealed,
            binding,
            lines,
            ring,
        };
        let line = lines.get(item);
        match &self.diagnosed {
            Some((proven, reason, message)) if same_claim(proven.as_ref(), line) => {
                (*reason, message.clone())
            }
            Some(_) => diagnosis::claim(&subject, line),
            None => {
                let (reason, message) = diagnosis::prove(&subject, ciphertext, Some(item));
                self.diagnosed = Some((line.cloned(), reason, message.clone()));
                (reason, message)
            }
        }
    }
}

/// Whether two items claim the same of themselves, so that what was proven of one is said of the other.
fn same_claim(one: Option<&crate::ItemLine>, other: Option<&crate::ItemLine>) -> bool {
    let claim = |line: Option<&crate::ItemLine>| {
        line.map(|line| (line.key_id.clone(), line.binding.clone()))
    };
    one.is_some() && claim(one) == claim(other)
}
