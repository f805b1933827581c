//! What is told of a Secret that the API server does not take.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use seal_api::{Reason, Verdict};
use seal_envelope::Plaintext;
use seal_sealing::Secret;
use zeroize::Zeroizing;

use super::api_server::ApiError;

/// A value of so many letters and digits is looked for in what the API server says.
const WORTH_HIDING: usize = 4;
/// So many letters and digits of a longer value, wherever they stand in it, count as the value: messages quote long
/// values in parts.
const TELLING: usize = 12;

/// What is said where the API server does not take a Secret. `secrets` are all that it may have seen.
pub(super) fn refused<'s>(
    reason: Reason,
    error: &ApiError,
    secrets: impl IntoIterator<Item = &'s Secret>,
) -> Verdict {
    let what = match reason {
        Reason::Retrying => "the Secret cannot be written",
        _ => "the API server does not take the Secret",
    };
    let message = match without_values(error, secrets) {
        Ok(message) => format!("{what}: {message}{}", hint(&message)),
        Err(hidden) => format!("{what}, and {hidden}"),
    };
    Verdict::failed(reason, message)
}

/// The message of an error about `secrets`. The API server, or a webhook behind it, may quote what it refuses, whatever code
/// it answers with; where it does, what is to be said instead.
pub(super) fn without_values<'s>(
    error: &ApiError,
    secrets: impl IntoIterator<Item = &'s Secret>,
) -> Result<String, &'static str> {
    let said = bare(error.whole().as_bytes());
    let parts: HashSet<&[u8]> = said.windows(TELLING).collect();
    // Hardly any part of a value of a mebibyte begins as one of these does, so that few are looked up.
    let begin = |part: &[u8]| usize::from(u16::from_be_bytes([part[0], part[1]]));
    let mut is_begin = vec![false; 1 << 16];
    for part in &parts {
        is_begin[begin(part)] = true;
    }
    // A long value is told by any part of it, a short one by all of it.
    let is_quoted = |value: &[u8]| {
        let value = bare(value);
        match value.len() {
            TELLING.. => value
                .windows(TELLING)
                .any(|part| is_begin[begin(part)] && parts.contains(part)),
            WORTH_HIDING.. => said.windows(value.len()).any(|part| part == *value),
            _ => false,
        }
    };
    let values = secrets.into_iter().flat_map(|secret| secret.data.values());
    let mut values = values.map(Plaintext::as_bytes);
    if values.any(|value| is_quoted(value) || is_quoted(&encoded(value))) {
        Err("its message holds a value of it, so it is not repeated")
    } else {
        Ok(error.to_string())
    }
}

/// A text without what quoting adds, takes away or changes: everything but letters and digits.
fn bare(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bare = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            // `\n` in a quoted text is no letter n. In a value that is no quoted text it is left out as well.
            bytes.next_if(|next| matches!(next, b'n' | b'r' | b't'));
        } else if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
            bare.push(byte);
        }
    }
    bare
}

/// The way out where the Secret that is there cannot be changed.
fn hint(message: &str) -> &'static str {
    if message.contains("field is immutable") {
        "; delete the Secret, and it is made anew"
    } else {
        ""
    }
}

fn encoded(value: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(STANDARD_NO_PAD.encode(value).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(value: &[u8]) -> Secret {
        let mut secret = Secret::new("db", Some("prod"));
        secret.data.insert("a".into(), value.into());
        secret
    }

    fn is_repeated(value: &[u8], quoted: &str) -> bool {
        let error = ApiError::Failed(quoted.to_owned());
        without_values(&error, [&secret(value)]).is_ok()
    }

    #[test]
    fn a_refusal_that_holds_a_value_is_not_repeated() {
        for quoted in ["bad: marker-value!", "data[a]: bWFya2VyLXZhbHVl"] {
            let error = ApiError::Refused(quoted.to_owned());
            let verdict = refused(Reason::SecretRefused, &error, [&secret(b"marker-value")]);
            assert!(!verdict.message.contains("arker"), "{}", verdict.message);
            assert!(!verdict.message.contains("bWFy"), "{}", verdict.message);
        }
        let error = ApiError::Forbidden("exceeded quota: few".to_owned());
        let verdict = refused(Reason::WriteForbidden, &error, [&secret(b"marker-value")]);
        assert!(verdict.message.ends_with("exceeded quota: few"));
    }

    #[test]
    fn a_value_of_any_secret_is_found() {
        let error = ApiError::Forbidden("it was: marker-before".to_owned());
        let secrets = [secret(b"marker-after"), secret(b"marker-before")];
        assert!(without_values(&error, &secrets).is_err());
        assert!(without_values(&error, &secrets[..1]).is_ok());
    }

    #[test]
    fn a_value_is_found_however_it_is_quoted() {
        assert!(!is_repeated(b"two\nlines", r#"bad value "two\nlines""#));
        assert!(!is_repeated(b"two\nlines", "bad value two lines"));
        assert!(!is_repeated(
            br#"pa"ss\word"#,
            r#"bad value "pa\"ss\\word""#
        ));
        let long: String = ('a'..='z').chain('A'..='Z').collect();
        assert!(!is_repeated(long.as_bytes(), "starts with abcdefghijkl..."));
        assert!(!is_repeated(long.as_bytes(), "ends with ...OPQRSTUVWXYZ"));
        assert!(!is_repeated(long.as_bytes(), "YWJjZGVmZ2hpamts..."));
        assert!(is_repeated(long.as_bytes(), "exceeded quota: abc of def"));
    }

    #[test]
    fn a_value_that_is_cut_where_the_message_is_cut_is_not_repeated_either() {
        let value = "0123456789abcdef".repeat(100);
        let message = format!("{} {value}", "x".repeat(507));
        assert!(!is_repeated(value.as_bytes(), &message));
    }

    #[test]
    fn a_line_of_a_value_is_found_and_a_long_message_looked_through() {
        let key = "-----BEGIN-----\nfirst-line-of-the-key\nsecond-line-of-the-key\n";
        assert!(!is_repeated(key.as_bytes(), "bad: second-line-of-the-ke"));
        assert!(!is_repeated(
            key.as_bytes(),
            "bad: LS0tLS1CRUdJTi0tLS0tCmZp"
        ));
        let long = "x".repeat(10_000);
        assert!(is_repeated(b"marker-value", &long));
        assert!(!is_repeated(
            b"marker-value",
            &format!("{long}marker-value")
        ));
    }
}
