//! Labels from the command line, by the rules of Kubernetes.

use std::collections::BTreeMap;

use seal_api::Reason;
use seal_sealing::check_name;

use crate::problem::Problem;

/// The longest name, without its prefix, and the longest value.
const LONGEST: usize = 63;

/// The labels that `NAME=VALUE` texts make; each name once.
pub(crate) fn labels(texts: &[String]) -> Result<BTreeMap<String, String>, Problem> {
    let mut labels = BTreeMap::new();
    for text in texts {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Problem::new(Reason::InvalidValue, "--label needs the form NAME=VALUE")
        })?;
        check(name, value)?;
        if labels.insert(name.to_owned(), value.to_owned()).is_some() {
            let message = format!("the label {name} is given twice");
            return Err(Problem::new(Reason::Conflict, message));
        }
    }
    Ok(labels)
}

fn check(name: &str, value: &str) -> Result<(), Problem> {
    let (prefix, rest) = match name.split_once('/') {
        Some((prefix, rest)) => (Some(prefix), rest),
        None => (None, name),
    };
    let is_prefix = prefix.is_none_or(|prefix| check_name(prefix).is_ok());
    if is_prefix && is_word(rest) && (value.is_empty() || is_word(value)) {
        return Ok(());
    }
    Err(Problem::new(
        Reason::InvalidValue,
        "a --label is none that Kubernetes takes: name and value have at most 63 letters, digits, '-', '_' and '.', \
         a letter or digit at both ends; the name may have a DNS name and '/' before it",
    ))
}

fn is_word(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= LONGEST
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_kubernetes_has_them() {
        let check = |text: &str| labels(&[text.to_owned()]).is_ok();
        for right in [
            "a=b",
            "a=",
            "example.com/a_b.c=D-e",
            "app.kubernetes.io/name=x",
        ] {
            assert!(check(right), "{right}");
        }
        let long = format!("a={}", "b".repeat(64));
        for wrong in [
            "a", "=b", "a b=c", "a=b c", "-a=b", "a=b-", "A/b/c=d", "Ex/a=b", &long,
        ] {
            assert!(!check(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_label_stands_once() {
        let problem = labels(&["a=b".into(), "a=c".into()]).expect_err("it is twice");
        assert_eq!(problem.reason, Reason::Conflict);
    }
}
