//! A namespace for which very much is to be done, beside one for which little is.

use std::thread;

use seal_tests::{
    cluster::{seal, sealed_secret},
    long::rounds,
};
use serde_json::Value;

use super::{listed, site, slow, version};
use crate::site::{EVERYWHERE, Site, base64};

/// So many of the others, at most, are done before the few are: those whose turn it is in between, and what is in hand.
const IN_BETWEEN: usize = 60;

fn objects() -> usize {
    rounds(160, 5_000)
}

/// Applies the crowd, several at a time.
fn apply(site: &Site, object: impl Fn(&str) -> Value + Sync) {
    let api = site.api();
    let names: Vec<String> = (0..objects()).map(|n| format!("crowd-{n:05}")).collect();
    thread::scope(|scope| {
        for part in names.chunks(names.len().div_ceil(4)) {
            let object = &object;
            scope.spawn(move || {
                for name in part {
                    api.apply(&object(name));
                }
            });
        }
    });
}

/// Applies the few, waits until they are right, and counts how many of the crowd were done meanwhile; what is done to
/// them is seen in the collection.
#[track_caller]
fn few_are_right_soon(site: &Site, value: &str, collection: &str) {
    let names: Vec<String> = (0..10).map(|number| format!("few-{number}")).collect();
    let applied = names.iter().map(|name| {
        let sealed = seal(&site.certificate, &site.system, name, &[("a", value)]);
        version(&site.api().apply(&sealed))
    });
    let begun = applied.min().expect("there are some");
    let right = names.iter().map(|name| {
        let is_right = |secret: &Value| secret["data"]["a"] == base64(value);
        let controller = &site.controller;
        version(&controller.wait_for_secret_that(&site.system, name, "it is right", is_right))
    });
    let ended = right.max().expect("there are some");
    let done = listed(site, collection, "crowd-");
    let meanwhile = done.iter().map(version);
    let meanwhile = meanwhile.filter(|at| (begun..ended).contains(at)).count();
    assert!(meanwhile <= IN_BETWEEN, "{meanwhile} went first");
}

#[test]
fn a_namespace_with_very_many_objects_holds_up_no_other_neither_at_the_start_nor_when_all_change() {
    for manifests in EVERYWHERE {
        let mut site = site(manifests);
        let apps = site.apps.clone();
        site.controller.stop();
        apply(&site, |name| slow(&apps, name, 1));
        site.controller.start_again();
        site.controller.wait_until_ready();
        let secrets = site.secret_path("");
        few_are_right_soon(&site, "new", &secrets);
        assert!(
            listed(&site, &secrets, "crowd-").len() < objects(),
            "the crowd was no crowd"
        );
        apply(&site, |name| slow(&apps, name, 2));
        few_are_right_soon(&site, "changed", &secrets);
        let is_changed = |secret: &&Value| !secret["data"]["v1"].is_null();
        let changed = listed(&site, &secrets, "crowd-");
        assert!(
            changed.iter().filter(is_changed).count() < objects(),
            "the crowd was no crowd"
        );
    }
}

#[test]
fn a_namespace_with_very_many_broken_objects_holds_up_no_other() {
    for manifests in EVERYWHERE {
        let mut site = site(manifests);
        let apps = site.apps.clone();
        site.controller.stop();
        let broken = |name: &str| {
            let mut sealed = slow(&apps, "another", 1);
            sealed["metadata"]["name"] = name.into();
            sealed
        };
        apply(&site, broken);
        site.controller.start_again();
        site.controller.wait_until_ready();
        let judged = sealed_secret(&site.apps, "");
        let are_judged = || {
            let judged = listed(&site, &judged, "crowd-");
            judged
                .iter()
                .filter(|sealed| !sealed["status"]["conditions"].is_null())
                .count()
        };
        few_are_right_soon(&site, "new", &judged);
        assert!(are_judged() < objects(), "the crowd was no crowd");
        let worse = |name: &str| {
            let mut sealed = slow(&apps, "another", 2);
            sealed["metadata"]["name"] = name.into();
            sealed
        };
        apply(&site, worse);
        few_are_right_soon(&site, "changed", &judged);
    }
}
