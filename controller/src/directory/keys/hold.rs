//! Whether a key that is due may be made. Pure.
//!
//! A key in a file that is being written, broken or gone for a moment is not lost, and a new one beside it would be sealed
//! with from then on. So none is made in its place before that is clear.

use jiff::{SignedDuration, Timestamp};
use seal_api::Reason;
use seal_envelope::KeyId;
use serde::{Deserialize, Serialize};

use super::read::{Entry, State};

/// How long the current key has to be gone before another one is made in its place.
pub(super) const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// The key that was last seen as the current one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    /// Its full id.
    pub(super) key_id: String,
    /// The file that held it.
    pub(super) file: String,
    /// Since when it has not been usable.
    pub(super) missing_since: Option<Timestamp>,
}

/// Why a key that is due is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Hold {
    pub(super) reason: Reason,
    pub(super) message: String,
    /// When it is judged again, where time alone heals it.
    #[serde(skip)]
    pub(super) until: Option<Timestamp>,
}

impl Known {
    /// What is known after a look: the current key, unless the one known before is missing.
    pub(super) fn next(
        before: Option<Self>,
        entries: &[Entry],
        current: Option<KeyId>,
        now: Timestamp,
    ) -> Option<Self> {
        match before {
            Some(known) if !known.is_accounted_for(entries) => Some(Self {
                missing_since: known.missing_since.or(Some(now)),
                ..known
            }),
            Some(_) | None => Self::current(entries, current),
        }
    }

    /// The current key as one that is known.
    pub(super) fn current(entries: &[Entry], current: Option<KeyId>) -> Option<Self> {
        let id = current?;
        let entry = entries
            .iter()
            .find(|entry| entry.key_id == Some(id) && entry.is_usable())?;
        Some(Self {
            key_id: id.full(),
            file: entry.file.clone(),
            missing_since: None,
        })
    }

    /// Whether it can be sealed with, or people said that it is not to be.
    fn is_accounted_for(&self, entries: &[Entry]) -> bool {
        entries.iter().any(|entry| {
            (entry.is_usable() || entry.is_retired)
                && entry.key_id.is_some_and(|id| id.full() == self.key_id)
        })
    }
}

impl Entry {
    /// Whether it can be sealed with.
    fn is_usable(&self) -> bool {
        matches!(self.state, State::Current | State::InUse | State::Duplicate)
            && self.validity.is_some()
    }

    /// Whether it may become a key that can be sealed with when its file is written to the end, or labelled.
    fn is_in_doubt(&self) -> bool {
        match self.state {
            State::Broken => true,
            State::Current | State::InUse => self.validity.is_none(),
            State::Duplicate => false,
            // A whole key without the label: somebody put it there, and may have forgotten to say what for.
            State::Ignored => self.key_id.is_some() && !self.is_retired,
        }
    }
}

/// Why a key that is due is not made now; `None` where it may be.
pub(super) fn hold(
    known: Option<&Known>,
    entries: &[Entry],
    unread: Option<&str>,
    has_current: bool,
    now: Timestamp,
) -> Option<Hold> {
    let missing = known.and_then(|known| Some((known, known.missing_since?)));
    // By the key that is known or the only one that can be, a new one is due whatever else lies about.
    if has_current && missing.is_none() {
        return None;
    }
    let in_doubt = entries.iter().find(|entry| entry.is_in_doubt());
    if let Some(file) = unread.or_else(|| in_doubt.map(|entry| entry.file.as_str())) {
        return Some(Hold {
            reason: Reason::NoKey,
            message: format!(
                "a new key is due and not made: {file} may hold the current key and cannot be used; mend or remove it"
            ),
            until: None,
        });
    }
    let (known, since) = missing?;
    let until = since.checked_add(GRACE).ok().filter(|until| now < *until)?;
    Some(Hold {
        reason: Reason::NoKey,
        message: format!(
            "a new key is due and not made: the current one was in {} and is not usable any more; if that stays so, one is made at {until}",
            known.file
        ),
        until: Some(until),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number is a time")
    }

    fn entry(state: State) -> Entry {
        Entry {
            file: "keys/a.yaml".into(),
            document: None,
            key_id: None,
            state,
            reason: None,
            message: None,
            validity: None,
            is_retired: false,
        }
    }

    fn known(missing_since: Option<i64>) -> Known {
        Known {
            key_id: "00".into(),
            file: "keys/a.yaml".into(),
            missing_since: missing_since.map(at),
        }
    }

    #[track_caller]
    fn check(known: Option<Known>, state: Option<State>, has_current: bool, expected: &str) {
        let entries: Vec<Entry> = state.into_iter().map(entry).collect();
        let found = hold(known.as_ref(), &entries, None, has_current, at(100));
        let found = match found {
            None => "made",
            Some(hold) if hold.until.is_some() => "later",
            Some(_) => "held",
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_first_key_waits_for_every_file_that_may_hold_one() {
        check(None, None, false, "made");
        check(None, Some(State::Ignored), false, "made");
        for (is_retired, expected) in [(false, true), (true, false)] {
            let unlabelled = Entry {
                key_id: Some(KEY_ID.parse().expect("it is one")),
                is_retired,
                ..entry(State::Ignored)
            };
            let held = hold(None, &[unlabelled], None, false, at(0)).is_some();
            assert_eq!(held, expected);
        }
        check(None, Some(State::Broken), false, "held");
        check(None, Some(State::InUse), false, "held");
        assert!(hold(None, &[], Some("keys/a.yaml"), false, at(0)).is_some());
    }

    #[test]
    fn by_a_usable_current_key_a_renewal_is_made_beside_broken_files() {
        check(None, Some(State::Broken), true, "made");
        check(Some(known(None)), Some(State::Broken), true, "made");
    }

    #[test]
    fn a_current_key_that_is_gone_has_time_to_come_back() {
        for has_current in [false, true] {
            check(Some(known(Some(90))), None, has_current, "later");
            check(Some(known(Some(40))), None, has_current, "made");
            check(
                Some(known(Some(0))),
                Some(State::Broken),
                has_current,
                "held",
            );
        }
    }

    #[test]
    fn a_known_key_that_is_not_usable_is_missing_since_it_was_first_missed() {
        let first = Known::next(Some(known(None)), &[], None, at(5));
        assert_eq!(first, Some(known(Some(5))));
        assert_eq!(Known::next(first.clone(), &[], None, at(9)), first);
        assert_eq!(Known::next(None, &[], None, at(9)), None);
    }
}
