//! The Secret is exactly what upstream's controller makes of the same SealedSecret, in whatever set-up.

use seal_api::Scope;
use seal_tests::{
    cluster::{Manifests, seal},
    keys::pem,
    programs::Program,
};
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site};

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

/// What a controller makes of all samples.
fn run(site: &Site) -> Vec<Value> {
    let samples = samples(site);
    for (sealed, before) in &samples {
        if let Some(before) = before {
            site.api().apply(before);
        }
        create(site, sealed);
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

fn create(site: &Site, sealed: &Value) {
    let created = site
        .api()
        .create(site.sealed_path("").trim_end_matches('/'), sealed);
    assert_eq!(created.status, 201, "{}", created.body);
}

#[test]
fn the_secret_is_what_upstream_makes_of_the_same_sealed_secret() {
    // Upstream's controller runs under its own manifests only.
    let theirs = run(&Site::of(
        Manifests::Chart,
        Program::UpstreamController,
        |setup| setup.args(["--kubeclient-qps=-1"]),
    ));
    for manifests in EVERYWHERE {
        let ours = run(&Site::new(manifests));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{manifests:?}");
        }
        assert_eq!(ours.len(), theirs.len());
    }
}

/// The statuses of what is in order, what is refused and what is tried again, without times.
fn statuses(site: &Site) -> Vec<Value> {
    let mut moved = site.sealed("other", &[("a", "b")]);
    moved["metadata"]["name"] = "moved".into();
    let foreign = seal(&pem("rsa-3072.crt"), &site.apps, "keyless", &[("a", "b")]);
    let mut broken = site.sealed("broken", &[("a", "b")]);
    broken["spec"]["encryptedData"]["a"] = "AgB=".into();
    let samples = [
        (site.sealed("db", &[("a", "b")]), "Unsealed"),
        (moved, "SealedForAnotherName"),
        (foreign, "UnknownKey"),
        (broken, "MalformedItem"),
    ];
    let statuses = samples.map(|(sealed, reason)| {
        create(site, &sealed);
        let name = metadata_name(&sealed);
        let status = if reason == "Unsealed" {
            "True"
        } else {
            "False"
        };
        site.condition(name, "Ready", status, reason);
        let mut status = site.api().get(&site.sealed_path(name)).body["status"].take();
        for condition in status["conditions"].as_array_mut().expect("there are some") {
            let condition = condition.as_object_mut().expect("it is an object");
            for time in ["lastUpdateTime", "lastTransitionTime"] {
                assert!(condition.remove(time).is_some(), "{condition:?}");
            }
        }
        let text = status.to_string().replace(&site.apps, "apps");
        serde_json::from_str(&text).expect("it still is JSON")
    });
    statuses.into()
}

#[test]
fn the_status_is_the_same_under_upstreams_definition_but_for_what_it_prunes() {
    let mut ours = statuses(&Site::new(Manifests::Ours));
    let pruned = statuses(&Site::new(Manifests::Chart));
    for status in &mut ours {
        let generation = status["observedGeneration"].clone();
        if let Some(status) = status.as_object_mut() {
            status.remove("record");
        }
        for condition in status["conditions"].as_array_mut().expect("there are some") {
            let condition = condition.as_object_mut().expect("it is an object");
            let observed = condition.remove("observedGeneration");
            assert_eq!(observed, Some(generation.clone()));
        }
    }
    assert_eq!(ours, pruned);
}
