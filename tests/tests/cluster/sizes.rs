//! SealedSecrets and Secrets at the sizes at which the API server and etcd end.

use std::{thread, time::Duration};

use seal_tests::cluster::{Manifests, find_condition, namespace, sealed_secret};
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64};

/// What a Secret may hold, in bytes: the API server's limit.
const LARGEST_SECRET: usize = 1024 * 1024;
/// What etcd takes in one request, in bytes: a SealedSecret of the largest Secret leaves some room below.
const LARGEST_REQUEST: usize = 1536 * 1024;

/// Of the unseal errors of the namespace with applications.
fn errors(site: &Site, step: &str) -> f64 {
    let series = format!(
        "sealed_secrets_controller_unseal_errors_total{{reason=\"{step}\",namespace=\"{}\"}}",
        site.apps
    );
    site.controller.metric(&series).unwrap_or_default()
}

fn is_made(site: &Site, name: &str, value: &str) {
    let secret = site.secret_that(name, "is made", |_| true);
    // Not by `assert_eq`, which would print both.
    assert!(secret["data"]["password"] == base64(value), "{name}");
}

#[test]
fn a_secret_of_the_largest_size_is_made_and_one_of_a_byte_more_is_refused_once() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        let largest = "x".repeat(LARGEST_SECRET);
        let more = "x".repeat(LARGEST_SECRET + 1);
        site.api()
            .apply(&site.sealed("largest", &[("password", &largest)]));
        site.api()
            .apply(&site.sealed("more", &[("password", &more)]));
        site.with_db("right");
        is_made(&site, "largest", &largest);
        site.synced("largest");
        let message = site.stalled("more", "SecretRefused");
        assert!(
            message.ends_with("data: Too long: may not be more than 1048576 bytes"),
            "{message}"
        );
        assert_eq!(site.secret("more").status, 404);
        thread::sleep(Duration::from_secs(3));
        assert_eq!(errors(&site, "update"), 1.0);
        // An update that is too large leaves the Secret, and says so; what fits heals it.
        site.api()
            .apply(&site.sealed("largest", &[("password", &more)]));
        site.stalled("largest", "SecretRefused");
        is_made(&site, "largest", &largest);
        for name in ["largest", "more"] {
            site.api()
                .apply(&site.sealed(name, &[("password", "fits")]));
            site.synced(name);
            is_made(&site, name, "fits");
        }
    }
}

/// A SealedSecret with an annotation of so many bytes.
fn padded(sealed: &Value, bytes: usize) -> Value {
    let mut padded = sealed.clone();
    padded["metadata"]["annotations"]["pad"] = "p".repeat(bytes).into();
    padded
}

/// How many bytes of an annotation the API server can store with a SealedSecret, less than 64 below the most. It is tried where no
/// controller looks, under a name and in a namespace of the same lengths.
fn most_padding(site: &Site, sealed: &Value) -> usize {
    let elsewhere = namespace(site.controller.pod().plane(), "apps");
    assert_eq!(elsewhere.len(), site.apps.len());
    let mut sealed = sealed.clone();
    sealed["metadata"]["namespace"] = elsewhere.as_str().into();
    let path = sealed_secret(&elsewhere, "full");
    let collection = path.trim_end_matches("/full").to_owned();
    let is_stored = |bytes| {
        let answer = site.api().create(&collection, &padded(&sealed, bytes));
        let message = answer.body["message"].as_str().unwrap_or_default();
        match answer.status {
            201 => assert_eq!(site.api().delete(&path).status, 200),
            500 => assert_eq!(message, "etcdserver: request is too large"),
            status => panic!("{status}: {message}"),
        }
        answer.status == 201
    };
    let (mut fits, mut not) = (0, LARGEST_REQUEST - LARGEST_SECRET * 4 / 3);
    assert!(is_stored(fits) && !is_stored(not));
    while not - fits > 64 {
        let middle = usize::midpoint(fits, not);
        if is_stored(middle) {
            fits = middle;
        } else {
            not = middle;
        }
    }
    fits
}

#[test]
fn a_sealed_secret_that_leaves_no_room_for_its_status_gets_its_secret_and_is_told_of_once() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        let largest = "x".repeat(LARGEST_SECRET);
        let sealed = site.sealed("full", &[("password", &largest)]);
        let full = padded(&sealed, most_padding(&site, &sealed));
        let path = site.sealed_path("full");
        let created = site.api().create(path.trim_end_matches("/full"), &full);
        assert_eq!(created.status, 201);
        is_made(&site, "full", &largest);
        site.controller
            .wait_for_event(&site.apps, "full", "Unsealed");
        site.with_db("right");
        site.synced("db");
        thread::sleep(Duration::from_secs(3));
        let times = || {
            let log = site.controller.log();
            log.matches("cannot store a status").count()
        };
        assert_eq!((times(), errors(&site, "status")), (1, 1.0));
        let object = site.api().get(&path).body;
        assert!(find_condition(&object, "Synced").is_none());

        // It is looked after as any other, and no more is said.
        site.api().delete(&site.secret_path("full"));
        is_made(&site, "full", &largest);
        site.controller.wait_for("it is told", |controller| {
            let events = controller.events_of(&site.apps, "SealedSecret", "full");
            (events.len() == 2).then_some(())
        });
        assert_eq!((times(), errors(&site, "status")), (1, 1.0));

        // With room for it, it has its status.
        let change = json!({"metadata": {"annotations": {"pad": null}}});
        site.api().patch(&path, &change);
        site.synced("full");
    }
}

#[test]
fn a_sealed_secret_with_room_for_its_status_but_not_for_its_record_gets_the_status_alone() {
    let site = Site::new(Manifests::Ours);
    // The record names each item twice.
    let names: Vec<String> = (0..100).map(|item| format!("{item:0>250}")).collect();
    let largest = "x".repeat(LARGEST_SECRET - 1024);
    let mut items: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    items.push(("password", &largest));
    let sealed = site.sealed("full", &items);
    let most = most_padding(&site, &sealed);
    let path = site.sealed_path("full");
    let collection = path.trim_end_matches("/full");
    let made = site
        .api()
        .create(collection, &padded(&sealed, most - 20 * 1024));
    assert_eq!(made.status, 201);
    site.synced("full");
    let left_out = "seal_controller_records_left_out_total";
    site.controller.wait_for("it is left out", |controller| {
        let times = controller.metric(left_out)?;
        (times >= 1.0).then_some(())
    });
    let object = site.api().get(&site.sealed_path("full")).body;
    assert!(object["status"]["record"].is_null());
    // This process knows all the same.
    let wrong = json!({"data": {"password": base64("wrong")}});
    site.api().patch(&site.secret_path("full"), &wrong);
    site.secret_that("full", "is repaired", |secret| {
        secret["data"]["password"] == base64(&largest)
    });
    assert_eq!(site.controller.metric(left_out), Some(1.0));
}
