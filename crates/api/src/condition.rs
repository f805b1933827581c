//! Conditions: upstream's `Synced`, and `Ready`, `Reconciling`, `Stalled` by the kstatus rules.
//!
//! Argo CD reads `Synced`; Flux and Helm read the others (sigs.k8s.io/cli-utils, kstatus). `Synced` is always the first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Reason;

/// The longest message in bytes, as the Kubernetes convention has it (`metav1.Condition`).
const LONGEST_MESSAGE: usize = 32 * 1024;

/// One condition of a status. `lastUpdateTime` is upstream's own addition to the Kubernetes convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The type, such as `Synced`.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True` or `False`.
    pub status: String,
    /// The reason in PascalCase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The explanation for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When the condition was last written, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Timestamp>,
    /// When `status` last changed, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Timestamp>,
    /// The generation of the object that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// The condition types that Seal writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionType {
    /// Upstream's: whether the Secret is as the SealedSecret says.
    Synced,
    /// kstatus: the same, for Flux and Helm.
    Ready,
    /// kstatus: work goes on, the result is not known yet.
    Reconciling,
    /// kstatus: it failed, and only a change of the input can heal it.
    Stalled,
}

impl ConditionType {
    /// The type as it stands in a status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "Synced",
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

/// The value of a condition; `Unknown` is never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
}

impl ConditionStatus {
    /// The value as it stands in a status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
        }
    }
}

/// What a reconciliation found, from which all conditions follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why.
    pub reason: Reason,
    /// The explanation for people; empty where all is well, as upstream has it.
    pub message: String,
    /// Whether a passing failure leaves `Synced` as it was: the Secret was right a moment ago.
    pub keeps_synced: bool,
}

impl Verdict {
    /// The Secret is as the SealedSecret says.
    pub fn unsealed() -> Self {
        Self {
            reason: Reason::Unsealed,
            message: String::new(),
            keeps_synced: false,
        }
    }

    /// It is not, for this reason.
    pub fn failed(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            keeps_synced: false,
        }
    }

    /// The same, said of a Secret that was right a moment ago: only `Ready` and `Reconciling` tell of it, for now.
    #[must_use]
    pub fn keeping_synced(self) -> Self {
        Self {
            keeps_synced: !self.is_ready() && !self.reason.is_terminal(),
            ..self
        }
    }

    /// Whether the Secret is as the SealedSecret says.
    pub fn is_ready(&self) -> bool {
        self.reason == Reason::Unsealed
    }

    fn reason_of(&self, type_: ConditionType) -> Reason {
        if self.keeps_synced && type_ == ConditionType::Synced {
            Reason::Unsealed
        } else {
            self.reason
        }
    }

    fn message_of(&self, type_: ConditionType) -> &str {
        if self.keeps_synced && type_ == ConditionType::Synced {
            ""
        } else {
            &self.message
        }
    }

    /// The conditions this means, in order, with their values.
    fn values(&self) -> Vec<(ConditionType, ConditionStatus)> {
        use {
            ConditionStatus::{False, True},
            ConditionType::{Ready, Reconciling, Stalled, Synced},
        };
        let ready = if self.is_ready() { True } else { False };
        let synced = if self.keeps_synced { True } else { ready };
        let mut values = vec![(Synced, synced), (Ready, ready)];
        if self.reason.is_terminal() {
            values.push((Stalled, True));
        } else if !self.is_ready() {
            values.push((Reconciling, True));
        }
        values
    }
}

/// The conditions after a verdict, or `None` where the present ones already say it and nothing is to be written.
///
/// Upstream's resource definition prunes `observedGeneration` of a condition, so one that is missing counts as right.
/// A condition keeps its `lastTransitionTime` while its value stays. `now` is cut to whole seconds.
pub fn transition(
    present: &[Condition],
    verdict: &Verdict,
    generation: Option<i64>,
    now: Timestamp,
) -> Option<Vec<Condition>> {
    let next = conditions(present, verdict, generation, now);
    let unchanged = present.len() == next.len()
        && present
            .iter()
            .zip(&next)
            .all(|(old, new)| same_statement(old, new));
    (!unchanged).then_some(next)
}

/// The conditions after a verdict, in order, whether or not the present ones say the same.
pub fn conditions(
    present: &[Condition],
    verdict: &Verdict,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let now = Timestamp::from_second(now.as_second())
        .expect("whole seconds of a timestamp are a timestamp");
    verdict
        .values()
        .into_iter()
        .map(|(type_, status)| Condition {
            type_: type_.as_str().to_owned(),
            status: status.as_str().to_owned(),
            reason: Some(verdict.reason_of(type_).to_string()),
            message: Some(shortened(verdict.message_of(type_)))
                .filter(|message| !message.is_empty()),
            last_update_time: Some(now),
            last_transition_time: Some(transition_time(present, type_, status).unwrap_or(now)),
            observed_generation: generation,
        })
        .collect()
}

fn shortened(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    const MORE: &str = " ...";
    let end = message.floor_char_boundary(LONGEST_MESSAGE - MORE.len());
    format!("{}{MORE}", &message[..end])
}

/// The time a condition has had its value since, if it had it before.
fn transition_time(
    present: &[Condition],
    type_: ConditionType,
    status: ConditionStatus,
) -> Option<Timestamp> {
    present
        .iter()
        .find(|condition| condition.type_ == type_.as_str() && condition.status == status.as_str())?
        .last_transition_time
}

fn same_statement(old: &Condition, new: &Condition) -> bool {
    let statement = |condition: &Condition| {
        let Condition {
            type_,
            status,
            reason,
            message,
            ..
        } = condition.clone();
        (type_, status, reason, message)
    };
    let generation = old.observed_generation;
    statement(old) == statement(new)
        && (generation.is_none() || generation == new.observed_generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number of seconds is a timestamp")
    }

    fn failed(reason: Reason, message: &str) -> Verdict {
        Verdict::failed(reason, message)
    }

    fn shape(conditions: &[Condition]) -> Vec<(&str, &str)> {
        conditions
            .iter()
            .map(|condition| (condition.type_.as_str(), condition.status.as_str()))
            .collect()
    }

    #[test]
    fn success_is_synced_and_ready_and_nothing_else() {
        let conditions = transition(&[], &Verdict::unsealed(), Some(1), at(10))
            .expect("the first verdict is written");
        assert_eq!(shape(&conditions), [("Synced", "True"), ("Ready", "True")]);
        assert_eq!(conditions[0].message, None);
        assert_eq!(
            conditions[0].last_transition_time,
            conditions[0].last_update_time
        );
    }

    #[test]
    fn terminal_failures_stall_and_others_go_on_reconciling() {
        let stalled = transition(&[], &failed(Reason::UnknownKey, "m"), None, at(0)).expect("new");
        assert_eq!(
            shape(&stalled),
            [("Synced", "False"), ("Ready", "False"), ("Stalled", "True")]
        );
        let retrying = transition(&[], &failed(Reason::Unwritable, "m"), None, at(0)).expect("new");
        assert_eq!(
            shape(&retrying),
            [
                ("Synced", "False"),
                ("Ready", "False"),
                ("Reconciling", "True")
            ]
        );
    }

    #[test]
    fn the_same_verdict_is_written_once_and_a_new_message_again() {
        let first = transition(&[], &failed(Reason::CannotOpen, "a"), Some(1), at(0)).expect("new");
        assert_eq!(
            transition(&first, &failed(Reason::CannotOpen, "a"), Some(1), at(9)),
            None
        );
        let second =
            transition(&first, &failed(Reason::CannotOpen, "b"), Some(1), at(9)).expect("changed");
        assert_eq!(second[0].message.as_deref(), Some("b"));
        assert_eq!(second[0].last_transition_time, Some(at(0)));
        assert_eq!(second[0].last_update_time, Some(at(9)));
        assert!(transition(&second, &failed(Reason::CannotOpen, "b"), Some(2), at(9)).is_some());
    }

    #[test]
    fn a_passing_failure_may_leave_synced_as_it_was() {
        let right = transition(&[], &Verdict::unsealed(), Some(1), at(0)).expect("new");
        let shaken = failed(Reason::Retrying, "m").keeping_synced();
        let shaken = transition(&right, &shaken, Some(1), at(5)).expect("changed");
        let expected = [
            ("Synced", "True"),
            ("Ready", "False"),
            ("Reconciling", "True"),
        ];
        assert_eq!(shape(&shaken), expected);
        assert_eq!(shaken[0].message, None);
        assert_eq!(shaken[0].last_transition_time, Some(at(0)));
        assert!(
            !failed(Reason::UnknownKey, "m")
                .keeping_synced()
                .keeps_synced
        );
    }

    #[test]
    fn a_field_that_the_resource_definition_prunes_does_not_count_as_a_change() {
        let mut pruned = transition(&[], &Verdict::unsealed(), Some(1), at(0)).expect("new");
        for condition in &mut pruned {
            condition.observed_generation = None;
        }
        assert_eq!(
            transition(&pruned, &Verdict::unsealed(), Some(1), at(9)),
            None
        );
    }

    #[test]
    fn a_message_that_is_too_long_is_cut_between_characters() {
        let long = failed(Reason::CannotOpen, &"\u{e9}".repeat(20_000));
        let conditions = transition(&[], &long, None, at(0)).expect("new");
        let message = conditions[0].message.as_deref().expect("it has one");
        assert!(message.len() <= LONGEST_MESSAGE && message.ends_with(" ..."));
        assert_eq!(transition(&conditions, &long, None, at(9)), None);
    }

    #[test]
    fn a_changed_value_changes_the_transition_time() {
        let first = transition(&[], &failed(Reason::CannotOpen, "a"), None, at(0)).expect("new");
        let second = transition(&first, &Verdict::unsealed(), None, at(9)).expect("changed");
        assert_eq!(second[0].last_transition_time, Some(at(9)));
    }
}
