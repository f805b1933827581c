//! etcd is restored from a snapshot, so that versions of objects go back, and come again for something else.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use seal_tests::{
    cluster::{Setup, find_condition, install, install_objects, rights, take_away},
    control_plane::{ControlPlane, Snapshot},
    http, keys,
    long::rounds,
    programs::Program,
};
use serde_json::{Value, json};

use super::{Ground, LIMIT, SYSTEM, Stop, sealed, write_much};
use crate::site::{base64, put_key};

const NAME: &str = "sealed-secrets-controller";
const KEYS: &str = "seal_controller_keys";
/// In the snapshot, and right there.
const RIGHT: [&str; 4] = ["same", "same-too", "changed", "deleted"];
/// In the snapshot the Secret of the first is wrong, and the second is newer than its Secret.
const WRONG: [(&str, &str); 2] = [("edited", "one"), ("newer", "two")];

/// Takes a snapshot, of which much is another thing after it, and another key is there.
fn snapshot_of_the_past(ground: &Ground<'_>) -> (Snapshot, [[Value; 2]; 4]) {
    let wrong = WRONG.map(|(name, _)| name);
    for name in RIGHT.iter().chain(&wrong) {
        ground.apply(name, "one");
    }
    for name in RIGHT.iter().chain(&wrong) {
        ground.has(name, "one");
    }
    let versions = RIGHT.map(|name| ground.versions(name));
    ground.controller.hold();
    let edit = json!({"data": {"password": base64("wrong")}});
    ground.api().patch(&ground.secret_path("edited"), &edit);
    ground.apply("newer", "two");
    let snapshot = ground.plane.snapshot();
    ground.controller.go_on();
    (snapshot, versions)
}

/// What happens after the snapshot.
fn go_on(ground: &Ground<'_>) {
    for (name, value) in WRONG {
        ground.has(name, value);
    }
    ground.apply("changed", "two");
    ground.api().delete(&ground.sealed_path("deleted"));
    ground.apply("later", "one");
    put_key(ground.plane, SYSTEM, "lost", "rsa-3072");
    ground.controller.wait_for("the key is held", |controller| {
        (controller.metric(KEYS) == Some(2.0)).then_some(())
    });
    ground.api().apply(&sealed_by_lost_key(ground));
    ground.has("by-lost-key", "one");
    ground.has("changed", "two");
    ground.has("later", "one");
    ground.controller.wait_for("it is forgotten", |_| {
        (!ground.is_counted("deleted")).then_some(())
    });
    write_much(ground);
}

fn sealed_by_lost_key(ground: &Ground<'_>) -> Value {
    sealed(
        &keys::pem("rsa-3072.crt"),
        &ground.apps,
        "by-lost-key",
        "one",
    )
}

/// That all ends as what was restored says, with no more than that opened and written which was wrong then.
#[track_caller]
fn is_as_restored(ground: &Ground<'_>, before: f64, versions: &[[Value; 2]; 4]) {
    for (name, value) in RIGHT.map(|name| (name, "one")).iter().chain(&WRONG) {
        ground.has(name, value);
    }
    let controller = &ground.controller;
    for name in ["later", "by-lost-key"] {
        controller.wait_for_within(LIMIT, &format!("{name} is forgotten"), |_| {
            (!ground.is_counted(name)).then_some(())
        });
        assert_eq!(ground.api().get(&ground.secret_path(name)).status, 404);
    }
    assert!(ground.is_counted("deleted"));
    assert_eq!(controller.metric(KEYS), Some(1.0));
    assert_eq!(ground.operations() - before, 2.0);
    assert_eq!(*versions, RIGHT.map(|name| ground.versions(name)));
}

#[test]
fn a_restored_etcd_is_noticed_at_once_and_all_becomes_as_it_says_also_where_that_happens_while_the_controller_is_down()
 {
    let plane = ControlPlane::start();
    let mut ground = Ground::new(&plane, &Setup::ours());
    let (snapshot, versions) = snapshot_of_the_past(&ground);
    for _ in 0..rounds(1, 5) {
        go_on(&ground);
        let before = ground.operations();
        ground.lives_through(|ground| ground.plane.restore(&snapshot));
        is_as_restored(&ground, before, &versions);

        // The same generation as before, with another spec, is another state.
        ground.apply("changed", "three");
        ground.apply("fresh", "one");
        ground.has("changed", "three");
        ground.has("fresh", "one");
        // Git still has what was sealed with the key that is lost.
        ground.api().apply(&sealed_by_lost_key(&ground));
        let path = ground.sealed_path("by-lost-key");
        let object = ground
            .controller
            .wait_for_object(&path, "it says why", |object| {
                find_condition(object, "Stalled").is_some_and(|found| found["status"] == "True")
            });
        let condition = find_condition(&object, "Synced").expect("it has it");
        assert_eq!(condition["reason"], "UnknownKey", "{condition}");
        ground.api().delete(&path);

        go_on(&ground);
        ground.controller.stop();
        plane.restore(&snapshot);
        ground.controller.start_again();
        ground.controller.wait_until_ready();
        is_as_restored(&ground, 0.0, &versions);
        ground.controller.restart();
        assert_eq!(ground.operations(), 0.0);
    }
    ground.assert_says_nothing();
}

#[test]
fn a_restored_etcd_is_noticed_also_without_the_right_to_leases_and_takes_the_key_of_the_records_with_it()
 {
    let plane = ControlPlane::start();
    let mut objects = Setup::ours().objects();
    for right in rights(&objects) {
        if right.resource == "leases" {
            take_away(&mut objects, &right);
        }
    }
    let controller = install_objects(&plane, SYSTEM, objects).run(Program::Controller);
    let mut ground = Ground::with(&plane, controller);
    // Before there was anything, so that there was no key of the records.
    let snapshot = plane.snapshot();
    let record_key = format!("/api/v1/namespaces/{SYSTEM}/secrets/{NAME}-record-key");
    assert_eq!(ground.api().get(&record_key).status, 404);
    ground.apply("gone", "one");
    ground.has("gone", "one");
    let key = ground.api().get(&record_key).body["data"].take();
    write_much(&ground);
    plane.restore(&snapshot);
    ground
        .controller
        .wait_for_within(LIMIT, "it is forgotten", |_| {
            (!ground.is_counted("gone")).then_some(())
        });
    ground.apply("fresh", "one");
    ground.has("fresh", "one");
    let stored = ground.api().get(&record_key);
    assert_eq!(stored.status, 200, "there is a key again");
    assert!(stored.body["data"] != key, "and it is another one");
    ground.controller.restart();
    assert_eq!(ground.operations(), 0.0);
}

#[test]
fn a_restored_lease_leads_to_one_leader_and_never_to_two() {
    let plane = ControlPlane::start();
    // Longer than the control plane is away, so that whoever led leads still.
    let lease = Duration::from_secs(15);
    let setup = Setup::ours().args([format!("--lease-duration={}s", lease.as_secs())]);
    let installation = install(&plane, &setup.replicas(2));
    let first = installation.run(Program::Controller);
    let ground = Ground::with(&plane, first);
    let second = installation.run(Program::Controller);
    let leads = |port: u16| {
        let metrics = http::get(port, "/metrics").body;
        metrics.contains("\nseal_controller_leader 1\n")
    };
    let ports = [&ground.controller, &second].map(|replica| {
        let address = replica.pod().address();
        plane.reach(&format!("{address}:8081"))
    });
    assert_eq!(ports.map(leads), [true, false]);
    // The first one leads in the snapshot, and lives on while the second one takes its place.
    let snapshot = plane.snapshot();
    ground.controller.hold();
    second.wait_for_within(lease * 3, "the second one leads", |_| {
        leads(ports[1]).then_some(())
    });
    ground.controller.go_on();
    ground.controller.wait_for("the first one follows", |_| {
        (!leads(ports[0])).then_some(())
    });
    write_much(&ground);

    let goes_on = AtomicBool::new(true);
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            while goes_on.load(Ordering::Relaxed) {
                assert_ne!(ports.map(leads), [true, true]);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let _stop = Stop(&goes_on);
        plane.restore(&snapshot);
        ground
            .controller
            .wait_for_within(lease * 3, "one leads", |_| {
                ports.map(leads).contains(&true).then_some(())
            });
        ground.apply("fresh", "one");
        ground.has("fresh", "one");
        goes_on.store(false, Ordering::Relaxed);
        looking.join().expect("there are never two");
    });
}
