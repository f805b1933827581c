//! What the status of an object says of it.

use std::fmt;

use seal_api::Reason;
use serde_json::Value;

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its Secret is there.
    Ready,
    /// It is not, and only a change of the object can help.
    Failed { reason: Reason, message: String },
    /// It is not, by the word of a controller that does not say whether it tries again.
    Unsynced { reason: Reason, message: String },
    /// No controller has looked at it yet.
    Unseen,
    /// It may be soon.
    Waiting(String),
}

impl Progress {
    /// Reads a SealedSecret as the API server has it. `Ready` and `Stalled` tell more than `Synced`, which alone every
    /// controller writes.
    pub(super) fn of(object: &Value) -> Self {
        let status = &object["status"];
        let observed = status["observedGeneration"].as_i64();
        if observed < object["metadata"]["generation"].as_i64() {
            return Self::Unseen;
        }
        let condition = |kind: &str| {
            let conditions = status["conditions"].as_array().into_iter().flatten();
            conditions
                .into_iter()
                .find(|condition| condition["type"] == kind)
        };
        let is = |condition: &Value, status: &str| condition["status"] == status;
        if let Some(stalled) = condition("Stalled").filter(|stalled| is(stalled, "True")) {
            return Self::Failed {
                reason: reason(stalled),
                message: message(stalled),
            };
        }
        if let Some(ready) = condition("Ready") {
            return if is(ready, "True") {
                Self::Ready
            } else {
                Self::Waiting(message(ready))
            };
        }
        match condition("Synced") {
            Some(synced) if is(synced, "True") => Self::Ready,
            Some(synced) if is(synced, "False") => Self::Unsynced {
                reason: reason(synced),
                message: message(synced),
            },
            _ => Self::Unseen,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ready => "ready",
            Self::Failed { message, .. } | Self::Unsynced { message, .. } => message,
            Self::Unseen => "the controller has not looked at it yet",
            Self::Waiting(why) => why,
        })
    }
}

/// Our reason, where the condition names one.
fn reason(condition: &Value) -> Reason {
    let named = condition["reason"].as_str().unwrap_or_default();
    let known = Reason::ALL.iter().find(|reason| reason.as_str() == named);
    known.copied().unwrap_or(Reason::CannotOpen)
}

fn message(condition: &Value) -> String {
    let message = condition["message"].as_str().unwrap_or_default();
    if message.is_empty() {
        "the controller does not say why".to_owned()
    } else {
        message.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The progress of an object of generation 2.
    fn of(observed: i64, conditions: &Value) -> Progress {
        Progress::of(&json!({
            "metadata": {"generation": 2},
            "status": {"observedGeneration": observed, "conditions": conditions},
        }))
    }

    fn condition(kind: &str, status: &str) -> Value {
        json!({"type": kind, "status": status, "reason": "UnknownKey", "message": "why"})
    }

    #[test]
    fn a_status_of_an_older_generation_says_nothing() {
        let synced = json!([condition("Synced", "True")]);
        assert_eq!(of(1, &synced), Progress::Unseen);
        assert_eq!(of(2, &synced), Progress::Ready);
        let new = json!({"metadata": {"generation": 1}});
        assert_eq!(Progress::of(&new), Progress::Unseen);
    }

    #[test]
    fn ready_and_stalled_tell_more_than_synced() {
        let waiting = json!([condition("Synced", "True"), condition("Ready", "False")]);
        assert_eq!(of(2, &waiting), Progress::Waiting("why".to_owned()));
        let stalled = json!([
            condition("Synced", "False"),
            condition("Ready", "False"),
            condition("Stalled", "True")
        ]);
        let expected = Progress::Failed {
            reason: Reason::UnknownKey,
            message: "why".to_owned(),
        };
        assert_eq!(of(2, &stalled), expected);
        let healed = json!([condition("Stalled", "False"), condition("Ready", "True")]);
        assert_eq!(of(2, &healed), Progress::Ready);
    }

    #[test]
    fn a_controller_that_says_synced_alone_may_still_try_again() {
        let expected = Progress::Unsynced {
            reason: Reason::UnknownKey,
            message: "why".to_owned(),
        };
        assert_eq!(of(2, &json!([condition("Synced", "False")])), expected);
    }
}
