//! Keys are made by one replica, once, whoever dies in between.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use seal_envelope::{KeySize, generate_key};
use seal_tests::{
    cluster::{
        Asked, Fault, Manifests, Proxy, Setup, install, namespace, rights, shared, take_away,
    },
    programs::Program,
};
use serde_json::Value;

use super::{Replicas, SUCCESSION};
use crate::site::key_secret_of;

const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
const A_MOMENT: Duration = Duration::from_secs(30);

impl Replicas {
    /// The key Secrets by name, whose label has this value.
    fn keys(&self, state: &str) -> BTreeSet<String> {
        let path = format!("/api/v1/namespaces/{}/secrets", self.system);
        let list = self
            .api()
            .get(&format!("{path}?labelSelector={LABEL}%3D{state}"));
        let items = list.body["items"].as_array().cloned().unwrap_or_default();
        let name = |item: &Value| item["metadata"]["name"].as_str().map(str::to_owned);
        items.iter().filter_map(name).collect()
    }

    #[track_caller]
    fn wait_for_keys(&self, state: &str, number: usize, limit: Duration) -> BTreeSet<String> {
        let deadline = Instant::now() + limit;
        loop {
            let keys = self.keys(state);
            if keys.len() == number {
                return keys;
            }
            let logs: Vec<String> = self.all.iter().map(|one| one.tail()).collect();
            assert!(
                Instant::now() < deadline,
                "{state}: {keys:?}\n{}",
                logs.join("\n")
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A pending key Secret, and its certificate.
fn pending(system: &str, name: &str) -> (Value, String) {
    let day = SignedDuration::from_hours(24);
    let key = generate_key(KeySize::Rsa2048, "", Timestamp::now(), day).expect("keys can be made");
    let mut secret = key_secret_of(&key, system, name);
    secret["metadata"]["labels"][LABEL] = "pending".into();
    (secret, key.certificate.to_pem())
}

#[test]
fn a_key_that_was_left_pending_is_put_into_use_and_none_is_made() {
    let mut certificate = String::new();
    let replicas = Replicas::with(
        2,
        |system| {
            let (secret, pem) = pending(system, "sealed-secrets-keyabcde");
            certificate = pem;
            let api = shared(Manifests::Ours).api();
            api.apply(&secret);
            // A person's is left alone.
            api.apply(&pending(system, "mine").0);
        },
        |setup| setup.args(["--key-size=2048"]),
        |_| {},
    );
    let active = replicas.wait_for_keys("active", 1, A_MOMENT);
    assert_eq!(active, ["sealed-secrets-keyabcde".to_owned()].into());
    assert_eq!(replicas.all[0].certificate(), certificate);
    // A later one is, as well, by the leader that comes next.
    let (secret, _) = {
        thread::sleep(Duration::from_millis(1100));
        pending(&replicas.system, "sealed-secrets-keyfghij")
    };
    replicas.api().apply(&secret);
    let mut replicas = replicas;
    let leader = replicas.leader();
    replicas.all[leader].stop();
    replicas.wait_for_keys("active", 2, A_MOMENT);
    assert_eq!(replicas.keys("pending"), ["mine".to_owned()].into());
}

#[test]
fn a_leader_that_dies_between_making_a_key_and_using_it_leaves_one_that_its_successor_uses() {
    let proxy = Proxy::start(shared(Manifests::Ours));
    proxy.misbehave(|asked| {
        let is_use = asked.method == "PUT" && asked.is_about("secrets");
        is_use.then_some(Fault::Close)
    });
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let mut replicas = Replicas::with(
        2,
        |_| {},
        |setup| setup.args(["--key-size=2048".to_owned(), kubeconfig]),
        |_| {},
    );
    let made = replicas.wait_for_keys("pending", 1, A_MOMENT);
    // The leader tries again with that one.
    thread::sleep(Duration::from_secs(5));
    assert_eq!(replicas.keys("pending"), made);
    assert!(replicas.keys("active").is_empty());
    let leader = replicas.leader();
    replicas.all[leader].kill();
    proxy.behave();
    assert_eq!(replicas.wait_for_keys("active", 1, SUCCESSION), made);
    assert!(replicas.keys("pending").is_empty());
    let other = &replicas.all[1 - leader];
    let log = other.log();
    assert!(
        log.contains("a key that was left pending is put into use"),
        "{log}"
    );
    assert_eq!(log.matches("New key written").count(), 1);
}

#[test]
fn two_that_both_make_a_key_make_one() {
    // Without the right to Leases each works alone.
    let replicas = Replicas::with(
        2,
        |_| {},
        |setup| setup.args(["--key-size=2048"]),
        |objects| {
            let leases = rights(objects);
            for right in leases.iter().filter(|right| right.resource == "leases") {
                take_away(objects, right);
            }
        },
    );
    for replica in &replicas.all {
        assert_eq!(replica.metric("seal_controller_leader"), Some(1.0));
    }
    replicas.wait_for_keys("active", 1, A_MOMENT);
    for round in 2..6 {
        // Certificates have whole seconds.
        thread::sleep(Duration::from_millis(1500));
        let before = replicas.keys("active");
        for replica in &replicas.all {
            let pid = i32::try_from(replica.pid()).expect("it is small");
            let pid = Pid::from_raw(pid).expect("it is not 0");
            kill_process(pid, Signal::USR1).expect("it runs");
        }
        let now = loop {
            let now = replicas.keys("active");
            if now.len() > before.len() {
                break now;
            }
            thread::sleep(Duration::from_millis(50));
        };
        thread::sleep(Duration::from_secs(2));
        // Two were asked for. Where one was made after the other they are two, each current in its time; where they were made at
        // the same time they are one.
        let now = now.len().max(replicas.keys("active").len());
        assert!(now <= before.len() + 2, "round {round}: {now}");
        replicas.wait_for_keys("pending", 0, A_MOMENT);
        let served: BTreeSet<String> = replicas.all.iter().map(|one| one.certificate()).collect();
        assert_eq!(served.len(), 1);
    }
}

#[test]
fn without_the_right_to_update_secrets_a_key_is_in_use_as_soon_as_it_is_stored() {
    // Upstream's chart with namespaced roles gives the right to create and list them.
    let plane = shared(Manifests::Chart);
    let (system, apps) = (namespace(plane, "system"), namespace(plane, "apps"));
    let setup = Setup::chart()
        .namespace(&system)
        .watching([&apps])
        .namespaced_roles()
        .args(["--key-size=2048"]);
    let controller = install(plane, &setup).run(Program::Controller);
    controller.certificate();
    for feature in ["pending-keys", "leader-election"] {
        let series = format!("seal_controller_feature_off{{feature=\"{feature}\"}}");
        assert_eq!(controller.metric(&series), Some(1.0), "{feature}");
    }
    let log = controller.log();
    assert_eq!(log.matches("is in use as soon as it is stored").count(), 1);
    let list = |state: &str| {
        let path = format!("/api/v1/namespaces/{system}/secrets?labelSelector={LABEL}%3D{state}");
        let items = plane.api().get(&path).body["items"].take();
        items.as_array().map_or(0, Vec::len)
    };
    assert_eq!((list("active"), list("pending")), (1, 0));
}

/// Whether anything but the Lease was written.
pub(super) fn is_work(asked: &Asked) -> bool {
    asked.is_write() && !asked.is_about("leases")
}
