//! What becomes of a Secret when its SealedSecret goes.

use std::{thread, time::Duration};

use seal_tests::cluster::Manifests;
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64};

/// Long enough for the garbage collector.
const A_WHILE: Duration = Duration::from_secs(3);

fn delete(site: &Site, name: &str) {
    assert_eq!(site.api().delete(&site.sealed_path(name)).status, 200);
}

fn without_owner(site: &Site, name: &str) -> Value {
    let mut sealed = site.sealed(name, &[("password", "x")]);
    sealed["spec"]["template"]["metadata"]["annotations"] =
        json!({"sealedsecrets.bitnami.com/skip-set-owner-references": "true"});
    sealed
}

#[test]
fn a_secret_goes_with_its_owner_by_the_garbage_collector_and_nothing_holds_the_owner_back() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        let secret = site.with_db("x");
        let owner = &secret["metadata"]["ownerReferences"][0];
        assert_eq!(owner["controller"], true);
        assert_eq!(owner["blockOwnerDeletion"], Value::Null);
        let sealed = site.api().get(&site.sealed_path("db")).body;
        assert_eq!(owner["uid"], sealed["metadata"]["uid"]);
        assert_eq!(sealed["metadata"]["finalizers"], Value::Null);
        delete(&site, "db");
        // The garbage collector looks for new kinds of owners twice a minute.
        let limit = Duration::from_secs(120);
        site.controller
            .wait_for_within(limit, "the Secret is gone", |_| {
                (site.secret("db").status == 404).then_some(())
            });
    }
}

#[test]
fn a_secret_without_owner_reference_stays_and_is_kept_right_while_its_sealed_secret_is_there() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        site.api().apply(&without_owner(&site, "db"));
        site.synced("db");
        assert!(site.secret("db").body["metadata"]["ownerReferences"].is_null());
        let wrong = json!({"data": {"password": base64("wrong")}});
        site.api().patch(&site.secret_path("db"), &wrong);
        site.secret_that("db", "is repaired", |secret| {
            secret["data"]["password"] == base64("x")
        });
        delete(&site, "db");
        thread::sleep(A_WHILE);
        assert_eq!(site.secret("db").status, 200);
    }
}

#[test]
fn a_flag_keeps_all_secrets_when_their_sealed_secrets_go() {
    for manifests in EVERYWHERE {
        let site = Site::with(manifests, |setup| {
            setup.args(["--skip-set-owner-references"])
        });
        site.with_db("x");
        site.synced("db");
        delete(&site, "db");
        thread::sleep(A_WHILE);
        assert_eq!(site.secret("db").status, 200);
    }
}

#[test]
fn a_sealed_secret_made_anew_takes_up_the_secret_of_the_one_before() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        site.with_db("x");
        // As a restored backup has it: the owner's uid is one that nobody has.
        let stale = json!({"metadata": {"ownerReferences": [{
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "restored",
            "uid": "00000000-0000-4000-8000-000000000000", "controller": true,
        }]}});
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "old"},
            "metadata": {"name": "restored", "namespace": site.apps}});
        secret["metadata"]["ownerReferences"] = stale["metadata"]["ownerReferences"].clone();
        site.api()
            .apply(&site.sealed("restored", &[("password", "new")]));
        site.synced("restored");
        site.api().patch(&site.secret_path("restored"), &stale);
        let uid = site.api().get(&site.sealed_path("restored")).body["metadata"]["uid"].clone();
        site.secret_that("restored", "has its owner again", |secret| {
            secret["metadata"]["ownerReferences"][0]["uid"] == uid
        });
    }
}

#[test]
fn without_a_record_what_an_earlier_process_made_without_owner_reference_needs_an_annotation() {
    // Under our resource definition its record proves it ours (`record.rs`).
    let mut site = Site::new(Manifests::Chart);
    for name in ["left", "managed"] {
        let mut sealed = without_owner(&site, name);
        if name == "managed" {
            sealed["spec"]["template"]["metadata"]["annotations"]["sealedsecrets.bitnami.com/managed"] =
                "true".into();
        }
        site.api().apply(&sealed);
        site.synced(name);
    }
    let before = site.secret("left").body;
    site.controller.restart();
    let message = site.stalled("left", "NotManaged");
    assert!(message.contains("to hand it over, annotate"), "{message}");
    assert_eq!(site.secret("left").body, before);
    let wrong = json!({"data": {"password": base64("wrong")}});
    for name in ["left", "managed"] {
        site.api().patch(&site.secret_path(name), &wrong);
    }
    site.secret_that("managed", "is repaired", |secret| {
        secret["data"]["password"] == base64("x")
    });
    assert_eq!(site.secret("left").body["data"], wrong["data"]);
    // Handed over, it is made right.
    let managed =
        json!({"metadata": {"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}});
    site.api().patch(&site.secret_path("left"), &managed);
    site.secret_that("left", "is repaired", |secret| {
        secret["data"]["password"] == base64("x")
    });
    site.synced("left");
}

/// A SealedSecret `theirs` that is in vain, since somebody else's Secret is there.
fn with_a_secret_of_somebody_else(site: &Site) {
    let theirs = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"theirs": "x"},
        "metadata": {"name": "theirs", "namespace": site.apps}});
    site.api().apply(&theirs);
    site.api().apply(&site.sealed("theirs", &[("a", "b")]));
    site.stalled("theirs", "NotManaged");
}

#[test]
fn the_old_way_of_collecting_garbage_deletes_only_what_is_ours() {
    // Our manifests give no right to delete: that is the next test.
    let site = Site::with(Manifests::Chart, |setup| setup.args(["--old-gc-behavior"]));
    // The cluster's own collector deletes them as well, and may be faster with some.
    let names: Vec<String> = (0..20).map(|number| format!("db-{number}")).collect();
    for name in &names {
        site.api().apply(&site.sealed(name, &[("password", "x")]));
    }
    for name in &names {
        site.synced(name);
    }
    with_a_secret_of_somebody_else(&site);
    for name in &names {
        delete(&site, name);
    }
    delete(&site, "theirs");
    site.controller.wait_for("ours are gone", |controller| {
        (names.iter().all(|name| site.secret(name).status == 404)
            && controller
                .log()
                .contains("Secret deleted with its SealedSecret"))
        .then_some(())
    });
    assert_eq!(site.secret("theirs").status, 200);
}

#[test]
fn the_old_way_of_collecting_garbage_is_off_without_the_right_to_delete_and_said_once() {
    let site = Site::with(Manifests::Ours, |setup| setup.args(["--old-gc-behavior"]));
    let finalizers = |of: Value| json!({"metadata": {"finalizers": of}});
    for name in ["one", "two"] {
        site.api().apply(&site.sealed(name, &[("password", "x")]));
        site.synced(name);
        // The garbage collector may be quicker.
        let hold = finalizers(json!(["example.com/hold"]));
        site.api().patch(&site.secret_path(name), &hold);
    }
    with_a_secret_of_somebody_else(&site);
    let said = |site: &Site| {
        let log = site.controller.log();
        log.matches("no right to delete Secrets").count()
    };
    delete(&site, "one");
    site.controller
        .wait_for("it is said", |_| (said(&site) > 0).then_some(()));
    for name in ["two", "theirs"] {
        delete(&site, name);
    }
    thread::sleep(A_WHILE);
    assert_eq!(said(&site), 1);
    let log = site.controller.log();
    assert!(!log.contains("the Secret cannot be deleted"), "{log}");
    let off = "seal_controller_feature_off{feature=\"old-gc-behavior\"}";
    assert_eq!(site.controller.metric(off), Some(1.0));
    // The garbage collector looks for new kinds of owners twice a minute.
    let limit = Duration::from_secs(120);
    for name in ["one", "two"] {
        site.api()
            .patch(&site.secret_path(name), &finalizers(json!([])));
        site.controller
            .wait_for_within(limit, "the Secret is gone", |_| {
                (site.secret(name).status == 404).then_some(())
            });
    }
    assert_eq!(site.secret("theirs").status, 200);
}
