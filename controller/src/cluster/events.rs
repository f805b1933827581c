//! Events about a SealedSecret, as upstream words them: core/v1, component `sealed-secrets`, three reasons.

use jiff::Timestamp;
use seal_api::{API_VERSION, KIND, Reason, Verdict};
use serde_json::{Value, json};

use super::object_name::ObjectName;

const COMPONENT: &str = "sealed-secrets";
/// The longest message that the API server takes, in bytes.
const LONGEST_MESSAGE: usize = 1024;

/// The Event that tells of a verdict. `uid` and `version` are the SealedSecret's.
pub(super) fn event(
    name: &ObjectName,
    uid: &str,
    version: &str,
    verdict: &Verdict,
    now: Timestamp,
) -> Value {
    let (type_, reason, message) = told(verdict);
    let time = Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": format!("{}.", name.name), "namespace": name.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": name.name,
            "namespace": name.namespace,
            "uid": uid,
            "resourceVersion": version,
        },
        "type": type_,
        "reason": reason,
        "message": shortened(message),
        "source": {"component": COMPONENT},
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
        "reportingComponent": COMPONENT,
    })
}

/// Type, reason and message. Ours leads the message.
fn told(verdict: &Verdict) -> (&'static str, &'static str, String) {
    if verdict.is_ready() {
        let message = "SealedSecret unsealed successfully".to_owned();
        return ("Normal", "Unsealed", message);
    }
    let Verdict {
        reason, message, ..
    } = verdict;
    if is_of_the_secret(*reason) {
        ("Warning", "ErrUpdateFailed", format!("{reason}: {message}"))
    } else {
        let message = format!("{reason}: Failed to unseal: {message}");
        ("Warning", "ErrUnsealFailed", message)
    }
}

/// Whether a reason is one of the Secret and not of the SealedSecret: upstream's two kinds of failures.
pub(super) fn is_of_the_secret(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotManaged
            | Reason::ImmutableSecret
            | Reason::SecretRefused
            | Reason::WriteForbidden
            | Reason::Contested
            | Reason::Retrying
    )
}

fn shortened(mut message: String) -> String {
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    message.truncate(end);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(verdict: &Verdict) -> Value {
        let name = ObjectName::new("prod", "db");
        event(&name, "u", "7", verdict, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn reasons_and_component_are_upstreams() {
        let good = of(&Verdict::unsealed());
        assert_eq!(good["reason"], "Unsealed");
        assert_eq!(good["type"], "Normal");
        assert_eq!(good["source"]["component"], "sealed-secrets");
        assert_eq!(good["involvedObject"]["uid"], "u");
        let bad = of(&Verdict::failed(Reason::UnknownKey, "no key (a)"));
        assert_eq!(bad["reason"], "ErrUnsealFailed");
        assert_eq!(bad["message"], "UnknownKey: Failed to unseal: no key (a)");
        let refused = of(&Verdict::failed(
            Reason::ImmutableSecret,
            "the target Secret is immutable",
        ));
        assert_eq!(refused["reason"], "ErrUpdateFailed");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = of(&Verdict::failed(Reason::CannotOpen, "\u{e9}".repeat(2000)));
        assert!(
            long["message"]
                .as_str()
                .is_some_and(|text| text.len() <= LONGEST_MESSAGE)
        );
    }
}
