//! What users and faults do: the letters of which sequences are made at random.
//!
//! An action that makes no sense where it stands, such as a change of what is not there, does nothing. So every part of a
//! sequence is a sequence, and a failing one can be shortened.

use proptest::{collection::vec, prelude::*, sample::select};
use seal_api::Scope;

/// A SealedSecret and its Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Red,
    Blue,
}

impl Name {
    pub(crate) const ALL: [Self; 2] = [Self::Red, Self::Blue];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Red => Self::Blue,
            Self::Blue => Self::Red,
        }
    }
}

/// A sealing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Held at the start, and the current one.
    Given,
    /// Held at the start.
    Older,
    /// Comes only when it is brought, and is the current one then.
    Newer,
    /// Of another cluster.
    Stranger,
}

impl Key {
    /// Those that can be brought, the newest last.
    pub(crate) const POOL: [Self; 3] = [Self::Older, Self::Given, Self::Newer];

    /// The name of its Secret.
    pub(crate) fn secret(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Older => "older",
            Self::Newer => "newer",
            Self::Stranger => "stranger",
        }
    }
}

/// The key of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    User,
    Password,
    Token,
}

impl Item {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Password => "password",
            Self::Token => "token",
        }
    }
}

/// What is wrong with a sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    OtherName,
    OtherNamespace,
    Garbage,
}

/// A value that is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// Which value.
    pub(crate) value: u8,
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    pub(crate) flaw: Flaw,
    /// Whether the item line stands beside it.
    pub(crate) lined: bool,
}

/// A text of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    None,
    /// Which uses an item.
    Uses,
    Broken,
    Clock,
}

/// A change of a SealedSecret.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Seal(Item, Seal),
    Remove(Item),
    Rename(Item, Item),
    Label(Option<u8>),
    Annotation(Option<u8>),
    Text(Text),
    Typed(bool),
    Immutable(bool),
    SkipOwner(bool),
    /// `managed` in the template.
    Managed(bool),
    /// `patch` in the template.
    Patch(bool),
    Scope(Scope),
    IgnoreDrift(bool),
    /// An annotation that means nothing.
    Note(u8),
}

/// An edit of a Secret.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edit {
    Value(Item),
    Drop(Item),
    TheirItem,
    TheirLabel,
    TheirAnnotation,
    OurLabel,
    DropOurLabel,
    OurAnnotation,
    Managed(bool),
    Patch(bool),
    RemoveOwner,
    StaleOwner,
    Immutable,
}

/// A Secret that somebody else makes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign {
    pub(crate) managed: bool,
    pub(crate) patch: bool,
    pub(crate) immutable: bool,
    pub(crate) typed: bool,
    /// Whether another object is its controller.
    pub(crate) owned: bool,
    /// Whether it holds an item of ours as well.
    pub(crate) shares: bool,
}

/// An edit of a status.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lie {
    NoStatus,
    NoRecord,
    RecordOfTheOther,
    EditedRecord,
    NotSynced,
}

/// What the API server does instead of its work.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fails {
    All,
    Writes,
    StatusWrites,
    /// Writes are made, and their answers are lost.
    LostAnswers,
    /// Secrets are written, and nobody hears of it.
    LostSecrets,
    /// What is read breaks off in its middle.
    Half,
    Conflicts,
    Lists,
    /// Watches begin and end with an error.
    Gone,
    Late,
    LateEvents,
    EveryThird,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Create(Name, Seal),
    Change(Name, Change),
    Delete(Name),
    Edit(Name, Edit),
    DeleteSecret(Name),
    PutSecret(Name, Foreign),
    EditStatus(Name, Lie),
    DeleteRecordKey,
    BringKey(Key),
    RetireKey(Key),
    DeleteKey(Key),
    Restart,
    Kill,
    Stop,
    Start,
    /// SIGSTOP, this many milliseconds, SIGCONT.
    Hold(u16),
    Fail(Fails),
    Behave,
    CutWatches,
    /// Milliseconds.
    Pause(u16),
    /// Everything comes to rest, and is looked at.
    Rest,
    /// After that a restart, which finds everything by the records.
    Recall,
}

/// A sequence.
pub(crate) fn sequences() -> impl Strategy<Value = Vec<Action>> {
    let create = || seal().prop_map(|seal| Action::Create(Name::Red, seal));
    let put = foreign().prop_map(|foreign| Action::PutSecret(Name::Red, foreign));
    let beginning = prop_oneof![
        2 => create().prop_map(|create| vec![create]),
        3 => create().prop_map(|create| vec![create, Action::Rest]),
        2 => (put, create()).prop_map(|(put, create)| vec![put, create]),
    ];
    (beginning, vec(action(), 4..40)).prop_map(|(beginning, rest)| [beginning, rest].concat())
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => (name(), seal()).prop_map(|(name, seal)| Action::Create(name, seal)),
        16 => (name(), change()).prop_map(|(name, change)| Action::Change(name, change)),
        2 => name().prop_map(Action::Delete),
        16 => (name(), edit()).prop_map(|(name, edit)| Action::Edit(name, edit)),
        4 => name().prop_map(Action::DeleteSecret),
        4 => (name(), foreign()).prop_map(|(name, foreign)| Action::PutSecret(name, foreign)),
        3 => (name(), lie()).prop_map(|(name, lie)| Action::EditStatus(name, lie)),
        1 => Just(Action::DeleteRecordKey),
        3 => select(Key::POOL.to_vec()).prop_map(Action::BringKey),
        1 => select(Key::POOL.to_vec()).prop_map(Action::RetireKey),
        1 => select(Key::POOL.to_vec()).prop_map(Action::DeleteKey),
        2 => Just(Action::Restart),
        3 => Just(Action::Kill),
        1 => Just(Action::Stop),
        1 => Just(Action::Start),
        1 => select(vec![50, 400, 2600]).prop_map(Action::Hold),
        4 => fails().prop_map(Action::Fail),
        3 => Just(Action::Behave),
        2 => Just(Action::CutWatches),
        8 => select(vec![5, 30, 200]).prop_map(Action::Pause),
        12 => Just(Action::Rest),
        2 => Just(Action::Recall),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    // Most of a sequence is about one of them, so that its actions meet.
    prop_oneof![5 => Just(Name::Red), 1 => Just(Name::Blue)]
}

fn item() -> impl Strategy<Value = Item> {
    select(vec![Item::User, Item::Password, Item::Token])
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![14 => Just(Scope::Strict), 1 => Just(Scope::NamespaceWide), 1 => Just(Scope::ClusterWide)]
}

fn seal() -> impl Strategy<Value = Seal> {
    let key = prop_oneof![
        12 => Just(Key::Given),
        4 => Just(Key::Older),
        1 => Just(Key::Newer),
        1 => Just(Key::Stranger),
    ];
    let flaw = prop_oneof![
        24 => Just(Flaw::None),
        1 => Just(Flaw::OtherName),
        1 => Just(Flaw::OtherNamespace),
        1 => Just(Flaw::Garbage),
    ];
    (0..3_u8, key, scope(), flaw, any::<bool>()).prop_map(|(value, key, scope, flaw, lined)| Seal {
        value,
        key,
        scope,
        flaw,
        lined,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let some = || prop_oneof![1 => Just(None), 3 => (0..2_u8).prop_map(Some)];
    let text = || {
        prop_oneof![
            3 => Just(Text::None),
            4 => Just(Text::Uses),
            1 => Just(Text::Broken),
            1 => Just(Text::Clock),
        ]
    };
    prop_oneof![
        8 => (item(), seal()).prop_map(|(item, seal)| Change::Seal(item, seal)),
        2 => item().prop_map(Change::Remove),
        2 => (item(), item()).prop_map(|(from, to)| Change::Rename(from, to)),
        3 => some().prop_map(Change::Label),
        2 => some().prop_map(Change::Annotation),
        3 => text().prop_map(Change::Text),
        1 => any::<bool>().prop_map(Change::Typed),
        1 => any::<bool>().prop_map(Change::Immutable),
        4 => any::<bool>().prop_map(Change::SkipOwner),
        2 => any::<bool>().prop_map(Change::Managed),
        1 => any::<bool>().prop_map(Change::Patch),
        3 => scope().prop_map(Change::Scope),
        2 => any::<bool>().prop_map(Change::IgnoreDrift),
        1 => (0..9_u8).prop_map(Change::Note),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => item().prop_map(Edit::Value),
        2 => item().prop_map(Edit::Drop),
        2 => Just(Edit::TheirItem),
        3 => Just(Edit::TheirLabel),
        2 => Just(Edit::TheirAnnotation),
        2 => Just(Edit::OurLabel),
        1 => Just(Edit::DropOurLabel),
        1 => Just(Edit::OurAnnotation),
        3 => any::<bool>().prop_map(Edit::Managed),
        3 => any::<bool>().prop_map(Edit::Patch),
        2 => Just(Edit::RemoveOwner),
        1 => Just(Edit::StaleOwner),
        1 => Just(Edit::Immutable),
    ]
}

fn foreign() -> impl Strategy<Value = Foreign> {
    let seldom = || prop::bool::weighted(0.15);
    let flags = (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.3),
        seldom(),
        seldom(),
        seldom(),
        any::<bool>(),
    );
    flags.prop_map(
        |(managed, patch, immutable, typed, owned, shares)| Foreign {
            managed,
            patch,
            immutable,
            typed,
            owned,
            shares,
        },
    )
}

fn lie() -> impl Strategy<Value = Lie> {
    select(vec![
        Lie::NoStatus,
        Lie::NoRecord,
        Lie::RecordOfTheOther,
        Lie::EditedRecord,
        Lie::NotSynced,
    ])
}

fn fails() -> impl Strategy<Value = Fails> {
    select(vec![
        Fails::All,
        Fails::Writes,
        Fails::StatusWrites,
        Fails::LostAnswers,
        Fails::LostSecrets,
        Fails::Half,
        Fails::Conflicts,
        Fails::Lists,
        Fails::Gone,
        Fails::Late,
        Fails::LateEvents,
        Fails::EveryThird,
    ])
}
