//! Sequences that once failed, each with what is right.

use seal_api::Scope;

use super::action::{
    Action::{self, *},
    Change, Edit, Fails, Flaw, Foreign, Item, Key,
    Name::Red,
    Seal,
};

/// Nothing is wrong with it.
const VALUE: Seal = Seal {
    value: 0,
    key: Key::Given,
    scope: Scope::Strict,
    flaw: Flaw::None,
    lined: true,
};
/// A Secret that somebody else made.
const FOREIGN: Foreign = Foreign {
    managed: false,
    patch: false,
    immutable: false,
    typed: false,
    owned: false,
    shares: false,
};

pub(crate) fn sequences() -> Vec<(&'static str, Vec<Action>)> {
    vec![
        (
            "an edit that changes nothing makes a Secret nobody else's",
            vec![
                Create(Red, VALUE),
                Rest,
                Change(Red, Change::SkipOwner(true)),
                DeleteSecret(Red),
                Rest,
                Edit(Red, Edit::RemoveOwner),
                Edit(Red, Edit::Value(Item::User)),
            ],
        ),
        (
            "the key of the records may be deleted while nothing is recorded",
            vec![DeleteRecordKey],
        ),
        (
            "after that a restart may open what was recorded with the key that is gone",
            vec![Create(Red, VALUE), Rest, Recall],
        ),
        (
            "what others add stays when what they changed is repaired",
            vec![
                Create(Red, VALUE),
                Rest,
                Edit(Red, Edit::TheirLabel),
                Rest,
                Edit(Red, Edit::Value(Item::User)),
            ],
        ),
        (
            "a template that makes a patched Secret managed makes it ours at once",
            vec![
                PutSecret(
                    Red,
                    Foreign {
                        patch: true,
                        ..FOREIGN
                    },
                ),
                Create(Red, VALUE),
                Change(Red, Change::Managed(true)),
            ],
        ),
        (
            "a Secret without owner reference that somebody annotates as managed keeps what they added",
            vec![
                Create(Red, VALUE),
                Change(Red, Change::SkipOwner(true)),
                Rest,
                Edit(Red, Edit::Managed(true)),
                Edit(Red, Edit::TheirLabel),
                Rest,
                Edit(Red, Edit::Value(Item::User)),
            ],
        ),
        (
            "a controller that is killed before it can say that a Secret has no owner reference any more knows it as its own",
            vec![
                Create(Red, VALUE),
                Rest,
                Fail(Fails::StatusWrites),
                Change(Red, Change::SkipOwner(true)),
                Pause(500),
                Kill,
                Behave,
            ],
        ),
        (
            "a Secret into which was merged is somebody else's again when the annotation goes",
            vec![
                PutSecret(
                    Red,
                    Foreign {
                        patch: true,
                        ..FOREIGN
                    },
                ),
                Create(Red, VALUE),
                Change(Red, Change::SkipOwner(true)),
                Rest,
                Edit(Red, Edit::Patch(false)),
            ],
        ),
        (
            "a controller that is killed while it takes a Secret over without owner reference knows it as its own",
            vec![
                PutSecret(
                    Red,
                    Foreign {
                        managed: true,
                        ..FOREIGN
                    },
                ),
                Create(Red, VALUE),
                Change(Red, Change::SkipOwner(true)),
                Fail(Fails::LostSecrets),
                Pause(200),
                Kill,
                Behave,
            ],
        ),
        (
            "a Secret without owner reference is not made before the record can prove it ours",
            vec![
                Stop,
                Create(Red, VALUE),
                Change(Red, Change::SkipOwner(true)),
                Fail(Fails::LostSecrets),
                Start,
                Pause(500),
                Pause(500),
                Kill,
                Behave,
                Rest,
                Edit(Red, Edit::Value(Item::User)),
                Recall,
            ],
        ),
    ]
}
