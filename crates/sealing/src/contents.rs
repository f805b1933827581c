//! Whether the contents of a Secret fit its type, by the rules of the Kubernetes API for built-in types.

use std::collections::BTreeMap;

use seal_envelope::{Certificate, OpeningKey, Plaintext};
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
    check_known_contents(secret.type_or_opaque(), &secret.data, |_| false)
}

/// As [`check_contents`], where only some values are known: `data` holds them, and `is_sealed` tells of every other key
/// whether there is an item of which the value cannot be seen. That one passes.
///
/// # Errors
///
/// [`ContentsError`], the first one found.
pub fn check_known_contents(
    type_: &str,
    data: &BTreeMap<String, Plaintext>,
    is_sealed: impl Fn(&str) -> bool,
) -> Result<(), ContentsError> {
    let contents = Contents {
        type_,
        data,
        is_sealed: &is_sealed,
    };
    match type_ {
        "kubernetes.io/tls" => contents.check_tls(),
        "kubernetes.io/dockerconfigjson" => contents.check_docker_config(),
        "kubernetes.io/dockercfg" => contents.json(".dockercfg").map(|_| ()),
        "kubernetes.io/basic-auth" => {
            contents.check_any(&["username", "password"], "username or password")
        }
        "kubernetes.io/ssh-auth" => contents.check_any(&["ssh-privatekey"], "ssh-privatekey"),
        _ => Ok(()),
    }
}

/// What is known of a Secret's contents.
struct Contents<'c> {
    type_: &'c str,
    data: &'c BTreeMap<String, Plaintext>,
    is_sealed: &'c dyn Fn(&str) -> bool,
}

impl<'c> Contents<'c> {
    fn missing(&self, needs: &'static str) -> ContentsError {
        ContentsError::Missing {
            type_: self.type_.to_owned(),
            needs,
        }
    }

    /// An item's value; `None` where it cannot be seen.
    fn item(&self, key: &'static str) -> Result<Option<&'c [u8]>, ContentsError> {
        match self.data.get(key) {
            Some(value) => Ok(Some(value.as_bytes())),
            None if (self.is_sealed)(key) => Ok(None),
            None => Err(self.missing(key)),
        }
    }

    fn check_any(&self, items: &[&'static str], needs: &'static str) -> Result<(), ContentsError> {
        if items.iter().any(|item| self.item(item).is_ok()) {
            Ok(())
        } else {
            Err(self.missing(needs))
        }
    }

    fn check_tls(&self) -> Result<(), ContentsError> {
        let (certificate, key) = (self.item("tls.crt")?, self.item("tls.key")?);
        let lacks = |text: Option<&[u8]>, marker: &str| {
            text.is_some_and(|text| !String::from_utf8_lossy(text).contains(marker))
        };
        if lacks(certificate, "-----BEGIN CERTIFICATE-----") {
            return Err(ContentsError::Invalid {
                item: "tls.crt",
                expected: "a certificate in PEM",
            });
        }
        if lacks(key, "PRIVATE KEY-----") {
            return Err(ContentsError::Invalid {
                item: "tls.key",
                expected: "a private key in PEM",
            });
        }
        let (Some(certificate), Some(key)) = (certificate, key) else {
            return Ok(());
        };
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

    fn check_docker_config(&self) -> Result<(), ContentsError> {
        match self.json(".dockerconfigjson")? {
            Some(config) if !config["auths"].is_object() => Err(ContentsError::Invalid {
                item: ".dockerconfigjson",
                expected: "a JSON object with \"auths\"",
            }),
            _ => Ok(()),
        }
    }

    fn json(&self, key: &'static str) -> Result<Option<Value>, ContentsError> {
        let Some(text) = self.item(key)? else {
            return Ok(None);
        };
        match serde_json::from_slice(text) {
            Ok(value @ Value::Object(_)) => Ok(Some(value)),
            _ => Err(ContentsError::Invalid {
                item: key,
                expected: "a JSON object",
            }),
        }
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

    #[test]
    fn what_is_sealed_passes_and_what_is_known_is_looked_at() {
        let check = |type_: &str, known: &[(&str, &str)], sealed: &[&str], says: Option<&str>| {
            let known = known.iter();
            let known = known.map(|(key, value)| ((*key).to_owned(), value.as_bytes().into()));
            let found = check_known_contents(type_, &known.collect(), |key| sealed.contains(&key));
            let found = found.err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), says);
        };
        let (pair, tls) = (["tls.crt", "tls.key"], "kubernetes.io/tls");
        let not_pem = Some("tls.crt is not a certificate in PEM");
        check(tls, &[], &pair, None);
        check(tls, &[("tls.crt", "marker")], &pair, not_pem);
        let missing = Some("type kubernetes.io/tls needs tls.key");
        check(tls, &[], &["tls.crt"], missing);
        check("kubernetes.io/basic-auth", &[], &["password"], None);
        let docker = "kubernetes.io/dockerconfigjson";
        check(docker, &[], &[".dockerconfigjson"], None);
        check(
            docker,
            &[(".dockerconfigjson", "marker")],
            &[".dockerconfigjson"],
            Some(".dockerconfigjson is not a JSON object"),
        );
    }
}
