//! A Secret that somebody else changed, and what is none of our business.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64};

/// Long enough for a controller that would do something to have done it.
const A_WHILE: Duration = Duration::from_millis(700);

fn everywhere(test: impl Fn(&Site)) {
    for manifests in EVERYWHERE {
        test(&Site::new(manifests));
    }
}

#[test]
fn changed_and_deleted_values_come_back() {
    everywhere(|site| {
        let made = site.with_db("right");
        let wrong = json!({"data": {"password": base64("wrong"), "more": base64("x")}});
        site.api().patch(&site.secret_path("db"), &wrong);
        let right = json!({"password": base64("right")});
        let repaired = site.secret_that("db", "is repaired", |secret| secret["data"] == right);
        assert_eq!(repaired["metadata"]["uid"], made["metadata"]["uid"]);
        assert_eq!(site.api().delete(&site.secret_path("db")).status, 200);
        let anew = site.secret_that("db", "is made anew", |secret| secret["data"] == right);
        assert_ne!(anew["metadata"]["uid"], made["metadata"]["uid"]);
    });
}

#[test]
fn what_others_add_stays_and_what_the_template_declares_comes_back() {
    everywhere(|site| {
        let mut sealed = site.sealed("db", &[("password", "right")]);
        sealed["spec"]["template"]["metadata"]["labels"] = json!({"app": "db"});
        site.api().apply(&sealed);
        site.synced("db");
        let added = json!({"metadata": {"labels": {"theirs": "x"}, "annotations": {"note": "y"}}});
        site.api().patch(&site.secret_path("db"), &added);
        thread::sleep(A_WHILE);
        let kept = site.secret("db").body;
        assert_eq!(
            kept["metadata"]["labels"],
            json!({"app": "db", "theirs": "x"})
        );
        assert_eq!(kept["metadata"]["annotations"]["note"], "y");

        let changed = json!({"metadata": {"labels": {"app": "other"}}});
        site.api().patch(&site.secret_path("db"), &changed);
        site.secret_that("db", "has its label again", |secret| {
            secret["metadata"]["labels"]["app"] == "db"
        });

        // At a change of the spec the Secret is written wholesale, as upstream does.
        sealed["spec"]["template"]["metadata"]["labels"] = json!({"app": "db", "tier": "back"});
        site.api().apply(&sealed);
        let labels = json!({"app": "db", "tier": "back"});
        site.secret_that("db", "has only what is declared", |secret| {
            secret["metadata"]["labels"] == labels && secret["metadata"]["annotations"].is_null()
        });
    });
}

#[test]
fn an_annotation_leaves_drift_alone_until_the_spec_changes() {
    everywhere(|site| {
        let mut sealed = site.sealed("db", &[("password", "one")]);
        sealed["metadata"]["annotations"]["seal.internal/drift"] = "ignore".into();
        site.api().apply(&sealed);
        site.synced("db");
        let theirs = json!({"data": {"password": base64("theirs")}});
        site.api().patch(&site.secret_path("db"), &theirs);
        thread::sleep(A_WHILE);
        assert_eq!(site.secret("db").body["data"], theirs["data"]);
        let mut next = site.sealed("db", &[("password", "two")]);
        next["metadata"]["annotations"]["seal.internal/drift"] = "ignore".into();
        site.api().apply(&next);
        site.secret_that("db", "has the new value", |secret| {
            secret["data"]["password"] == base64("two")
        });
    });
}

#[test]
fn in_patch_mode_only_our_keys_are_ours() {
    everywhere(|site| {
        site.api().apply(&json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": "db", "namespace": site.apps, "labels": {"theirs": "x"},
                "annotations": {"sealedsecrets.bitnami.com/patch": "true"},
            },
            "stringData": {"theirs": "kept", "password": "before"},
        }));
        site.with_db("ours");
        site.synced("db");
        let change = json!({"data": {"theirs": base64("changed"), "password": base64("wrong")}});
        site.api().patch(&site.secret_path("db"), &change);
        let secret = site.secret_that("db", "has our value again", |secret| {
            secret["data"]["password"] == base64("ours")
        });
        assert_eq!(secret["data"]["theirs"], base64("changed"));
        assert_eq!(secret["metadata"]["labels"], json!({"theirs": "x"}));
        assert!(secret["metadata"]["ownerReferences"].is_null(), "{secret}");
    });
}

#[test]
fn a_policy_that_changes_every_write_is_told_and_not_fought() {
    everywhere(is_told_of_a_policy_that_changes_every_write);
}

fn is_told_of_a_policy_that_changes_every_write(site: &Site) {
    let group = "admissionregistration.k8s.io/v1";
    let policy = json!({
        "apiVersion": group, "kind": "MutatingAdmissionPolicy", "metadata": {"name": site.apps},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["secrets"],
            }]},
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "mutations": [{
                "patchType": "JSONPatch",
                "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/data/password', value: 'd3Jvbmc='}]"},
            }],
        },
    });
    let binding = json!({
        "apiVersion": group, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": site.apps},
        "spec": {"policyName": site.apps, "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": site.apps}},
        }},
    });
    site.api().apply(&policy);
    site.api().apply(&binding);
    site.controller.wait_for("the policy works", |_| {
        let probe = json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": {"password": "right"},
            "metadata": {"name": "probe", "namespace": site.apps},
        });
        let probe = site.api().apply(&probe);
        (probe["data"]["password"] == base64("wrong")).then_some(())
    });
    site.api()
        .apply(&site.sealed("db", &[("password", "right")]));
    let message = site.condition("db", "Ready", "False", "Contested");
    assert!(message.contains("policy or webhook"), "{message}");
    let version = |secret: &Value| secret["metadata"]["resourceVersion"].clone();
    thread::sleep(Duration::from_secs(4));
    let before = version(&site.secret("db").body);
    // By now writes are at least four seconds apart.
    thread::sleep(Duration::from_secs(2));
    assert_eq!(version(&site.secret("db").body), before);
}
