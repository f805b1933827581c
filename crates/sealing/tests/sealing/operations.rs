//! What opening costs, in private-key operations: the order in which keys are tried decides it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use seal_api::{Scope, SealedSecret, annotations};
use seal_sealing::{Binding, ItemLine, ItemLines};

use crate::samples::{
    MOST_KEYS, annotate, certificate, changed, key_id, moved, noon_of, open, renamed, rescoped,
    ring, seal_with, secret, without_lines,
};

const FIVE: [(&str, &str); 5] = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")];

/// Opens with keys 0 to `keys`, and checks how many operations it took.
#[track_caller]
fn check(object: &SealedSecret, keys: usize, operations: u64) {
    let ring = ring(0..keys);
    let opened = open(object, &ring).unwrap();
    assert_eq!(opened.secret.data.len(), object.spec.encrypted_data.len());
    assert_eq!(ring.operations(), operations);
}

/// Five items, the ones in `of_first` sealed with key 0 and the others with key 2, without lines.
fn mixed(of_first: &[&str]) -> SealedSecret {
    let mut object = seal_with(&secret(&FIVE), Scope::Strict, 2);
    let other = seal_with(&secret(&FIVE), Scope::Strict, 0);
    for item in of_first {
        let text = other.spec.encrypted_data[*item].clone();
        object.spec.encrypted_data.insert((*item).to_owned(), text);
    }
    without_lines(object)
}

fn created(object: SealedSecret, at: Timestamp) -> SealedSecret {
    changed(object, |object| {
        object.metadata.creation_timestamp = Some(Time(at));
    })
}

#[test]
fn with_the_right_hint_it_is_one_operation_an_item_whatever_the_number_of_keys() {
    let object = seal_with(&secret(&FIVE), Scope::Strict, 0);
    for keys in [1, 5, MOST_KEYS] {
        check(&object, keys, 5);
    }
}

#[test]
fn items_of_different_keys_cost_one_operation_each_when_their_lines_are_right() {
    let mut object = seal_with(&secret(&FIVE), Scope::Strict, 0);
    let mut lines = ItemLines::of(&object);
    for (key, item) in [(1, "b"), (2, "d"), (4, "e")] {
        let binding = Binding::of(&object);
        let sealed =
            seal_sealing::seal_item(b"x", &binding, &certificate(key), noon_of(key)).unwrap();
        object
            .spec
            .encrypted_data
            .insert(item.to_owned(), sealed.text);
        lines.insert(item, sealed.line);
    }
    annotate(&mut object, annotations::ITEMS, Some(&lines.to_string()));
    check(&object, MOST_KEYS, 5);
}

#[test]
fn without_lines_the_newest_key_is_tried_first() {
    let object = without_lines(seal_with(&secret(&[("a", "1")]), Scope::Strict, 4));
    check(&object, 5, 1);
    let object = without_lines(seal_with(&secret(&[("a", "1")]), Scope::Strict, 1));
    check(&object, 5, 4);
}

#[test]
fn without_lines_the_key_of_the_other_items_is_tried_next() {
    let object = without_lines(seal_with(&secret(&FIVE), Scope::Strict, 0));
    // The first item tries all five keys, newest first; the others know.
    check(&object, 5, 5 + 4);
}

#[test]
fn of_the_keys_of_other_items_the_one_last_used_is_tried_first() {
    // a: 4, 3, 2. b: 2, 4, 3, 1, 0. c and d: 0. e: 0, 2.
    check(&mixed(&["b", "c", "d"]), 5, 3 + 5 + 1 + 1 + 2);
}

#[test]
fn the_key_current_at_creation_is_tried_before_the_newest() {
    let object = without_lines(seal_with(&secret(&[("a", "1")]), Scope::Strict, 1));
    let hour = SignedDuration::from_hours(1);
    // Key 1 was the newest from its first second until key 2 came.
    for at in [noon_of(1), noon_of(1) + hour, noon_of(2) - hour] {
        check(&created(object.clone(), at), MOST_KEYS, 1);
    }
    // An hour earlier it was key 0, which is tried in vain, then all keys from the newest.
    check(&created(object.clone(), noon_of(1) - hour), 5, 1 + 4);
    // Older than all keys: as if nothing were known.
    check(&created(object, noon_of(0) - hour), 5, 4);
}

#[test]
fn a_line_goes_before_the_other_items_and_before_the_age_of_the_object() {
    let object = created(seal_with(&secret(&FIVE), Scope::Strict, 0), noon_of(3));
    check(&object, 5, 5);
}

#[test]
fn a_line_that_lies_costs_one_try_and_hinders_nothing() {
    let mut object = seal_with(&secret(&[("a", "1")]), Scope::Strict, 4);
    let text = object.spec.encrypted_data["a"].clone();
    let mut lines = ItemLines::default();
    let binding = Binding::of(&object);
    lines.insert(
        "a",
        ItemLine::new(key_id(0).to_owned(), noon_of(0), binding, &text),
    );
    annotate(&mut object, annotations::ITEMS, Some(&lines.to_string()));
    check(&object, 5, 1 + 1);
}

#[test]
fn a_changed_item_has_no_line_and_opens_all_the_same() {
    let mut object = seal_with(&secret(&FIVE), Scope::Strict, 0);
    // As kubeseal --merge-into does: a new text, and the annotation left as it was.
    let other = seal_with(&secret(&[("c", "new")]), Scope::Strict, 4);
    let text = other.spec.encrypted_data["c"].clone();
    object.spec.encrypted_data.insert("c".to_owned(), text);
    assert!(ItemLines::of(&object).get("c").is_none());
    // The key of the items before it is tried first, then the newest.
    check(&object, 5, 5 + 1);
}

#[test]
fn each_key_says_which_items_it_opened() {
    let ring = ring(0..3);
    let opened = open(&mixed(&["b"]), &ring).unwrap();
    let by: BTreeMap<&str, String> = opened
        .keys
        .iter()
        .map(|(item, key)| (item.as_str(), key.short()))
        .collect();
    let expected = [("a", 2), ("b", 0), ("c", 2), ("d", 2), ("e", 2)];
    assert_eq!(
        by,
        expected
            .map(|(item, key)| (item, key_id(key).to_owned()))
            .into()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_failing_object_costs_each_key_once_an_item_and_four_more_at_most(
        items in 1..=5usize,
        held in proptest::sample::subsequence(vec![0, 1, 2, 3, 4], 0..=5),
        key in 0..5usize,
        sealed_as in scope(),
        found_as in scope(),
        (rename, move_, forget) in any::<(bool, bool, bool)>(),
    ) {
        let mut object = rescoped(seal_with(&secret(&FIVE[..items]), sealed_as, key), found_as);
        for (asked, change) in [(rename, renamed as fn(_) -> _), (move_, moved), (forget, without_lines)] {
            if asked {
                object = change(object);
            }
        }
        let ring = ring(held.iter().copied());
        let failed = open(&object, &ring).is_err();
        let extra = if failed { 4 } else { 0 };
        prop_assert!(ring.operations() <= (held.len() * items + extra) as u64);
    }
}

fn scope() -> impl Strategy<Value = Scope> {
    proptest::sample::select(Scope::ALL.to_vec())
}
