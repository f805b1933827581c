//! The Lease as it is stored: `coordination.k8s.io/v1`, with the fields and meanings of client-go, so that kubectl shows it
//! and other tools read it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::{objects::number, read::text};

/// A Lease as the API server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cluster) struct Lease(Value);

impl Lease {
    pub(in crate::cluster) fn stored(object: Value) -> Self {
        Self(object)
    }

    /// One that is held from now on and that nobody held before.
    pub(in crate::cluster) fn new(
        (namespace, name): (&str, &str),
        holder: &str,
        duration: Duration,
        now: Timestamp,
    ) -> Self {
        let mut lease = Self(json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {},
        }));
        lease.hold(holder, duration, now);
        lease
    }

    pub(in crate::cluster) fn object(&self) -> &Value {
        &self.0
    }

    /// Its `resourceVersion`, which grows; 0 where there is none.
    pub(in crate::cluster) fn version(&self) -> u64 {
        number(&text(&self.0, "resourceVersion"))
    }

    /// What the holder said: any change of it is a sign of life.
    pub(in crate::cluster) fn spec(&self) -> &Value {
        &self.0["spec"]
    }

    /// Who holds it; empty where nobody does.
    pub(in crate::cluster) fn holder(&self) -> &str {
        self.0["spec"]["holderIdentity"]
            .as_str()
            .unwrap_or_default()
    }

    /// How long the holder may be silent; none where it does not say.
    pub(in crate::cluster) fn duration(&self) -> Option<Duration> {
        let seconds = self.0["spec"]["leaseDurationSeconds"].as_u64()?;
        Some(Duration::from_secs(seconds))
    }

    /// How often the holder was another one than before.
    pub(in crate::cluster) fn transitions(&self) -> u64 {
        self.0["spec"]["leaseTransitions"]
            .as_u64()
            .unwrap_or_default()
    }

    /// The same with a sign of life of its holder, or with a new holder.
    #[must_use]
    pub(in crate::cluster) fn held_by(
        &self,
        holder: &str,
        duration: Duration,
        now: Timestamp,
    ) -> Self {
        let mut next = self.clone();
        next.hold(holder, duration, now);
        next
    }

    /// The same, held by nobody.
    #[must_use]
    pub(in crate::cluster) fn given_back(&self, now: Timestamp) -> Self {
        let mut next = self.clone();
        let spec = &mut next.0["spec"];
        spec["holderIdentity"] = Value::Null;
        spec["leaseDurationSeconds"] = 1.into();
        spec["renewTime"] = time(now);
        spec["acquireTime"] = time(now);
        next
    }

    fn hold(&mut self, holder: &str, duration: Duration, now: Timestamp) {
        let is_other = self.holder() != holder;
        let had_none = self.0["spec"]["leaseTransitions"].is_null();
        let transitions = self.transitions() + u64::from(is_other && !had_none);
        let spec = &mut self.0["spec"];
        spec["holderIdentity"] = holder.into();
        spec["leaseDurationSeconds"] = duration.as_secs().max(1).into();
        spec["renewTime"] = time(now);
        spec["leaseTransitions"] = transitions.into();
        if is_other || spec["acquireTime"].is_null() {
            spec["acquireTime"] = time(now);
        }
    }
}

/// A `MicroTime`: exactly six digits behind the point.
fn time(now: Timestamp) -> Value {
    format!("{now:.6}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("it is a time")
    }

    #[test]
    fn a_lease_goes_from_hand_to_hand_as_with_client_go() {
        let lease = Lease::new(("kube-system", "seal"), "a", TEN, at(0));
        assert_eq!(
            *lease.spec(),
            json!({
                "holderIdentity": "a", "leaseDurationSeconds": 10, "leaseTransitions": 0,
                "renewTime": "1970-01-01T00:00:00.000000Z", "acquireTime": "1970-01-01T00:00:00.000000Z",
            })
        );
        let renewed = lease.held_by("a", TEN, at(2));
        assert_eq!(renewed.spec()["acquireTime"], lease.spec()["acquireTime"]);
        assert_eq!(renewed.spec()["renewTime"], "1970-01-01T00:00:02.000000Z");
        assert_eq!(renewed.transitions(), 0);
        let taken = renewed.held_by("b", TEN * 2, at(20));
        assert_eq!((taken.holder(), taken.transitions()), ("b", 1));
        assert_eq!(taken.duration(), Some(TEN * 2));
        assert_eq!(taken.spec()["acquireTime"], "1970-01-01T00:00:20.000000Z");
        let free = taken.given_back(at(21));
        assert_eq!((free.holder(), free.transitions()), ("", 1));
        assert_eq!(free.duration(), Some(Duration::from_secs(1)));
        assert_eq!(free.held_by("a", TEN, at(22)).transitions(), 2);
    }

    #[test]
    fn what_others_wrote_of_it_is_kept_and_nonsense_is_nothing() {
        let stored = json!({
            "metadata": {"name": "seal", "resourceVersion": "7", "labels": {"a": "b"}},
            "spec": {"holderIdentity": 5, "leaseDurationSeconds": "ten", "leaseTransitions": -1},
        });
        let lease = Lease::stored(stored.clone());
        assert_eq!((lease.holder(), lease.transitions()), ("", 0));
        assert_eq!(lease.duration(), None);
        let held = lease.held_by("a", TEN, at(0));
        assert_eq!(held.object()["metadata"], stored["metadata"]);
        assert_eq!(held.holder(), "a");
    }
}
