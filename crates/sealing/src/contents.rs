//! Whether the contents of a Secret fit its type, by the rules of the Kubernetes API for built-in types.

use seal_envelope::{Certificate, OpeningKey};
use serde_json::Value;

use crate::Secret;

/// Types that Kubernetes itself acts on: whoever may make one of them gets more than a Secret.
const RESTRICTED: [&str; 2] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
];

/// Whether Secrets of this type are refused unless a flag allows them (the class of CVE-2026-42876).
pub fn is_restricted_type(type_: &str) -> bool {
    RESTRICTED.contains(&type_)
}

/// The contents do not fit the type. The message names items, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentsError {
    /// An item that the type needs is missing.
    #[error("type {type_} needs {needs}")]
    Missing {
        /// The Secret's type.
        type_: String,
        /// What it needs.
        needs: &'static str,
    },
    /// An item is there but is not what its key says.
    #[error("{item} is not {expected}")]
    Invalid {
        /// The item's key.
        item: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// The private key belongs to another certificate.
    #[error("tls.key does not belong to the certificate in tls.crt")]
    KeyOfAnotherCertificate,
}

/// Checks the contents against the type; types that are not built in pass.
///
/// For `kubernetes.io/tls` the pair is compared where both are RSA of 2048 to 8192 bits, and only looked at otherwise.
///
/// # Errors
///
/// [`ContentsError`], the first one found.
pub fn check_contents(secret: &Secret) -> Result<(), ContentsError> {
    match secret.type_or_opaque() {
        "kubernetes.io/tls" => check_tls(secret),
        "kubernetes.io/dockerconfigjson" => check_docker_config(secret),
        "kubernetes.io/dockercfg" => check_json(secret, ".dockercfg").map(|_| ()),
        "kubernetes.io/basic-auth" => {
            check_any(secret, &["username", "password"], "username or password")
        }
        "kubernetes.io/ssh-auth" => check_any(secret, &["ssh-privatekey"], "ssh-privatekey"),
        _ => Ok(()),
    }
}

fn check_any(secret: &Secret, items: &[&str], needs: &'static str) -> Result<(), ContentsError> {
    let found = items.iter().any(|item| secret.data.contains_key(*item));
    if found {
        Ok(())
    } else {
        Err(missing(secret, needs))
    }
}

fn missing(secret: &Secret, needs: &'static str) -> ContentsError {
    ContentsError::Missing {
        type_: secret.type_or_opaque().to_owned(),
        needs,
    }
}

fn item<'s>(secret: &'s Secret, key: &'static str) -> Result<&'s [u8], ContentsError> {
    secret
        .data
        .get(key)
        .map(|value| value.as_bytes())
        .ok_or_else(|| missing(secret, key))
}

fn check_tls(secret: &Secret) -> Result<(), ContentsError> {
    let (certificate, key) = (item(secret, "tls.crt")?, item(secret, "tls.key")?);
    let holds = |text: &[u8], marker: &str| String::from_utf8_lossy(text).contains(marker);
    if !holds(certificate, "-----BEGIN CERTIFICATE-----") {
        return Err(ContentsError::Invalid {
            item: "tls.crt",
            expected: "a certificate in PEM",
        });
    }
    if !holds(key, "PRIVATE KEY-----") {
        return Err(ContentsError::Invalid {
            item: "tls.key",
            expected: "a private key in PEM",
        });
    }
    match (
        Certificate::from_pem(certificate),
        OpeningKey::from_pem(key),
    ) {
        (Ok(certificate), Ok(key)) if certificate.key_id() != key.key_id() => {
            Err(ContentsError::KeyOfAnotherCertificate)
        }
        _ => Ok(()),
    }
}

fn check_docker_config(secret: &Secret) -> Result<(), ContentsError> {
    let config = check_json(secret, ".dockerconfigjson")?;
    if config["auths"].is_object() {
        return Ok(());
    }
    Err(ContentsError::Invalid {
        item: ".dockerconfigjson",
        expected: "a JSON object with \"auths\"",
    })
}

fn check_json(secret: &Secret, key: &'static str) -> Result<Value, ContentsError> {
    let invalid = || ContentsError::Invalid {
        item: key,
        expected: "a JSON object",
    };
    let value: Value = serde_json::from_slice(item(secret, key)?).map_err(|_| invalid())?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(type_: &str, items: &[(&str, &str)], expected: Option<&str>) {
        let mut secret = Secret::new("db", Some("prod"));
        secret.type_ = Some(type_.to_owned());
        secret.data = items
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.as_bytes().into()))
            .collect();
        assert_eq!(
            check_contents(&secret)
                .err()
                .map(|error| error.to_string())
                .as_deref(),
            expected
        );
    }

    #[test]
    fn built_in_types_need_their_items() {
        check("Opaque", &[], None);
        check("example.com/own", &[], None);
        check("kubernetes.io/basic-auth", &[("password", "x")], None);
        check(
            "kubernetes.io/basic-auth",
            &[],
            Some("type kubernetes.io/basic-auth needs username or password"),
        );
        check(
            "kubernetes.io/ssh-auth",
            &[],
            Some("type kubernetes.io/ssh-auth needs ssh-privatekey"),
        );
        check(
            "kubernetes.io/tls",
            &[("tls.crt", "x")],
            Some("type kubernetes.io/tls needs tls.key"),
        );
    }

    #[test]
    fn registry_credentials_are_json_with_auths() {
        let type_ = "kubernetes.io/dockerconfigjson";
        check(type_, &[(".dockerconfigjson", r#"{"auths":{}}"#)], None);
        check(
            type_,
            &[(".dockerconfigjson", "{}")],
            Some(".dockerconfigjson is not a JSON object with \"auths\""),
        );
        check(
            type_,
            &[(".dockerconfigjson", "marker")],
            Some(".dockerconfigjson is not a JSON object"),
        );
        check(
            "kubernetes.io/dockercfg",
            &[(".dockercfg", "[]")],
            Some(".dockercfg is not a JSON object"),
        );
    }

    #[test]
    fn a_tls_pair_is_looked_at() {
        let not_pem = [("tls.crt", "marker"), ("tls.key", "marker")];
        check(
            "kubernetes.io/tls",
            &not_pem,
            Some("tls.crt is not a certificate in PEM"),
        );
    }
}
