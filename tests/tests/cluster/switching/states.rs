//! SealedSecrets in every state that there is.

use seal_api::Scope;
use seal_tests::{
    cluster::{seal, seal_for},
    keys,
};
use serde_json::{Value, json};

use super::ground::Ground;
use crate::site::base64;

/// A SealedSecret in one of the states that there are.
pub(super) struct State {
    pub(super) name: String,
    pub(super) sealed: Value,
    /// The Secret that is there before.
    pub(super) before: Option<Value>,
    /// What the SealedSecret is changed to when its Secret is there.
    pub(super) then: Option<Value>,
    /// The reason that our controller gives.
    pub(super) reason: &'static str,
    /// Whether upstream's is content.
    pub(super) is_synced: bool,
    /// The data of the Secret; none where there is no Secret.
    pub(super) data: Option<Value>,
}

impl State {
    /// In order under both.
    pub(super) fn new(sealed: Value, data: Value) -> Self {
        let name = sealed["metadata"]["name"].as_str();
        Self {
            name: name.expect("it has a name").to_owned(),
            sealed,
            before: None,
            then: None,
            reason: "Unsealed",
            is_synced: true,
            data: Some(data),
        }
    }

    /// Refused by both.
    pub(super) fn failing(self, reason: &'static str) -> Self {
        Self {
            is_synced: false,
            ..self.otherwise(reason)
        }
    }

    /// Refused by ours.
    pub(super) fn otherwise(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }
}

impl Ground<'_> {
    /// All of them, with names that begin alike.
    pub(super) fn states(&self, prefix: &str) -> Vec<State> {
        let name = |of: &str| format!("{prefix}-{of}");
        let plain = |of: &str| self.sealed(&name(of), &[("user", "alice")]);
        let user = || json!({"user": base64("alice")});
        let with = |of: &str, template: Value| {
            let mut sealed = plain(of);
            sealed["spec"]["template"] = template;
            sealed
        };
        let annotated = |annotations: &[&str]| {
            let names = annotations
                .iter()
                .map(|name| (format!("sealedsecrets.bitnami.com/{name}"), json!("true")));
            Value::Object(names.collect())
        };
        let before = |of: &str, annotations: &[&str]| {
            Some(json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": {"theirs": "x"},
                "metadata": {
                    "name": name(of), "namespace": self.apps, "labels": {"theirs": "x"},
                    "annotations": annotated(annotations),
                },
            }))
        };
        let merged = || json!({"user": base64("alice"), "theirs": base64("x")});
        let labelled =
            || json!({"metadata": {"labels": {"app": "db"}, "annotations": {"note": "y"}}});
        let wide = |of: &str, scope| {
            let sealed = seal_for(
                &self.certificate,
                scope,
                &self.apps,
                &name(of),
                &[("user", "alice")],
            );
            State::new(sealed, user())
        };
        let without_secret = |sealed: Value, reason| State {
            data: None,
            ..State::new(sealed, Value::Null).failing(reason)
        };
        let fixed = |value: &str| {
            let mut sealed = self.sealed(&name("fixed-and-changed"), &[("user", value)]);
            sealed["spec"]["template"]["immutable"] = true.into();
            sealed
        };
        let mut legacy = plain("legacy");
        let whole = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"labels": {"app": "db"}}, "data": {"user": base64("alice")},
        });
        let text = self.sealed(&name("legacy"), &[("whole", &whole.to_string())]);
        legacy["spec"] =
            json!({"encryptedData": {}, "data": text["spec"]["encryptedData"]["whole"]});
        let mut moved = plain("elsewhere");
        moved["metadata"]["name"] = name("moved").into();
        vec![
            State::new(with("plain", labelled()), user()),
            wide("namespace-wide", Scope::NamespaceWide),
            wide("cluster-wide", Scope::ClusterWide),
            State {
                before: before("patched", &["patch"]),
                ..State::new(with("patched", labelled()), merged())
            },
            State {
                before: before("taken-over", &["managed"]),
                ..State::new(with("taken-over", labelled()), user())
            },
            State {
                before: before("both", &["managed", "patch"]),
                ..State::new(with("both", labelled()), merged())
            },
            // Upstream refuses what it made itself, at once; ours after a restart.
            State::new(
                with(
                    "unowned",
                    json!({"metadata": {"annotations": annotated(&["skip-set-owner-references"])}}),
                ),
                user(),
            )
            .failing("NotManaged"),
            State::new(
                with(
                    "unowned-managed",
                    json!({"metadata": {"annotations": annotated(&["skip-set-owner-references", "managed"])}}),
                ),
                user(),
            ),
            State::new(with("fixed", json!({"immutable": true})), user()),
            State {
                then: Some(fixed("bob")),
                ..State::new(fixed("alice"), user()).failing("ImmutableSecret")
            },
            State::new(legacy, user()),
            State {
                before: before("blocked", &[]),
                ..State::new(plain("blocked"), json!({"theirs": base64("x")})).failing("NotManaged")
            },
            without_secret(
                seal(
                    &keys::pem("rsa-3072.crt"),
                    &self.apps,
                    &name("keyless"),
                    &[("user", "alice")],
                ),
                "UnknownKey",
            ),
            without_secret(moved, "SealedForAnotherName"),
            State::new(
                with("text", json!({"data": {"host": "db.example"}})),
                json!({"user": base64("alice"), "host": base64("db.example")}),
            ),
            State::new(
                with("template", json!({"data": {"url": "db://{{ .user }}"}})),
                json!({"user": base64("alice"), "url": base64("db://alice")}),
            ),
            State::new(
                with(
                    "rendered",
                    json!({"data": {"url": "db://{{ .user }}{{ if false }}{{ now }}{{ end }}"}}),
                ),
                json!({"user": base64("alice"), "url": base64("db://alice")}),
            )
            .otherwise("TemplateFunctionMissing"),
        ]
    }
}
