//! One leader after the other, however it ends.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use seal_tests::{
    cluster::{Controller, Fault, Manifests, Proxy, rights, seal, shared, take_away},
    long::rounds,
};
use serde_json::json;

use super::{Replicas, SUCCESSION, keys_made::is_work};
use crate::site::base64;

/// So many objects are changed all the time.
const OBJECTS: usize = 20;

#[test]
fn a_leader_that_is_killed_at_any_moment_has_a_successor_within_15_seconds_and_nothing_is_lost() {
    let mut replicas = Replicas::new(2, |setup| setup);
    replicas.leader();
    let seed = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("it is later")
        .as_nanos();
    let (loading, written) = (AtomicBool::new(true), Mutex::new(BTreeMap::new()));
    let (api, certificate, apps) = (
        replicas.api(),
        replicas.certificate.clone(),
        replicas.apps.clone(),
    );
    let mut slowest = Duration::ZERO;
    thread::scope(|scope| {
        scope.spawn(|| {
            for count in 0.. {
                if !loading.load(Ordering::Relaxed) {
                    return;
                }
                let (name, value) = (format!("db-{}", count % OBJECTS), format!("value-{count}"));
                api.apply(&seal(&certificate, &apps, &name, &[("password", &value)]));
                let mut written = written.lock().expect("no thread panicked");
                written.insert(name, value);
                drop(written);
                thread::sleep(Duration::from_millis(60));
            }
        });
        // What the test ends with must not wait for the load.
        let _stop = Stop(&loading);
        for round in 0..rounds(5, 50) {
            let leader = replicas.leader();
            let wait = seed
                .wrapping_mul(2_654_435_761)
                .wrapping_add(round as u128 * 977)
                % 2500;
            thread::sleep(Duration::from_millis(
                u64::try_from(wait).expect("it is small"),
            ));
            replicas.all[leader].kill();
            let took = replicas.unseals(SUCCESSION);
            slowest = slowest.max(took);
            replicas.all[leader].start_again();
            replicas.all[leader].wait_until_ready();
        }
    });
    println!("the slowest succession took {slowest:?} (seed {seed})");
    let written = written.into_inner().expect("no thread panicked");
    assert_eq!(written.len(), OBJECTS);
    for (name, value) in &written {
        replicas.wait_for(name, value, SUCCESSION);
    }
    let path = format!("/api/v1/namespaces/{}/secrets", replicas.apps);
    let all = api.get(&path).body["items"].take();
    let made = OBJECTS + rounds(5, 50);
    assert_eq!(all.as_array().map(Vec::len), Some(made));
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[test]
fn a_leader_that_is_told_to_stop_finishes_what_it_has_in_hand_and_ends_within_5_seconds() {
    let proxy = Proxy::start(shared(Manifests::Ours));
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let mut replicas = Replicas::new(2, |setup| setup.args([kubeconfig]));
    // What takes longer than it may is left to the next one.
    for (name, slow) in [("quick", 1500), ("slow", 20_000)] {
        let leader = replicas.leader();
        let before = proxy.faults();
        let once = AtomicUsize::new(0);
        proxy.misbehave(move |asked| {
            let is_write = asked.method == "POST" && asked.path.ends_with("/secrets");
            let is_first = is_write && once.fetch_add(1, Ordering::Relaxed) == 0;
            is_first.then_some(Fault::Delay(Duration::from_millis(slow)))
        });
        replicas.apply(name, "one");
        let stopping = &replicas.all[leader];
        stopping.wait_for("it is in hand", |_| (proxy.faults() > before).then_some(()));
        let begun = Instant::now();
        let ended = replicas.all[leader].stop();
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}\n{}", ended.log);
        assert_eq!(ended.code, Some(0));
        assert!(
            ended.log.contains("the lead was given back"),
            "{}",
            ended.log
        );
        let finished = ended.log.contains("Secret made");
        assert_eq!(finished, name == "quick", "{}", ended.log);
        replicas.wait_for(name, "one", Duration::from_secs(10));
        replicas.all[leader].start_again();
        replicas.all[leader].wait_until_ready();
    }
}

#[test]
fn a_leader_that_was_stopped_past_its_lease_writes_nothing_and_follows() {
    let proxy = Proxy::start(shared(Manifests::Ours));
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let replicas = Replicas::new(2, |setup| {
        setup.args([kubeconfig, "--lease-duration=6s".to_owned()])
    });
    for name in ["waiting", "late"] {
        replicas.apply(name, "one");
        replicas.wait_for(name, "one", Duration::from_secs(10));
    }
    let leader = replicas.leader();
    // It gets the answer that it needs for its write when it is stopped; another write is on its way.
    let (held, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
    proxy.misbehave(move |asked| {
        let once = |count: &AtomicUsize| count.fetch_add(1, Ordering::Relaxed) == 0;
        let is_held = asked.method == "GET" && asked.path.ends_with("/secrets/waiting");
        let is_late = asked.method == "PUT" && asked.path.ends_with("/secrets/late");
        if is_held && once(&held) {
            Some(Fault::Delay(Duration::from_secs(3)))
        } else if is_late && once(&late) {
            Some(Fault::Delay(Duration::from_secs(12)))
        } else {
            None
        }
    });
    replicas.apply("waiting", "two");
    replicas.apply("late", "two");
    replicas.all[leader].wait_for("both are under way", |_| {
        (proxy.faults() == 2).then_some(())
    });
    replicas.all[leader].hold();
    for name in ["waiting", "late"] {
        replicas.apply(name, "three");
    }
    for number in 0..10 {
        replicas.apply(&format!("new-{number}"), "three");
    }
    for name in ["waiting", "late", "new-9"] {
        replicas.wait_for(name, "three", SUCCESSION);
    }
    // The write that was on its way arrives, at a Secret that is another one now.
    thread::sleep(Duration::from_secs(8));
    let versions = || {
        let path = format!("/api/v1/namespaces/{}/secrets", replicas.apps);
        let list = replicas.api().get(&path).body;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let pair = |item: &serde_json::Value| {
            let metadata = &item["metadata"];
            (
                metadata["name"].to_string(),
                metadata["resourceVersion"].to_string(),
            )
        };
        items.iter().map(pair).collect::<BTreeMap<_, _>>()
    };
    let before = (versions(), proxy.asked().len());
    replicas.all[leader].go_on();
    replicas.all[leader].wait_for("it follows", |replica| {
        (replica.metric("seal_controller_leader") == Some(0.0)).then_some(())
    });
    thread::sleep(Duration::from_secs(4));
    let asked = proxy.asked();
    let work: Vec<_> = asked[before.1..]
        .iter()
        .filter(|asked| is_work(asked))
        .collect();
    assert!(work.is_empty(), "{work:?}");
    assert_eq!(versions(), before.0);
    for name in ["waiting", "late"] {
        let secret = replicas.secret(name).expect("it is there");
        assert_eq!(secret["data"]["password"], base64("three"));
    }
    let log = replicas.all[leader].log();
    assert!(log.contains("leads no longer"), "{log}");
    // It can lead again.
    let mut replicas = replicas;
    replicas.all[1 - leader].kill();
    replicas.apply("waiting", "four");
    replicas.wait_for("waiting", "four", SUCCESSION);
}

#[test]
fn without_the_right_to_leases_each_works_alone_and_stands_for_election_when_it_is_given() {
    let mut given = Vec::new();
    let replicas = Replicas::with(
        2,
        |system| {
            crate::site::put_key(shared(Manifests::Ours), system, "given", "rsa-2048");
        },
        |setup| setup.args(["--lease-duration=5s"]),
        |objects| {
            let is_of_leases = |object: &serde_json::Value| {
                object["kind"] == "Role" && object["metadata"]["name"] == "sealed-secrets-leader"
            };
            given = objects
                .iter()
                .filter(|object| is_of_leases(object))
                .cloned()
                .collect();
            for right in rights(objects)
                .iter()
                .filter(|right| right.resource == "leases")
            {
                take_away(objects, right);
            }
        },
    );
    let off = |replica: &Controller<'_>| {
        replica.metric("seal_controller_feature_off{feature=\"leader-election\"}")
    };
    for replica in &replicas.all {
        replica.wait_for("it works alone", |replica| {
            (off(replica) == Some(1.0)).then_some(())
        });
        assert_eq!(replica.metric("seal_controller_leader"), Some(1.0));
        assert_eq!(replica.log().matches("Leases cannot be used").count(), 1);
    }
    replicas.unseals(Duration::from_secs(10));
    let mut role = given.pop().expect("there is one");
    role["metadata"]["namespace"] = replicas.system.as_str().into();
    replicas.api().apply(&role);
    let limit = Duration::from_secs(60);
    for replica in &replicas.all {
        replica.wait_for_within(limit, "it stands for election", |replica| {
            (off(replica) == Some(0.0)).then_some(())
        });
    }
    replicas.leader();
    replicas.unseals(Duration::from_secs(10));
    // And taken away again, from replicas that run.
    role["rules"] = json!([]);
    replicas.api().apply(&role);
    for replica in &replicas.all {
        replica.wait_for_within(limit, "it works alone", |replica| {
            (off(replica) == Some(1.0)).then_some(())
        });
    }
    replicas.unseals(Duration::from_secs(10));
}
