//! Keys that were made and are not in use yet. Pure.
//!
//! A key Secret is made with the label value `pending`, which neither we nor the Go project read as a key, and becomes
//! `active` by a later write with the `resourceVersion` that was read. Whoever looks in between chooses the same of several:
//! so of two who make a key at the same time one key comes.

use jiff::{SignedDuration, Timestamp};
use seal_api::annotations;
use seal_envelope::Validity;
use seal_sealing::{KeyOrder, KeyRing, Renewal, Secret, read_key_secret};

use super::keys::renewal_of;

/// When a key is due, and how they are told from others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule<'s> {
    /// How the names of our keys begin.
    pub(super) prefix: &'s str,
    pub(super) order: KeyOrder,
    pub(super) period: SignedDuration,
    pub(super) cutoff: Option<Timestamp>,
    pub(super) now: Timestamp,
    /// By the API server's clock.
    pub(super) server_now: Timestamp,
}

impl Schedule<'_> {
    /// What is due with these keys.
    pub(super) fn renewal(&self, ring: &KeyRing) -> Renewal {
        renewal_of(ring, self.period, self.cutoff, self.now, self.server_now)
    }

    /// The pending key to put into use, where there is one. `since` is when the current one was made. `own` is the one that
    /// was just made.
    ///
    /// A person's key is left alone, which has a name of its own; so is one that is broken or expired, that would be due
    /// for renewal at once, or that is not newer than the current one, as what comes late of a leader that was followed by
    /// another. Of several the first that was stored counts, whoever looks: who does not see it yet sees no later one.
    pub(super) fn choose<'p>(
        &self,
        pending: &'p [Secret],
        since: Option<Timestamp>,
        own: Option<&str>,
    ) -> Option<&'p Secret> {
        let fits = |secret: &&Secret| {
            let ring = ring_of([*secret], self.order, self.now);
            let is_own = own == Some(secret.name());
            ring.current().is_some_and(|(_, certificate)| {
                let is_expired = certificate.validity_at(self.now) == Validity::Expired;
                is_own || (self.is_ours(secret) && !is_expired && self.is_new(&ring, since))
            })
        };
        pending.iter().filter(fits).min_by_key(|secret| {
            let stored = version(secret);
            (stored.unwrap_or(u64::MAX), secret.name().to_owned())
        })
    }

    fn is_ours(&self, secret: &Secret) -> bool {
        let rest = secret.name().strip_prefix(self.prefix);
        rest.is_some_and(|rest| !rest.is_empty())
    }

    fn is_new(&self, ring: &KeyRing, since: Option<Timestamp>) -> bool {
        // A cutoff that lies in the future asks for one key, which is older than it.
        let cutoff = self.cutoff.filter(|cutoff| *cutoff <= self.now);
        let schedule = Self { cutoff, ..*self };
        ring.current_since() > since && schedule.renewal(ring) != Renewal::Due
    }
}

/// The keys of Secrets that can be read.
pub(super) fn ring_of<'s>(
    secrets: impl IntoIterator<Item = &'s Secret>,
    order: KeyOrder,
    now: Timestamp,
) -> KeyRing {
    let secrets = secrets.into_iter();
    let keys = secrets.filter_map(|secret| read_key_secret(secret, now).ok());
    KeyRing::ordered(keys, order)
}

/// The value of the key label.
pub(super) fn state_of(secret: &Secret) -> Option<String> {
    secret.labels().remove(annotations::KEY_LABEL)
}

/// The same with another value of the key label.
pub(super) fn with_state(secret: &Secret, state: &str) -> Secret {
    let mut next = secret.clone();
    let mut labels = next.labels();
    labels.insert(annotations::KEY_LABEL.to_owned(), state.to_owned());
    next.set_strings("labels", labels);
    next
}

/// When it was stored, in the API server's count.
fn version(secret: &Secret) -> Option<u64> {
    let version = secret.metadata.get("resourceVersion")?;
    version.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use seal_envelope::{KeySize, generate_key};
    use seal_sealing::key_secret;

    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    /// A pending key that was made on a day and is valid for 100.
    fn pending(name: &str, day: i64, version: &str) -> Secret {
        let key = generate_key(KeySize::Rsa2048, "", at(day), DAY * 100).expect("keys can be made");
        let mut secret = with_state(&key_secret(&key, name, None), annotations::KEY_PENDING);
        let times = [
            ("creationTimestamp", at(day).to_string()),
            ("resourceVersion", version.into()),
        ];
        for (field, text) in times {
            secret.metadata.insert(field.to_owned(), text.into());
        }
        secret
    }

    fn schedule() -> Schedule<'static> {
        Schedule {
            prefix: "key-",
            order: KeyOrder::NotBefore,
            period: DAY * 30,
            cutoff: None,
            now: at(110),
            server_now: at(110),
        }
    }

    #[track_caller]
    fn check(schedule: Schedule<'_>, all: &[Secret], since: Option<i64>, expected: Option<&str>) {
        let chosen = schedule.choose(all, since.map(at), None);
        assert_eq!(chosen.map(Secret::name), expected);
    }

    #[test]
    fn of_several_the_first_that_was_stored_counts_whoever_looks() {
        let (a, b) = (pending("key-b", 110, "9"), pending("key-a", 110, "10"));
        check(schedule(), from_ref(&b), None, Some("key-a"));
        check(schedule(), &[a.clone(), b.clone()], None, Some("key-b"));
        check(schedule(), &[b, a], None, Some("key-b"));
        check(schedule(), &[], None, None);
    }

    #[test]
    fn one_that_is_of_no_use_is_left_alone() {
        // A person's.
        check(schedule(), &[pending("mine", 110, "1")], None, None);
        check(schedule(), &[pending("key-", 110, "1")], None, None);
        // Not newer than the current one.
        let stray = [pending("key-a", 105, "1")];
        check(schedule(), &stray, Some(104), Some("key-a"));
        check(schedule(), &stray, Some(105), None);
        check(schedule(), &stray, Some(106), None);
        // Due for renewal at once, or expired.
        check(schedule(), &[pending("key-a", 70, "1")], None, None);
        let never = Schedule {
            period: SignedDuration::ZERO,
            ..schedule()
        };
        check(never, &[pending("key-a", 70, "1")], None, Some("key-a"));
        check(never, &[pending("key-a", 5, "1")], None, None);
        // From before the cutoff, but for one in the future.
        let cutoff = |day| Schedule {
            cutoff: Some(at(day)),
            ..schedule()
        };
        check(cutoff(106), &stray, None, None);
        check(cutoff(104), &stray, None, Some("key-a"));
        check(cutoff(500), &stray, None, Some("key-a"));
        // Broken.
        let mut broken = pending("key-a", 110, "1");
        broken.data.remove("tls.key");
        check(schedule(), &[broken], None, None);
    }

    #[test]
    fn what_was_just_made_counts_also_where_another_is_as_new() {
        let own = [pending("key-a", 110, "1")];
        let chosen = |own_name| schedule().choose(&own, Some(at(110)), own_name);
        assert_eq!(chosen(None), None);
        assert_eq!(chosen(Some("key-a")).map(Secret::name), Some("key-a"));
    }

    #[test]
    fn a_state_is_a_label_beside_others() {
        let mut secret = pending("key-a", 1, "1");
        let mut labels = secret.labels();
        labels.insert("team".into(), "a".into());
        secret.set_strings("labels", labels);
        let active = with_state(&secret, annotations::KEY_ACTIVE);
        assert_eq!(state_of(&active).as_deref(), Some("active"));
        assert_eq!(active.labels()["team"], "a");
        assert_eq!(active.metadata["resourceVersion"], "1");
    }
}
