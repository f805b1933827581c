//! What a further try costs, and that it ends as a first one would.

use proptest::prelude::*;
use seal_api::{Reason, Scope, SealedSecret};
use seal_sealing::{Failure, Outcome, Purpose, Tried, UnsealOptions, unseal_again};

use crate::samples::{open, renamed, ring, seal_with, secret, without_lines};

const THREE: [(&str, &str); 3] = [("a", "1"), ("b", "2"), ("c", "3")];

/// Items a, b and c sealed with these keys, without lines.
fn sealed_with(keys: [usize; 3]) -> SealedSecret {
    let mut object = seal_with(&secret(&THREE), Scope::Strict, keys[0]);
    for (item, key) in ["a", "b", "c"].into_iter().zip(keys) {
        let other = seal_with(&secret(&THREE), Scope::Strict, key);
        let text = other.spec.encrypted_data[item].clone();
        object.spec.encrypted_data.insert(item.to_owned(), text);
    }
    without_lines(object)
}

fn again(object: &SealedSecret, keys: &[usize], tried: Tried, allowed: u64) -> (Outcome, u64) {
    again_while(object, keys, tried, allowed, |_| true)
}

fn again_while(
    object: &SealedSecret,
    keys: &[usize],
    tried: Tried,
    allowed: u64,
    mut goes_on: impl FnMut(Purpose) -> bool,
) -> (Outcome, u64) {
    let ring = ring(keys.iter().copied());
    let options = UnsealOptions::default();
    let attempt = unseal_again(object, &ring, &options, tried, allowed, &mut goes_on);
    assert_eq!(attempt.operations, ring.operations());
    (attempt.outcome, attempt.operations)
}

#[track_caller]
fn failed(outcome: Outcome) -> (Failure, Tried) {
    match outcome {
        Outcome::Failed(failure, tried) => (failure, tried),
        _ => panic!("it did not fail"),
    }
}

fn items_of(failure: &Failure) -> Vec<&str> {
    let items = failure.items().iter();
    items.filter_map(|item| item.item.as_deref()).collect()
}

#[test]
fn a_new_key_costs_one_operation_an_item_that_did_not_open() {
    let object = sealed_with([0, 9, 9]);
    let (failure, tried) = failed(again(&object, &[0, 1, 2], Tried::default(), u64::MAX).0);
    assert_eq!(items_of(&failure), ["b", "c"]);
    let (outcome, operations) = again(&object, &[0, 1, 2, 3], tried, u64::MAX);
    assert_eq!(operations, 2);
    let (failure, tried) = failed(outcome);
    assert_eq!(items_of(&failure), ["b", "c"]);

    let (outcome, operations) = again(&object, &[0, 1, 2, 3, 9], tried, u64::MAX);
    assert!(matches!(outcome, Outcome::Opened(opened) if opened.secret.data.len() == 3));
    // One for each of b and c with the new key. Then a, with the key of the others first.
    assert_eq!(operations, 2 + 2);
}

#[test]
fn what_was_proven_is_not_proven_again_and_what_the_keys_decide_is() {
    let moved = renamed(seal_with(&secret(&THREE), Scope::Strict, 0));
    let (first, tried) = failed(again(&moved, &[0], Tried::default(), u64::MAX).0);
    assert_eq!(first.reason(), Reason::SealedForAnotherName);
    let (outcome, operations) = again(&moved, &[0, 1], tried, u64::MAX);
    assert_eq!((failed(outcome).0, operations), (first, 3));

    let (first, tried) = failed(again(&moved, &[1], Tried::default(), u64::MAX).0);
    assert_eq!(first.reason(), Reason::UnknownKey);
    let (second, _) = failed(again(&moved, &[1, 0], tried, u64::MAX).0);
    assert_eq!(second.reason(), Reason::SealedForAnotherName);
}

#[test]
fn without_a_new_key_nothing_is_tried_again() {
    let object = sealed_with([0, 9, 9]);
    let (first, tried) = failed(again(&object, &[0, 1], Tried::default(), u64::MAX).0);
    let held = ring([0, 1]);
    let held = held.keys().iter().map(|key| key.id()).collect();
    assert!(!tried.is_outdated(&held));
    let (second, operations) = again(&object, &[0, 1], tried, u64::MAX);
    assert_eq!((failed(second).0, operations), (first, 0));
}

#[test]
fn a_key_that_is_gone_makes_every_item_be_tried_again() {
    let object = sealed_with([0, 9, 9]);
    let (_, tried) = failed(again(&object, &[0, 1], Tried::default(), u64::MAX).0);
    let (failure, _) = failed(again(&object, &[1, 9], tried, u64::MAX).0);
    assert_eq!(items_of(&failure), ["a"]);
}

#[test]
fn an_object_that_fails_is_put_off_when_its_operations_are_used_up_and_one_that_opens_never_is() {
    let object = sealed_with([0, 9, 9]);
    let (outcome, operations) = again(&object, &[0, 1, 2], Tried::default(), 1);
    let Outcome::PutOff(tried) = outcome else {
        panic!("it was not put off");
    };
    // The item a opens with the third key, b with none.
    assert_eq!(operations, 3 + 3);
    let held = ring([0, 1, 2]);
    let held = held.keys().iter().map(|key| key.id()).collect();
    assert!(tried.is_outdated(&held));
    // The rest, and what the diagnosis takes.
    let (outcome, operations) = again(&object, &[0, 1, 2], tried, 1);
    let (failure, _) = failed(outcome);
    assert_eq!(items_of(&failure), ["b", "c"]);
    assert_eq!(operations, 3 + 2);

    let opens = sealed_with([2, 1, 0]);
    let (outcome, _) = again(&opens, &[0, 1, 2], Tried::default(), 1);
    assert!(matches!(outcome, Outcome::Opened(_)));
}

#[test]
fn it_is_broken_off_before_any_operation_and_nothing_comes_of_it() {
    let object = sealed_with([0, 9, 9]);
    // Three for a, as many for b and c; then it is known that it fails, and finding out why is another matter.
    for wanted in 0..9 {
        let mut left = wanted;
        let (outcome, operations) =
            again_while(&object, &[0, 1, 2], Tried::default(), u64::MAX, |_| {
                left -= 1;
                left >= 0
            });
        assert!(matches!(outcome, Outcome::BrokenOff), "{outcome:?}");
        assert_eq!(Ok(operations), u64::try_from(wanted));
    }
}

#[test]
fn why_it_does_not_open_can_be_found_out_later_without_trying_again_what_was_tried() {
    let moved = renamed(seal_with(&secret(&THREE), Scope::Strict, 0));
    let (at_once, all) = again(&moved, &[0, 1], Tried::default(), u64::MAX);
    let opens = |purpose| purpose == Purpose::Opening;
    let (outcome, tries) = again_while(&moved, &[0, 1], Tried::default(), u64::MAX, opens);
    let Outcome::Unexplained(tried) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(tries, 6);
    let first = failed(at_once).0;
    // Also where nothing else is allowed.
    for allowed in [0, u64::MAX] {
        let tried = tried.clone();
        let (outcome, rest) = again_while(&moved, &[0, 1], tried, allowed, |purpose| {
            purpose == Purpose::Diagnosis
        });
        assert_eq!(failed(outcome).0, first);
        assert_eq!(tries + rest, all);
    }
}

#[test]
fn where_no_operation_is_allowed_only_the_likeliest_key_is_tried() {
    let (outcome, operations) = again(&sealed_with([2, 2, 2]), &[0, 1, 2], Tried::default(), 0);
    assert!(matches!(outcome, Outcome::Opened(_)));
    assert_eq!(operations, 3);

    for object in [sealed_with([2, 1, 2]), sealed_with([2, 9, 9])] {
        let (outcome, operations) = again(&object, &[0, 1, 2], Tried::default(), 0);
        assert!(matches!(outcome, Outcome::PutOff(_)));
        assert_eq!(operations, 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_tried_before_it_ends_as_a_first_try_would(
        sealed in prop::array::uniform3(0..4_usize),
        held in prop::collection::vec(prop::collection::btree_set(0..4_usize, 0..4), 1..5),
        allowed in 0..8_u64,
    ) {
        let object = sealed_with(sealed);
        let mut tried = Tried::default();
        for keys in held {
            let keys: Vec<usize> = keys.into_iter().collect();
            let mut tries = 0;
            let ended = loop {
                match again(&object, &keys, tried, allowed.max(1)).0 {
                    Outcome::PutOff(more) => tried = more,
                    Outcome::Opened(opened) => {
                        tried = Tried::default();
                        break Ok(opened.secret);
                    }
                    Outcome::Failed(failure, more) => {
                        tried = more;
                        break Err(failure);
                    }
                    outcome => {
                        return Err(TestCaseError::fail(format!("{outcome:?}")));
                    }
                }
                tries += 1;
                prop_assert!(tries <= 6, "it never ends");
            };
            let first = open(&object, &ring(keys)).map(|opened| opened.secret);
            prop_assert_eq!(
                ended.as_ref().map_err(items_of),
                first.as_ref().map_err(items_of)
            );
        }
    }
}
