//! What upstream's manifests do not give: what needs it is off, said once, and nothing else suffers.

use std::{thread, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use seal_envelope::{KeySize, generate_key};
use seal_tests::{
    cluster::{Manifests, Setup, install, namespace, seal, sealed_secret, shared},
    health::verdicts,
    keys::pem,
    programs::Program,
    run::Run,
    scratch::Scratch,
};
use serde_json::json;

use crate::site::{EVERYWHERE, Site, base, key_secret_of, put_key};

const MAP: &str = "sealed-secrets-controller-certificate";

/// Checks that a feature is off, and that it was said once in each of so many starts.
#[track_caller]
fn assert_off(site: &Site, feature: &str, loss: &str, starts: usize) {
    let series = format!("seal_controller_feature_off{{feature=\"{feature}\"}}");
    site.controller.wait_for(&series, |controller| {
        controller.metric(&series).filter(|value| *value == 1.0)
    });
    let log = site.controller.log();
    assert_eq!(log.matches(loss).count(), starts, "{log}");
}

#[test]
fn without_the_right_to_write_config_maps_the_certificate_is_offered_over_http_only() {
    for manifests in [Manifests::Chart, Manifests::Static] {
        let mut site = Site::with(manifests, |setup| setup.args(["--key-size=2048"]));
        let loss = "no right to write ConfigMaps in the controller's namespace";
        let path = format!("/api/v1/namespaces/{}/configmaps/{MAP}", site.system);
        let off = |site: &Site, starts| {
            assert_off(site, "certificate-config-map", loss, starts);
            assert_eq!(site.api().get(&path).status, 404);
        };
        site.with_db("x");
        site.synced("db");
        off(&site, 1);

        // Nor is it said again with another certificate.
        let pid = i32::try_from(site.controller.pid()).expect("it is small");
        let pid = Pid::from_raw(pid).expect("it is not 0");
        kill_process(pid, Signal::USR1).expect("it runs");
        let newer = site
            .controller
            .wait_for("another key is served", |controller| {
                Some(controller.certificate())
                    .filter(|certificate| *certificate != site.certificate)
            });
        site.api()
            .apply(&seal(&newer, &site.apps, "newer", &[("a", "b")]));
        site.synced("newer");
        off(&site, 1);

        // `seal` goes on to the Service.
        let scratch = Scratch::new();
        Run::new(&scratch, Program::Seal)
            .args(["cert", "fetch", "--context", "seal-control-plane"])
            .args(["--controller-namespace", &site.system])
            .args(["--controller-name", service(&site), "-o", "cert.pem"])
            .arg("--kubeconfig")
            .arg(site.controller.pod().plane().kubeconfig())
            .finish()
            .exits(0);
        assert_eq!(scratch.read("cert.pem"), newer);

        site.controller.restart();
        site.synced("db");
        site.with_db("y");
        off(&site, 2);
    }
}

/// The name of the Service.
fn service(site: &Site) -> &'static str {
    let path = site.controller.service_path("");
    assert!(path.contains("http:sealed-secrets-controller:"), "{path}");
    "sealed-secrets-controller"
}

#[test]
fn with_our_manifests_nothing_is_off() {
    let site = Site::new(Manifests::Ours);
    site.with_db("x");
    let path = format!("/api/v1/namespaces/{}/configmaps/{MAP}", site.system);
    site.controller
        .wait_for_object(&path, "holds the certificate", |map| {
            map["data"]["tls.crt"] == *site.certificate
        });
    let metrics = site.controller.metrics();
    let off = metrics
        .lines()
        .find(|line| line.starts_with("seal_controller_feature_off{") && line.ends_with(" 1"));
    assert_eq!(off, None);
}

#[test]
fn without_the_right_to_watch_keys_they_are_found_within_half_a_minute() {
    // Upstream's chart with namespaced roles gives the right to list them.
    let plane = shared(Manifests::Chart);
    let (system, apps) = (namespace(plane, "system"), namespace(plane, "apps"));
    put_key(plane, &system, "given", "rsa-2048");
    let setup = Setup::chart()
        .namespace(&system)
        .watching([&apps])
        .namespaced_roles();
    let site = Site {
        controller: install(plane, &setup).run(Program::Controller),
        certificate: pem("rsa-2048.crt"),
        system,
        apps,
    };
    // What needs no key that comes goes on at once.
    site.with_db("x");
    site.synced("db");
    let loss = "no right to watch the Secrets of the controller's namespace";
    let now = Timestamp::now() + SignedDuration::from_secs(1);
    let key = generate_key(KeySize::Rsa2048, "", now, SignedDuration::from_hours(24))
        .expect("keys can be made");
    site.api()
        .apply(&key_secret_of(&key, &site.system, "newer"));
    let newer = key.certificate.to_pem();
    site.api()
        .apply(&seal(&newer, &site.apps, "newer", &[("a", "b")]));
    site.stalled("newer", "UnknownKey");
    let limit = Duration::from_secs(60);
    site.controller
        .wait_for_within(limit, "the key is found", |_| {
            (site.secret("newer").status == 200).then_some(())
        });
    site.synced("newer");
    assert_off(&site, "key-watch", loss, 1);

    let account = format!(
        "system:serviceaccount:{}:sealed-secrets-controller",
        site.system
    );
    let group = "rbac.authorization.k8s.io";
    let api_version = format!("{group}/v1");
    let metadata = json!({"name": "watch-keys", "namespace": site.system});
    site.api().apply(&json!({
        "apiVersion": api_version, "kind": "Role", "metadata": metadata,
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["watch"]}],
    }));
    site.api().apply(&json!({
        "apiVersion": api_version, "kind": "RoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "watch-keys"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": account}],
    }));
    let series = "seal_controller_feature_off{feature=\"key-watch\"}";
    site.controller
        .wait_for_within(limit, "the right is noticed", |controller| {
            controller.metric(series).filter(|value| *value == 0.0)
        });
}

#[test]
fn an_object_that_no_controller_has_seen_is_in_progress_for_kstatus_under_our_definition_only() {
    for manifests in EVERYWHERE {
        let plane = shared(manifests);
        let (system, apps) = (namespace(plane, "system"), namespace(plane, "apps"));
        let setup = base(manifests)
            .namespace(&system)
            .watching([&system, &apps]);
        // Installed, and not run.
        install(plane, &setup);
        let certificate = pem("rsa-2048.crt");
        plane
            .api()
            .apply(&seal(&certificate, &apps, "db", &[("password", "x")]));
        thread::sleep(Duration::from_secs(1));
        let object = plane.api().get(&sealed_secret(&apps, "db")).body;
        let found = &verdicts(&[object])[0];
        let kstatus = match manifests {
            Manifests::Ours => "InProgress",
            Manifests::Chart | Manifests::Static => "Current",
        };
        let verdict = (found.kstatus.as_str(), found.argo.as_str());
        assert_eq!(verdict, (kstatus, "Progressing"), "{manifests:?}");
    }
}
