//! What is right: a Secret, by what the documents say of it.
//!
//! The controller acts at some time after what users do, or not at all while it is down. So of each Secret all states are
//! kept in which it may be; what is seen of it rules states out.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use seal_api::{Scope, annotations};
use serde_json::{Value, json};

use super::{
    action::{Item, Key, Text},
    content::{Content, Owner, Strings, TYPE},
};
use crate::site::base64;

pub(crate) type Reasons = BTreeSet<&'static str>;
pub(crate) type Keys = BTreeSet<Key>;

/// A value as it was sealed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sealed {
    pub(crate) value: String,
    pub(crate) text: String,
    /// Its item line, where it is beside it.
    pub(crate) line: Option<String>,
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    /// Whether it was sealed for this name, and for this namespace.
    pub(crate) for_name: bool,
    pub(crate) for_namespace: bool,
    pub(crate) garbage: bool,
}

impl Sealed {
    /// Why it does not open; empty where it does.
    fn problems(&self, scope: Scope, keys: &Keys) -> Reasons {
        if self.garbage {
            return Reasons::from(["MalformedItem"]);
        }
        let mut reasons = Reasons::new();
        if !keys.contains(&self.key) {
            reasons.insert("UnknownKey");
        }
        if self.scope != scope {
            reasons.insert("SealedForAnotherScope");
        }
        if !self.for_namespace && self.scope != Scope::ClusterWide {
            reasons.insert("SealedForAnotherNamespace");
        }
        if !self.for_name && self.scope == Scope::Strict {
            reasons.insert("SealedForAnotherName");
        }
        if !reasons.is_empty() && self.line.is_none() {
            reasons.insert("CannotOpen");
            reasons.insert("UnknownKey");
        }
        reasons
    }
}

/// What a SealedSecret says.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) uid: String,
    pub(crate) items: BTreeMap<Item, Sealed>,
    pub(crate) labels: Strings,
    pub(crate) annotations: Strings,
    pub(crate) text: Text,
    pub(crate) typed: bool,
    pub(crate) immutable: bool,
    pub(crate) scope: Scope,
    pub(crate) ignores_drift: bool,
    pub(crate) note: Option<u8>,
}

impl Said {
    pub(crate) fn new(item: Item, sealed: Sealed) -> Self {
        Self {
            uid: String::new(),
            scope: sealed.scope,
            items: [(item, sealed)].into(),
            labels: Strings::new(),
            annotations: Strings::new(),
            text: Text::None,
            typed: false,
            immutable: false,
            ignores_drift: false,
            note: None,
        }
    }

    /// The SealedSecret.
    pub(crate) fn object(&self, namespace: &str, name: &str) -> Value {
        let mut annotations = Strings::new();
        if let Some(scope) = self.scope.annotation() {
            annotations.insert(scope.to_owned(), "true".to_owned());
        }
        if self.ignores_drift {
            annotations.insert(
                annotations::DRIFT.to_owned(),
                annotations::DRIFT_IGNORE.to_owned(),
            );
        }
        if let Some(note) = self.note {
            annotations.insert("example.com/irrelevant".to_owned(), note.to_string());
        }
        let lines = self.items.iter().filter_map(|(item, sealed)| {
            let line = sealed.line.as_ref()?;
            Some((item.key(), line.clone()))
        });
        // Sorted by their keys.
        let lines: BTreeMap<&str, String> = lines.collect();
        if !lines.is_empty() {
            let lines = lines.into_values().collect();
            annotations.insert(annotations::ITEMS.to_owned(), lines);
        }
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
            "spec": self.spec(),
        })
    }

    fn spec(&self) -> Value {
        let items: BTreeMap<&str, &str> = self
            .items
            .iter()
            .map(|(item, sealed)| (item.key(), sealed.text.as_str()))
            .collect();
        let mut template =
            json!({"metadata": {"labels": self.labels, "annotations": self.annotations}});
        if self.typed {
            template["type"] = TYPE.into();
        }
        if self.immutable {
            template["immutable"] = true.into();
        }
        let text = match self.text {
            Text::None => None,
            Text::Uses => Some("user={{ index . \"user\" }}"),
            Text::Broken => Some("user={{ .user"),
            Text::Clock => Some("at {{ now }}"),
        };
        if let Some(text) = text {
            template["data"] = json!({"conf": text});
        }
        json!({"encryptedData": items, "template": template})
    }

    /// What its Secret is made from; another one is another Secret.
    fn basis(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.uid, self.scope, self.spec().to_string()).hash(&mut hasher);
        hasher.finish()
    }

    fn skips_owner(&self) -> bool {
        self.annotations
            .get(annotations::SKIP_SET_OWNER_REFERENCES)
            .is_some_and(|value| value == "true")
    }

    /// What its Secret is to be, as it is made.
    pub(crate) fn wanted(&self) -> Content {
        let mut data: Strings = self
            .items
            .iter()
            .map(|(item, sealed)| (item.key().to_owned(), base64(&sealed.value)))
            .collect();
        if self.text == Text::Uses {
            let user = self.items.get(&Item::User);
            let user = user.map_or("", |sealed| &sealed.value);
            data.insert("conf".to_owned(), base64(&format!("user={user}")));
        }
        Content {
            data,
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            type_: if self.typed { TYPE } else { "Opaque" }.to_owned(),
            immutable: self.immutable,
            owner: if self.skips_owner() {
                Owner::None
            } else {
                Owner::Sealed(self.uid.clone())
            },
        }
    }

    /// Why it does not open; empty where it does. Which of several reasons is said is nobody's business.
    fn problems(&self, keys: &Keys) -> Reasons {
        let items = self.items.values();
        let mut reasons: Reasons = items
            .flat_map(|sealed| sealed.problems(self.scope, keys))
            .collect();
        match self.text {
            Text::None | Text::Uses => {}
            Text::Broken => drop(reasons.insert("TemplateInvalid")),
            Text::Clock => drop(reasons.insert("TemplateFunctionMissing")),
        }
        reasons
    }
}

/// A state in which a Secret may be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    pub(crate) secret: Option<Content>,
    /// For what it was made, or found right.
    right_for: Option<u64>,
    /// The uid of the SealedSecret whose record proves that we wrote it without owner reference.
    recorded: Option<String>,
}

impl State {
    pub(crate) fn absent() -> Self {
        Self {
            secret: None,
            right_for: None,
            recorded: None,
        }
    }

    /// As somebody else left it.
    pub(crate) fn left(secret: Content) -> Self {
        Self {
            secret: Some(secret),
            ..Self::absent()
        }
    }

    /// Where its record is lost.
    pub(crate) fn forgotten(&self) -> Self {
        Self {
            secret: self.secret.clone(),
            ..Self::absent()
        }
    }

    /// Where it is taken for what was right before, and changed.
    pub(crate) fn taken_for_drift(&self, said: &Said) -> Self {
        Self {
            right_for: Some(said.basis()),
            ..self.clone()
        }
    }

    pub(crate) fn with(&self, secret: Option<Content>) -> Self {
        match secret {
            None => Self {
                secret,
                right_for: self.right_for,
                recorded: None,
            },
            Some(_) => Self {
                secret,
                ..self.clone()
            },
        }
    }
}

/// What the controller makes of a Secret, and what it may say of it.
pub(crate) fn step(state: &State, said: &Said, keys: &Keys) -> (State, Reasons) {
    let problems = said.problems(keys);
    let wanted = said.wanted();
    let leave = |reasons: Reasons| (state.clone(), reasons);
    let right = |secret: Content| State {
        // What was merged into somebody's Secret does not make that ours.
        recorded: (secret.owner == Owner::None
            && said.skips_owner()
            && !secret.is(annotations::PATCH))
        .then(|| said.uid.clone()),
        right_for: Some(said.basis()),
        secret: Some(secret),
    };
    let unsealed = || Reasons::from(["Unsealed"]);
    let Some(there) = &state.secret else {
        return match problems.is_empty() {
            true => (right(wanted), unsealed()),
            false => leave(problems),
        };
    };
    let was_right = state.right_for == Some(said.basis());
    let patches = there.is(annotations::PATCH);
    let is_ours = match &there.owner {
        Owner::Sealed(_) => true,
        Owner::None => state.recorded.as_ref() == Some(&said.uid),
        Owner::Other => false,
    };
    let is_managed = there.is(annotations::MANAGED);
    if !patches && !is_ours && !is_managed {
        let mut reasons = problems;
        reasons.insert("NotManaged");
        // It need not be opened to see that.
        return leave(match reasons.len() {
            1 => reasons,
            _ if was_right => reasons,
            _ => {
                reasons.remove("NotManaged");
                reasons
            }
        });
    }
    let union = |existing: &Strings, ours: &Strings| -> Strings {
        existing.clone().into_iter().chain(ours.clone()).collect()
    };
    let mut next = there.clone();
    if patches {
        next.data = union(&there.data, &wanted.data);
        next.labels = union(&there.labels, &wanted.labels);
        next.annotations = union(&there.annotations, &wanted.annotations);
        if said.typed {
            next.type_.clone_from(&wanted.type_);
        }
        if next.is(annotations::MANAGED) {
            next.owner = wanted.owner;
        }
    } else {
        next.data = wanted.data;
        next.type_ = wanted.type_;
        next.owner = wanted.owner;
        if was_right && is_ours {
            // Drift: what others add is left alone.
            next.labels = union(&there.labels, &wanted.labels);
            next.annotations = union(&there.annotations, &wanted.annotations);
        } else {
            next.labels = wanted.labels;
            next.annotations = wanted.annotations;
        }
    }
    let is_right = next == *there;
    if was_right && (is_right || said.ignores_drift) {
        // Its record proves it, unless that is lost.
        let mut reasons = problems;
        reasons.insert("Unsealed");
        return (state.clone(), reasons);
    }
    if !problems.is_empty() {
        return leave(problems);
    }
    if next.data != there.data || next.type_ != there.type_ {
        if there.immutable {
            return leave(Reasons::from(["ImmutableSecret"]));
        }
        if next.type_ != there.type_ {
            return leave(Reasons::from(["SecretRefused"]));
        }
    }
    (right(next), unsealed())
}

/// All states in which a Secret may be after the controller did something, or nothing, for any of these.
pub(crate) fn may_become(
    states: &BTreeSet<State>,
    said: &[Option<Said>],
    keys: &[Keys],
    uid: Option<&str>,
) -> BTreeSet<State> {
    let mut all = states.clone();
    let mut open: Vec<State> = states.iter().cloned().collect();
    while let Some(state) = open.pop() {
        let mut reached = Vec::new();
        for said in said.iter().flatten() {
            for keys in keys {
                reached.push(step(&state, said, keys).0);
            }
        }
        if is_orphan(&state, uid) {
            reached.push(state.with(None));
        }
        for state in reached {
            if all.insert(state.clone()) {
                open.push(state);
            }
        }
        assert!(all.len() < 5_000, "the model knows nothing any more");
    }
    all
}

/// Whether the cluster's garbage collector is to delete it.
fn is_orphan(state: &State, uid: Option<&str>) -> bool {
    let secret = state.secret.as_ref();
    secret.is_some_and(|secret| match &secret.owner {
        Owner::Sealed(owner) => Some(owner.as_str()) != uid,
        Owner::None | Owner::Other => false,
    })
}

/// What may have been found out with the keys that were known before some of them went, and is still said.
pub(crate) fn still_said(
    state: &State,
    said: Option<&Said>,
    earlier: &Keys,
    now: &Keys,
) -> Reasons {
    match said
        .filter(|_| earlier.is_superset(now))
        .map(|said| step(state, said, earlier))
    {
        Some((next, reasons)) if next == *state => reasons,
        _ => Reasons::new(),
    }
}

/// What a state ends in when nothing happens any more, and what is said of it then. `collects` is whether the garbage
/// collector is known to work already.
pub(crate) fn ends_in(
    state: &State,
    said: Option<&Said>,
    keys: &Keys,
    collects: bool,
) -> Vec<(State, Reasons)> {
    let (next, reasons) = match said {
        None => (state.clone(), Reasons::new()),
        Some(said) => step(state, said, keys),
    };
    if !is_orphan(&next, said.map(|said| said.uid.as_str())) {
        return vec![(next, reasons)];
    }
    let gone = next.with(None);
    let mut ends = match said {
        None => vec![(gone, Reasons::new())],
        Some(said) => vec![step(&gone, said, keys)],
    };
    if !collects {
        ends.push((next, reasons));
    }
    ends
}
