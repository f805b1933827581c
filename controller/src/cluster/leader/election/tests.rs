use jiff::Timestamp;

use super::*;

const TIMES: Times = Times {
    lease: Duration::from_secs(10),
};

fn at(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

fn election(me: &str) -> Election {
    Election::new(me.to_owned(), TIMES)
}

fn lease(holder: &str, renewed: i64) -> Lease {
    let now = Timestamp::from_second(renewed).expect("it is a time");
    Lease::new(("kube-system", "seal"), holder, TIMES.lease, now)
}

#[test]
fn who_comes_first_makes_the_lease_and_leads_from_before_it_asked() {
    let mut a = election("a");
    assert_eq!(a.standing(at(100)), Standing::Follows);
    assert_eq!(a.sees(None, at(100)), Step::Create);
    a.holds(at(100));
    assert_eq!(a.standing(at(106)), Standing::Leads(at(107)));
    assert_eq!(a.standing(at(107)), Standing::Follows);
    assert_eq!(a.wait(at(100)), at(2));
    assert_eq!(a.wait(at(101)), at(1));
    // It failed, and there is time for some more tries.
    assert_eq!(a.wait(at(104)), at(1));
}

#[test]
fn another_ones_lease_runs_from_when_it_was_seen_to_change_whatever_it_says_of_time() {
    let mut b = election("b");
    // By its own clock it ran out long ago, or is from the future.
    for (number, renewed) in [0, 4_000_000_000].into_iter().enumerate() {
        let begin = 100 + 20 * u64::try_from(number).expect("it is small");
        let seen = lease("a", renewed);
        assert_eq!(b.sees(Some(&seen), at(begin)), Step::Wait);
        assert_eq!(b.sees(Some(&seen), at(begin + 9)), Step::Wait);
        assert_eq!(b.wait(at(begin + 9)), at(1));
        assert_eq!(b.sees(Some(&seen), at(begin + 10)), Step::Hold);
    }
    // A sign of life.
    assert_eq!(b.sees(Some(&lease("a", 7)), at(131)), Step::Wait);
    assert_eq!(b.sees(Some(&lease("a", 8)), at(140)), Step::Wait);
    assert_eq!(b.sees(Some(&lease("a", 8)), at(149)), Step::Wait);
}

#[test]
fn a_holder_stops_before_anybody_else_begins() {
    // The answer came so late, and so the other saw it early, as can be.
    let (mut a, mut b) = (election("a"), election("b"));
    assert_eq!(a.sees(None, at(100)), Step::Create);
    let sent = at(100);
    assert_eq!(b.sees(Some(&lease("a", 0)), sent), Step::Wait);
    a.holds(sent);
    let begins = (100..200).find(|second| {
        let step = b.sees(Some(&lease("a", 0)), at(*second));
        step == Step::Hold
    });
    let stops = (100..200).find(|second| a.standing(at(*second)) == Standing::Follows);
    assert_eq!((stops, begins), (Some(107), Some(110)));
}

#[test]
fn the_silence_that_counts_is_the_one_that_the_holder_asked_for() {
    let mut b = election("b");
    let now = Timestamp::UNIX_EPOCH;
    let long = Lease::new(("kube-system", "seal"), "a", at(60), now);
    assert_eq!(b.sees(Some(&long), at(100)), Step::Wait);
    assert_eq!(b.sees(Some(&long), at(159)), Step::Wait);
    assert_eq!(b.sees(Some(&long), at(160)), Step::Hold);
}

#[test]
fn a_lease_that_is_free_or_ours_is_taken_at_once() {
    let mut b = election("b");
    assert_eq!(b.sees(Some(&lease("a", 1)), at(100)), Step::Wait);
    let free = lease("a", 1).given_back(Timestamp::UNIX_EPOCH);
    assert_eq!(b.sees(Some(&free), at(101)), Step::Hold);
    // The process before this one in the same pod had it.
    assert_eq!(
        election("b").sees(Some(&lease("b", 1)), at(100)),
        Step::Hold
    );
    assert_eq!(
        election("b").sees(Some(&lease("b2", 1)), at(100)),
        Step::Wait
    );
}

#[test]
fn who_sees_another_one_hold_it_follows_at_once() {
    let mut a = election("a");
    a.holds(at(100));
    assert_eq!(a.sees(Some(&lease("b", 1)), at(101)), Step::Wait);
    assert_eq!(a.standing(at(101)), Standing::Follows);
}

#[test]
fn a_lease_that_is_deleted_is_made_again_by_who_held_it_and_by_others_only_after_its_time() {
    let (mut a, mut b) = (election("a"), election("b"));
    a.holds(at(100));
    assert_eq!(b.sees(Some(&lease("a", 1)), at(100)), Step::Wait);
    assert_eq!(b.sees(None, at(101)), Step::Wait);
    assert_eq!(a.sees(None, at(102)), Step::Create);
    assert_eq!(a.standing(at(102)), Standing::Leads(at(107)));
    assert_eq!(b.sees(None, at(110)), Step::Create);
}

/// The same with a `resourceVersion`.
fn stored(lease: Lease, version: u64) -> Lease {
    let mut object = lease.object().clone();
    object["metadata"]["resourceVersion"] = version.to_string().into();
    Lease::stored(object)
}

#[test]
fn a_lease_that_is_restored_to_what_it_was_gives_nobody_the_lead_of_another_who_still_has_it() {
    let free = || lease("b", 1).given_back(Timestamp::UNIX_EPOCH);
    for older in [lease("b", 1), free()] {
        let (mut a, mut b) = (election("a"), election("b"));
        a.holds(at(100));
        let held = stored(lease("a", 2), 20);
        assert_eq!(b.sees(Some(&held), at(100)), Step::Wait);
        let older = stored(older, 10);
        for second in 101..107 {
            assert_eq!(b.sees(Some(&older), at(second)), Step::Wait, "{second}");
            assert_ne!(a.standing(at(second)), Standing::Follows);
        }
        assert_eq!(b.sees(Some(&older), at(110)), Step::Hold);
        b.holds(at(110));
        // Later it is as ever.
        let free = stored(free(), 30);
        assert_eq!(b.sees(Some(&free), at(111)), Step::Hold);
    }
    // Who leads takes it again, where nobody else does.
    let mut a = election("a");
    assert_eq!(
        a.sees(Some(&stored(lease("a", 9), 20)), at(100)),
        Step::Hold
    );
    a.holds(at(100));
    assert_eq!(a.sees(Some(&stored(free(), 10)), at(101)), Step::Hold);
}

#[test]
fn who_may_not_use_leases_works_alone_and_stands_for_election_when_it_may() {
    let mut a = election("a");
    a.is_barred(at(100));
    assert_eq!(a.standing(at(100)), Standing::Alone);
    let waits: Vec<u64> = (0..7)
        .map(|_| {
            let wait = a.wait(at(100)).as_secs();
            a.is_barred(at(100));
            wait
        })
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(a.sees(Some(&lease("b", 1)), at(200)), Step::Wait);
    assert_eq!(a.standing(at(200)), Standing::Follows);
}

#[test]
fn who_may_not_use_leases_any_more_works_alone_when_the_last_one_has_run_out() {
    let (mut a, mut b) = (election("a"), election("b"));
    a.holds(at(100));
    assert_eq!(b.sees(Some(&lease("a", 1)), at(100)), Step::Wait);
    for second in 102..110 {
        a.is_barred(at(second));
        b.is_barred(at(second));
        assert_ne!(a.standing(at(second)), Standing::Alone);
        assert_eq!(b.standing(at(second)), Standing::Follows);
    }
    assert_eq!(a.standing(at(109)), Standing::Follows);
    a.is_barred(at(112));
    b.is_barred(at(112));
    assert_eq!(a.standing(at(112)), Standing::Alone);
    assert_eq!(b.standing(at(112)), Standing::Alone);
    // One refusal in between is none.
    let mut c = election("c");
    assert_eq!(c.sees(Some(&lease("a", 1)), at(100)), Step::Wait);
    c.is_barred(at(101));
    assert_eq!(c.sees(Some(&lease("a", 2)), at(102)), Step::Wait);
    c.is_barred(at(111));
    assert_eq!(c.standing(at(111)), Standing::Follows);
}

#[test]
fn an_answer_without_a_version_says_nothing_of_the_history() {
    let held = |renewed, version: Option<&str>| {
        let mut lease = lease("a", renewed).object().clone();
        if let Some(version) = version {
            lease["metadata"]["resourceVersion"] = version.into();
        }
        Lease::stored(lease)
    };
    let mut b = election("b");
    assert_eq!(b.sees(Some(&held(1, Some("7"))), at(100)), Step::Wait);
    let free = |version| held(1, version).given_back(Timestamp::UNIX_EPOCH);
    assert_eq!(b.sees(Some(&free(None)), at(101)), Step::Hold);
    // It is not forgotten either how far it had come.
    assert_eq!(b.sees(Some(&held(2, Some("8"))), at(102)), Step::Wait);
    assert_eq!(b.sees(Some(&held(3, None)), at(103)), Step::Wait);
    assert_eq!(b.sees(Some(&free(Some("6"))), at(104)), Step::Wait);
}
