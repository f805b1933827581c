//! What it costs to take over: nothing for what is right.

use std::{thread, time::Duration};

use seal_tests::cluster::{Asked, Controller, Manifests, Proxy, shared};

use super::{Replicas, SUCCESSION};
use crate::site::put_key;

const OBJECTS: usize = 40;
const OPERATIONS: &str = "seal_controller_private_key_operations_total";
/// Long enough for who would do something to have done it.
const A_WHILE: Duration = Duration::from_millis(1500);

/// Whether it is about one of the objects, by name.
fn is_of_an_object(asked: &Asked) -> bool {
    asked.path.contains("/secrets/db-") || asked.path.contains("/sealedsecrets/db-")
}

impl Replicas {
    /// Waits until the status of each object says which Secret there is.
    #[track_caller]
    fn wait_for_records(&self, leader: usize) {
        for number in 0..OBJECTS {
            let name = format!("db-{number}");
            let what = format!("{name} is recorded");
            self.all[leader].wait_for(&what, |_| {
                let secret = self.secret(&name)?;
                let object = self.sealed_secret(&name);
                let recorded = &object["status"]["record"]["secret"]["resourceVersion"];
                (*recorded == secret["metadata"]["resourceVersion"]).then_some(())
            });
        }
    }
}

#[test]
fn who_started_before_there_was_a_key_of_the_records_takes_over_without_reading_or_opening() {
    let plane = shared(Manifests::Ours);
    let proxy = Proxy::start(plane);
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let mut replicas = Replicas::with(
        2,
        |system| put_key(plane, system, "given", "rsa-2048"),
        |setup| setup.args([kubeconfig, "--lease-duration=3s".to_owned()]),
        |_| {},
    );
    replicas.leader();
    let key = format!(
        "/api/v1/namespaces/{}/secrets/sealed-secrets-controller-record-key",
        replicas.system
    );
    assert_eq!(replicas.api().get(&key).status, 404);
    // All are there at once, so that many are looked at while nobody knows yet whether records are kept.
    replicas.all.iter().for_each(Controller::hold);
    for number in 0..OBJECTS {
        replicas.apply(&format!("db-{number}"), "one");
    }
    replicas.all.iter().for_each(Controller::go_on);
    let leader = replicas.leader();
    replicas.wait_for_records(leader);
    assert_eq!(replicas.api().get(&key).status, 200);
    thread::sleep(A_WHILE);
    let before = proxy.asked().len();
    replicas.all[leader].kill();
    replicas.unseals(SUCCESSION);
    thread::sleep(A_WHILE);
    let successor = &replicas.all[1 - leader];
    let asked = proxy.asked();
    let about: Vec<&Asked> = asked[before..]
        .iter()
        .filter(|asked| is_of_an_object(asked))
        .collect();
    assert!(about.is_empty(), "{about:#?}\n{}", successor.tail());
    // Only what is new was opened.
    assert_eq!(successor.metric(OPERATIONS), Some(1.0));

    // Who lost the lead and gets it back is no worse off.
    replicas.all[leader].start_again();
    replicas.all[leader].wait_until_ready();
    let successor = &replicas.all[1 - leader];
    successor.hold();
    let first = &replicas.all[leader];
    first.wait_for("it leads again", |first| {
        (first.metric("seal_controller_leader") == Some(1.0)).then_some(())
    });
    assert_eq!(first.metric(OPERATIONS), Some(0.0));
    successor.go_on();
    successor.wait_for("it follows", |successor| {
        (successor.metric("seal_controller_leader") == Some(0.0)).then_some(())
    });
    thread::sleep(A_WHILE);
    let before = proxy.asked().len();
    replicas.all[leader].kill();
    replicas.unseals(SUCCESSION);
    thread::sleep(A_WHILE);
    let asked = proxy.asked();
    let about: Vec<&Asked> = asked[before..]
        .iter()
        .filter(|asked| is_of_an_object(asked))
        .collect();
    let successor = &replicas.all[1 - leader];
    assert!(about.is_empty(), "{about:#?}\n{}", successor.tail());
    assert_eq!(successor.metric(OPERATIONS), Some(2.0));
}
