//! Our controller in namespaces of the test's own, beside those of other tests.

use seal_api::Scope;
use seal_envelope::GeneratedKey;
use seal_tests::{
    cluster::{
        Controller, Manifests, Setup, install, namespace, seal, seal_for, sealed_secret, shared,
    },
    control_plane::{Answer, Api, ControlPlane},
    keys,
    programs::Program,
};
use serde_json::{Value, json};

/// The set-ups in which every scenario has to work.
pub(crate) const EVERYWHERE: [Manifests; 2] = [Manifests::Ours, Manifests::Chart];

/// A controller that minds its own namespace and one with applications.
pub(crate) struct Site {
    pub(crate) controller: Controller<'static>,
    /// The controller's namespace.
    pub(crate) system: String,
    /// The namespace with applications.
    pub(crate) apps: String,
    pub(crate) certificate: String,
}

impl Site {
    /// Ours, with a key of its own that is there from the start.
    pub(crate) fn new(manifests: Manifests) -> Self {
        Self::of(manifests, Program::Controller, |setup| setup)
    }

    /// Ours, with more said of it.
    pub(crate) fn with(manifests: Manifests, more: impl FnOnce(Setup) -> Setup) -> Self {
        Self::of(manifests, Program::Controller, more)
    }

    /// Any controller.
    pub(crate) fn of(
        manifests: Manifests,
        program: Program,
        more: impl FnOnce(Setup) -> Setup,
    ) -> Self {
        let plane = shared(manifests);
        let (system, apps) = (namespace(plane, "system"), namespace(plane, "apps"));
        put_key(plane, &system, "given", "rsa-2048");
        let setup = base(manifests)
            .namespace(&system)
            .watching([&system, &apps]);
        let controller = install(plane, &more(setup)).run(program);
        Self {
            certificate: keys::pem("rsa-2048.crt"),
            controller,
            system,
            apps,
        }
    }

    pub(crate) fn api(&self) -> &'static Api {
        self.controller.pod().plane().api()
    }

    /// A SealedSecret for the namespace with applications.
    pub(crate) fn sealed(&self, name: &str, items: &[(&str, &str)]) -> Value {
        seal(&self.certificate, &self.apps, name, items)
    }

    pub(crate) fn sealed_for(&self, scope: Scope, name: &str, items: &[(&str, &str)]) -> Value {
        seal_for(&self.certificate, scope, &self.apps, name, items)
    }

    /// Applies a SealedSecret `db` with one value and waits for its Secret.
    pub(crate) fn with_db(&self, value: &str) -> Value {
        self.api().apply(&self.sealed("db", &[("password", value)]));
        let data = base64(value);
        self.secret_that("db", "has the value", move |secret| {
            secret["data"]["password"] == data
        })
    }

    pub(crate) fn secret(&self, name: &str) -> Answer {
        self.api().get(&self.secret_path(name))
    }

    pub(crate) fn secret_path(&self, name: &str) -> String {
        format!("/api/v1/namespaces/{}/secrets/{name}", self.apps)
    }

    pub(crate) fn sealed_path(&self, name: &str) -> String {
        sealed_secret(&self.apps, name)
    }

    pub(crate) fn secret_that(&self, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.controller
            .wait_for_secret_that(&self.apps, name, what, is)
    }

    /// Waits until a condition of a SealedSecret has a status, and the reason; the message.
    #[track_caller]
    pub(crate) fn condition(
        &self,
        name: &str,
        condition: &str,
        status: &str,
        reason: &str,
    ) -> String {
        let what = format!("{name} has {condition}={status} for {reason}");
        let path = self.sealed_path(name);
        let object = self.controller.wait_for_object(&path, &what, |object| {
            let found = seal_tests::cluster::find_condition(object, condition);
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && found.is_some_and(|found| found["status"] == status && found["reason"] == reason)
        });
        let found = seal_tests::cluster::find_condition(&object, condition);
        let message = found.and_then(|found| found["message"].as_str());
        message.unwrap_or_default().to_owned()
    }

    /// Waits until a SealedSecret is refused for good, and returns the message.
    #[track_caller]
    pub(crate) fn stalled(&self, name: &str, reason: &str) -> String {
        self.condition(name, "Stalled", "True", reason)
    }

    /// Waits until a SealedSecret has its Secret.
    #[track_caller]
    pub(crate) fn synced(&self, name: &str) {
        self.condition(name, "Synced", "True", "Unsealed");
    }
}

/// The set-up as users have it, before anything is said of it.
pub(crate) fn base(manifests: Manifests) -> Setup {
    match manifests {
        Manifests::Chart => Setup::chart(),
        Manifests::Static => Setup::upstream_static(),
        Manifests::Ours => Setup::ours(),
    }
}

/// Puts a key Secret of the test's keys into a namespace.
pub(crate) fn put_key(plane: &ControlPlane, namespace: &str, name: &str, key: &str) {
    plane.api().apply(&key_secret(namespace, name, key));
}

/// A key Secret of the test's keys.
pub(crate) fn key_secret(namespace: &str, name: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": name, "namespace": namespace,
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "stringData": {
            "tls.crt": keys::pem(&format!("{key}.crt")),
            "tls.key": keys::pem(&format!("{key}.key")),
        },
    })
}

pub(crate) fn base64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

/// A key Secret of a key that was made.
pub(crate) fn key_secret_of(key: &GeneratedKey, namespace: &str, name: &str) -> Value {
    let secret = seal_sealing::key_secret(key, name, Some(namespace));
    serde_json::to_value(secret).expect("a Secret is JSON")
}
