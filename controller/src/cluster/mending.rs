//! When a status that somebody else edited is mended. Pure.
//!
//! Two controllers must not write it in turns, so that the waits grow while nothing but the status changes.

use std::time::Duration;

use tokio::time::Instant;

use super::objects::Fingerprint;

/// How long until it is mended first. The Go project's controller tries six times within this what it cannot open.
const FIRST: Duration = Duration::from_secs(5);
/// How often the wait is four times the one before.
const LONGER: u32 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(3600);
/// An edit counts as the first again when the last was mended so long ago, beyond the wait for it.
const QUIET: Duration = Duration::from_secs(60);

/// The last mending of the status of one state of a SealedSecret, done or to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mending {
    seen: Fingerprint,
    /// How many there were in a row before it.
    before: u32,
    pub(super) due: Instant,
}

impl Mending {
    /// The mending of an edit that was seen now.
    pub(super) fn of_edit(last: Option<Self>, seen: Fingerprint, now: Instant) -> Self {
        let last = last.filter(|last| last.seen == seen);
        let before = match last {
            Some(last) if last.due > now => return last,
            Some(last) if now < last.due + last.wait() + QUIET => last.before.saturating_add(1),
            Some(_) | None => 0,
        };
        let mut mending = Self {
            seen,
            before,
            due: now,
        };
        mending.due = now + mending.wait();
        mending
    }

    fn wait(&self) -> Duration {
        (FIRST * 4_u32.pow(self.before.min(LONGER))).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn state(generation: i64) -> Fingerprint {
        let metadata = ObjectMeta {
            generation: Some(generation),
            ..Default::default()
        };
        Fingerprint::of(&metadata, "{}")
    }

    #[test]
    fn a_status_that_is_edited_after_each_mending_is_mended_ever_later() {
        let mut now = Instant::now();
        let mut last = None;
        let mut waits = Vec::new();
        for _ in 0..8 {
            let mending = Mending::of_edit(last, state(1), now);
            waits.push((mending.due - now).as_secs());
            // Its edit comes two seconds later.
            now = mending.due + Duration::from_secs(2);
            last = Some(mending);
        }
        assert_eq!(waits, [5, 20, 80, 320, 1280, 3600, 3600, 3600]);
        let quiet = now + LONGEST + QUIET;
        let first_again = Mending::of_edit(last, state(1), quiet);
        assert_eq!(first_again.due, quiet + FIRST);
        let changed = Mending::of_edit(last, state(2), now);
        assert_eq!(changed.due, now + FIRST);
    }

    #[test]
    fn edits_before_a_mending_put_it_off_no_further() {
        let now = Instant::now();
        let first = Mending::of_edit(None, state(1), now);
        let second = Mending::of_edit(Some(first), state(1), now + FIRST / 2);
        assert_eq!((first.due, second.due), (now + FIRST, now + FIRST));
    }
}
