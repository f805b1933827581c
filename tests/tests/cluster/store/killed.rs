//! The API server is killed and comes back; so does etcd.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use seal_tests::{
    cluster::{Setup, sealed_secret},
    control_plane::{ControlPlane, Part},
    long::rounds,
};

use super::{Ground, Stop, sealed};

/// So many objects are made and changed all the time.
const OBJECTS: usize = 12;
/// What nobody touches.
const QUIET: [&str; 3] = ["quiet-a", "quiet-b", "quiet-c"];

#[test]
fn an_api_server_or_etcd_that_is_killed_and_comes_back_under_load_loses_nothing_and_touches_nothing_that_was_right()
 {
    let plane = ControlPlane::start();
    let mut ground = Ground::new(&plane, &Setup::ours());
    for name in QUIET {
        ground.apply(name, "one");
    }
    for name in QUIET {
        ground.has(name, "one");
    }
    let before = QUIET.map(|name| ground.versions(name));
    let mut written = BTreeMap::new();
    for round in 0..rounds(1, 20) {
        for part in [Part::ApiServer, Part::Etcd] {
            ground.lives_through(|ground| {
                let load = ground.under_load(round, || {
                    plane.kill(part);
                    // Longer than a request of the controller waits at first.
                    thread::sleep(Duration::from_secs(2));
                    plane.start_again(part);
                    plane.wait_until_ready();
                });
                written.extend(load);
            });
            for (name, value) in &written {
                ground.has(name, value);
            }
            let after = QUIET.map(|name| ground.versions(name));
            assert_eq!(before, after, "{part:?}");
        }
    }
    assert!(written.len() >= OBJECTS, "{}", written.len());
    let secrets = format!("/api/v1/namespaces/{}/secrets", ground.apps);
    let all = ground.api().get(&secrets).body["items"].take();
    let all = all.as_array().map_or(0, Vec::len);
    assert_eq!(all, QUIET.len() + written.len());
    ground.assert_says_nothing();
}

impl Ground<'_> {
    /// Does something while SealedSecrets are made and changed one after the other, each as soon as the API server takes
    /// it; what they were last.
    fn under_load(&self, round: usize, something: impl FnOnce()) -> BTreeMap<String, String> {
        let (api, certificate, apps) = (self.api(), &self.certificate, &self.apps);
        let (goes_on, written) = (AtomicBool::new(true), Mutex::new(BTreeMap::new()));
        thread::scope(|scope| {
            scope.spawn(|| {
                for count in 0.. {
                    let (name, value) = (
                        format!("load-{}", count % OBJECTS),
                        format!("{round}-{count}"),
                    );
                    let path = sealed_secret(apps, &name);
                    let object = sealed(certificate, apps, &name, &value);
                    loop {
                        // Between two objects, so that it is known what each is.
                        if count >= OBJECTS && !goes_on.load(Ordering::Relaxed) {
                            return;
                        }
                        let answer = api.try_to_apply(&path, &object);
                        if answer.is_some_and(|answer| matches!(answer.status, 200 | 201)) {
                            break;
                        }
                        thread::sleep(Duration::from_millis(20));
                    }
                    let mut written = written.lock().expect("no thread panicked");
                    written.insert(name, value);
                    drop(written);
                    thread::sleep(Duration::from_millis(40));
                }
            });
            let _stop = Stop(&goes_on);
            thread::sleep(Duration::from_millis(600));
            something();
            thread::sleep(Duration::from_secs(1));
        });
        written.into_inner().expect("no thread panicked")
    }
}
