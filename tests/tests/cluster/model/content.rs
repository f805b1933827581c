//! A Secret, as far as the model looks at it, and what people do to one by hand.

use std::collections::BTreeMap;

use seal_api::annotations;
use serde_json::{Value, json};

use super::action::{Edit, Foreign, Item};
use crate::site::base64;

pub(crate) const TYPE: &str = "example.com/typed";
pub(crate) const LABEL: &str = "tier";
pub(crate) const ANNOTATION: &str = "example.com/note";
pub(crate) const THEIRS: &str = "theirs";
/// A uid that no object has.
pub(crate) const STALE: &str = "00000000-0000-4000-8000-000000000000";

pub(crate) type Strings = BTreeMap<String, String>;

/// Who controls a Secret, by its owner reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    None,
    /// The SealedSecret of its name, with this uid.
    Sealed(String),
    /// Another object.
    Other,
}

/// What a Secret is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Content {
    pub(crate) data: Strings,
    pub(crate) labels: Strings,
    pub(crate) annotations: Strings,
    pub(crate) type_: String,
    pub(crate) immutable: bool,
    pub(crate) owner: Owner,
}

impl Content {
    /// Reads a Secret.
    pub(crate) fn of(object: &Value) -> Self {
        let strings = |value: &Value| -> Strings {
            let fields = value.as_object().into_iter().flatten();
            fields
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect()
        };
        let metadata = &object["metadata"];
        let references = metadata["ownerReferences"].as_array();
        let controller = references.and_then(|references| {
            references
                .iter()
                .find(|reference| reference["controller"] == true)
        });
        let owner = match controller {
            None => Owner::None,
            Some(reference)
                if reference["kind"] == "SealedSecret" && reference["name"] == metadata["name"] =>
            {
                Owner::Sealed(reference["uid"].as_str().unwrap_or_default().to_owned())
            }
            Some(_) => Owner::Other,
        };
        Self {
            data: strings(&object["data"]),
            labels: strings(&metadata["labels"]),
            annotations: strings(&metadata["annotations"]),
            type_: object["type"].as_str().unwrap_or_default().to_owned(),
            immutable: object["immutable"] == true,
            owner,
        }
    }

    pub(crate) fn is(&self, annotation: &str) -> bool {
        self.annotations
            .get(annotation)
            .is_some_and(|value| value == "true")
    }

    /// A Secret that somebody else makes.
    pub(crate) fn foreign(foreign: Foreign) -> Self {
        let mut data = Strings::from([(THEIRS.to_owned(), base64("theirs"))]);
        if foreign.shares {
            data.insert(Item::User.key().to_owned(), base64("their user"));
        }
        let mut annotations = Strings::new();
        for (is, name) in [
            (foreign.managed, annotations::MANAGED),
            (foreign.patch, annotations::PATCH),
        ] {
            if is {
                annotations.insert(name.to_owned(), "true".to_owned());
            }
        }
        Self {
            data,
            labels: [(THEIRS.to_owned(), "x".to_owned())].into(),
            annotations,
            type_: if foreign.typed { TYPE } else { "Opaque" }.to_owned(),
            immutable: foreign.immutable,
            owner: if foreign.owned {
                Owner::Other
            } else {
                Owner::None
            },
        }
    }

    /// The Secret after an edit by hand.
    pub(crate) fn edited(&self, edit: Edit) -> Self {
        let mut next = self.clone();
        let set = |strings: &mut Strings, key: &str, value: &str| {
            strings.insert(key.to_owned(), value.to_owned());
        };
        let switch = |strings: &mut Strings, key: &str, on: bool| {
            if on {
                strings.insert(key.to_owned(), "true".to_owned());
            } else {
                strings.remove(key);
            }
        };
        match edit {
            Edit::Value(item) => set(&mut next.data, item.key(), &base64("wrong")),
            Edit::Drop(item) => drop(next.data.remove(item.key())),
            Edit::TheirItem => set(&mut next.data, "added", &base64("by hand")),
            Edit::TheirLabel => set(&mut next.labels, "added", "by-hand"),
            Edit::TheirAnnotation => set(&mut next.annotations, "example.com/added", "by hand"),
            Edit::OurLabel => set(&mut next.labels, LABEL, "wrong"),
            Edit::DropOurLabel => drop(next.labels.remove(LABEL)),
            Edit::OurAnnotation => set(&mut next.annotations, ANNOTATION, "wrong"),
            Edit::Managed(on) => switch(&mut next.annotations, annotations::MANAGED, on),
            Edit::Patch(on) => switch(&mut next.annotations, annotations::PATCH, on),
            Edit::RemoveOwner => next.owner = Owner::None,
            Edit::StaleOwner => next.owner = Owner::Sealed(STALE.to_owned()),
            Edit::Immutable => next.immutable = true,
        }
        next
    }
}

/// The merge patch of an edit.
pub(crate) fn patch_of(edit: Edit, name: &str) -> Value {
    let on = |on: bool| if on { json!("true") } else { Value::Null };
    let annotation = |name: &str, value: Value| json!({"metadata": {"annotations": {name: value}}});
    let label = |name: &str, value: Value| json!({"metadata": {"labels": {name: value}}});
    match edit {
        Edit::Value(item) => json!({"data": {item.key(): base64("wrong")}}),
        Edit::Drop(item) => json!({"data": {item.key(): null}}),
        Edit::TheirItem => json!({"data": {"added": base64("by hand")}}),
        Edit::TheirLabel => label("added", json!("by-hand")),
        Edit::TheirAnnotation => annotation("example.com/added", json!("by hand")),
        Edit::OurLabel => label(LABEL, json!("wrong")),
        Edit::DropOurLabel => label(LABEL, Value::Null),
        Edit::OurAnnotation => annotation(ANNOTATION, json!("wrong")),
        Edit::Managed(is) => annotation(annotations::MANAGED, on(is)),
        Edit::Patch(is) => annotation(annotations::PATCH, on(is)),
        Edit::RemoveOwner => json!({"metadata": {"ownerReferences": null}}),
        Edit::StaleOwner => json!({"metadata": {"ownerReferences": [{
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name,
            "uid": STALE, "controller": true,
        }]}}),
        Edit::Immutable => json!({"immutable": true}),
    }
}
