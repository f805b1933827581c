//! Every right that our manifests give is needed: without it something that is named here does not work.

use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::{KeySize, decode_base64, generate_key};
use seal_tests::{
    cluster::{
        Controller, Manifests, Right, Setup, find_condition, install_objects, namespace, rights,
        seal, sealed_secret, shared, take_away,
    },
    control_plane::{Api, ControlPlane},
    programs::Program,
};
use serde_json::{Value, json};

use crate::site::{base64, key_secret_of};

/// What takes a moment, and the half minute after which keys are listed where they cannot be watched is none.
const A_MOMENT: Duration = Duration::from_secs(10);
/// To start and to make a key takes longer.
const TO_START: Duration = Duration::from_secs(25);
const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key%3Dactive";
/// So many controllers at a time, which mostly wait.
const AT_ONCE: usize = 4;

/// What works where all rights are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Works {
    /// The Lease is held, and held on to.
    Lease,
    /// Where there is no key, one is made.
    FirstKey,
    /// The certificate is in the ConfigMap.
    Certificate,
    /// So is that of a newer key.
    NewerCertificate,
    /// A key that comes is used at once.
    KeyThatComes,
    /// A SealedSecret becomes a Secret.
    Secret,
    /// Its status says so.
    Status,
    /// So does an Event.
    Event,
    /// A SealedSecret that is changed changes its Secret.
    Change,
    /// A Secret that somebody else changed is repaired.
    Repair,
}

#[test]
fn without_any_one_of_its_rights_something_does_not_work() {
    let plane = shared(Manifests::Ours);
    let (system, apps) = (namespace(plane, "all"), namespace(plane, "all"));
    let all = ours(&rights(&objects(&system, &apps)), &system);
    assert_eq!(failing(plane, None), BTreeSet::new(), "with all rights");
    let queue = Mutex::new(all.iter());
    let unused = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no thread panicked").next();
                    let Some(right) = next else { return };
                    let is_own = right.namespace == system;
                    let failing = failing(plane, Some((right, is_own)));
                    let expected = needed_for(right, is_own);
                    if !failing.contains(&expected) {
                        let mut unused = unused.lock().expect("no thread panicked");
                        unused.push(format!(
                            "{} {} {:?} in the {} namespace: {expected:?} works without it; not: {failing:?}",
                            right.verb,
                            right.resource,
                            right.names,
                            if is_own { "controller's" } else { "watched" },
                        ));
                    }
                }
            });
        }
    });
    let unused = unused.into_inner().expect("no thread panicked");
    assert!(unused.is_empty(), "{unused:#?}");
}

/// Namespace and whether it is the controller's own, with what has to fail there.
fn needed_for(right: &Right, is_own: bool) -> (bool, Works) {
    let works = match (right.resource.as_str(), right.verb.as_str()) {
        ("configmaps", "update") => Works::NewerCertificate,
        ("configmaps", _) => Works::Certificate,
        ("events", _) => Works::Event,
        ("leases", _) => Works::Lease,
        ("sealedsecrets/status", _) => Works::Status,
        ("sealedsecrets", _) => Works::Secret,
        ("secrets", "create") if is_own => Works::FirstKey,
        ("secrets", "list") if is_own => Works::FirstKey,
        ("secrets", "watch") if is_own => Works::KeyThatComes,
        ("secrets", "create" | "get") => Works::Secret,
        ("secrets", "update") => Works::Change,
        ("secrets", "list" | "watch") => Works::Repair,
        _ => panic!("nothing is known to need {right:?}"),
    };
    (is_own, works)
}

/// The rights of the controller itself, not those of its users.
fn ours(all: &[Right], system: &str) -> Vec<Right> {
    let (users, ours): (Vec<Right>, Vec<Right>) = all.iter().cloned().partition(is_of_users);
    assert!(!users.is_empty() && ours.iter().any(|right| right.namespace == system));
    ours
}

fn is_of_users(right: &Right) -> bool {
    right.role.contains("proxier") || right.role.contains("certificate-reader")
}

fn objects(system: &str, apps: &str) -> Vec<Value> {
    Setup::ours()
        .namespace(system)
        .watching([apps])
        .namespaced_roles()
        .args(["--key-size=2048"])
        .objects()
}

/// What does not work where a right is missing, each in the controller's own namespace or not.
fn failing(
    plane: &'static ControlPlane,
    without: Option<(&Right, bool)>,
) -> BTreeSet<(bool, Works)> {
    let (system, apps) = (namespace(plane, "own"), namespace(plane, "apps"));
    let mut objects = objects(&system, &apps);
    if let Some((right, is_own)) = without {
        let place = if is_own { &system } else { &apps };
        let mut right = right.clone();
        if !right.namespace.is_empty() {
            right.namespace.clone_from(place);
        }
        take_away(&mut objects, &right);
        // Every user may read the certificate, and the controller is one.
        if (right.resource.as_str(), right.verb.as_str()) == ("configmaps", "get") {
            let of_users = rights(&objects);
            let of_users = of_users
                .iter()
                .find(|other| is_of_users(other) && other.resource == right.resource);
            take_away(&mut objects, of_users.expect("users may read it"));
        }
    }
    let installation = install_objects(plane, &system, objects);
    let controller = Controller::start(installation.pod(), Program::Controller);
    let mut look = Look {
        api: plane.api(),
        _controller: controller,
        failing: BTreeSet::new(),
    };
    look.at_everything(&system, &apps);
    look.failing
}

struct Look {
    api: &'static Api,
    _controller: Controller<'static>,
    failing: BTreeSet<(bool, Works)>,
}

impl Look {
    fn at_everything(&mut self, system: &str, apps: &str) {
        let api = self.api;
        let keys = format!("/api/v1/namespaces/{system}/secrets?labelSelector={KEY_LABEL}");
        let lease = format!(
            "/apis/coordination.k8s.io/v1/namespaces/{system}/leases/sealed-secrets-controller"
        );
        let first = Cell::new(None);
        self.see(true, Works::Lease, || {
            let renewed = api.get(&lease).body["spec"]["renewTime"].clone();
            let before = first.replace(Some(renewed.clone()));
            before.is_some_and(|before: Value| !before.is_null() && before != renewed)
        });
        let certificate = || {
            let list = api.get(&keys).body;
            let text = list["items"][0]["data"]["tls.crt"].as_str()?;
            let pem = decode_base64(text).expect("it is base64");
            Some(String::from_utf8(pem.to_vec()).expect("it is PEM"))
        };
        if !self.see(true, Works::FirstKey, || certificate().is_some()) {
            return;
        }
        let map =
            format!("/api/v1/namespaces/{system}/configmaps/sealed-secrets-controller-certificate");
        let offered = |certificate: &str| api.get(&map).body["data"]["tls.crt"] == certificate;
        let first = certificate().expect("there is a key");
        self.see(true, Works::Certificate, || offered(&first));
        for (is_own, place) in [(true, system), (false, apps)] {
            self.at_a_secret(is_own, place, &first);
        }
        let now = Timestamp::now() + SignedDuration::from_secs(1);
        let key = generate_key(KeySize::Rsa2048, "", now, SignedDuration::from_hours(24))
            .expect("keys can be made");
        api.apply(&key_secret_of(&key, system, "newer"));
        let newer = key.certificate.to_pem();
        let sealed = seal(&newer, apps, "with-newer", &[("a", "b")]);
        api.apply(&sealed);
        let path = format!("/api/v1/namespaces/{apps}/secrets/with-newer");
        if self.see(true, Works::KeyThatComes, || api.get(&path).status == 200) {
            self.see(true, Works::NewerCertificate, || offered(&newer));
        }
    }

    fn at_a_secret(&mut self, is_own: bool, place: &str, certificate: &str) {
        let api = self.api;
        let apply =
            |value: &str| api.apply(&seal(certificate, place, "db", &[("password", value)]));
        let path = format!("/api/v1/namespaces/{place}/secrets/db");
        let has = |value: &str| {
            let secret = api.get(&path);
            secret.status == 200 && secret.body["data"]["password"] == base64(value)
        };
        apply("one");
        if !self.see(is_own, Works::Secret, || has("one")) {
            return;
        }
        self.see(is_own, Works::Status, || {
            let object = api.get(&sealed_secret(place, "db")).body;
            find_condition(&object, "Synced").is_some_and(|synced| synced["status"] == "True")
        });
        let events = format!("/api/v1/namespaces/{place}/events");
        self.see(is_own, Works::Event, || {
            let list = api.get(&events).body;
            let items = list["items"].as_array().cloned().unwrap_or_default();
            items.iter().any(|event| event["reason"] == "Unsealed")
        });
        let wrong = json!({"data": {"password": base64("wrong")}});
        api.patch(&path, &wrong);
        self.see(is_own, Works::Repair, || has("one"));
        apply("two");
        self.see(is_own, Works::Change, || has("two"));
    }

    fn see(&mut self, is_own: bool, works: Works, holds: impl Fn() -> bool) -> bool {
        let limit = if works == Works::FirstKey {
            TO_START
        } else {
            A_MOMENT
        };
        let deadline = Instant::now() + limit;
        while !holds() {
            if Instant::now() > deadline {
                self.failing.insert((is_own, works));
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
        true
    }
}
