//! What is told of a Secret that the API server does not take.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use seal_api::{Reason, Verdict};
use seal_sealing::Secret;

use super::api_server::shortened;

/// A value of so many bytes is looked for in what the API server says.
const WORTH_HIDING: usize = 4;
/// So many bytes of a value tell that it is meant: messages may be cut.
const TELLING: usize = 16;

/// What is said where the API server does not take a Secret. Its message may quote what it refuses, or what a webhook makes
/// of it; one that holds a value is not passed on.
pub(super) fn refused(reason: Reason, message: &str, secret: &Secret) -> Verdict {
    let message = if quotes(message, secret) {
        "the API server does not take the Secret, and its message holds a value of it, so it is not repeated"
            .to_owned()
    } else {
        format!(
            "the API server does not take the Secret: {}{}",
            shortened(message),
            hint(message)
        )
    };
    Verdict::failed(reason, message)
}

/// What is said where a Secret cannot be written for now; a webhook that fails has its words in the message as well.
pub(super) fn failed(message: &str, secret: &Secret) -> Verdict {
    let message = if quotes(message, secret) {
        "the message holds a value of it, so it is not repeated".to_owned()
    } else {
        shortened(message)
    };
    Verdict::failed(
        Reason::Retrying,
        format!("the Secret cannot be written: {message}"),
    )
}

/// Whether a message of one line holds a value, or one of its lines, or the beginning of one.
fn quotes(message: &str, secret: &Secret) -> bool {
    let beginning = |part: &[u8]| {
        let part = &part[..part.len().min(TELLING)];
        part.len() >= WORTH_HIDING && holds(message.as_bytes(), part)
    };
    secret.data.values().any(|value| {
        let value = value.as_bytes();
        let mut lines = value.split(u8::is_ascii_control);
        lines.any(beginning) || (value.len() >= WORTH_HIDING && beginning(&encoded(value)))
    })
}

/// The way out where the Secret that is there cannot be changed.
fn hint(message: &str) -> &'static str {
    if message.contains("field is immutable") {
        "; delete the Secret, and it is made anew"
    } else {
        ""
    }
}

fn encoded(value: &[u8]) -> Vec<u8> {
    STANDARD_NO_PAD.encode(value).into_bytes()
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_holds_a_value_is_not_repeated() {
        let mut secret = Secret::new("db", Some("prod"));
        secret
            .data
            .insert("a".into(), b"marker-value".as_slice().into());
        for quoted in ["bad: marker-value!", "data[a]: bWFya2VyLXZhbHVl"] {
            let verdict = refused(Reason::SecretRefused, quoted, &secret);
            assert!(!verdict.message.contains("arker"), "{}", verdict.message);
            assert!(!verdict.message.contains("bWFy"), "{}", verdict.message);
        }
        for quoted in ["webhook: marker-value", "webhook: bWFya2VyLXZhbHVl"] {
            let verdict = failed(quoted, &secret);
            assert!(!verdict.message.contains("webhook"), "{}", verdict.message);
        }
        let verdict = refused(Reason::WriteForbidden, "exceeded quota: few", &secret);
        assert!(verdict.message.ends_with("exceeded quota: few"));
    }

    #[test]
    fn a_refusal_that_holds_a_line_of_a_value_or_its_beginning_is_not_repeated() {
        let mut secret = Secret::new("db", Some("prod"));
        let key = "-----BEGIN-----\nfirst-line-of-the-key\nsecond-line-of-the-key\n";
        secret.data.insert("a".into(), key.as_bytes().into());
        for quoted in [
            "bad: -----BEGIN----- first-line-of-the-key second-line-of-the-key",
            "bad: second-line-of-the-ke",
            "bad: LS0tLS1CRUdJTi0tLS0tCmZp",
        ] {
            let verdict = refused(Reason::SecretRefused, quoted, &secret);
            assert!(!verdict.message.contains("bad"), "{}", verdict.message);
        }
    }

    #[test]
    fn a_long_refusal_is_looked_through_and_then_cut() {
        let mut secret = Secret::new("db", Some("prod"));
        secret
            .data
            .insert("a".into(), b"marker-value".as_slice().into());
        let long = "x".repeat(10_000);
        let verdict = refused(Reason::SecretRefused, &long, &secret);
        assert!(verdict.message.len() < 1000);
        let verdict = refused(
            Reason::SecretRefused,
            &format!("{long}marker-value"),
            &secret,
        );
        assert!(!verdict.message.contains('x'), "{}", verdict.message);
    }
}
