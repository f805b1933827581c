//! Two controllers beside each other, as while a Deployment rolls out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use seal_tests::{
    cluster::{Manifests, find_condition},
    control_plane::ControlPlane,
    programs::Program,
};
use serde_json::json;

use super::{
    ground::{GLANCE, Ground, REST},
    states::State,
};
use crate::site::{EVERYWHERE, base64};

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
                if first.is_ours() && state.reason == "TemplateFunctionMissing" {
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
