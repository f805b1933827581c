//! `seal migrate`: what would be different is told before, and what is ours is taken out after.

use seal_tests::{
    cluster::{Manifests, find_condition},
    control_plane::ControlPlane,
    health::verdicts,
    programs::Program,
    run::Run,
    scratch::Scratch,
};
use serde_json::json;

use crate::site::{EVERYWHERE, Site, base64, key_secret};

/// `seal migrate` in a cluster.
pub(crate) fn seal(plane: &ControlPlane, scratch: &Scratch, arguments: &[&str]) -> Run {
    Run::new(scratch, Program::Seal)
        .arg("migrate")
        .args(arguments)
        .args(["--context", "seal-control-plane", "--kubeconfig"])
        .arg(plane.kubeconfig())
}

#[test]
fn a_check_under_upstream_lists_what_would_be_different_and_changes_nothing() {
    // It is made before a switch, and so under upstream's manifests.
    let site = Site::of(Manifests::Chart, Program::UpstreamController, |setup| {
        setup.args(["--kubeclient-qps=-1"])
    });
    let scratch = Scratch::new();
    let check = [
        "check",
        "--namespace",
        &site.apps,
        "--controller-name",
        "sealed-secrets-controller",
        "--controller-namespace",
        &site.system,
    ];
    site.with_db("x");
    let run = seal(site.controller.pod().plane(), &scratch, &check).finish();
    run.exits(0)
        .says("1 SealedSecrets; nothing would be different");

    let mut rendered = site.sealed("rendered", &[("password", "x")]);
    rendered["spec"]["template"]["data"] =
        json!({"made": "{{ .password }} in {{ now | date `2006` }}"});
    site.api().apply(&rendered);
    let mut token = site.sealed("token", &[("a", "b")]);
    token["spec"]["template"]["type"] = "bootstrap.kubernetes.io/token".into();
    site.api().apply(&token);
    let mut unowned = site.sealed("unowned", &[("a", "b")]);
    unowned["spec"]["template"]["metadata"]["annotations"] =
        json!({"sealedsecrets.bitnami.com/skip-set-owner-references": "true"});
    site.api().apply(&unowned);
    let edited = json!({"data": {"password": base64("edited-by-hand")}});
    site.api().patch(&site.secret_path("db"), &edited);
    let small = key_secret(&site.system, "small", "rsa-1024");
    site.api().apply(&small);
    site.controller
        .wait_for_condition(&site.apps, "rendered", "Synced", "True");
    let before = site.api().get(&site.sealed_path("rendered")).body;

    let run = seal(site.controller.pod().plane(), &scratch, &check).finish();
    let run = run.exits(3).never_shows("edited-by-hand");
    for said in [
        format!(
            "Secret {}/small: UnsupportedKey: this key would not be used",
            site.system
        ),
        format!(
            "SealedSecret {}/rendered: TemplateFunctionMissing:",
            site.apps
        ),
        format!("SealedSecret {}/token: TypeNotAllowed:", site.apps),
        format!("SealedSecret {}/unowned: NotManaged:", site.apps),
        format!("SealedSecret {}/db: its Secret was changed by", site.apps),
    ] {
        assert!(run.out().contains(&said), "{said}\n{}", run.out());
    }
    let json = [&check[..], &["--format", "json"]].concat();
    let run = seal(site.controller.pod().plane(), &scratch, &json)
        .finish()
        .exits(3);
    assert!(
        run.out().contains("\"reason\":\"TypeNotAllowed\""),
        "{}",
        run.out()
    );
    assert_eq!(site.api().get(&site.sealed_path("rendered")).body, before);
}

#[test]
fn going_back_leaves_statuses_that_kstatus_and_argo_read_as_upstreams() {
    for manifests in EVERYWHERE {
        goes_back(Site::new(manifests));
    }
}

fn goes_back(mut site: Site) {
    site.with_db("x");
    let mut moved = site.sealed("other", &[("a", "b")]);
    moved["metadata"]["name"] = "moved".into();
    site.api().apply(&moved);
    site.synced("db");
    site.stalled("moved", "SealedForAnotherName");
    site.controller.stop();
    let scratch = Scratch::new();
    let back = ["back", "--namespace", &site.apps, "--format", "text"];
    let dry = [&back[..], &["--dry-run"]].concat();
    let run = seal(site.controller.pod().plane(), &scratch, &dry)
        .finish()
        .exits(0);
    assert!(
        run.out()
            .contains(&format!("{}/db would be changed", site.apps)),
        "{}",
        run.out()
    );
    seal(site.controller.pod().plane(), &scratch, &back)
        .finish()
        .exits(0)
        .says("2 statuses changed");
    seal(site.controller.pod().plane(), &scratch, &back)
        .finish()
        .exits(0)
        .says("0 statuses changed");
    let objects = ["db", "moved"].map(|name| site.api().get(&site.sealed_path(name)).body);
    for object in &objects {
        let conditions = object["status"]["conditions"]
            .as_array()
            .expect("there are some");
        assert_eq!(conditions.len(), 1);
        assert!(find_condition(object, "Synced").is_some_and(|synced| synced["reason"].is_null()));
    }
    // As under upstream, which has no condition that kstatus knows.
    let verdicts = verdicts(&objects);
    assert_eq!(verdicts[0].argo, "Healthy", "{verdicts:?}");
    assert_eq!(verdicts[1].argo, "Degraded", "{verdicts:?}");
    for verdict in &verdicts {
        assert_eq!(verdict.kstatus, "Current", "{verdicts:?}");
    }
}
