//! How often an endpoint answers, whoever asks: the generic cell rate algorithm, with upstream's numbers.
//!
//! Upstream counts for each value of `X-Forwarded-For` by itself, which a caller sets as he likes.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A limit: `burst + 1` requests at once, and `a_second` on average.
pub(super) struct RateLimit {
    /// The time that one request stands for.
    interval: Duration,
    /// How many requests may come at once.
    limit: u32,
    begun: Instant,
    /// When, counted from the beginning, all requests so far would have come at the average rate.
    arrival: Mutex<Duration>,
}

/// How much of the limit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// How many requests may come at once.
    pub(super) limit: u32,
    /// How many of them may come now.
    pub(super) remaining: u32,
    /// In how many seconds all of them may come again.
    pub(super) reset_seconds: u64,
}

/// What is ruled of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    Allowed { state: State },
    Denied { state: State, retry_seconds: u64 },
}

impl Ruling {
    pub(super) fn state(&self) -> State {
        match self {
            Self::Allowed { state } | Self::Denied { state, .. } => *state,
        }
    }
}

impl RateLimit {
    /// `a_second` is at least 1.
    pub(super) fn new(a_second: u32, burst: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / a_second.max(1),
            limit: burst.saturating_add(1),
            begun: Instant::now(),
            arrival: Mutex::default(),
        }
    }

    /// Counts a request.
    pub(super) fn ask(&self) -> Ruling {
        self.ask_at(self.begun.elapsed())
    }

    fn ask_at(&self, now: Duration) -> Ruling {
        let mut arrival = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        let tolerance = self.interval.saturating_mul(self.limit);
        let next = (*arrival).max(now).saturating_add(self.interval);
        let wait = next.saturating_sub(tolerance).saturating_sub(now);
        if !wait.is_zero() {
            return Ruling::Denied {
                state: self.state(arrival.saturating_sub(now)),
                retry_seconds: whole_seconds(wait),
            };
        }
        *arrival = next;
        Ruling::Allowed {
            state: self.state(next.saturating_sub(now)),
        }
    }

    /// What is left where all that was taken is given back after `ahead`.
    fn state(&self, ahead: Duration) -> State {
        let tolerance = self.interval.saturating_mul(self.limit);
        let left = tolerance.saturating_sub(ahead).as_nanos() / self.interval.as_nanos().max(1);
        State {
            limit: self.limit,
            remaining: u32::try_from(left).unwrap_or(self.limit),
            reset_seconds: whole_seconds(ahead),
        }
    }
}

/// Rounded up: who waits so long has waited long enough.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(ruling: Ruling) -> (u32, u64, Option<u64>) {
        let retry = match ruling {
            Ruling::Allowed { .. } => None,
            Ruling::Denied { retry_seconds, .. } => Some(retry_seconds),
        };
        let State {
            remaining,
            reset_seconds,
            ..
        } = ruling.state();
        (remaining, reset_seconds, retry)
    }

    #[test]
    fn a_burst_and_one_more_are_allowed_at_once_and_then_the_rate() {
        let limit = RateLimit::new(2, 2);
        let at = |milliseconds| seconds(limit.ask_at(Duration::from_millis(milliseconds)));
        assert_eq!(at(0), (2, 1, None));
        assert_eq!(at(0), (1, 1, None));
        assert_eq!(at(0), (0, 2, None));
        assert_eq!(at(0), (0, 2, Some(1)));
        assert_eq!(at(499), (0, 2, Some(1)));
        assert_eq!(at(500), (0, 2, None));
        assert_eq!(at(600), (0, 2, Some(1)));
        assert_eq!(at(60_000), (2, 1, None));
    }

    #[test]
    fn without_a_burst_it_is_one_at_a_time() {
        let limit = RateLimit::new(1, 0);
        let at = |milliseconds| seconds(limit.ask_at(Duration::from_millis(milliseconds)));
        assert_eq!(at(0), (0, 1, None));
        assert_eq!(at(10), (0, 1, Some(1)));
        assert_eq!(at(1000), (0, 1, None));
        assert_eq!(
            RateLimit::new(u32::MAX, u32::MAX).ask().state().limit,
            u32::MAX
        );
    }
}
