//! What is counted by object, namespace and key: bounded, and gone with the objects it is about.
//!
//! A namespace has series of its own from its first SealedSecret to its last. There are places for [`MOST_NAMESPACES`];
//! what happens in others, or to a SealedSecret that is gone already, is counted in [`OTHER`], which is always there.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Error,
    sync::Arc,
};

use prometheus_client::encoding::DescriptorEncoder;
use seal_api::{Condition, Reason};
use seal_envelope::KeyId;

use super::{ObjectState, UnsealError, encode::Encoder, keys::KeySeries, series::*};

/// How many namespaces have series of their own.
const MOST_NAMESPACES: usize = 100;
/// The label of all others; no namespace and no key can have it.
pub(super) const OTHER: &str = "_other";

/// The reasons that a SealedSecret can have, which are told of from the start. One that is missing here is told of from
/// its first occurrence.
const REASONS: [Reason; 32] = [
    Reason::Unsealed,
    Reason::Retrying,
    Reason::UnknownKey,
    Reason::SealedForAnotherName,
    Reason::SealedForAnotherNamespace,
    Reason::SealedForAnotherScope,
    Reason::CannotOpen,
    Reason::MalformedItem,
    Reason::InvalidLegacyData,
    Reason::ConflictingData,
    Reason::TemplateInvalid,
    Reason::TemplateFunctionMissing,
    Reason::TemplateFailed,
    Reason::TemplateTooCostly,
    Reason::NotManaged,
    Reason::ImmutableSecret,
    Reason::SecretRefused,
    Reason::WriteForbidden,
    Reason::Contested,
    Reason::DuplicateObject,
    Reason::InvalidObject,
    Reason::WrongKind,
    Reason::MissingName,
    Reason::InvalidName,
    Reason::InvalidValue,
    Reason::EmptyData,
    Reason::InvalidContents,
    Reason::TypeNotAllowed,
    Reason::PlaintextInMetadata,
    Reason::Unreadable,
    Reason::Unwritable,
    Reason::TooLarge,
];

/// Something that is counted by namespace.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Failed(UnsealError),
    SpentOnFailing(u64),
    PutOff,
    DriftRepaired,
}

/// All SealedSecrets, and what happened to them. Cheap to copy, so that it can be told of while more happens.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    namespaces: BTreeMap<String, Namespace>,
    /// How many namespaces have series of their own.
    own: usize,
    other: Counts,
    by_key: BTreeMap<KeyId, u64>,
}

#[derive(Debug, Clone)]
struct Namespace {
    objects: HashMap<Arc<str>, Arc<Object>>,
    /// Its own series; none where there was no place left.
    counts: Option<Counts>,
}

#[derive(Debug, Clone, Default)]
struct Object {
    /// None until it was looked at.
    reason: Option<Reason>,
    instance: Box<str>,
    conditions: Box<[(ConditionName, i64)]>,
    keys: Box<[KeyId]>,
}

/// The type of a condition; only those of others take memory.
#[derive(Debug, Clone)]
enum ConditionName {
    Known(&'static str),
    Other(Box<str>),
}

#[derive(Debug, Clone)]
struct Counts {
    by_reason: BTreeMap<Reason, i64>,
    failed: [u64; UnsealError::ALL.len()],
    spent_on_failing: u64,
    put_off: u64,
    drift_repaired: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self::of(&REASONS)
    }
}

impl Counts {
    /// A namespace of many reasons is rare, so each has those that occurred in it.
    fn of_namespace() -> Self {
        Self::of(&[Reason::Unsealed])
    }

    fn of(reasons: &[Reason]) -> Self {
        Self {
            by_reason: reasons.iter().map(|reason| (*reason, 0)).collect(),
            failed: Default::default(),
            spent_on_failing: 0,
            put_off: 0,
            drift_repaired: 0,
        }
    }

    fn add(&mut self, event: Event) {
        match event {
            Event::Failed(error) => self.failed[error as usize] += 1,
            Event::SpentOnFailing(operations) => self.spent_on_failing += operations,
            Event::PutOff => self.put_off += 1,
            Event::DriftRepaired => self.drift_repaired += 1,
        }
    }
}

impl ConditionName {
    fn of(name: &str) -> Self {
        let known = ["Synced", "Ready", "Reconciling", "Stalled"];
        match known.into_iter().find(|known| *known == name) {
            Some(known) => Self::Known(known),
            None => Self::Other(name.into()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Other(name) => name,
        }
    }
}

/// In upstream's numbers.
fn number_of(condition: &Condition) -> i64 {
    match condition.status.as_str() {
        "True" => 1,
        "False" => -1,
        _ => 0,
    }
}

impl Objects {
    /// A SealedSecret is there.
    pub(super) fn there(&mut self, namespace: &str, name: &str) {
        self.object(namespace, name);
    }

    /// What became of it.
    pub(super) fn seen(&mut self, state: &ObjectState<'_>, omits_objects: bool) {
        let object = self.object(state.namespace, state.name);
        let before = object.reason.replace(state.reason);
        if !omits_objects {
            object.instance = state.instance.into();
            let conditions = state.conditions.iter();
            let conditions = conditions
                .map(|condition| (ConditionName::of(&condition.type_), number_of(condition)));
            // Of a type that stands twice, the last one counts.
            let mut all: Vec<(ConditionName, i64)> = Vec::with_capacity(state.conditions.len());
            for (name, number) in conditions {
                all.retain(|(other, _)| other.as_str() != name.as_str());
                all.push((name, number));
            }
            object.conditions = all.into();
        }
        let by_reason = &mut self.counts(state.namespace).by_reason;
        *by_reason.entry(state.reason).or_default() += 1;
        if let Some(before) = before {
            *by_reason.entry(before).or_default() -= 1;
        }
    }

    /// Which keys opened its items.
    pub(super) fn set_keys_of(&mut self, namespace: &str, name: &str, keys: BTreeSet<KeyId>) {
        let Some(namespace) = self.namespaces.get_mut(namespace) else {
            return;
        };
        let Some(object) = namespace.objects.get_mut(name) else {
            return;
        };
        let keys: Box<[KeyId]> = keys.into_iter().collect();
        let before = std::mem::replace(&mut Arc::make_mut(object).keys, keys.clone());
        for key in keys {
            *self.by_key.entry(key).or_default() += 1;
        }
        self.take_back(&before);
    }

    /// It is not there any more.
    pub(super) fn gone(&mut self, namespace: &str, name: &str) {
        let Some(of_namespace) = self.namespaces.get_mut(namespace) else {
            return;
        };
        let Some(object) = of_namespace.objects.remove(name) else {
            return;
        };
        let is_empty = of_namespace.objects.is_empty();
        if let Some(reason) = object.reason {
            let by_reason = &mut self.counts(namespace).by_reason;
            *by_reason.entry(reason).or_default() -= 1;
        }
        self.take_back(&object.keys);
        if is_empty && let Some(removed) = self.namespaces.remove(namespace) {
            self.own -= usize::from(removed.counts.is_some());
        }
    }

    /// What became of them is not known any more.
    pub(super) fn forget_outcomes(&mut self) {
        self.by_key.clear();
        for namespace in self.namespaces.values_mut() {
            for object in namespace.objects.values_mut() {
                *object = Arc::default();
            }
        }
        let own = self.namespaces.values_mut();
        let own = own.filter_map(|namespace| namespace.counts.as_mut());
        for counts in own.chain([&mut self.other]) {
            counts.by_reason.values_mut().for_each(|number| *number = 0);
        }
    }

    pub(super) fn count(&mut self, namespace: &str, event: Event) {
        self.counts(namespace).add(event);
    }

    fn take_back(&mut self, keys: &[KeyId]) {
        for key in keys {
            if let Some(number) = self.by_key.get_mut(key) {
                *number -= 1;
                if *number == 0 {
                    self.by_key.remove(key);
                }
            }
        }
    }

    fn object(&mut self, namespace: &str, name: &str) -> &mut Object {
        if !self.namespaces.contains_key(namespace) {
            let has_place = self.own < MOST_NAMESPACES;
            self.own += usize::from(has_place);
            let new = Namespace {
                objects: HashMap::new(),
                counts: has_place.then(Counts::of_namespace),
            };
            self.namespaces.insert(namespace.to_owned(), new);
        }
        let namespace = self.namespaces.get_mut(namespace);
        let objects = &mut namespace.expect("it was just entered").objects;
        if !objects.contains_key(name) {
            objects.insert(name.into(), Arc::default());
        }
        Arc::make_mut(objects.get_mut(name).expect("it was just entered"))
    }

    fn counts(&mut self, namespace: &str) -> &mut Counts {
        let of_namespace = self.namespaces.get_mut(namespace);
        of_namespace
            .and_then(|namespace| namespace.counts.as_mut())
            .unwrap_or(&mut self.other)
    }

    /// Writes the series.
    pub(super) fn encode(
        &self,
        descriptors: &mut DescriptorEncoder<'_>,
        keys: &KeySeries,
    ) -> Result<(), Error> {
        let own = self.namespaces.iter();
        let own =
            own.filter_map(|(name, namespace)| Some((name.as_str(), namespace.counts.as_ref()?)));
        let counts: Vec<(&str, &Counts)> = own.chain([(OTHER, &self.other)]).collect();

        let mut encoder = Encoder::new(descriptors, &UNSEAL_ERRORS)?;
        for (namespace, counts) in &counts {
            for error in UnsealError::ALL {
                let number = counts.failed[error as usize];
                encoder.counter([error.as_str(), namespace], number)?;
            }
        }
        let mut encoder = Encoder::new(descriptors, &CONDITION_INFO)?;
        for (namespace, of_namespace) in &self.namespaces {
            for (name, object) in &of_namespace.objects {
                for (condition, number) in &object.conditions {
                    let labels = [&**namespace, &**name, condition.as_str(), &*object.instance];
                    encoder.gauge(labels, *number)?;
                }
            }
        }
        let mut encoder = Encoder::new(descriptors, &OBJECTS)?;
        for (namespace, counts) in &counts {
            for (reason, number) in &counts.by_reason {
                encoder.gauge([namespace, reason.as_str()], *number)?;
            }
        }
        let mut encoder = Encoder::new(descriptors, &OBJECTS_BY_KEY)?;
        for (key, number) in keys.objects(&self.by_key) {
            encoder.gauge([key], number)?;
        }
        type Count = fn(&Counts) -> u64;
        let of_namespaces: [(&Metric, Count); 3] = [
            (&FAILING_OPERATIONS, |counts| counts.spent_on_failing),
            (&PUT_OFF, |counts| counts.put_off),
            (&DRIFT, |counts| counts.drift_repaired),
        ];
        for (metric, count) in of_namespaces {
            let mut encoder = Encoder::new(descriptors, metric)?;
            for (namespace, counts) in &counts {
                encoder.counter([namespace], count(counts))?;
            }
        }
        Ok(())
    }
}
