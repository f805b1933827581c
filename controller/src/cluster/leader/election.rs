//! The rules of the election. Pure: what was seen and when comes in, what to do comes out.
//!
//! Nobody's clock is trusted but one's own, and of that only how much time passed: another's Lease has run out when so
//! much time as it says has passed since *we* saw it change last, and one's own when less than that has passed since
//! *before* it was asked for. So the holder stops before anybody else begins.

use std::time::Duration;

use serde_json::Value;

use super::{gate::Moment, lease::Lease};

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) struct Times {
    /// How long a holder may be silent before others take its place.
    pub(in crate::cluster) lease: Duration,
}

impl Times {
    /// How long after a sign of life was sent its sender still writes.
    pub(in crate::cluster) fn lead(self) -> Duration {
        self.lease * 7 / 10
    }

    /// How often the holder gives a sign of life.
    pub(in crate::cluster) fn renew(self) -> Duration {
        self.lease / 5
    }

    /// How often others look at the Lease, and how soon the holder tries again.
    pub(in crate::cluster) fn look(self) -> Duration {
        self.lease / 10
    }

    /// How long one request about the Lease may take.
    pub(in crate::cluster) fn request(self) -> Duration {
        self.lease * 3 / 10
    }

    /// How long until it is seen that Leases may be used after all.
    const ASK_AGAIN: Duration = Duration::from_secs(30);
}

/// What a replica is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) enum Standing {
    /// Another one leads, or may.
    Follows,
    /// It leads, and writes until this moment.
    Leads(Moment),
    /// There is no Lease for it to hold: it works as if there were no other.
    Alone,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cluster) enum Step {
    /// Make the Lease, held by this replica.
    Create,
    /// Write that this replica holds it.
    Hold,
    /// Somebody else holds it.
    Wait,
}

/// One replica's view of the election.
#[derive(Debug)]
pub(in crate::cluster) struct Election {
    me: String,
    times: Times,
    /// What the Lease said when it changed last, and when that was seen.
    seen: Option<(Value, Moment)>,
    /// The `resourceVersion` that the Lease had last.
    version: u64,
    /// Another's Lease runs so long.
    theirs_until: Moment,
    /// So does one that was there before the API server's database was restored to what it was.
    forgotten_until: Moment,
    standing: Standing,
    /// Whether the Lease could be used at any time.
    had_lease: bool,
    /// Since when it may not be used.
    barred: Option<Barred>,
}

#[derive(Debug, Clone, Copy)]
struct Barred {
    since: Moment,
    times: u32,
}

impl Election {
    /// `me` is nobody else's name: the name of the pod with something that another process of this name has not.
    pub(in crate::cluster) fn new(me: String, times: Times) -> Self {
        Self {
            me,
            times,
            seen: None,
            version: 0,
            theirs_until: Moment::ZERO,
            forgotten_until: Moment::ZERO,
            standing: Standing::Follows,
            had_lease: false,
            barred: None,
        }
    }

    pub(in crate::cluster) fn me(&self) -> &str {
        &self.me
    }

    pub(in crate::cluster) fn times(&self) -> Times {
        self.times
    }

    /// What this replica is at a moment. A lead that has run out is none.
    pub(in crate::cluster) fn standing(&self, now: Moment) -> Standing {
        match self.standing {
            Standing::Leads(until) if now >= until => Standing::Follows,
            standing => standing,
        }
    }

    /// The Lease was read, or is not there. `now` is when the answer came.
    pub(in crate::cluster) fn sees(&mut self, lease: Option<&Lease>, now: Moment) -> Step {
        let Some(lease) = lease else {
            // Whoever held it goes on until it notices.
            return if now < self.theirs_until {
                Step::Wait
            } else {
                Step::Create
            };
        };
        let is_known = self
            .seen
            .as_ref()
            .is_some_and(|(spec, _)| spec == lease.spec());
        if !is_known {
            self.seen = Some((lease.spec().clone(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let holder = lease.holder();
        let version = lease.version();
        // An answer without a version says nothing of the history.
        if version > 0 && std::mem::replace(&mut self.version, version) > version {
            // It says what was so before another one held it, who goes on until that notices.
            self.forgotten_until = self.theirs_until;
        }
        if now < self.forgotten_until && (holder.is_empty() || holder == self.me) {
            return Step::Wait;
        }
        // What is held under our name, in an answer that got lost or by the process before us in this pod, is ours.
        if holder.is_empty() || holder == self.me {
            self.theirs_until = Moment::ZERO;
            return Step::Hold;
        }
        self.theirs_until = since + lease.duration().unwrap_or(self.times.lease);
        if now < self.theirs_until {
            self.is_usable();
            self.standing = Standing::Follows;
            return Step::Wait;
        }
        if self.standing != Standing::Alone {
            self.standing = Standing::Follows;
        }
        Step::Hold
    }

    /// The Lease is held by this replica; `sent` is when it was asked for.
    pub(in crate::cluster) fn holds(&mut self, sent: Moment) {
        self.is_usable();
        self.theirs_until = Moment::ZERO;
        self.forgotten_until = Moment::ZERO;
        self.standing = Standing::Leads(sent + self.times.lead());
    }

    /// This replica holds it no longer.
    pub(in crate::cluster) fn gives_up(&mut self) {
        self.standing = Standing::Follows;
    }

    /// It may not be used: there is no right to, no such API, or a policy against it.
    ///
    /// Where that is so from the start, this replica works alone. Where it is so from some time on, it does when whoever
    /// holds the Lease has had the time to see the same.
    pub(in crate::cluster) fn is_barred(&mut self, now: Moment) {
        let barred = self.barred.get_or_insert(Barred {
            since: now,
            times: 0,
        });
        barred.times = barred.times.saturating_add(1);
        let is_over = now >= barred.since + self.times.lease && now >= self.theirs_until;
        if !self.had_lease || is_over {
            self.standing = Standing::Alone;
        }
    }

    /// How long until the next request, after the last one at `now`.
    pub(in crate::cluster) fn wait(&self, now: Moment) -> Duration {
        match (self.standing(now), self.barred) {
            (Standing::Alone, Some(barred)) => {
                // Rights that were given just now may not be known yet.
                let wait = Duration::from_secs(1) * (1 << (barred.times - 1).min(5));
                wait.min(Times::ASK_AGAIN)
            }
            (Standing::Leads(until), _) => {
                // A sign of life that failed is tried again before it is too late.
                let due = until - self.times.lead() + self.times.renew();
                due.saturating_sub(now).max(self.times.look())
            }
            _ => {
                let left = self.theirs_until.saturating_sub(now);
                let look = self.times.look();
                if left.is_zero() { look } else { left.min(look) }
            }
        }
    }

    /// Somebody holds it, so that it can be used.
    fn is_usable(&mut self) {
        self.had_lease = true;
        self.barred = None;
    }
}

#[cfg(test)]
mod tests;
