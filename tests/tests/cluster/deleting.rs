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
fn the_old_way_of_collecting_garbage_deletes_only_what_is_ours() {
    let site = Site::with(Manifests::Chart, |setup| setup.args(["--old-gc-behavior"]));
    site.with_db("x");
    site.synced("db");
    let theirs = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"theirs": "x"},
        "metadata": {"name": "theirs", "namespace": site.apps}});
    site.api().apply(&theirs);
    site.api().apply(&site.sealed("theirs", &[("a", "b")]));
    site.stalled("theirs", "NotManaged");
    delete(&site, "db");
    delete(&site, "theirs");
    site.controller.wait_for("ours is gone", |controller| {
        (site.secret("db").status == 404
            && controller
                .log()
                .contains("Secret deleted with its SealedSecret"))
        .then_some(())
    });
    assert_eq!(site.secret("theirs").status, 200);
}
