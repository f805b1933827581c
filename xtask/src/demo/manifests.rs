//! The Secrets of the walk, in cleartext, and what has to come out in the end.

use anyhow::{Context, Result};

/// A value and its base64.
pub(super) struct Value {
    pub(super) text: &'static str,
    pub(super) base64: &'static str,
}

pub(super) const DB_PASSWORD: Value = Value {
    text: "correct horse battery staple",
    base64: "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==",
};
pub(super) const NEW_DB_PASSWORD: Value = Value {
    text: "Tr0ub4dor&3 was never better",
    base64: "VHIwdWI0ZG9yJjMgd2FzIG5ldmVyIGJldHRlcg==",
};
/// Bytes that are no text.
const SALT: &str = "AP+A/n9CIxPvvwA=";
/// A registry login as `kubectl create secret docker-registry` writes it.
const DOCKER_CONFIG: &str = r#"{"auths":{"registry.example.com":{"username":"shop","password":"s3cr3t-pull","auth":"c2hvcDpzM2NyM3QtcHVsbA=="}}}"#;
const DOCKER_CONFIG_BASE64: &str = "eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlLmNvbSI6eyJ1c2VybmFtZSI6InNob3AiLCJwYXNzd29yZCI6InMzY3IzdC1wdWxsIiwiYXV0aCI6ImMyaHZjRHB6TTJOeU0zUXRjSFZzYkE9PSJ9fX0=";

/// The three Secrets.
pub(super) struct Manifests {
    certificate: String,
    key: String,
}

impl Manifests {
    /// Takes the TLS pair from a Secret of type `kubernetes.io/tls`.
    pub(super) fn new(pair: &str) -> Result<Self> {
        let item = |key: &str| {
            let line = pair.lines().find_map(|line| line.trim().strip_prefix(key));
            line.map(|text| text.trim().to_owned())
                .with_context(|| format!("the pair has no {key}"))
        };
        Ok(Self {
            certificate: item("tls.crt:")?,
            key: item("tls.key:")?,
        })
    }

    /// One YAML text, with a document that is no Secret among them.
    pub(super) fn text(&self) -> String {
        let Self { certificate, key } = self;
        let password = DB_PASSWORD.text;
        format!(
            "# what the shop needs\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\n  \
             labels:\n    app: shop\nstringData:\n  username: shop\n  password: {password}\ndata:\n  salt: {SALT}\n\
             ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: shop}}\n\
             data: {{colour: blue}} # passes through\n\
             ---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: registry\n  namespace: shop\n\
             type: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '{DOCKER_CONFIG}'\n\
             ---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: tls\n  namespace: shop\ntype: kubernetes.io/tls\n\
             data:\n  tls.crt: {certificate}\n  tls.key: {key}\n"
        )
    }

    /// What must not be seen in a sealed file.
    pub(super) fn cleartext(&self) -> Vec<&str> {
        vec![
            DB_PASSWORD.text,
            DB_PASSWORD.base64,
            SALT,
            "s3cr3t-pull",
            DOCKER_CONFIG_BASE64,
            &self.key[..64],
        ]
    }

    /// What each Secret has to hold in the end, as its lines in `data`.
    pub(super) fn expected(&self) -> Vec<(&'static str, Vec<String>)> {
        let Self { certificate, key } = self;
        let line = |item: &str, value: &str| format!("{item}: {value}");
        vec![
            (
                "db",
                vec![
                    line("password", DB_PASSWORD.base64),
                    line("username", "c2hvcA=="),
                    line("salt", SALT),
                ],
            ),
            (
                "registry",
                vec![
                    line(".dockerconfigjson", DOCKER_CONFIG_BASE64),
                    "kubernetes.io/dockerconfigjson".into(),
                ],
            ),
            (
                "tls",
                vec![
                    line("tls.crt", certificate),
                    line("tls.key", key),
                    "kubernetes.io/tls".into(),
                ],
            ),
        ]
    }
}
