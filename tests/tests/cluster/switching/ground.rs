//! A cluster in which one controller takes over from another, and what is looked at there.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{
        Controller, Manifests, Setup, find_condition, install_objects, namespace, seal,
        sealed_secret,
    },
    control_plane::{Api, ControlPlane},
    health::verdicts,
    keys,
    programs::Program,
};
use serde_json::Value;

use super::states::State;
use crate::site::put_key;

/// Where they are installed.
pub(super) const SYSTEM: &str = "kube-system";
pub(super) const CONFIG_MAP: &str = "sealed-secrets-controller-certificate";
pub(super) const GLANCE: Duration = Duration::from_millis(50);
/// So long nothing is written before it counts as at rest.
pub(super) const REST: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(60);

/// A cluster in which the controller is replaced as a team would do it.
pub(super) struct Ground<'p> {
    pub(super) plane: &'p ControlPlane,
    pub(super) manifests: Manifests,
    pub(super) apps: String,
    pub(super) certificate: String,
    /// How often it was rolled out.
    version: usize,
}

impl<'p> Ground<'p> {
    pub(super) fn new(plane: &'p ControlPlane, manifests: Manifests) -> Self {
        put_key(plane, SYSTEM, "given", "rsa-2048");
        Self {
            plane,
            manifests,
            apps: namespace(plane, "apps"),
            certificate: keys::pem("rsa-2048.crt"),
            version: 0,
        }
    }

    pub(super) fn api(&self) -> &'p Api {
        self.plane.api()
    }

    /// Rolls a controller out; one that is there already goes on until it is stopped.
    pub(super) fn roll_out(&mut self, program: Program) -> Controller<'p> {
        let setup = match (self.manifests, program.is_ours()) {
            // Nothing but the image is another one.
            (Manifests::Chart, _) => Setup::chart(),
            // Each one's manifests are applied over those of the other.
            (_, true) => Setup::ours(),
            (_, false) => Setup::upstream_static(),
        };
        let mut objects = setup.args(["--kubeclient-qps=-1"]).objects();
        // Of the same program it is another version.
        self.version += 1;
        let image = format!("{}:{}", program.name(), self.version);
        for object in &mut objects {
            if object["kind"] == "Deployment" {
                object["spec"]["template"]["spec"]["containers"][0]["image"] =
                    image.as_str().into();
            }
        }
        install_objects(self.plane, SYSTEM, objects).run(program)
    }

    pub(super) fn sealed(&self, name: &str, items: &[(&str, &str)]) -> Value {
        seal(&self.certificate, &self.apps, name, items)
    }

    /// Creates them, and what is there before and after.
    pub(super) fn create(&self, states: &[State]) {
        for state in states {
            if let Some(before) = &state.before {
                self.api().apply(before);
            }
            self.api().apply(&state.sealed);
        }
        for (name, then) in states
            .iter()
            .filter_map(|state| Some((&state.name, state.then.as_ref()?)))
        {
            let deadline = Instant::now() + LIMIT;
            while self.secret(name).is_none() {
                assert!(Instant::now() < deadline, "in vain: {name} has its Secret");
                thread::sleep(GLANCE);
            }
            self.api().apply(then);
        }
    }

    /// The certificate in the ConfigMap for everybody; none where there is no ConfigMap.
    pub(super) fn certificate_map(&self) -> Option<String> {
        let path = format!("/api/v1/namespaces/{SYSTEM}/configmaps/{CONFIG_MAP}");
        let answer = self.api().get(&path);
        let certificate = answer.body["data"]["tls.crt"].as_str();
        (answer.status == 200).then(|| certificate.unwrap_or_default().to_owned())
    }

    pub(super) fn object(&self, name: &str) -> Value {
        self.api().get(&sealed_secret(&self.apps, name)).body
    }

    /// A Secret but for who wrote its fields; none where there is none.
    pub(super) fn secret(&self, name: &str) -> Option<Value> {
        let mut answer = self
            .api()
            .get(&format!("/api/v1/namespaces/{}/secrets/{name}", self.apps));
        if answer.status != 200 {
            return None;
        }
        let metadata = answer.body["metadata"]
            .as_object_mut()
            .expect("it has metadata");
        metadata.remove("managedFields");
        Some(answer.body)
    }

    pub(super) fn secrets(&self, states: &[State]) -> BTreeMap<String, Option<Value>> {
        let pairs = states
            .iter()
            .map(|state| (state.name.clone(), self.secret(&state.name)));
        pairs.collect()
    }

    /// The `resourceVersion` of every SealedSecret and Secret.
    pub(super) fn versions(&self) -> BTreeMap<String, String> {
        let collections = [
            sealed_secret(&self.apps, ""),
            format!("/api/v1/namespaces/{}/secrets/", self.apps),
        ];
        let lists = collections.iter().map(|path| {
            let path = path.trim_end_matches('/');
            (path, self.api().get(path).body)
        });
        let objects = lists.flat_map(|(path, mut list)| {
            let Value::Array(items) = list["items"].take() else {
                panic!("{path} cannot be listed: {list}");
            };
            items.into_iter().map(move |object| {
                let text = |field: &str| {
                    object["metadata"][field]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                (format!("{path}/{}", text("name")), text("resourceVersion"))
            })
        });
        objects.collect()
    }

    /// Waits until nothing was written for a while.
    #[track_caller]
    pub(super) fn wait_for_rest(&self, rest: Duration) {
        let deadline = Instant::now() + LIMIT;
        let (mut last, mut since) = (self.versions(), Instant::now());
        while since.elapsed() < rest {
            thread::sleep(GLANCE);
            let now = self.versions();
            if now != last {
                assert!(
                    Instant::now() < deadline,
                    "there is no end of writing: {last:#?} then {now:#?}"
                );
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// Waits until a controller has looked at all of them since it was started.
    pub(super) fn wait_until_seen(
        &self,
        controller: &Controller<'_>,
        program: Program,
        states: &[State],
    ) {
        for state in states {
            let key = format!("key={}/{}", self.apps, state.name);
            let what = format!("{} was looked at", state.name);
            controller.wait_for(&what, |controller| {
                let is_seen = if program.is_ours() {
                    find_condition(&self.object(&state.name), "Ready").is_some()
                } else {
                    let log = controller.log();
                    log.lines()
                        .any(|line| line.contains("Updating") && line.ends_with(&key))
                };
                is_seen.then_some(())
            });
        }
        self.wait_for_rest(REST);
    }

    /// Checks what our controller says, and what others make of it.
    #[track_caller]
    pub(super) fn assert_told_by_ours(
        &self,
        controller: &Controller<'_>,
        states: &[State],
        made: &[String],
    ) {
        let mut objects = Vec::new();
        for State { name, reason, .. } in states {
            // One without owner is ours while the process runs that made it.
            let reason = if made.contains(name) {
                "Unsealed"
            } else {
                *reason
            };
            let status = if reason == "Unsealed" {
                "True"
            } else {
                "False"
            };
            let object = self.object(name);
            let shown = format!("{name}: {}\n{}", object["status"], controller.tail());
            for condition in ["Synced", "Ready"] {
                let found = find_condition(&object, condition).unwrap_or_else(|| panic!("{shown}"));
                assert_eq!(
                    (&found["status"], &found["reason"]),
                    (&status.into(), &reason.into()),
                    "{shown}"
                );
                assert_eq!(found["message"].is_null(), reason == "Unsealed", "{shown}");
            }
            let stalled = find_condition(&object, "Stalled").is_some();
            assert_eq!(stalled, reason != "Unsealed", "{shown}");
            assert_eq!(
                object["status"]["observedGeneration"], object["metadata"]["generation"],
                "{shown}"
            );
            objects.push((reason == "Unsealed", object));
        }
        assert_read_as(&objects, ["Current", "Failed"]);
    }

    /// Checks what upstream's controller says when everything of ours is taken out, and what others make of it.
    #[track_caller]
    pub(super) fn assert_told_by_upstream(&self, controller: &Controller<'_>, states: &[State]) {
        let mut objects = Vec::new();
        for State {
            name, is_synced, ..
        } in states
        {
            let object = self.object(name);
            let shown = format!("{name}: {}\n{}", object["status"], controller.tail());
            let conditions = object["status"]["conditions"].as_array();
            let [synced] = &conditions.unwrap_or_else(|| panic!("{shown}"))[..] else {
                panic!("{shown}");
            };
            assert_eq!(synced["type"], "Synced", "{shown}");
            assert_eq!(
                synced["status"],
                if *is_synced { "True" } else { "False" },
                "{shown}"
            );
            let message = synced["message"].as_str().unwrap_or_default();
            assert_eq!(message.is_empty(), *is_synced, "{shown}");
            if name.ends_with("-fixed-and-changed") {
                assert!(message.contains("immutable"), "{shown}");
            }
            for ours in ["reason", "observedGeneration"] {
                assert!(synced[ours].is_null(), "{shown}");
            }
            assert_eq!(
                object["status"]["observedGeneration"], object["metadata"]["generation"],
                "{shown}"
            );
            objects.push((*is_synced, object));
        }
        // It has no condition that kstatus knows.
        assert_read_as(&objects, ["Current", "Current"]);
    }

    /// Checks that the Secrets hold what they should.
    #[track_caller]
    pub(super) fn assert_data(&self, states: &[State]) {
        for State { name, data, .. } in states {
            let found = self.secret(name).map(|secret| secret["data"].clone());
            assert_eq!(found, *data, "{name}");
        }
    }
}

/// Checks what kstatus makes of what is in order and what is not, and that Argo CD tells the same.
#[track_caller]
fn assert_read_as(objects: &[(bool, Value)], kstatus: [&str; 2]) {
    let verdicts = verdicts(
        &objects
            .iter()
            .map(|(_, object)| object.clone())
            .collect::<Vec<_>>(),
    );
    for ((is_right, object), found) in objects.iter().zip(verdicts) {
        let expected = if *is_right {
            (kstatus[0], "Healthy")
        } else {
            (kstatus[1], "Degraded")
        };
        assert_eq!(
            (found.kstatus.as_str(), found.argo.as_str()),
            expected,
            "{object}"
        );
    }
}
