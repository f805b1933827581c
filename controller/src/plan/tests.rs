//! The specification of [`plan`](super::plan), as a table: one sentence, one situation, one outcome.

use jiff::Timestamp;
use seal_api::{Condition, Reason, SealedSecretStatus, Verdict, annotations, transition};
use seal_sealing::{Failure, Secret};

use super::{Cause, Observed, Owner, Plan, Record, Source, Step, Target, ownership, plan};

const OWNER: Owner<'_> = Owner {
    name: "db",
    uid: "uid-1",
};
const LATER: i64 = 100;

/// A Secret `app/db`, described by what matters.
#[derive(Clone, Default)]
struct Sketch {
    data: &'static [(&'static str, &'static str)],
    labels: &'static [(&'static str, &'static str)],
    annotations: &'static [(&'static str, &'static str)],
    owner: Option<&'static str>,
    type_: Option<&'static str>,
    immutable: bool,
}

impl Sketch {
    fn secret(&self) -> Secret {
        let strings = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, text)| ((*name).into(), (*text).into()))
                .collect()
        };
        let mut secret = Secret::new("db", Some("app"));
        for (key, value) in self.data {
            secret.data.insert((*key).into(), value.as_bytes().into());
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

/// What is observed. [`row`] is the usual case; each test says only what differs from it.
#[derive(Clone)]
struct Row {
    /// What the SealedSecret opens to; none where it does not open.
    opens_to: Option<Sketch>,
    gone: bool,
    /// What stands in place of the Secret.
    found: Found,
    without_owner: bool,
    record: Record,
    /// The generation at which the status says the Secret was right; none without a status.
    settled_at: Option<i64>,
}

#[derive(Clone)]
enum Found {
    Nothing,
    Rubbish,
    A(Sketch),
}

/// The outcome of a row.
#[derive(Debug, PartialEq)]
enum Outcome {
    Creates(Secret),
    Updates(Cause, Secret),
    Deletes,
    LeavesAlone,
    Refuses(Reason),
}

use Found::{A, Nothing, Rubbish};
use Outcome::{Creates, Deletes, LeavesAlone, Refuses, Updates};

const PASSWORD: &[(&str, &str)] = &[("password", "one")];
const OLD_PASSWORD: &[(&str, &str)] = &[("password", "zero")];
const MANAGED: &[(&str, &str)] = &[(annotations::MANAGED, "true")];
const PATCH: &[(&str, &str)] = &[(annotations::PATCH, "true")];
const MANAGED_PATCH: &[(&str, &str)] =
    &[(annotations::MANAGED, "true"), (annotations::PATCH, "true")];

/// A Secret with the right password that nobody owns.
fn plain() -> Sketch {
    Sketch {
        data: PASSWORD,
        ..Sketch::default()
    }
}

/// A Secret with the right password that is ours.
fn ours() -> Sketch {
    Sketch {
        owner: Some("uid-1"),
        ..plain()
    }
}

/// A SealedSecret seen for the first time, and no Secret.
fn row() -> Row {
    Row {
        opens_to: Some(plain()),
        gone: false,
        found: Nothing,
        without_owner: false,
        record: Record::Nothing,
        settled_at: None,
    }
}

/// The same when all was well before.
fn settled() -> Row {
    Row {
        found: A(ours()),
        settled_at: Some(1),
        record: Record::Wrote,
        ..row()
    }
}

#[track_caller]
fn check(row: Row, expected: Outcome) {
    let plan = run(&row);
    let reason = plan.verdict.as_ref().map(|verdict| verdict.reason);
    let outcome = match plan
        .steps
        .into_iter()
        .find(|step| !matches!(step, Step::SetStatus(_)))
    {
        Some(Step::CreateSecret(secret)) => Creates(secret),
        Some(Step::UpdateSecret { secret, cause }) => Updates(cause, secret),
        Some(Step::DeleteSecret) => Deletes,
        Some(Step::SetStatus(_)) | None => match reason {
            Some(Reason::Unsealed) | None => LeavesAlone,
            Some(reason) => Refuses(reason),
        },
    };
    assert_eq!(outcome, expected);
}

fn run(row: &Row) -> Plan {
    let opens_to = row.opens_to.as_ref().map(Sketch::secret);
    let failure = Failure::of_object(Reason::UnknownKey, "no key");
    let found = match &row.found {
        A(sketch) => Some(sketch.secret()),
        Nothing | Rubbish => None,
    };
    let status = row.settled_at.map(|generation| SealedSecretStatus {
        observed_generation: Some(generation),
        conditions: conditions(&Verdict::unsealed(), generation),
    });
    plan(&Observed {
        owner: OWNER,
        source: match row.gone {
            true => Source::Gone,
            false => Source::There {
                opened: opens_to.as_ref().ok_or(&failure),
                without_owner: row.without_owner,
                generation: Some(1),
            },
        },
        target: match (&row.found, &found) {
            (Rubbish, _) => Target::Unreadable,
            (_, Some(secret)) => Target::Present(secret),
            (_, None) => Target::Absent,
        },
        record: row.record,
        status: status.as_ref(),
        now: Timestamp::from_second(LATER).expect("a small number is a time"),
    })
}

fn conditions(verdict: &Verdict, generation: i64) -> Vec<Condition> {
    transition(&[], verdict, Some(generation), Timestamp::UNIX_EPOCH).expect("it is the first")
}

// Making and changing

#[test]
fn a_secret_that_is_not_there_is_made_with_an_owner_reference() {
    check(row(), Creates(ours().secret()));
}

#[test]
fn a_deleted_secret_is_made_again() {
    check(
        Row {
            found: Nothing,
            ..settled()
        },
        Creates(ours().secret()),
    );
}

#[test]
fn a_secret_that_is_right_is_left_alone() {
    check(settled(), LeavesAlone);
    check(
        Row {
            settled_at: None,
            ..settled()
        },
        LeavesAlone,
    );
}

#[test]
fn a_changed_sealed_secret_changes_its_secret() {
    let found = A(Sketch {
        data: OLD_PASSWORD,
        ..ours()
    });
    let row = Row {
        found,
        settled_at: Some(0),
        ..settled()
    };
    check(row, Updates(Cause::Changed, ours().secret()));
}

#[test]
fn a_change_replaces_wholesale_what_others_added() {
    let found = A(Sketch {
        labels: &[("added", "by-others")],
        ..ours()
    });
    let row = Row {
        found,
        settled_at: Some(0),
        ..settled()
    };
    check(row, Updates(Cause::Changed, ours().secret()));
}

#[test]
fn a_failing_unseal_touches_nothing() {
    let old = A(Sketch {
        data: OLD_PASSWORD,
        ..ours()
    });
    for found in [Nothing, Rubbish, old] {
        let row = Row {
            opens_to: None,
            found,
            ..settled()
        };
        check(row, Refuses(Reason::UnknownKey));
    }
}

// Drift

#[test]
fn drift_in_data_type_or_declared_metadata_is_repaired() {
    let declared = Sketch {
        labels: &[("tier", "db")],
        annotations: &[("note", "x")],
        ..plain()
    };
    let right = Sketch {
        owner: Some("uid-1"),
        ..declared.clone()
    };
    for drifted in [
        Sketch {
            data: OLD_PASSWORD,
            ..right.clone()
        },
        Sketch {
            data: &[("password", "one"), ("more", "x")],
            ..right.clone()
        },
        Sketch {
            data: &[],
            ..right.clone()
        },
        Sketch {
            type_: Some("kubernetes.io/tls"),
            ..right.clone()
        },
        Sketch {
            labels: &[("tier", "web")],
            ..right.clone()
        },
        Sketch {
            annotations: &[],
            ..right.clone()
        },
    ] {
        let row = Row {
            opens_to: Some(declared.clone()),
            found: A(drifted),
            ..settled()
        };
        check(row, Updates(Cause::Drifted, right.secret()));
    }
}

#[test]
fn labels_and_annotations_that_others_added_are_no_drift() {
    let labels = &[("added", "by-others")];
    check(
        Row {
            found: A(Sketch { labels, ..ours() }),
            ..settled()
        },
        LeavesAlone,
    );
    let annotations = &[("added", "by-others")];
    check(
        Row {
            found: A(Sketch {
                annotations,
                ..ours()
            }),
            ..settled()
        },
        LeavesAlone,
    );
}

#[test]
fn no_type_means_opaque() {
    let found = A(Sketch {
        type_: Some("Opaque"),
        ..ours()
    });
    check(Row { found, ..settled() }, LeavesAlone);
}

// Ownership

#[test]
fn a_secret_that_is_not_ours_is_left_alone_even_if_it_is_equal() {
    check(
        Row {
            found: A(plain()),
            ..row()
        },
        Refuses(Reason::NotManaged),
    );
    let mut foreign = plain().secret();
    let references = Owner {
        name: "other",
        uid: "uid-2",
    }
    .references();
    foreign
        .metadata
        .insert("ownerReferences".into(), references);
    assert_eq!(
        ownership::claim(&foreign, &OWNER, Record::Wrote),
        ownership::Claim::Foreign
    );
}

#[test]
fn a_secret_that_lost_its_owner_reference_is_somebodys_again() {
    check(
        Row {
            found: A(plain()),
            ..settled()
        },
        Refuses(Reason::NotManaged),
    );
}

#[test]
fn not_managed_says_how_to_hand_the_secret_over() {
    let plan = run(&Row {
        found: A(plain()),
        ..row()
    });
    let message = plan.verdict.expect("the SealedSecret is there").message;
    for part in [
        "Resource \"db\" already exists and is not managed by SealedSecret",
        "sealedsecrets.bitnami.com/managed: \"true\"",
        "delete it",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_stale_owner_reference_of_the_same_name_is_adopted() {
    let found = A(Sketch {
        owner: Some("uid-before-the-restore"),
        ..plain()
    });
    check(
        Row { found, ..row() },
        Updates(Cause::TakenOver, ours().secret()),
    );
}

#[test]
fn managed_hands_a_secret_over_and_it_is_replaced_wholesale() {
    let found = A(Sketch {
        data: &[("password", "zero"), ("other", "x")],
        labels: &[("added", "by-others")],
        annotations: MANAGED,
        ..plain()
    });
    check(
        Row { found, ..row() },
        Updates(Cause::TakenOver, ours().secret()),
    );
}

#[test]
fn only_the_exact_value_true_hands_a_secret_over() {
    let annotations = &[(annotations::MANAGED, "yes")];
    let found = A(Sketch {
        annotations,
        ..plain()
    });
    check(Row { found, ..row() }, Refuses(Reason::NotManaged));
}

// Merging

#[test]
fn patch_merges_and_takes_nothing_away() {
    let found = Sketch {
        data: &[("other", "x"), ("password", "zero")],
        labels: &[("added", "by-others")],
        annotations: PATCH,
        type_: Some("example.com/mine"),
        ..Sketch::default()
    };
    let merged = Sketch {
        data: &[("other", "x"), ("password", "one")],
        ..found.clone()
    };
    check(
        Row {
            found: A(found),
            ..row()
        },
        Updates(Cause::TakenOver, merged.secret()),
    );
    check(
        Row {
            found: A(merged),
            ..settled()
        },
        LeavesAlone,
    );
}

#[test]
fn patch_takes_ownership_only_together_with_managed() {
    let found = Sketch {
        data: OLD_PASSWORD,
        annotations: MANAGED_PATCH,
        ..plain()
    };
    let merged = Sketch {
        annotations: MANAGED_PATCH,
        ..ours()
    };
    check(
        Row {
            found: A(found),
            ..row()
        },
        Updates(Cause::TakenOver, merged.secret()),
    );
}

#[test]
fn in_patch_mode_only_our_keys_can_drift() {
    let right = Sketch {
        data: &[("other", "x"), ("password", "one")],
        annotations: PATCH,
        ..plain()
    };
    let others = Sketch {
        data: &[("other", "changed"), ("password", "one")],
        ..right.clone()
    };
    check(
        Row {
            found: A(others),
            ..settled()
        },
        LeavesAlone,
    );
    let drifted = Sketch {
        data: &[("other", "x"), ("password", "zero")],
        ..right.clone()
    };
    check(
        Row {
            found: A(drifted),
            ..settled()
        },
        Updates(Cause::Drifted, right.secret()),
    );
}

// Without owner reference

#[test]
fn without_owner_the_secret_gets_no_owner_reference() {
    check(
        Row {
            without_owner: true,
            ..row()
        },
        Creates(plain().secret()),
    );
}

#[test]
fn without_owner_the_secret_is_ours_while_the_record_says_so() {
    let found = A(Sketch {
        data: OLD_PASSWORD,
        ..plain()
    });
    let row = Row {
        without_owner: true,
        found,
        settled_at: Some(0),
        ..row()
    };
    let with_record = Row {
        record: Record::WroteWithoutOwner,
        ..row.clone()
    };
    check(with_record, Updates(Cause::Changed, plain().secret()));
    check(row, Refuses(Reason::NotManaged));
}

#[test]
fn a_template_that_asks_for_an_owner_again_gets_one() {
    let row = Row {
        found: A(plain()),
        record: Record::WroteWithoutOwner,
        ..row()
    };
    check(row, Updates(Cause::Changed, ours().secret()));
}

// Immutable Secrets

#[test]
fn an_immutable_secret_is_not_changed() {
    let found = A(Sketch {
        data: OLD_PASSWORD,
        immutable: true,
        ..ours()
    });
    let row = Row {
        found,
        settled_at: Some(0),
        ..settled()
    };
    let message = run(&row)
        .verdict
        .expect("the SealedSecret is there")
        .message;
    assert!(
        message.contains("the target Secret is immutable"),
        "{message}"
    );
    check(row, Refuses(Reason::ImmutableSecret));
}

#[test]
fn labels_of_an_immutable_secret_can_be_changed() {
    let wanted = Sketch {
        labels: &[("tier", "db")],
        ..plain()
    };
    let found = A(Sketch {
        immutable: true,
        ..ours()
    });
    let next = Sketch {
        labels: &[("tier", "db")],
        immutable: true,
        ..ours()
    };
    let row = Row {
        opens_to: Some(wanted),
        found,
        settled_at: Some(0),
        ..settled()
    };
    check(row, Updates(Cause::Changed, next.secret()));
}

#[test]
fn an_immutable_secret_that_is_deleted_is_made_anew() {
    let wanted = Sketch {
        immutable: true,
        ..plain()
    };
    let made = Sketch {
        immutable: true,
        ..ours()
    };
    check(
        Row {
            opens_to: Some(wanted),
            ..row()
        },
        Creates(made.secret()),
    );
}

// Deleting

#[test]
fn a_sealed_secret_that_is_gone_takes_its_secret_with_it() {
    check(
        Row {
            gone: true,
            ..settled()
        },
        Deletes,
    );
    check(
        Row {
            gone: true,
            found: A(Sketch {
                data: OLD_PASSWORD,
                ..ours()
            }),
            ..settled()
        },
        Deletes,
    );
}

#[test]
fn a_secret_without_our_owner_reference_outlives_every_sealed_secret() {
    for found in [
        A(plain()),
        A(Sketch {
            owner: Some("uid-2"),
            ..plain()
        }),
        Rubbish,
        Nothing,
    ] {
        let record = Record::WroteWithoutOwner;
        check(
            Row {
                gone: true,
                found,
                record,
                ..settled()
            },
            LeavesAlone,
        );
    }
}

// What is no Secret

#[test]
fn what_is_no_secret_is_replaced_only_if_we_wrote_it() {
    check(
        Row {
            found: Rubbish,
            ..row()
        },
        Refuses(Reason::NotManaged),
    );
    check(
        Row {
            found: Rubbish,
            ..settled()
        },
        Updates(Cause::Drifted, ours().secret()),
    );
}

// Status

#[test]
fn the_status_is_written_when_it_says_something_new() {
    let writes = |row: &Row| {
        run(row)
            .steps
            .iter()
            .any(|step| matches!(step, Step::SetStatus(_)))
    };
    assert!(writes(&row()), "the first verdict");
    assert!(!writes(&settled()), "nothing new");
    assert!(
        writes(&Row {
            settled_at: Some(0),
            ..settled()
        }),
        "a new generation"
    );
    assert!(
        writes(&Row {
            opens_to: None,
            ..settled()
        }),
        "a failure"
    );
}
