//! What is told of a Secret that the API server does not take.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use seal_api::{Reason, Verdict};
use seal_sealing::Secret;

/// A value of so many bytes is looked for in what the API server says.
const WORTH_HIDING: usize = 4;

/// What is said where the API server does not take a Secret. Its message may quote what it refuses, or what a webhook makes
/// of it; one that holds a value is not passed on.
pub(super) fn refused(reason: Reason, message: &str, secret: &Secret) -> Verdict {
    let quotes = secret.data.values().any(|value| {
        let value = value.as_bytes();
        value.len() >= WORTH_HIDING
            && (holds(message.as_bytes(), value) || holds(message.as_bytes(), &encoded(value)))
    });
    let message = if quotes {
        "the API server does not take the Secret, and its message holds a value of it, so it is not repeated"
            .to_owned()
    } else {
        format!(
            "the API server does not take the Secret: {message}{}",
            hint(message)
        )
    };
    Verdict::failed(reason, message)
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
        let verdict = refused(Reason::WriteForbidden, "exceeded quota: few", &secret);
        assert!(verdict.message.ends_with("exceeded quota: few"));
    }
}
