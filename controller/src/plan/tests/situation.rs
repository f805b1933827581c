//! The vocabulary of the table: what is observed, what is expected, and one `check`.

use jiff::Timestamp;
use seal_api::{Condition, Reason, SealedSecretStatus, Verdict, annotations, transition};
use seal_sealing::{Failure, Secret};

use crate::plan::{
    Cause, Observed, Owner, Plan, Record, Rendering, Source, Step, Target, is_settled, plan,
};

use Found::{A, Nothing, Rubbish};
use Outcome::{Creates, Deletes, LeavesAlone, Refuses, Updates};

pub(super) const OWNER: Owner<'_> = Owner {
    name: "db",
    uid: "uid-1",
};

pub(super) type Pairs = &'static [(&'static str, &'static str)];

/// A Secret `app/db`, described by what matters.
#[derive(Clone, Default)]
pub(super) struct Sketch {
    data: Pairs,
    labels: Pairs,
    annotations: Pairs,
    owner: Option<&'static str>,
    type_: Option<&'static str>,
    immutable: bool,
}

impl Sketch {
    pub(super) fn data(self, data: Pairs) -> Self {
        Self { data, ..self }
    }

    pub(super) fn labels(self, labels: Pairs) -> Self {
        Self { labels, ..self }
    }

    pub(super) fn annotations(self, annotations: Pairs) -> Self {
        Self {
            annotations,
            ..self
        }
    }

    pub(super) fn owner(self, uid: &'static str) -> Self {
        Self {
            owner: Some(uid),
            ..self
        }
    }

    pub(super) fn of_type(self, type_: &'static str) -> Self {
        Self {
            type_: Some(type_),
            ..self
        }
    }

    pub(super) fn immutable(self) -> Self {
        Self {
            immutable: true,
            ..self
        }
    }

    pub(super) fn secret(&self) -> Secret {
        let strings = |pairs: Pairs| {
            let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
            pairs.iter().map(owned).collect()
        };
        let mut secret = Secret::new("db", Some("app"));
        for (key, value) in self.data {
            let value = value.as_bytes().into();
            secret.data.insert((*key).to_owned(), value);
        }
        secret.set_strings("labels", strings(self.labels));
        secret.set_strings("annotations", strings(self.annotations));
        secret.type_ = self.type_.map(str::to_owned);
        secret.immutable = self.immutable.then_some(true);
        if let Some(uid) = self.owner {
            let references = Owner { name: "db", uid }.references();
            secret.metadata.insert("ownerReferences".into(), references);
        }
        secret
    }
}

/// What is observed. [`new`], [`settled`] and [`changed`] are the usual cases; a row says what differs from one of them.
#[derive(Clone)]
pub(super) struct Row {
    /// What the SealedSecret opens to; none where it does not open.
    opens_to: Option<Sketch>,
    /// Whether the SealedSecret is gone.
    gone: bool,
    /// Whether its template asks for no owner reference.
    without_owner: bool,
    /// What stands in place of the Secret.
    found: Found,
    /// What our record says.
    record: Record,
    /// The generation at which the status says that all was well; the SealedSecret is at 1.
    settled_at: Option<i64>,
    /// What is to become of data that is there.
    rendering: Rendering,
}

#[derive(Clone)]
pub(super) enum Found {
    Nothing,
    Rubbish,
    A(Sketch),
}

impl Row {
    /// The status as it was last written.
    pub(super) fn status(&self) -> Option<SealedSecretStatus> {
        self.settled_at.map(|generation| SealedSecretStatus {
            observed_generation: Some(generation),
            conditions: conditions(&Verdict::unsealed(), generation),
            record: None,
        })
    }

    pub(super) fn settled_at(&self) -> Option<i64> {
        self.settled_at
    }

    pub(super) fn opens_to(self, sketch: Sketch) -> Self {
        let opens_to = Some(sketch);
        Self { opens_to, ..self }
    }

    pub(super) fn does_not_open(self) -> Self {
        let opens_to = None;
        Self { opens_to, ..self }
    }

    pub(super) fn gone(self) -> Self {
        let gone = true;
        Self { gone, ..self }
    }

    pub(super) fn without_owner(self) -> Self {
        let without_owner = true;
        Self {
            without_owner,
            ..self
        }
    }

    pub(super) fn found(self, found: Found) -> Self {
        Self { found, ..self }
    }

    pub(super) fn rendering(self, rendering: Rendering) -> Self {
        Self { rendering, ..self }
    }

    pub(super) fn record(self, record: Record) -> Self {
        Self { record, ..self }
    }
}

/// The outcome of a row.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    Creates(Secret),
    Updates(Cause, Secret),
    Deletes,
    LeavesAlone,
    Refuses(Reason),
}

pub(super) const PASSWORD: Pairs = &[("password", "one")];
pub(super) const OLD_PASSWORD: Pairs = &[("password", "zero")];
pub(super) const BY_OTHERS: Pairs = &[("added", "by-others")];
pub(super) const MANAGED: Pairs = &[(annotations::MANAGED, "true")];
pub(super) const PATCH: Pairs = &[(annotations::PATCH, "true")];
pub(super) const MANAGED_PATCH: Pairs =
    &[(annotations::MANAGED, "true"), (annotations::PATCH, "true")];

/// A Secret with the right password that nobody owns.
pub(super) fn plain() -> Sketch {
    Sketch::default().data(PASSWORD)
}

/// A Secret with the right password that is ours.
pub(super) fn ours() -> Sketch {
    plain().owner("uid-1")
}

/// A SealedSecret seen for the first time, and no Secret.
pub(super) fn new() -> Row {
    Row {
        opens_to: Some(plain()),
        gone: false,
        without_owner: false,
        found: Nothing,
        record: Record::Nothing,
        settled_at: None,
        rendering: Rendering::Repeatable,
    }
}

/// All was well, and nothing changed.
pub(super) fn settled() -> Row {
    Row {
        found: A(ours()),
        record: Record::Wrote,
        settled_at: Some(1),
        ..new()
    }
}

/// All was well, and then the SealedSecret changed.
pub(super) fn changed() -> Row {
    Row {
        settled_at: Some(0),
        ..settled()
    }
}

#[track_caller]
pub(super) fn check(row: Row, expected: Outcome) {
    let plan = run(&row);
    let reason = plan.verdict.as_ref().map(|verdict| verdict.reason);
    let outcome = match plan.step {
        Some(Step::CreateSecret(secret)) => Creates(secret),
        Some(Step::UpdateSecret { secret, cause }) => Updates(cause, secret),
        Some(Step::DeleteSecret) => Deletes,
        None => match reason {
            Some(Reason::Unsealed) | None => LeavesAlone,
            Some(reason) => Refuses(reason),
        },
    };
    assert_eq!(outcome, expected);
}

pub(super) fn run(row: &Row) -> Plan {
    let opens_to = row.opens_to.as_ref().map(Sketch::secret);
    let failure = Failure::of_object(Reason::UnknownKey, "no key");
    let found = match &row.found {
        A(sketch) => Some(sketch.secret()),
        Nothing | Rubbish => None,
    };
    let status = row.status();
    let settled = is_settled(status.as_ref(), Some(1));
    plan(&Observed {
        owner: OWNER,
        source: match row.gone {
            true => Source::Gone,
            false => Source::There {
                opened: opens_to.as_ref().ok_or(&failure),
                without_owner: row.without_owner,
                rendering: row.rendering,
            },
        },
        target: match (&row.found, &found) {
            (Rubbish, _) => Target::Unreadable,
            (_, Some(secret)) => Target::Present(secret),
            (_, None) => Target::Absent,
        },
        record: row.record,
        settled,
    })
}

fn conditions(verdict: &Verdict, generation: i64) -> Vec<Condition> {
    transition(&[], verdict, Some(generation), Timestamp::UNIX_EPOCH).expect("it is the first")
}
