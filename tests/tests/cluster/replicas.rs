//! Several replicas: one leads and writes, all serve, and when the leader goes another one takes its place.

mod at_rest;
mod cut_off;
mod keys_made;
mod succession;
mod taking_over;

use std::{
    cell::Cell,
    fs, thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{
        Controller, Manifests, Pod, Proxy, Setup, install_objects, namespace, seal, sealed_secret,
        shared,
    },
    control_plane::Api,
    keys,
    programs::Program,
};
use serde_json::Value;

use crate::site::{base64, put_key};

const NAME: &str = "sealed-secrets-controller";
/// By when a successor has to work.
const SUCCESSION: Duration = Duration::from_secs(15);

/// Several pods of one installation, which minds its own namespace and one with applications.
struct Replicas {
    all: Vec<Controller<'static>>,
    system: String,
    apps: String,
    certificate: String,
    count: Cell<usize>,
}

impl Replicas {
    /// So many, with a key that is there from the start.
    fn new(number: u32, more: impl FnOnce(Setup) -> Setup) -> Self {
        Self::with(
            number,
            |system| put_key(shared(Manifests::Ours), system, "given", "rsa-2048"),
            more,
            |_| {},
        )
    }

    /// Two with a key, each with a way to the API server of its own.
    fn apart(more: impl FnOnce(Setup) -> Setup) -> (Self, Vec<Proxy>) {
        let plane = shared(Manifests::Ours);
        let proxies: Vec<Proxy> = (0..2).map(|_| Proxy::start(plane)).collect();
        let mut ways = proxies.iter().map(Proxy::kubeconfig);
        let replicas = Self::prepared(
            2,
            |system| put_key(plane, system, "given", "rsa-2048"),
            // Each has its own in the folder that it is started in.
            |setup| more(setup).args(["--kubeconfig=kubeconfig"]),
            |_| {},
            |pod| {
                let way = ways.next().expect("there is one for each");
                pod.put("kubeconfig", fs::read(way).expect("it was just written"));
            },
        );
        (replicas, proxies)
    }

    /// So many, with something done in the controller's namespace before, and to the objects.
    fn with(
        number: u32,
        before: impl FnOnce(&str),
        more: impl FnOnce(Setup) -> Setup,
        change: impl FnOnce(&mut Vec<Value>),
    ) -> Self {
        Self::prepared(number, before, more, change, |_| {})
    }

    /// The same, with something done to each pod before its program is started.
    fn prepared(
        number: u32,
        before: impl FnOnce(&str),
        more: impl FnOnce(Setup) -> Setup,
        change: impl FnOnce(&mut Vec<Value>),
        mut prepare: impl FnMut(&Pod<'_>),
    ) -> Self {
        let plane = shared(Manifests::Ours);
        let (system, apps) = (namespace(plane, "system"), namespace(plane, "apps"));
        before(&system);
        let setup = Setup::ours()
            .namespace(&system)
            .watching([&system, &apps])
            .replicas(number);
        let mut objects = more(setup).objects();
        change(&mut objects);
        let installation = install_objects(plane, &system, objects);
        // All at once, as a cluster starts them.
        let mut all: Vec<_> = (0..number)
            .map(|_| {
                let pod = installation.pod();
                prepare(&pod);
                Controller::start(pod, Program::Controller)
            })
            .collect();
        all.iter_mut().for_each(Controller::wait_until_ready);
        Self {
            all,
            system,
            apps,
            certificate: keys::pem("rsa-2048.crt"),
            count: Cell::new(0),
        }
    }

    fn api(&self) -> &'static Api {
        self.all[0].pod().plane().api()
    }

    /// The one that leads, once there is one.
    #[track_caller]
    fn leader(&self) -> usize {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let leads = |replica: &Controller<'_>| replica.metric("seal_controller_leader");
            let found: Vec<usize> = (0..self.all.len())
                .filter(|index| leads(&self.all[*index]) == Some(1.0))
                .collect();
            if let [leader] = found[..] {
                return leader;
            }
            assert!(Instant::now() < deadline, "{found:?} lead");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn lease(&self) -> Value {
        let path = format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases/{NAME}",
            self.system
        );
        self.api().get(&path).body
    }

    /// Applies a new SealedSecret, and waits for its Secret; how long it took.
    #[track_caller]
    fn unseals(&self, limit: Duration) -> Duration {
        self.count.set(self.count.get() + 1);
        let name = format!("new-{}", self.count.get());
        self.api()
            .apply(&seal(&self.certificate, &self.apps, &name, &[("a", "b")]));
        let begun = Instant::now();
        while self.secret(&name).is_none() {
            let logs: Vec<String> = self.all.iter().map(Controller::tail).collect();
            assert!(begun.elapsed() < limit, "{name}: {}", logs.join("\n"));
            thread::sleep(Duration::from_millis(20));
        }
        begun.elapsed()
    }

    fn apply(&self, name: &str, value: &str) {
        let sealed = seal(&self.certificate, &self.apps, name, &[("password", value)]);
        self.api().apply(&sealed);
    }

    /// Waits until a Secret has a value.
    #[track_caller]
    fn wait_for(&self, name: &str, value: &str, limit: Duration) {
        let begun = Instant::now();
        let data = base64(value);
        while self
            .secret(name)
            .is_none_or(|secret| secret["data"]["password"] != data)
        {
            let logs: Vec<String> = self.all.iter().map(Controller::tail).collect();
            assert!(begun.elapsed() < limit, "{name}: {}", logs.join("\n"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn sealed_secret(&self, name: &str) -> Value {
        self.api().get(&sealed_secret(&self.apps, name)).body
    }

    fn secret(&self, name: &str) -> Option<Value> {
        let path = format!("/api/v1/namespaces/{}/secrets/{name}", self.apps);
        let answer = self.api().get(&path);
        (answer.status == 200).then_some(answer.body)
    }
}

#[test]
fn one_leads_and_writes_and_all_serve() {
    let replicas = Replicas::new(3, |setup| setup.args(["--lease-duration=8s"]));
    let leader = replicas.leader();
    let lease = replicas.lease();
    let spec = &lease["spec"];
    let holder = spec["holderIdentity"].as_str().expect("somebody holds it");
    let pod = replicas.all[leader].pod().name();
    assert!(holder.starts_with(&format!("{pod}_")), "{holder}");
    assert_eq!(spec["leaseDurationSeconds"], 8);
    assert_eq!(spec["leaseTransitions"], 0);
    replicas.unseals(Duration::from_secs(5));
    for (index, replica) in replicas.all.iter().enumerate() {
        assert_eq!(replica.liveness().status, 200);
        let of_pod = |path: &str| {
            let (namespace, name) = (replica.pod().namespace(), replica.pod().name());
            format!("/api/v1/namespaces/{namespace}/pods/http:{name}:8080/proxy{path}")
        };
        let ready = replicas.api().get(&of_pod("/readyz"));
        assert_eq!(ready.status, 200);
        let certificate = replicas.api().get(&of_pod("/v1/cert.pem"));
        assert_eq!(certificate.body.as_str(), Some(&*replicas.certificate));
        let object = seal(&replicas.certificate, &replicas.apps, "db", &[("a", "b")]);
        let verified = replicas.api().create(&of_pod("/v1/verify"), &object);
        assert_eq!(verified.status, 200, "{}", verified.body);
        // Who does not lead opens nothing but for callers.
        let requests = replica.metric("sealed_secrets_controller_unseal_requests_total");
        let operations = replica.metric("seal_controller_private_key_operations_total");
        if index == leader {
            assert!(requests > Some(0.0));
        } else {
            assert_eq!(requests, Some(0.0));
            assert!(operations <= Some(1.0), "{operations:?}");
            assert!(!replica.log().contains("Secret made"));
        }
    }
    // It goes on saying that it lives.
    let renewed = spec["renewTime"].clone();
    replicas.all[leader].wait_for("the Lease is renewed", |_| {
        (replicas.lease()["spec"]["renewTime"] != renewed).then_some(())
    });
    assert_eq!(replicas.lease()["spec"]["acquireTime"], spec["acquireTime"]);
}

#[test]
fn a_leader_that_is_told_to_stop_gives_the_lease_back_and_the_next_one_works_at_once() {
    let mut replicas = Replicas::new(2, |setup| setup);
    for round in 1..=3 {
        let leader = replicas.leader();
        replicas.unseals(Duration::from_secs(5));
        let begun = Instant::now();
        let ended = replicas.all[leader].stop();
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", ended.log);
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        assert!(
            ended.log.contains("the lead was given back"),
            "{}",
            ended.log
        );
        let took = replicas.unseals(Duration::from_secs(5));
        assert!(took < Duration::from_secs(4), "{took:?}");
        assert_eq!(replicas.lease()["spec"]["leaseTransitions"], round);
        replicas.all[leader].start_again();
        replicas.all[leader].wait_until_ready();
    }
}

#[test]
fn a_container_that_is_started_again_in_its_pod_goes_on_at_once() {
    let mut replicas = Replicas::new(1, |setup| setup);
    replicas.unseals(Duration::from_secs(5));
    replicas.all[0].kill();
    replicas.all[0].start_again();
    let took = replicas.unseals(Duration::from_secs(8));
    assert!(took < Duration::from_secs(5), "{took:?}");
    // Nobody else had it.
    assert_eq!(replicas.lease()["spec"]["leaseTransitions"], 0);
}
