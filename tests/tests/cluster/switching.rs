//! From the Go project's controller to ours and back, with objects in every state, and both beside each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use seal_api::Scope;
use seal_tests::{
    cluster::{
        Controller, Manifests, Setup, find_condition, install_objects, namespace, seal, seal_for,
        sealed_secret,
    },
    control_plane::{Api, ControlPlane},
    health::verdicts,
    keys,
    programs::Program,
    scratch::Scratch,
};
use serde_json::{Value, json};

use crate::{
    migrate,
    site::{EVERYWHERE, base64, put_key},
};

/// Where they are installed.
const SYSTEM: &str = "kube-system";
const CONFIG_MAP: &str = "sealed-secrets-controller-certificate";
const GLANCE: Duration = Duration::from_millis(50);
/// So long nothing is written before it counts as at rest.
const REST: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(60);

/// A SealedSecret in one of the states that there are.
struct State {
    name: String,
    sealed: Value,
    /// The Secret that is there before.
    before: Option<Value>,
    /// What the SealedSecret is changed to when its Secret is there.
    then: Option<Value>,
    /// The reason that our controller gives.
    reason: &'static str,
    /// Whether upstream's is content.
    is_synced: bool,
    /// The data of the Secret; none where there is no Secret.
    data: Option<Value>,
}

impl State {
    /// In order under both.
    fn new(sealed: Value, data: Value) -> Self {
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
    fn failing(self, reason: &'static str) -> Self {
        Self {
            is_synced: false,
            ..self.otherwise(reason)
        }
    }

    /// Refused by ours.
    fn otherwise(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }
}

/// A cluster in which the controller is replaced as a team would do it.
struct Ground<'p> {
    plane: &'p ControlPlane,
    manifests: Manifests,
    apps: String,
    certificate: String,
    /// How often it was rolled out.
    version: usize,
}

impl<'p> Ground<'p> {
    fn new(plane: &'p ControlPlane, manifests: Manifests) -> Self {
        put_key(plane, SYSTEM, "given", "rsa-2048");
        Self {
            plane,
            manifests,
            apps: namespace(plane, "apps"),
            certificate: keys::pem("rsa-2048.crt"),
            version: 0,
        }
    }

    fn api(&self) -> &'p Api {
        self.plane.api()
    }

    /// Rolls a controller out; one that is there already goes on until it is stopped.
    fn roll_out(&mut self, program: Program) -> Controller<'p> {
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

    fn sealed(&self, name: &str, items: &[(&str, &str)]) -> Value {
        seal(&self.certificate, &self.apps, name, items)
    }

    /// All of them, with names that begin alike.
    fn states(&self, prefix: &str) -> Vec<State> {
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
                with("rendered", json!({"data": {"url": "db://{{ .user }}"}})),
                json!({"user": base64("alice"), "url": base64("db://alice")}),
            )
            .otherwise("TemplateUnsupported"),
        ]
    }

    /// Creates them, and what is there before and after.
    fn create(&self, states: &[State]) {
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
    fn certificate_map(&self) -> Option<String> {
        let path = format!("/api/v1/namespaces/{SYSTEM}/configmaps/{CONFIG_MAP}");
        let answer = self.api().get(&path);
        let certificate = answer.body["data"]["tls.crt"].as_str();
        (answer.status == 200).then(|| certificate.unwrap_or_default().to_owned())
    }

    fn object(&self, name: &str) -> Value {
        self.api().get(&sealed_secret(&self.apps, name)).body
    }

    /// A Secret but for who wrote its fields; none where there is none.
    fn secret(&self, name: &str) -> Option<Value> {
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

    fn secrets(&self, states: &[State]) -> BTreeMap<String, Option<Value>> {
        let pairs = states
            .iter()
            .map(|state| (state.name.clone(), self.secret(&state.name)));
        pairs.collect()
    }

    /// The `resourceVersion` of every SealedSecret and Secret.
    fn versions(&self) -> BTreeMap<String, String> {
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
    fn wait_for_rest(&self, rest: Duration) {
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
    fn wait_until_seen(&self, controller: &Controller<'_>, program: Program, states: &[State]) {
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
    fn assert_told_by_ours(&self, controller: &Controller<'_>, states: &[State], made: &[String]) {
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
    fn assert_told_by_upstream(&self, controller: &Controller<'_>, states: &[State]) {
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
    fn assert_data(&self, states: &[State]) {
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

#[test]
fn objects_in_every_state_are_handed_over_and_back_where_only_the_image_changes() {
    switches(Manifests::Chart);
}

#[test]
fn objects_in_every_state_are_handed_over_and_back_where_our_manifests_are_applied_over_upstreams()
{
    switches(Manifests::Ours);
}

fn switches(manifests: Manifests) {
    let plane = ControlPlane::start();
    let mut ground = Ground::new(&plane, manifests);
    let mut controller = ground.roll_out(Program::UpstreamController);
    let mut states = ground.states("upstream");
    ground.create(&states);
    ground
        .api()
        .apply(&ground.sealed("changing", &[("user", "nobody")]));
    ground.wait_until_seen(&controller, Program::UpstreamController, &states);
    ground.assert_told_by_upstream(&controller, &states);
    ground.assert_data(&states);
    let changing = ground.secret("changing").expect("it is made");
    let edited = ground.edit("edited", &controller);
    // What is not told before a switch is not different after it.
    let different = states
        .iter()
        .filter(|state| state.is_synced != (state.reason == "Unsealed"))
        .map(|state| state.name.clone());
    // One fails under both, and under ours from the second start on; one is made right.
    let unowned = ["upstream-unowned", "edited"].map(str::to_owned);
    let expected: BTreeSet<String> = different.chain(unowned).collect();
    assert_eq!(ground.would_be_different(), expected);
    let rounds = [
        Program::Controller,
        Program::UpstreamController,
        Program::Controller,
        Program::UpstreamController,
    ];
    for (round, program) in rounds.into_iter().enumerate() {
        let mut before = ground.secrets(&states);
        let next = ground.roll_out(program);
        // Both run beside each other until the old one is told to end.
        let value = format!("user-{round}");
        ground
            .api()
            .apply(&ground.sealed("changing", &[("user", &value)]));
        let ended = controller.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        controller = next;
        controller.wait_for_secret_that(&ground.apps, "changing", "is followed", |secret| {
            secret["data"]["user"] == base64(&value)
        });
        ground.wait_until_seen(&controller, program, &states);
        // What only upstream makes it makes when it comes; nothing else is written.
        for (name, secret) in &mut before {
            if secret.is_none() && name.ends_with("-rendered") && !program.is_ours() {
                *secret = ground.secret(name);
            }
        }
        let after = ground.secrets(&states);
        for (name, before) in &before {
            assert_eq!(after[name], *before, "{name}\n{}", controller.tail());
        }
        let repaired = ground.secret("edited").expect("it is there");
        assert_eq!(repaired["data"], edited["data"]);
        assert_eq!(repaired["metadata"]["uid"], edited["metadata"]["uid"]);
        let secret = ground.secret("changing").expect("it is there");
        for field in ["uid", "ownerReferences", "labels", "annotations"] {
            assert_eq!(
                secret["metadata"][field], changing["metadata"][field],
                "{field}"
            );
        }
        if program.is_ours() {
            ground.assert_told_by_ours(&controller, &states, &[]);
            let is_offered = manifests == Manifests::Ours;
            let served = is_offered.then(|| controller.certificate());
            assert_eq!(ground.certificate_map(), served);
        } else {
            ground.goes_back();
            ground.assert_told_by_upstream(&controller, &states);
            ground.assert_data(&states);
        }
        if round == 0 {
            let new = ground.states("ours");
            ground.create(&new);
            ground.wait_until_seen(&controller, program, &new);
            ground.assert_told_by_ours(&controller, &new, &["ours-unowned".to_owned()]);
            states.extend(new);
        }
        if round == 2 {
            ground.heal(&controller, &mut states);
            ground.assert_told_by_ours(&controller, &states, &[]);
            ground.assert_data(&states);
        }
    }
}

impl Ground<'_> {
    /// Makes a Secret and changes it by hand, and returns it as it was.
    fn edit(&self, name: &str, controller: &Controller<'_>) -> Value {
        self.api().apply(&self.sealed(name, &[("user", "alice")]));
        controller.wait_for_condition(&self.apps, name, "Synced", "True");
        let made = self.secret(name).expect("it is made");
        let path = format!("/api/v1/namespaces/{}/secrets/{name}", self.apps);
        let wrong = json!({"data": {"user": base64("edited-by-hand")}});
        assert_eq!(self.api().patch(&path, &wrong).status, 200);
        made
    }

    /// Takes out of the way what blocks, and brings the key that is missing: whoever made the object, ours goes on.
    fn heal(&self, controller: &Controller<'_>, states: &mut [State]) {
        put_key(self.plane, SYSTEM, "restored", "rsa-3072");
        for state in states {
            if state.name.ends_with("-blocked") {
                let path = format!("/api/v1/namespaces/{}/secrets/{}", self.apps, state.name);
                assert_eq!(self.api().delete(&path).status, 200);
            } else if !state.name.ends_with("-keyless") {
                continue;
            }
            (state.reason, state.is_synced) = ("Unsealed", true);
            state.data = Some(json!({"user": base64("alice")}));
            controller.wait_for_condition(&self.apps, &state.name, "Ready", "True");
        }
    }

    /// The SealedSecrets of which it is told, before a switch, that something would be different.
    fn would_be_different(&self) -> BTreeSet<String> {
        let scratch = Scratch::new();
        let run = migrate::seal(self.plane, &scratch, &["check", "--format=json"])
            .finish()
            .exits(3);
        let findings = run.out().lines().map(|line| {
            let finding: Value = serde_json::from_str(line).expect("it writes JSON");
            assert_eq!(finding["kind"], "SealedSecret", "{finding}");
            finding["name"].as_str().expect("it has a name").to_owned()
        });
        findings.collect()
    }

    /// Takes out what is ours, which is in the statuses and in a ConfigMap, and nowhere else.
    fn goes_back(&self) {
        let scratch = Scratch::new();
        let declared = |name: &str| {
            let object = self.object(name);
            let metadata = &object["metadata"];
            ["uid", "generation", "labels", "annotations", "finalizers"]
                .map(|field| metadata[field].clone())
        };
        let before = declared("changing");
        let dry = migrate::seal(self.plane, &scratch, &["back", "--dry-run"])
            .finish()
            .exits(0);
        let run = migrate::seal(self.plane, &scratch, &["back"])
            .finish()
            .exits(0);
        let of_the_map = format!("the ConfigMap {SYSTEM}/{CONFIG_MAP}");
        if self.manifests == Manifests::Ours {
            let would = format!("{of_the_map} would be deleted");
            assert!(dry.out().contains(&would), "{}", dry.out());
            run.says(&format!("{of_the_map} deleted"));
        } else {
            assert!(!dry.out().contains(&of_the_map), "{}", dry.out());
        }
        assert_eq!(self.certificate_map(), None);
        let named = [
            "back",
            "--controller-name=sealed-secrets-controller",
            "--controller-namespace=kube-system",
        ];
        migrate::seal(self.plane, &scratch, &named)
            .finish()
            .exits(0)
            .says("0 statuses changed");
        assert_eq!(declared("changing"), before);
    }
}

#[test]
fn both_beside_each_other_make_the_right_secrets_and_come_to_rest_where_only_the_image_changes() {
    beside_each_other(Manifests::Chart, Program::UpstreamController);
}

#[test]
fn two_of_ours_beside_each_other_make_the_right_secrets_and_come_to_rest() {
    for manifests in EVERYWHERE {
        beside_each_other(manifests, Program::Controller);
    }
}

#[test]
fn both_beside_each_other_make_the_right_secrets_and_come_to_rest_with_our_manifests_over_upstreams()
 {
    beside_each_other(Manifests::Ours, Program::UpstreamController);
}

/// A rollout that takes its time.
fn beside_each_other(manifests: Manifests, first: Program) {
    /// Made, a status of each, changed, a status of each, and so many again for what they did in each other's way.
    const WRITES: usize = 12;
    const CHANGES: usize = 5;
    let plane = ControlPlane::start();
    let mut ground = Ground::new(&plane, manifests);
    let first_of_two = ground.roll_out(first);
    let early = ground.states("early");
    ground.create(&early);
    let ours = ground.roll_out(Program::Controller);
    let seen = Mutex::new(BTreeMap::<String, BTreeSet<String>>::new());
    let is_over = AtomicBool::new(false);
    let states = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let mut seen = seen.lock().expect("no thread panicked");
                for (object, version) in ground.versions() {
                    seen.entry(object).or_default().insert(version);
                }
                drop(seen);
                thread::sleep(GLANCE);
            }
        });
        // A panic must not leave the other without an end.
        let states = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let late = ground.states("late");
            ground.create(&late);
            for round in 0..CHANGES {
                let value = format!("user-{round}");
                ground
                    .api()
                    .apply(&ground.sealed("changing", &[("user", &value)]));
                ground
                    .api()
                    .apply(&ground.sealed("deleted", &[("user", &value)]));
                let path = format!("/api/v1/namespaces/{}/secrets/deleted", ground.apps);
                ground.api().delete(&path);
            }
            let last = || json!({"user": base64(&format!("user-{}", CHANGES - 1))});
            let changed = ["changing", "deleted"].map(|name| {
                let sealed = ground.sealed(name, &[("user", "")]);
                State::new(sealed, last())
            });
            let mut states: Vec<State> = early.into_iter().chain(late).chain(changed).collect();
            for state in &mut states {
                // Only upstream makes it.
                if first.is_ours() && state.reason == "TemplateUnsupported" {
                    (state.data, state.is_synced) = (None, false);
                }
            }
            for State { name, data, .. } in &states {
                let Some(data) = data else { continue };
                ours.wait_for_secret_that(&ground.apps, name, "is right", |secret| {
                    secret["data"] == *data
                });
            }
            ground.wait_for_rest(5 * REST);
            states
        }));
        is_over.store(true, Ordering::Relaxed);
        states.expect("all are made")
    });
    ground.assert_data(&states);
    for (object, versions) in seen.into_inner().expect("no thread panicked") {
        // Each of its changes is followed by each.
        let limit = if object.ends_with("/changing") || object.ends_with("/deleted") {
            CHANGES * WRITES
        } else {
            WRITES
        };
        assert!(
            versions.len() <= limit,
            "{object} was written {} times",
            versions.len()
        );
    }
    for State {
        name,
        reason,
        is_synced,
        ..
    } in &states
    {
        // Where they are not of one mind, the last one has the word.
        if *is_synced != (*reason == "Unsealed") || name.ends_with("-unowned") {
            continue;
        }
        let object = ground.object(name);
        let synced = find_condition(&object, "Synced").unwrap_or_else(|| panic!("{object}"));
        let status = if *is_synced { "True" } else { "False" };
        assert_eq!(
            synced["status"],
            status,
            "{object}\n{}\n{}",
            ours.tail(),
            first_of_two.tail()
        );
    }
}
