//! What every write passes: it is open only while this process surely leads.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// A moment, as the time since the machine was started. Time for which it was suspended counts, as it does for others;
/// `std::time::Instant` leaves it out.
pub(in crate::cluster) type Moment = Duration;

/// What time it is.
pub(in crate::cluster) fn now() -> Moment {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

const CLOSED: u64 = 0;
const OPEN: u64 = u64::MAX;

/// Whether writes may go out: until when, in nanoseconds. It closes by itself.
#[derive(Debug)]
pub(in crate::cluster) struct Gate(AtomicU64);

impl Gate {
    /// Nothing goes out.
    pub(in crate::cluster) fn closed() -> Self {
        Self(AtomicU64::new(CLOSED))
    }

    pub(in crate::cluster) fn open(&self) {
        self.0.store(OPEN, Ordering::Release);
    }

    pub(in crate::cluster) fn open_until(&self, until: Moment) {
        let until = u64::try_from(until.as_nanos()).unwrap_or(OPEN - 1);
        self.0.store(until, Ordering::Release);
    }

    pub(in crate::cluster) fn close(&self) {
        self.0.store(CLOSED, Ordering::Release);
    }

    /// Whether a write may go out at this moment.
    pub(in crate::cluster) fn is_open(&self, now: Moment) -> bool {
        match self.0.load(Ordering::Acquire) {
            OPEN => true,
            until => now.as_nanos() < u128::from(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_closes_by_itself_at_its_time_and_at_once_when_told() {
        let gate = Gate::closed();
        assert!(!gate.is_open(Duration::ZERO));
        gate.open_until(SECOND * 10);
        assert!(gate.is_open(SECOND * 9));
        assert!(!gate.is_open(SECOND * 10));
        gate.open();
        assert!(gate.is_open(SECOND * 1_000_000_000));
        gate.close();
        assert!(!gate.is_open(Duration::ZERO));
    }

    #[test]
    fn the_clock_goes_on() {
        let before = now();
        assert!(before > Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert!(now() > before + Duration::from_millis(1));
    }
}
