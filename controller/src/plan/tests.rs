//! The specification of [`plan`](super::plan), as a table: the name of a test is the rule, its rows are cases of it.
//!
//! `new()`, `settled()` and `changed()` are the usual situations (`situation.rs`); a row says what differs from one of
//! them, and what is to happen.

mod situation;

use jiff::Timestamp;
use seal_api::{Reason, annotations};

use super::{
    Cause::{Changed, Drifted, TakenOver},
    Owner, Record, Rendering, next_status,
    ownership::{self, Claim},
};
use situation::{
    BY_OTHERS,
    Found::{A, Nothing, Rubbish},
    MANAGED, MANAGED_PATCH, OLD_PASSWORD, OWNER,
    Outcome::{Creates, Deletes, LeavesAlone, Refuses, Updates},
    PATCH, Row, changed, check, new, ours, plain, run, settled,
};

// Making and changing

#[test]
fn a_secret_that_is_not_there_is_made_with_an_owner_reference() {
    check(new(), Creates(ours().secret()));
}

#[test]
fn a_deleted_secret_is_made_again() {
    check(settled().found(Nothing), Creates(ours().secret()));
}

#[test]
fn a_secret_that_is_right_is_left_alone() {
    check(settled(), LeavesAlone);
    check(changed(), LeavesAlone);
    check(new().found(A(ours())), LeavesAlone);
}

#[test]
fn a_changed_sealed_secret_changes_its_secret() {
    let old = A(ours().data(OLD_PASSWORD));
    check(changed().found(old), Updates(Changed, ours().secret()));
}

#[test]
fn a_change_replaces_wholesale_also_what_others_added() {
    let old = A(ours().labels(BY_OTHERS).annotations(BY_OTHERS));
    check(changed().found(old), Updates(Changed, ours().secret()));
}

#[test]
fn a_failing_unseal_touches_nothing() {
    for found in [Nothing, Rubbish, A(ours().data(OLD_PASSWORD)), A(plain())] {
        let row = changed().does_not_open().found(found);
        check(row, Refuses(Reason::UnknownKey));
    }
}

// Drift

#[test]
fn drift_in_data_type_or_declared_metadata_is_repaired() {
    let declared = plain()
        .labels(&[("tier", "db")])
        .annotations(&[("note", "x")]);
    let right = declared.clone().owner("uid-1");
    for drifted in [
        right.clone().data(OLD_PASSWORD),
        right.clone().data(&[("password", "one"), ("more", "x")]),
        right.clone().data(&[]),
        right.clone().of_type("kubernetes.io/tls"),
        right.clone().labels(&[("tier", "web")]),
        right.clone().annotations(&[]),
    ] {
        let row = settled().opens_to(declared.clone()).found(A(drifted));
        check(row, Updates(Drifted, right.secret()));
    }
}

#[test]
fn labels_and_annotations_that_others_added_are_no_drift() {
    check(settled().found(A(ours().labels(BY_OTHERS))), LeavesAlone);
    check(
        settled().found(A(ours().annotations(BY_OTHERS))),
        LeavesAlone,
    );
}

#[test]
fn a_repair_leaves_what_others_added_to_the_metadata() {
    let drifted = ours()
        .labels(BY_OTHERS)
        .annotations(BY_OTHERS)
        .data(OLD_PASSWORD);
    let repaired = ours().labels(BY_OTHERS).annotations(BY_OTHERS);
    check(
        settled().found(A(drifted)),
        Updates(Drifted, repaired.secret()),
    );
}

#[test]
fn no_type_means_opaque() {
    check(settled().found(A(ours().of_type("Opaque"))), LeavesAlone);
}

// Templates that give something else each time

const STAYS: Rendering = Rendering::Stays { drifted: false };
const DRIFTED: Rendering = Rendering::Stays { drifted: true };

#[test]
fn what_a_random_template_gave_stays_until_the_sealed_secret_changes() {
    let rendered = ours().data(OLD_PASSWORD);
    for row in [settled(), changed(), new()] {
        let row = row.found(A(rendered.clone()));
        check(row.clone().rendering(STAYS), LeavesAlone);
        check(
            row.clone().rendering(Rendering::Due),
            Updates(
                if row.settled_at() == Some(1) {
                    Drifted
                } else {
                    Changed
                },
                ours().secret(),
            ),
        );
        check(
            row.found(Nothing).rendering(STAYS),
            Creates(ours().secret()),
        );
    }
}

#[test]
fn what_a_random_template_gave_is_reported_and_kept_where_somebody_else_changed_it() {
    let row = settled().found(A(ours().data(OLD_PASSWORD)));
    check(row.rendering(DRIFTED), Refuses(Reason::DriftKept));
    let incomplete = settled().found(A(ours().data(&[("other", "x")])));
    check(incomplete.rendering(STAYS), Refuses(Reason::DriftKept));
}

#[test]
fn labels_of_a_random_template_are_repaired_and_its_data_stays() {
    let declared = plain().labels(&[("tier", "db")]);
    let drifted = ours().data(OLD_PASSWORD).labels(&[("tier", "web")]);
    let right = ours().data(OLD_PASSWORD).labels(&[("tier", "db")]);
    for (rendering, reason) in [(STAYS, Reason::Unsealed), (DRIFTED, Reason::DriftKept)] {
        let row = settled()
            .opens_to(declared.clone())
            .found(A(drifted.clone()))
            .rendering(rendering);
        check(row.clone(), Updates(Drifted, right.secret()));
        let verdict = run(&row).verdict.expect("the SealedSecret is there");
        assert_eq!(verdict.reason, reason);
    }
}

#[test]
fn a_restored_secret_of_a_random_template_keeps_its_data_and_one_that_is_handed_over_does_not() {
    let restored = plain().owner("uid-before-the-restore").data(OLD_PASSWORD);
    let row = new().found(A(restored)).rendering(STAYS);
    check(row, Updates(TakenOver, ours().data(OLD_PASSWORD).secret()));
    let managed = plain().annotations(MANAGED).data(OLD_PASSWORD);
    let row = new().found(A(managed)).rendering(STAYS);
    check(row.clone(), Updates(TakenOver, ours().secret()));
    // With the annotation in the template, and no owner reference, it may long be ours.
    let row = row.without_owner().opens_to(plain().annotations(MANAGED));
    check(row, LeavesAlone);
}

#[test]
fn into_a_patched_secret_a_random_template_adds_only_what_is_missing() {
    let there = plain()
        .annotations(PATCH)
        .data(&[("password", "zero"), ("theirs", "x")]);
    let row = settled().found(A(there.clone())).rendering(STAYS);
    check(row.clone(), LeavesAlone);
    let both = plain().data(&[("password", "one"), ("token", "two")]);
    let merged =
        plain()
            .annotations(PATCH)
            .data(&[("password", "zero"), ("theirs", "x"), ("token", "two")]);
    check(row.opens_to(both), Updates(Drifted, merged.secret()));
    // The first time all of it is merged in.
    let first = plain()
        .annotations(PATCH)
        .data(&[("password", "one"), ("theirs", "x")]);
    let row = new().found(A(there)).rendering(STAYS);
    check(row, Updates(TakenOver, first.secret()));
}

// Ownership

#[test]
fn a_secret_that_is_not_ours_is_left_alone_even_if_it_is_equal() {
    check(new().found(A(plain())), Refuses(Reason::NotManaged));
    let mut of_another = plain().secret();
    let owner = Owner {
        name: "other",
        uid: "uid-2",
    };
    of_another
        .metadata
        .insert("ownerReferences".into(), owner.references());
    let claim = ownership::claim(&of_another, &OWNER, Record::WroteWithoutOwner);
    assert_eq!(claim, Claim::Foreign);
}

#[test]
fn a_secret_that_lost_its_owner_reference_is_not_ours_any_more() {
    check(settled().found(A(plain())), Refuses(Reason::NotManaged));
}

#[test]
fn not_managed_says_how_to_hand_the_secret_over() {
    let plan = run(&new().found(A(plain())));
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
    let restored = A(plain().owner("uid-before-the-restore"));
    check(new().found(restored), Updates(TakenOver, ours().secret()));
}

#[test]
fn managed_hands_a_secret_over_and_it_is_replaced_wholesale() {
    let handed = plain()
        .data(&[("other", "x")])
        .labels(BY_OTHERS)
        .annotations(MANAGED);
    check(new().found(A(handed)), Updates(TakenOver, ours().secret()));
}

#[test]
fn only_the_exact_value_true_hands_a_secret_over() {
    let not_quite = plain().annotations(&[(annotations::MANAGED, "yes")]);
    check(new().found(A(not_quite)), Refuses(Reason::NotManaged));
}

// Merging

#[test]
fn patch_merges_and_takes_nothing_away() {
    let found = plain()
        .data(&[("other", "x"), ("password", "zero")])
        .labels(BY_OTHERS)
        .annotations(PATCH)
        .of_type("example.com/mine");
    let merged = found.clone().data(&[("other", "x"), ("password", "one")]);
    check(new().found(A(found)), Updates(TakenOver, merged.secret()));
    check(settled().found(A(merged)), LeavesAlone);
}

#[test]
fn patch_takes_ownership_only_together_with_managed() {
    let found = plain().data(OLD_PASSWORD).annotations(MANAGED_PATCH);
    let merged = ours().annotations(MANAGED_PATCH);
    check(new().found(A(found)), Updates(TakenOver, merged.secret()));
}

#[test]
fn patch_takes_ownership_at_once_where_the_template_says_managed() {
    let merged = ours().annotations(MANAGED_PATCH);
    let row = new()
        .opens_to(plain().annotations(MANAGED))
        .found(A(plain().annotations(PATCH)));
    check(row.clone(), Updates(TakenOver, merged.secret()));
    check(row.found(A(merged)), LeavesAlone);
}

#[test]
fn in_patch_mode_only_our_keys_can_drift() {
    let right = plain()
        .annotations(PATCH)
        .data(&[("other", "x"), ("password", "one")]);
    let others = right.clone().data(&[("other", "y"), ("password", "one")]);
    check(settled().found(A(others)), LeavesAlone);
    let drifted = right.clone().data(&[("other", "x"), ("password", "zero")]);
    check(
        settled().found(A(drifted)),
        Updates(Drifted, right.secret()),
    );
}

// Without owner reference

#[test]
fn a_template_may_ask_for_no_owner_reference() {
    check(new().without_owner(), Creates(plain().secret()));
}

#[test]
fn without_owner_reference_those_of_the_template_go_as_well() {
    let row = new().without_owner().opens_to(plain().owner("uid-2"));
    check(row, Creates(plain().secret()));
}

#[test]
fn without_owner_reference_the_secret_is_ours_while_our_record_says_so() {
    let row = changed()
        .without_owner()
        .found(A(plain().data(OLD_PASSWORD)));
    let recorded = row.clone().record(Record::WroteWithoutOwner);
    check(recorded, Updates(Changed, plain().secret()));
    check(row.record(Record::Nothing), Refuses(Reason::NotManaged));
}

#[test]
fn what_is_ours_by_our_record_is_ours_also_where_somebody_annotates_it_as_managed() {
    let there = plain().labels(BY_OTHERS).annotations(MANAGED);
    let row = settled()
        .without_owner()
        .record(Record::WroteWithoutOwner)
        .found(A(there.clone().data(OLD_PASSWORD)));
    check(row, Updates(Drifted, there.secret()));
}

#[test]
fn a_template_that_asks_for_an_owner_reference_again_gets_one() {
    let row = changed()
        .found(A(plain()))
        .record(Record::WroteWithoutOwner);
    check(row, Updates(Changed, ours().secret()));
}

// Immutable Secrets

#[test]
fn an_immutable_secret_is_not_changed() {
    let row = changed().found(A(ours().data(OLD_PASSWORD).immutable()));
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
    let row = changed().opens_to(plain().labels(&[("tier", "db")]));
    let next = ours().labels(&[("tier", "db")]).immutable();
    check(
        row.found(A(ours().immutable())),
        Updates(Changed, next.secret()),
    );
}

#[test]
fn an_immutable_secret_that_is_deleted_is_made_anew() {
    let row = settled().opens_to(plain().immutable()).found(Nothing);
    check(row, Creates(ours().immutable().secret()));
}

// Deleting

#[test]
fn a_sealed_secret_that_is_gone_takes_its_secret_with_it() {
    check(settled().gone(), Deletes);
    check(
        settled().gone().found(A(ours().data(OLD_PASSWORD))),
        Deletes,
    );
}

#[test]
fn a_secret_without_exactly_our_owner_reference_outlives_every_sealed_secret() {
    for found in [A(plain()), A(plain().owner("uid-2")), Rubbish, Nothing] {
        let row = settled().gone().found(found);
        check(row.record(Record::WroteWithoutOwner), LeavesAlone);
    }
}

// What is no Secret

#[test]
fn what_is_no_secret_is_replaced_only_if_we_wrote_it() {
    check(new().found(Rubbish), Refuses(Reason::NotManaged));
    check(settled().found(Rubbish), Updates(Drifted, ours().secret()));
}

// Status

#[test]
fn the_status_is_written_only_when_it_says_something_new() {
    let later = Timestamp::from_second(100).expect("a small number is a time");
    let writes = |row: Row| {
        let verdict = run(&row).verdict.expect("the SealedSecret is there");
        next_status(row.status().as_ref(), &verdict, Some(1), later).is_some()
    };
    assert!(writes(new()), "the first verdict");
    assert!(!writes(settled()), "nothing new");
    assert!(!writes(settled().found(Nothing)), "a repair is nothing new");
    assert!(writes(changed()), "another generation");
    assert!(writes(settled().does_not_open()), "a failure");
}
