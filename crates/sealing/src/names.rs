//! Which names Kubernetes accepts.

/// The longest name of an object and key of an item, in characters.
const LONGEST: usize = 253;

/// A text is not a valid name. The text itself is given by the caller, who knows where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not a DNS subdomain (RFC 1123), as names of Secrets are.
    #[error(
        "must be lower-case letters, digits, '-' and '.', begin and end with a letter or digit, 253 characters at most"
    )]
    Subdomain,
    /// Not a DNS label (RFC 1123), as names of namespaces are.
    #[error(
        "must be lower-case letters, digits and '-', begin and end with a letter or digit, 63 characters at most"
    )]
    Label,
    /// Not a valid key of a Secret's data.
    #[error(
        "must be letters, digits, '-', '_' and '.', not \".\" or beginning with \"..\", 253 characters at most"
    )]
    ItemKey,
}

/// Checks the name of a Secret: a DNS subdomain (Kubernetes, "Object Names and IDs").
///
/// # Errors
///
/// [`NameError::Subdomain`].
pub fn check_name(name: &str) -> Result<(), NameError> {
    let right = name.len() <= LONGEST && name.split('.').all(is_label);
    if right {
        Ok(())
    } else {
        Err(NameError::Subdomain)
    }
}

/// Checks the name of a namespace: a DNS label of 63 characters at most.
///
/// # Errors
///
/// [`NameError::Label`].
pub fn check_namespace(name: &str) -> Result<(), NameError> {
    if name.len() <= 63 && is_label(name) {
        Ok(())
    } else {
        Err(NameError::Label)
    }
}

/// Checks a key of a Secret's data by the rule of the Kubernetes API (`IsConfigMapKey`).
///
/// # Errors
///
/// [`NameError::ItemKey`].
pub fn check_item_key(key: &str) -> Result<(), NameError> {
    let characters = key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let right = characters
        && !key.is_empty()
        && key.len() <= LONGEST
        && key != "."
        && !key.starts_with("..");
    if right {
        Ok(())
    } else {
        Err(NameError::ItemKey)
    }
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_rfc_1123() {
        for right in ["db", "a.b-c.0", &"a".repeat(253)] {
            assert_eq!(check_name(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "Db",
            "a_b",
            "-a",
            "a-",
            "a..b",
            "../x",
            "a/b",
            &"a".repeat(254),
        ] {
            assert_eq!(check_name(wrong), Err(NameError::Subdomain), "{wrong}");
        }
        assert_eq!(check_namespace("a.b"), Err(NameError::Label));
        assert_eq!(check_namespace(&"a".repeat(64)), Err(NameError::Label));
    }

    #[test]
    fn item_keys_follow_the_rule_of_the_api_server() {
        for right in ["a", "TLS.crt", ".dockerconfigjson", "_-."] {
            assert_eq!(check_item_key(right), Ok(()), "{right}");
        }
        for wrong in ["", ".", "..", "..a", "a b", "a/b", "é"] {
            assert_eq!(check_item_key(wrong), Err(NameError::ItemKey), "{wrong}");
        }
    }
}
