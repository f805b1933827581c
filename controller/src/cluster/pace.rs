//! How fast requests to the API server may follow one another: upstream's flags for it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// A token bucket: so many requests at once, then so many a second.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    burst: u32,
    /// When the bucket is full again.
    full_at: Mutex<Instant>,
}

impl Pace {
    /// `a_second` is above zero.
    pub(super) fn new(a_second: f32, burst: u32) -> Self {
        Self {
            interval: Duration::from_secs_f32(1.0 / a_second),
            burst: burst.max(1),
            full_at: Mutex::new(Instant::now()),
        }
    }

    /// Waits until the next request may be made.
    pub(super) async fn keep(&self) {
        let at = self.next(Instant::now());
        sleep_until(at).await;
    }

    /// When the request made now may go.
    fn next(&self, now: Instant) -> Instant {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = (*full_at).max(now) + self.interval;
        // The bucket holds `burst` requests, and each takes an interval to come back.
        full_at
            .checked_sub(self.interval * self.burst)
            .unwrap_or(now)
            .max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_goes_at_once_and_the_rest_by_the_second() {
        let pace = Pace::new(5.0, 3);
        let now = Instant::now();
        let waits: Vec<u128> = (0..6).map(|_| (pace.next(now) - now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 200, 400, 600]);
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.next(later), later);
    }
}
