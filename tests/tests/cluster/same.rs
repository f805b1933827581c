//! The Secret is exactly what upstream's controller makes of the same SealedSecret, and they hand it to each other.

use seal_api::Scope;
use seal_tests::{cluster::Manifests, programs::Program};
use serde_json::{Value, json};

use crate::site::{Site, base64};

/// Everything of a Secret but what the API server adds and what names the object.
fn made(site: &Site, secret: &Value) -> Value {
    let name = metadata_name(secret).to_owned();
    let mut secret = secret.clone();
    let metadata = secret["metadata"].as_object_mut().expect("it has metadata");
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "namespace",
    ] {
        metadata.remove(field);
    }
    if let Some(owner) = metadata.get_mut("ownerReferences") {
        let path = site.sealed_path(&name);
        let uid = site.api().get(&path).body["metadata"]["uid"].clone();
        assert_eq!(owner[0]["uid"], uid);
        owner[0]["uid"] = "the owner's".into();
    }
    secret
}

fn metadata_name(secret: &Value) -> &str {
    secret["metadata"]["name"].as_str().expect("it has a name")
}

/// SealedSecrets with all that users rely on, and the Secrets that are there before.
fn samples(site: &Site) -> Vec<(Value, Option<Value>)> {
    let plain =
        |name: &str| site.sealed(name, &[("user", "alice"), ("password", "p\u{e4}ss\nword")]);
    let with = |name: &str, path: &str, value: Value| {
        let mut sealed = plain(name);
        *sealed
            .pointer_mut(path)
            .unwrap_or_else(|| panic!("{path} is there")) = value;
        sealed
    };
    let before = |name: &str, annotations: Value| {
        Some(json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": {"theirs": "x", "user": "bob"},
            "metadata": {"name": name, "namespace": site.apps, "labels": {"theirs": "x", "app": "old"}, "annotations": annotations},
        }))
    };
    let template = |name: &str, template: Value| with(name, "/spec/template", template);
    let full = json!({
        "metadata": {
            "name": "another", "namespace": "another", "labels": {"app": "db"},
            "annotations": {"note": "x"}, "creationTimestamp": null, "finalizers": ["example.com/hold"],
        },
        "type": "example.com/kind", "immutable": true,
        "data": {"plain": "text", "user": "not taken", "empty": ""},
    });
    let managed = "sealedsecrets.bitnami.com/managed";
    let patch = "sealedsecrets.bitnami.com/patch";
    let skip = "sealedsecrets.bitnami.com/skip-set-owner-references";
    vec![
        (plain("plain"), None),
        (template("full", full), None),
        (template("no-template", Value::Null), None),
        (
            template("no-metadata", json!({"type": "kubernetes.io/basic-auth"})),
            None,
        ),
        (
            site.sealed_for(Scope::NamespaceWide, "wide", &[("a", "b")]),
            None,
        ),
        (
            site.sealed_for(Scope::ClusterWide, "wider", &[("a", "b")]),
            None,
        ),
        (site.sealed("empty-value", &[("a", "")]), None),
        (
            template("managed", json!({"metadata": {"labels": {"app": "db"}}})),
            before("managed", json!({managed: "true", "note": "y"})),
        ),
        (
            template("patched", json!({"metadata": {"labels": {"app": "db"}}})),
            before("patched", json!({patch: "true", "note": "y"})),
        ),
        (
            template(
                "both",
                json!({"metadata": {"annotations": {managed: "true", patch: "true"}}}),
            ),
            before("both", json!({managed: "true", patch: "true"})),
        ),
        (
            template(
                "unowned",
                json!({"metadata": {"annotations": {skip: "true", managed: "true"}}}),
            ),
            None,
        ),
        (
            template(
                "owned-by-template",
                json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}]}}),
            ),
            None,
        ),
    ]
}

fn run(site: &Site) -> Vec<Value> {
    let samples = samples(site);
    for (sealed, before) in &samples {
        if let Some(before) = before {
            site.api().apply(before);
        }
        let created = site
            .api()
            .create(site.sealed_path("").trim_end_matches('/'), sealed);
        assert_eq!(created.status, 201, "{}", created.body);
    }
    let names = samples
        .iter()
        .map(|(sealed, _)| metadata_name(sealed).to_owned());
    names
        .map(|name| {
            site.controller
                .wait_for_condition(&site.apps, &name, "Synced", "True");
            made(site, &site.secret(&name).body)
        })
        .collect()
}

#[test]
fn the_secret_is_what_upstream_makes_of_the_same_sealed_secret() {
    let ours = run(&Site::new(Manifests::Chart));
    let theirs = run(&Site::of(
        Manifests::Chart,
        Program::UpstreamController,
        |setup| setup.args(["--kubeclient-qps=-1"]),
    ));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn controllers_take_over_from_each_other_and_back_with_nothing_rewritten() {
    let mut site = Site::of(Manifests::Chart, Program::UpstreamController, |setup| {
        setup.args(["--kubeclient-qps=-1"])
    });
    site.with_db("one");
    site.api()
        .apply(&site.sealed_for(Scope::ClusterWide, "wide", &[("a", "b")]));
    let mut moved = site.sealed("other", &[("a", "b")]);
    moved["metadata"]["name"] = "broken".into();
    site.api().apply(&moved);
    let settled = |site: &Site| {
        site.controller
            .wait_for_condition(&site.apps, "db", "Synced", "True");
        site.controller
            .wait_for_condition(&site.apps, "wide", "Synced", "True");
        site.controller
            .wait_for_condition(&site.apps, "broken", "Synced", "False");
    };
    settled(&site);
    let versions = |site: &Site| {
        ["db", "wide"].map(|name| site.secret(name).body["metadata"]["resourceVersion"].clone())
    };
    for (number, program) in [
        Program::Controller,
        Program::UpstreamController,
        Program::Controller,
    ]
    .into_iter()
    .enumerate()
    {
        let before = versions(&site);
        site.controller.replace(program);
        let value = format!("value-{number}");
        let data = base64(&value);
        site.api()
            .apply(&site.sealed("db", &[("password", &value)]));
        site.secret_that("db", "has the new value", |secret| {
            secret["data"]["password"] == data
        });
        settled(&site);
        if program == Program::Controller {
            // What was right before is not written again.
            assert_eq!(versions(&site)[1], before[1]);
            site.stalled("broken", "SealedForAnotherName");
        }
    }
}
