//! When a new sealing key is due.

use jiff::{SignedDuration, Timestamp};

/// What the schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// A new key is due now.
    Due,
    /// Nothing is due before this moment.
    At(Timestamp),
    /// The schedule is switched off, and there is a key.
    Never,
}

/// When the next key is due, from the time the newest key counts from ([`crate::HeldKey::since`]).
///
/// Without a key one is due at once. A period of zero switches the schedule off. A newest key from the future, as a clock
/// that was set back leaves it, counts from then; it causes no second key.
pub fn renewal(newest: Option<Timestamp>, period: SignedDuration, now: Timestamp) -> Renewal {
    let Some(newest) = newest else {
        return Renewal::Due;
    };
    if period.is_zero() {
        return Renewal::Never;
    }
    match newest.checked_add(period) {
        Ok(due) if due <= now => Renewal::Due,
        Ok(due) => Renewal::At(due),
        Err(_) => Renewal::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    #[test]
    fn a_key_is_due_when_there_is_none_and_when_the_newest_is_a_period_old() {
        assert_eq!(renewal(None, SignedDuration::ZERO, at(0)), Renewal::Due);
        assert_eq!(renewal(Some(at(0)), DAY * 30, at(29)), Renewal::At(at(30)));
        assert_eq!(renewal(Some(at(0)), DAY * 30, at(30)), Renewal::Due);
        assert_eq!(
            renewal(Some(at(0)), SignedDuration::ZERO, at(30)),
            Renewal::Never
        );
    }

    #[test]
    fn a_clock_set_back_a_year_makes_no_further_key() {
        assert_eq!(
            renewal(Some(at(365)), DAY * 30, at(0)),
            Renewal::At(at(395))
        );
    }
}
