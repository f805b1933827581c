//! How long to wait before a repair that is undone again and again. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::digest::Digest;

/// So many writes of the same thing in quick succession are made at once.
const PATIENCE: u32 = 3;
/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// What is undone within this time is undone quickly.
const QUICK: SignedDuration = SignedDuration::from_mins(1);

/// The writes of one Secret.
#[derive(Debug)]
pub(crate) struct Contest {
    /// What was written: another SealedSecret begins a new count.
    wrote: Digest,
    count: u32,
    last: Timestamp,
}

impl Contest {
    /// When the same thing may be written again. Where the clock was set back behind the last write, that is now.
    pub(crate) fn next(contest: Option<&Self>, wanted: Digest, now: Timestamp) -> Timestamp {
        match contest {
            Some(contest) if contest.wrote == wanted && contest.last <= now => contest
                .last
                .checked_add(contest.wait())
                .unwrap_or(Timestamp::MAX),
            Some(_) | None => Timestamp::MIN,
        }
    }

    /// The contest after a write.
    pub(crate) fn after(contest: Option<&Self>, wrote: Digest, now: Timestamp) -> Self {
        let quickly = |contest: &&Self| {
            contest.wrote == wrote && now.duration_since(contest.last) < contest.wait() + QUICK
        };
        let count = contest
            .filter(quickly)
            .map_or(1, |contest| contest.count.saturating_add(1));
        Self {
            wrote,
            count,
            last: now,
        }
    }

    fn wait(&self) -> SignedDuration {
        match self.count.checked_sub(PATIENCE) {
            None => SignedDuration::ZERO,
            Some(over) => SignedDuration::from_secs(4_i64.pow(over.min(6))).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number is a time")
    }

    #[test]
    fn the_first_repairs_come_at_once_and_further_ones_ever_later() {
        let (wrote, other) = (Digest::of(&[b"a"]), Digest::of(&[b"b"]));
        let mut contest = None;
        let mut waits = Vec::new();
        let mut now = at(0);
        for _ in 0..9 {
            contest = Some(Contest::after(contest.as_ref(), wrote, now));
            let next = Contest::next(contest.as_ref(), wrote, now).max(now);
            waits.push(next.duration_since(now).as_secs());
            now = next;
        }
        assert_eq!(waits, [0, 0, 1, 4, 16, 64, 256, 1024, 3600]);
        let next = |wanted, now| Contest::next(contest.as_ref(), wanted, now);
        assert_eq!(next(other, now), Timestamp::MIN);
        let rested = Contest::after(contest.as_ref(), wrote, now + QUICK + QUICK);
        assert_eq!(rested.count, 1);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_repairs() {
        let wrote = Digest::of(&[b"a"]);
        let year = 365 * 24 * 3600;
        let contest = Contest::after(None, wrote, at(year));
        assert!(Contest::next(Some(&contest), wrote, at(0)) <= at(0));
        let contest = Contest::after(Some(&contest), wrote, at(0));
        assert!(Contest::next(Some(&contest), wrote, at(1)) <= at(1));
    }

    #[test]
    fn the_wait_never_exceeds_an_hour() {
        let contest = Contest {
            wrote: Digest::of(&[]),
            count: u32::MAX,
            last: at(0),
        };
        assert_eq!(contest.wait(), LONGEST);
    }
}
