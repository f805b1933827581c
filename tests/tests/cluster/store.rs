//! What the API server stores its objects in: a server is killed, history is forgotten, or restored to what it was.

mod compacted;
mod killed;
mod restored;

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use seal_tests::{
    cluster::{Controller, Setup, install, namespace, seal, sealed_secret},
    control_plane::{Api, ControlPlane},
    http, keys,
    programs::Program,
};
use serde_json::{Value, json};

use crate::site::{base64, put_key};

/// Where the controller is installed.
const SYSTEM: &str = "kube-system";
const OPERATIONS: &str = "seal_controller_private_key_operations_total";
/// What every value begins with, and nobody may say.
const MARKER: &str = "MARKER-51f7";
/// A server that was just started may be slow.
const LIMIT: Duration = Duration::from_secs(60);
/// Long enough for a controller that would do something to have done it.
const A_WHILE: Duration = Duration::from_millis(700);

/// A control plane of the test's own, with a controller that minds all namespaces, and one with applications.
struct Ground<'p> {
    plane: &'p ControlPlane,
    controller: Controller<'p>,
    apps: String,
    certificate: String,
}

impl<'p> Ground<'p> {
    fn new(plane: &'p ControlPlane, setup: &Setup) -> Self {
        Self::with(plane, install(plane, setup).run(Program::Controller))
    }

    fn with(plane: &'p ControlPlane, controller: Controller<'p>) -> Self {
        put_key(plane, SYSTEM, "given", "rsa-2048");
        Self {
            plane,
            controller,
            apps: namespace(plane, "apps"),
            certificate: keys::pem("rsa-2048.crt"),
        }
    }

    fn api(&self) -> &'p Api {
        self.plane.api()
    }

    fn sealed(&self, name: &str, value: &str) -> Value {
        sealed(&self.certificate, &self.apps, name, value)
    }

    fn apply(&self, name: &str, value: &str) {
        self.api().apply(&self.sealed(name, value));
    }

    fn sealed_path(&self, name: &str) -> String {
        sealed_secret(&self.apps, name)
    }

    fn secret_path(&self, name: &str) -> String {
        format!("/api/v1/namespaces/{}/secrets/{name}", self.apps)
    }

    fn secret(&self, name: &str) -> Value {
        self.api().get(&self.secret_path(name)).body
    }

    /// Waits until a SealedSecret is in sync and its record is one of its Secret, which has the value.
    #[track_caller]
    fn has(&self, name: &str, value: &str) {
        let data = base64(&format!("{MARKER}-{value}"));
        let what = format!("{name} is {value}");
        let controller = &self.controller;
        controller.wait_for_within(LIMIT, &what, |_| {
            let (secret, sealed) = (
                self.secret(name),
                self.api().get(&self.sealed_path(name)).body,
            );
            let recorded = &sealed["status"]["record"]["secret"];
            let is_right = secret["data"]["password"] == data
                && recorded["resourceVersion"] == secret["metadata"]["resourceVersion"]
                && recorded["uid"] == secret["metadata"]["uid"];
            is_right.then_some(())
        });
        controller.wait_for_condition(&self.apps, name, "Synced", "True");
    }

    /// The versions of a SealedSecret and its Secret: the same where nothing was written.
    fn versions(&self, name: &str) -> [Value; 2] {
        [self.sealed_path(name), self.secret_path(name)]
            .map(|path| self.api().get(&path).body["metadata"]["resourceVersion"].clone())
    }

    /// How many private-key operations were made, when no more are.
    fn operations(&self) -> f64 {
        let operations = || self.controller.metric(OPERATIONS).expect("it is counted");
        let mut before = operations();
        loop {
            thread::sleep(A_WHILE);
            let now = operations();
            if now == before {
                return now;
            }
            before = now;
        }
    }

    /// Whether the metrics say anything of a SealedSecret.
    fn is_counted(&self, name: &str) -> bool {
        let series = format!("namespace=\"{}\",name=\"{name}\"", self.apps);
        self.controller.metrics().contains(&series)
    }

    /// Where the controller answers its liveness probe, whether the API server is there or not.
    fn liveness(&self) -> (u16, String) {
        let pod = self.controller.pod();
        let container = pod.container();
        let probe = &container["livenessProbe"]["httpGet"];
        let ports = container["ports"].as_array().into_iter().flatten();
        let port = ports
            .clone()
            .find(|port| port["name"] == probe["port"])
            .map_or(&probe["port"], |port| &port["containerPort"]);
        let reached = self.plane.reach(&format!("{}:{port}", pod.address()));
        let path = probe["path"].as_str().expect("it has a path");
        (reached, path.to_owned())
    }

    /// Does something to the control plane, through which the controller answers its liveness probe all the time.
    fn lives_through(&mut self, something: impl FnOnce(&Self)) {
        let (port, path) = self.liveness();
        let (goes_on, times) = (AtomicBool::new(true), AtomicUsize::new(0));
        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                while goes_on.load(Ordering::Relaxed) {
                    assert_eq!(http::get(port, &path).code, 200);
                    times.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(100));
                }
            });
            let _stop = Stop(&goes_on);
            something(self);
            goes_on.store(false, Ordering::Relaxed);
            asking.join().expect("each probe is answered with 200");
        });
        assert!(times.load(Ordering::Relaxed) > 1);
        assert!(self.controller.runs());
    }

    /// That no value is in a log, a status, an Event or a metric.
    fn assert_says_nothing(&self) {
        let said = |what: &str, text: &str| {
            // Not the text, which would be printed.
            assert!(!text.contains(MARKER), "a value is in the {what}");
            assert!(
                !text.contains(&base64(MARKER)[..12]),
                "a value is in the {what}"
            );
        };
        said("log", &self.controller.log());
        said("metrics", &self.controller.metrics());
        let list = |path: &str| self.api().get(path).body["items"].take();
        let core = format!("/api/v1/namespaces/{}/events", self.apps);
        said("Events", &list(&core).to_string());
        let sealed = self.sealed_path("");
        let sealed = list(sealed.trim_end_matches('/'));
        assert!(sealed.as_array().is_some_and(|all| !all.is_empty()));
        said("statuses", &sealed.to_string());
    }
}

fn sealed(certificate: &str, apps: &str, name: &str, value: &str) -> Value {
    let value = format!("{MARKER}-{value}");
    seal(certificate, apps, name, &[("password", value.as_str())])
}

/// What the test ends with must not wait for the others.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Writes so much that every version that was known before is far behind.
fn write_much(ground: &Ground<'_>) {
    for number in 0..100 {
        ground.api().apply(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "much", "namespace": ground.apps},
            "data": {"number": number.to_string()},
        }));
    }
}
