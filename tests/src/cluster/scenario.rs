//! What scenarios do and look at: namespaces, SealedSecrets, the Secrets and statuses that come of them, Events, metrics.

use std::{
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use seal_api::Scope;
use seal_envelope::Certificate;
use seal_sealing::Secret;
use serde_json::{Value, json};

use super::Controller;
use crate::{control_plane::ControlPlane, seen};

/// How long things may take that are done in a moment; a machine that does other things at the same time is slow.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
pub(super) const GLANCE: Duration = Duration::from_millis(20);

/// Makes a namespace of the test's own and returns its name, which begins with `prefix`.
///
/// # Panics
///
/// When the API server refuses it.
pub fn namespace(plane: &ControlPlane, prefix: &str) -> String {
    let object = json!({"metadata": {"generateName": format!("{prefix}-")}});
    let created = plane.api().create("/api/v1/namespaces", &object);
    assert_eq!(created.status, 201, "{}", created.body);
    created.body["metadata"]["name"]
        .as_str()
        .expect("it has a name now")
        .to_owned()
}

/// A SealedSecret of strict scope, sealed with a certificate in PEM; what it is not can be changed in the JSON.
///
/// # Panics
///
/// When it cannot be sealed.
pub fn seal(certificate: &str, namespace: &str, name: &str, items: &[(&str, &str)]) -> Value {
    seal_for(certificate, Scope::Strict, namespace, name, items)
}

/// As [`seal`], with a scope.
///
/// # Panics
///
/// When it cannot be sealed.
pub fn seal_for(
    certificate: &str,
    scope: Scope,
    namespace: &str,
    name: &str,
    items: &[(&str, &str)],
) -> Value {
    let certificate = Certificate::from_pem(certificate.as_bytes()).expect("it is a certificate");
    let mut secret = Secret::new(name, Some(namespace));
    for (key, value) in items {
        let value = value.as_bytes().into();
        secret.data.insert((*key).to_owned(), value);
    }
    let sealed = seal_sealing::seal(&secret, scope, &certificate, Timestamp::now());
    serde_json::to_value(sealed.expect("it can be sealed").object).expect("it is JSON")
}

impl Controller<'_> {
    /// The certificate that it serves, in PEM, through the API server's proxy to the Service, as `kubeseal` gets it.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn certificate(&self) -> String {
        let path = self.service_path("/v1/cert.pem");
        self.wait_for("it serves a certificate", |controller| {
            let answer = controller.pod().plane.api().get(&path);
            let text = answer.body.as_str().filter(|_| answer.status == 200);
            text.map(str::to_owned)
        })
    }

    /// The path at which the API server's proxy reaches its Service, where `kubeseal` looks for it.
    ///
    /// # Panics
    ///
    /// When the Service has no port.
    pub fn service_path(&self, path: &str) -> String {
        let pod = self.pod();
        let (namespace, name) = (pod.namespace(), &pod.deployment);
        let service = format!("/api/v1/namespaces/{namespace}/services");
        let found = pod.plane.api().get(&format!("{service}/{name}")).body;
        let port = &found["spec"]["ports"][0];
        assert!(port.is_object(), "the Service has no port: {found}");
        let port = port["name"].as_str().unwrap_or_default();
        format!("{service}/http:{name}:{port}/proxy{path}")
    }

    /// Its metrics, as text.
    ///
    /// # Panics
    ///
    /// When it gives none.
    #[track_caller]
    pub fn metrics(&self) -> String {
        self.ask_for_metrics()
            .unwrap_or_else(|answer| panic!("no metrics: {answer}"))
    }

    /// Its metrics; none as long as it does not serve them.
    pub fn metrics_if_any(&self) -> Option<String> {
        self.ask_for_metrics().ok()
    }

    #[track_caller]
    fn ask_for_metrics(&self) -> Result<String, Value> {
        let port = self.pod().port(&"metrics".into());
        let path = self.proxy_path(port, "/metrics");
        let answer = self.pod().plane.api().get(&path);
        match answer.body {
            Value::String(text) if answer.status == 200 => {
                seen::record_metrics(&text);
                Ok(text)
            }
            other => Err(other),
        }
    }

    /// The value of a series of [`Self::metrics`], such as `sealed_secrets_controller_unseal_requests_total` or
    /// `x_total{reason="fetch"}`; none when it is not there.
    ///
    /// # Panics
    ///
    /// When it gives no metrics.
    #[track_caller]
    pub fn metric(&self, series: &str) -> Option<f64> {
        self.metrics().lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            value.split(' ').next()?.parse().ok()
        })
    }

    /// Waits until a Secret is there.
    ///
    /// # Panics
    ///
    /// When it does not come.
    #[track_caller]
    pub fn wait_for_secret(&self, namespace: &str, name: &str) -> Value {
        self.wait_for_secret_that(namespace, name, "is there", |_| true)
    }

    /// Waits until a Secret is as it should be; `what` says how.
    ///
    /// # Panics
    ///
    /// When it does not become so: with what it is.
    #[track_caller]
    pub fn wait_for_secret_that(
        &self,
        namespace: &str,
        name: &str,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        self.wait_for_object(&path, &format!("Secret {namespace}/{name} {what}"), is)
    }

    /// Waits until a SealedSecret has a condition with a status, observed for its current generation, and returns the
    /// condition.
    ///
    /// # Panics
    ///
    /// When it does not get it: with what it has.
    #[track_caller]
    pub fn wait_for_condition(
        &self,
        namespace: &str,
        name: &str,
        condition: &str,
        status: &str,
    ) -> Value {
        let what = format!("SealedSecret {namespace}/{name} has {condition}={status}");
        let object = self.wait_for_object(&sealed_secret(namespace, name), &what, |object| {
            let found = find_condition(object, condition);
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && found.is_some_and(|found| found["status"] == status)
        });
        find_condition(&object, condition)
            .cloned()
            .expect("it was just there")
    }

    /// Waits until the object at a path is as it should be, and returns it; `what` says how.
    ///
    /// # Panics
    ///
    /// When it does not become so: with what it is.
    #[track_caller]
    pub fn wait_for_object(&self, path: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let api = self.pod().plane.api();
        let mut last = Value::Null;
        let deadline = Instant::now() + LIMIT;
        loop {
            let answer = api.get(path);
            self.note_reasons(&answer.body);
            if answer.status == 200 && is(&answer.body) {
                return answer.body;
            }
            last.clone_from(&answer.body);
            assert!(
                Instant::now() < deadline,
                "in vain: {what}\nit is: {last}\n{}",
                self.tail()
            );
            thread::sleep(GLANCE);
        }
    }

    /// The Events about an object, by its name and kind, in no order.
    ///
    /// # Panics
    ///
    /// When the API server does not answer.
    #[track_caller]
    pub fn events_of(&self, namespace: &str, kind: &str, name: &str) -> Vec<Value> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.kind%3D{kind}%2CinvolvedObject.name%3D{name}"
        );
        let list = self.pod().plane.api().get(&path).body;
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits for an Event about a SealedSecret with this reason, and returns it.
    ///
    /// # Panics
    ///
    /// When it does not come.
    #[track_caller]
    pub fn wait_for_event(&self, namespace: &str, name: &str, reason: &str) -> Value {
        let what = format!("Event {reason} for SealedSecret {namespace}/{name}");
        self.wait_for(&what, |controller| {
            let events = controller.events_of(namespace, "SealedSecret", name);
            events.into_iter().find(|event| event["reason"] == reason)
        })
    }
}

/// The path of a SealedSecret in the API.
pub fn sealed_secret(namespace: &str, name: &str) -> String {
    format!("/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/{name}")
}

/// The condition of a type.
pub fn find_condition<'o>(object: &'o Value, condition: &str) -> Option<&'o Value> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|found| found["type"] == condition)
}

#[track_caller]
pub(super) fn wait<T>(
    what: &str,
    explain: impl Fn() -> String,
    look: impl FnMut() -> Option<T>,
) -> T {
    wait_within(LIMIT, what, explain, look)
}

#[track_caller]
pub(super) fn wait_within<T>(
    limit: Duration,
    what: &str,
    explain: impl Fn() -> String,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}\n{}", explain());
        thread::sleep(GLANCE);
    }
}
