//! Upstream's Deployments with nothing but the image changed, and changed back. With objects in every state, and with our
//! manifests, it is `switching.rs`.

use seal_tests::{
    cluster::{Controller, Installation, Setup, install, namespace, seal},
    control_plane::ControlPlane,
    programs::Program,
};
use serde_json::{Value, json};

#[test]
fn ours_takes_over_from_upstream_and_hands_back_under_its_chart() {
    changes_and_changes_back(&Setup::chart());
}

#[test]
fn ours_takes_over_from_upstream_and_hands_back_under_its_static_manifest() {
    changes_and_changes_back(&Setup::upstream_static());
}

fn changes_and_changes_back(setup: &Setup) {
    let plane = ControlPlane::start();
    let installation = install(&plane, setup);
    let shop = namespace(&plane, "shop");
    let upstream = installation.run(Program::UpstreamController);
    let certificate = upstream.certificate();
    let first = unseals(&upstream, &certificate, &shop, "first");

    let ours = rolled_out(&installation, Program::Controller);
    // Both run beside each other until the old pod is told to end.
    ends(upstream);
    assert_eq!(ours.certificate(), certificate);
    unseals(&ours, &certificate, &shop, "second");
    ours.wait_for_condition(&shop, "first", "Synced", "True");
    assert_eq!(secret(&plane, &shop, "first"), first);

    let upstream = rolled_out(&installation, Program::UpstreamController);
    ends(ours);
    assert_eq!(upstream.certificate(), certificate);
    unseals(&upstream, &certificate, &shop, "third");
    upstream.wait_for_condition(&shop, "second", "Synced", "True");
    assert_eq!(secret(&plane, &shop, "first")["data"], first["data"]);
}

/// Changes the image, and takes the pod that comes of it.
fn rolled_out<'p>(installation: &Installation<'p>, program: Program) -> Controller<'p> {
    installation.set_image(program.name());
    installation.run(program)
}

fn unseals(controller: &Controller<'_>, certificate: &str, namespace: &str, name: &str) -> Value {
    let mut sealed = seal(certificate, namespace, name, &[("user", "alice")]);
    sealed["spec"]["template"]["metadata"]["labels"] = json!({"app": "db"});
    let plane = controller.pod().plane();
    plane.api().apply(&sealed);
    controller.wait_for_secret(namespace, name);
    controller.wait_for_condition(namespace, name, "Synced", "True");
    let secret = secret(plane, namespace, name);
    assert_eq!(secret["data"], json!({"user": "YWxpY2U="}));
    assert_eq!(secret["metadata"]["labels"], json!({"app": "db"}));
    assert_eq!(secret["metadata"]["annotations"], Value::Null);
    let owner = &secret["metadata"]["ownerReferences"][0];
    assert_eq!(owner["controller"], true);
    assert_eq!(owner["name"], *name);
    secret
}

fn secret(plane: &ControlPlane, namespace: &str, name: &str) -> Value {
    let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
    plane.api().get(&path).body
}

fn ends(mut controller: Controller<'_>) {
    let ended = controller.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}
