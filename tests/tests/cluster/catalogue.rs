//! What went wrong with such controllers in production, where it is not tested with what it is about.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{
        Controller, Fault, Manifests, Proxy, Setup, find_condition, install, kustomized, namespace,
        seal, sealed_secret, shared,
    },
    control_plane::{Answer, ControlPlane},
    health::verdicts,
    programs::Program,
};
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base, base64, put_key};

/// No answer may say it.
const MARKER: &str = "MARKER-27ad";

/// What clients of one namespace can ask `/v1/verify` in parallel.
const CLIENTS: usize = 4;

#[test]
fn a_flood_of_requests_does_not_hold_up_sealed_secrets() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        let slowest = |prefix: &str| {
            let times = (0..10).map(|number| {
                let name = format!("{prefix}-{number}");
                let begun = Instant::now();
                site.api().apply(&site.sealed(&name, &[("password", "x")]));
                site.secret_that(&name, "is made", |_| true);
                begun.elapsed()
            });
            times.max().expect("there are some")
        };
        // The Service knows the pod.
        site.controller.certificate();
        let quiet = slowest("quiet");
        let flooding = AtomicBool::new(true);
        let (answered, denied) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let object = site.sealed("flood", &[("password", "x")]);
        let path = site.controller.service_path("/v1/verify");
        let api = site.api();
        let flooded = thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    while flooding.load(Ordering::Relaxed) {
                        let answer = api.create(&path, &object);
                        let count = if answer.status == 429 {
                            &denied
                        } else {
                            &answered
                        };
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // A panic must not leave the others without an end.
            let flooded =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| slowest("flooded")));
            flooding.store(false, Ordering::Relaxed);
            flooded
        });
        let flooded = flooded.expect("all are made");
        let (answered, denied) = (answered.into_inner(), denied.into_inner());
        assert!(
            denied > 10 * answered.max(1),
            "{denied} denied, {answered} answered"
        );
        assert!(
            flooded < quiet + Duration::from_secs(1),
            "{quiet:?} without, {flooded:?} with a flood"
        );
        assert_eq!(site.controller.liveness().status, 200);
    }
}

#[test]
fn templates_and_types_tell_a_caller_nothing_of_the_values() {
    for manifests in EVERYWHERE {
        let site = Site::with(manifests, |setup| {
            setup.args(["--rate-limit=1000", "--rate-limit-burst=1000"])
        });
        // The Service knows the pod.
        site.controller.certificate();
        let ask = |path: &str, object: &Value| -> Answer {
            site.api()
                .create(&site.controller.service_path(path), object)
        };
        let render = format!("{{{{ if eq .a \"{MARKER}\" }}}}yes{{{{ end }}}}");
        let templates = [
            json!({"type": "kubernetes.io/dockerconfigjson"}),
            json!({"type": "kubernetes.io/tls"}),
            json!({"type": "kubernetes.io/service-account-token"}),
            json!({"type": "bootstrap.kubernetes.io/token", "immutable": true}),
            json!({"data": {"guess": render, "copy": "{{ .a }}", "fails": "{{ fail .a }}", "broken": "{{"}}),
            json!({"metadata": {"labels": {"guess": "{{ .a }}"}, "annotations": {"sealedsecrets.bitnami.com/managed": "true"}}}),
        ];
        let key = |template: &Value| match template["type"].as_str() {
            Some("kubernetes.io/dockerconfigjson") => ".dockerconfigjson",
            Some("kubernetes.io/tls") => "tls.crt",
            _ => "a",
        };
        for template in &templates {
            // A value that fits, one that does not, and one that the template asks about.
            for value in ["{\"auths\":{}}", "{", MARKER] {
                let mut object = site.sealed("db", &[(key(template), value)]);
                object["spec"]["template"] = template.clone();
                object["spec"]["template"]["metadata"]["name"] = "db".into();
                let verified = ask("/v1/verify", &object);
                assert_eq!(verified.status, 200, "{template} {value}");
                let rotated = ask("/v1/rotate", &object);
                assert_eq!(rotated.status, 200, "{template} {value}");
                let said = &rotated.body["spec"]["template"];
                for field in ["type", "data", "immutable"] {
                    assert_eq!(said[field], template[field], "{value}");
                }
                let guess = &template["metadata"]["labels"];
                assert_eq!(&said["metadata"]["labels"], guess, "{value}");
                // The template itself may ask for it.
                let items = rotated.body["spec"]["encryptedData"].to_string();
                assert!(!items.contains(MARKER) && !items.contains(&base64(MARKER)));
            }
            let mut widened = site.sealed("db", &[("a", MARKER)]);
            widened["spec"]["template"] = template.clone();
            let mut foreign = widened.clone();
            widened["metadata"]["annotations"] =
                json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
            foreign["metadata"]["name"] = "other".into();
            let mut broken = widened.clone();
            broken["spec"]["encryptedData"]["a"] = "AgB=".into();
            let unlike = [&widened, &foreign, &broken].map(|object| {
                let (verified, rotated) = (ask("/v1/verify", object), ask("/v1/rotate", object));
                assert_eq!((verified.status, rotated.status), (409, 500), "{object}");
                (verified, rotated)
            });
            assert_eq!(unlike[0], unlike[1], "{template}");
            assert_eq!(unlike[0], unlike[2], "{template}");
        }
        assert!(!site.controller.log().contains(MARKER));
    }
}

#[test]
fn a_backup_restored_with_new_uids_keeps_its_secrets_in_whatever_order_it_comes() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        for (name, secret_first) in [("sealed-first", false), ("secret-first", true)] {
            let sealed = site.sealed(name, &[("password", "x")]);
            site.api().apply(&sealed);
            site.synced(name);
            let mut backup = site.secret(name).body;
            let old = backup["metadata"]["ownerReferences"][0]["uid"].clone();
            for field in [
                "uid",
                "resourceVersion",
                "creationTimestamp",
                "managedFields",
            ] {
                backup["metadata"]
                    .as_object_mut()
                    .expect("it is an object")
                    .remove(field);
            }
            // The cluster is lost.
            site.api().delete(&site.sealed_path(name));
            // The garbage collector looks for new kinds twice a minute.
            let limit = Duration::from_secs(90);
            site.controller
                .wait_for_within(limit, "both are gone", |_| {
                    let gone = site.api().get(&site.sealed_path(name)).status == 404
                        && site.secret(name).status == 404;
                    gone.then_some(())
                });
            let collection = site.secret_path("");
            let restore_secret = || {
                let answer = site.api().create(collection.trim_end_matches('/'), &backup);
                // What is made already is left alone by a restore.
                assert!([201, 409].contains(&answer.status), "{}", answer.body);
            };
            if secret_first {
                restore_secret();
                site.api().apply(&sealed);
            } else {
                site.api().apply(&sealed);
                restore_secret();
            }
            let uid = site.api().get(&site.sealed_path(name)).body["metadata"]["uid"].clone();
            assert_ne!(uid, old);
            let is_adopted = |secret: &Value| {
                secret["metadata"]["ownerReferences"][0]["uid"] == uid
                    && secret["data"]["password"] == base64("x")
            };
            site.secret_that(name, "has its new owner", is_adopted);
            site.synced(name);
            // The garbage collector had its time.
            thread::sleep(Duration::from_secs(3));
            let adopted = site.secret_that(name, "has its new owner still", is_adopted);
            thread::sleep(Duration::from_secs(1));
            assert_eq!(
                site.secret(name).body["metadata"]["uid"],
                adopted["metadata"]["uid"]
            );
        }
    }
}

#[test]
fn secrets_without_owner_reference_stay_when_the_definition_and_the_controller_go() {
    for manifests in EVERYWHERE {
        let plane = ControlPlane::start();
        let (system, apps) = (namespace(&plane, "system"), namespace(&plane, "apps"));
        put_key(&plane, &system, "given", "rsa-2048");
        let installation = install(&plane, &base(manifests).namespace(&system));
        let mut controller = installation.run(Program::Controller);
        let certificate = controller.certificate();
        let skip = "sealedsecrets.bitnami.com/skip-set-owner-references";
        for name in ["kept", "owned", "first"] {
            let mut sealed = seal(&certificate, &apps, name, &[("password", "x")]);
            if name == "kept" {
                sealed["spec"]["template"]["metadata"]["annotations"] = json!({skip: "true"});
            }
            plane.api().apply(&sealed);
            controller.wait_for_condition(&apps, name, "Synced", "True");
        }
        let secret = |name: &str| {
            let path = format!("/api/v1/namespaces/{apps}/secrets/{name}");
            plane.api().get(&path)
        };
        let goes = |name: &str, controller: &Controller<'_>| {
            let limit = Duration::from_secs(60);
            controller.wait_for_within(limit, "the Secret goes with its owner", |_| {
                (secret(name).status == 404).then_some(())
            });
        };
        // The garbage collector knows SealedSecrets.
        plane.api().delete(&sealed_secret(&apps, "first"));
        goes("first", &controller);
        let before = secret("kept").body;
        let crd =
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com";
        assert_eq!(plane.api().delete(crd).status, 200);
        controller.wait_for("the definition is gone", |_| {
            (plane.api().get(crd).status == 404).then_some(())
        });
        goes("owned", &controller);
        assert_eq!(controller.liveness().status, 200);
        let path = plane
            .api()
            .path("apps/v1", "Deployment", &system, installation.name());
        assert_eq!(plane.api().delete(&path).status, 200);
        let ended = controller.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        assert_eq!(secret("kept").body, before);
    }
}

#[test]
fn who_is_told_to_stop_before_it_knows_what_there_is_says_nothing_of_work_that_it_broke_off() {
    let plane = shared(Manifests::Ours);
    let (system, apps) = (namespace(plane, "system"), namespace(plane, "apps"));
    let proxy = Proxy::start(plane);
    let setup = Setup::ours()
        .namespace(&system)
        .watching([&system, &apps])
        .args([format!("--kubeconfig={}", proxy.kubeconfig().display())]);
    proxy.misbehave(|asked| asked.is_list().then_some(Fault::Silence));
    let installation = install(plane, &setup);
    let mut controller = Controller::start(installation.pod(), Program::Controller);
    controller.wait_for("it leads and waits for the lists", |controller| {
        let leads = controller.log().contains("this replica leads");
        (leads && proxy.faults() >= 3).then_some(())
    });
    let ended = controller.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(
        ended.log.contains("the lead was given back"),
        "{}",
        ended.log
    );
    assert!(!ended.log.contains("in the middle"), "{}", ended.log);
}

#[test]
fn labels_of_whoever_deploys_the_sealed_secret_are_not_copied_to_the_secret() {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        let mut sealed = site.sealed("db", &[("password", "x")]);
        sealed["metadata"]["labels"] =
            json!({"app.kubernetes.io/instance": "shop", "argocd.argoproj.io/instance": "shop"});
        sealed["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] =
            format!("shop:bitnami.com/SealedSecret:{}/db", site.apps).into();
        sealed["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] = "Prune=true".into();
        sealed["spec"]["template"]["metadata"]["labels"] = json!({"declared": "yes"});
        site.api().apply(&sealed);
        site.synced("db");
        let metadata = |site: &Site| {
            let metadata = site.secret("db").body["metadata"].clone();
            let declared = metadata["labels"].clone();
            (declared, metadata["annotations"].to_string())
        };
        let (labels, annotations) = metadata(&site);
        assert_eq!(labels, json!({"declared": "yes"}));
        assert!(!annotations.contains("argocd"), "{annotations}");
        // Nor where they come later, with a change of the spec.
        let mut next = sealed.clone();
        next["metadata"]["labels"]["late"] = "x".into();
        next["spec"]["template"]["metadata"]["labels"] = json!({"declared": "again"});
        site.api().apply(&next);
        site.secret_that("db", "has the label", |secret| {
            secret["metadata"]["labels"] == json!({"declared": "again"})
        });
        assert!(!metadata(&site).1.contains("argocd"));
    }
}

#[test]
fn without_any_right_for_the_cluster_it_works_and_says_of_each_that_is_missing_once() {
    for manifests in EVERYWHERE {
        let mut roles = BTreeSet::new();
        let mut site = Site::with(manifests, |setup| {
            let setup = setup.namespaced_roles();
            let objects = setup.objects();
            let kinds = objects.iter().filter_map(|object| object["kind"].as_str());
            roles.extend(
                kinds
                    .filter(|kind| kind.starts_with("ClusterRole"))
                    .map(str::to_owned),
            );
            setup
        });
        assert_eq!(roles, BTreeSet::new());
        site.with_db("x");
        site.synced("db");
        thread::sleep(Duration::from_secs(3));
        assert_none_repeated(&site);

        // A namespace in which there is no right at all.
        let bindings = format!(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
            site.apps
        );
        let all = site.api().get(&bindings).body;
        for binding in all["items"].as_array().expect("it is a list") {
            let name = binding["metadata"]["name"].as_str().expect("it has a name");
            site.api().delete(&format!("{bindings}/{name}"));
        }
        let before = site.controller.log().len();
        site.controller.restart();
        // SealedSecrets and Secrets.
        let missing = |log: &str| log[before..].matches("no right to list and watch").count();
        site.controller.wait_for("it is said", |controller| {
            (missing(&controller.log()) >= 2).then_some(())
        });
        thread::sleep(Duration::from_secs(6));
        let log = site.controller.log();
        assert_eq!(missing(&log), 2, "{log}");
        assert!(!log[before..].contains("is forbidden"), "{log}");
        // The other one is worked in as before.
        let object = seal(&site.certificate, &site.system, "db", &[("password", "x")]);
        site.api().apply(&object);
        site.controller.wait_for_secret(&site.system, "db");
    }
}

/// Checks that no warning was written twice.
#[track_caller]
fn assert_none_repeated(site: &Site) {
    let log = site.controller.log();
    let mut counts = BTreeMap::<String, usize>::new();
    for line in log
        .lines()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"))
    {
        // Without the time.
        let line = line
            .split_once("WARN")
            .or_else(|| line.split_once("ERROR"))
            .expect("it has one")
            .1;
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    let repeated: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(repeated.is_empty(), "{repeated:#?}");
}

#[test]
fn every_state_the_controller_writes_is_read_as_it_is_meant() {
    crate::faults::everywhere(|site, proxy| {
        site.api()
            .apply(&site.sealed("ready", &[("password", "x")]));
        site.synced("ready");

        let mut moved = site.sealed("elsewhere", &[("password", "x")]);
        moved["metadata"]["name"] = "stalled".into();
        site.api().apply(&moved);
        site.stalled("stalled", "SealedForAnotherName");

        // One that was right, and is changed to what does not open.
        site.api()
            .apply(&site.sealed("broken", &[("password", "x")]));
        site.synced("broken");
        moved["metadata"]["name"] = "broken".into();
        site.api().apply(&moved);
        site.stalled("broken", "SealedForAnotherName");

        site.api().apply(&site.sealed("kept", &[("password", "x")]));
        site.synced("kept");
        proxy.misbehave(|asked| {
            let is_meant =
                asked.path.ends_with("/secrets/new") || asked.path.ends_with("/secrets/kept");
            is_meant.then(|| Fault::status(500, "InternalError"))
        });
        site.api().apply(&site.sealed("new", &[("password", "x")]));
        site.api().delete(&site.secret_path("kept"));
        for name in ["new", "kept"] {
            site.condition(name, "Reconciling", "True", "Retrying");
        }
        let expected = [
            ("ready", "Current", "Healthy"),
            ("stalled", "Failed", "Degraded"),
            ("broken", "Failed", "Degraded"),
            // One that never was right shows why not.
            ("new", "InProgress", "Degraded"),
            ("kept", "InProgress", "Healthy"),
        ];
        let objects = expected.map(|(name, ..)| site.api().get(&site.sealed_path(name)).body);
        for ((name, kstatus, argo), found) in expected.iter().zip(verdicts(&objects)) {
            let verdict = (found.kstatus.as_str(), found.argo.as_str());
            assert_eq!(verdict, (*kstatus, *argo), "{name}");
        }
        // Argo CD shows why.
        let shown = &verdicts(&objects[1..2])[0].argo_message;
        let ready = find_condition(&objects[1], "Synced").expect("it has it");
        assert_eq!(*shown, ready["message"], "{shown}");
        proxy.behave();
        for name in ["new", "kept"] {
            site.condition(name, "Ready", "True", "Unsealed");
        }
        let healed = ["new", "kept"].map(|name| site.api().get(&site.sealed_path(name)).body);
        for found in verdicts(&healed) {
            assert_eq!(
                (found.kstatus.as_str(), found.argo.as_str()),
                ("Current", "Healthy")
            );
        }
    });
}

#[test]
fn with_the_registry_gone_the_manifests_need_one_image_which_comes_from_a_mirror_by_its_digest() {
    const DOCUMENT: &str = include_str!("../../../docs/registry-outage.md");
    let (_, rest) = DOCUMENT
        .split_once("```yaml\n")
        .expect("it shows a kustomization");
    let (kustomization, _) = rest.split_once("```").expect("it ends");
    let objects = kustomized(kustomization);
    let text = serde_json::to_string(&objects).expect("they are JSON");
    let expected = format!(
        "mirror.internal/seal-controller@sha256:{}",
        "0123456789abcdef".repeat(4)
    );
    let images: Vec<&str> = text.split("\"image\":\"").skip(1).collect();
    assert_eq!(images.len(), 1, "{text}");
    assert!(images[0].starts_with(&format!("{expected}\"")), "{text}");
    assert!(!text.contains("://"), "{text}");
    // A kubelet that has it asks nobody.
    assert!(!text.contains("imagePullPolicy"), "{text}");

    assert!(DOCUMENT.contains("--set image.tag=v0.1.0@sha256:DIGEST"));
    let (_, digest) = expected.split_once('@').expect("it has a digest");
    let chart = Setup::chart()
        .value("image.registry", "mirror.internal".into())
        .value("image.repository", "seal-controller".into())
        .value("image.tag", format!("v0.1.0@{digest}").into())
        .objects();
    let text = serde_json::to_string(&chart).expect("they are JSON");
    let image = format!("\"image\":\"mirror.internal/seal-controller:v0.1.0@{digest}\"");
    assert_eq!(text.matches(&image).count(), 1, "{text}");
    assert_eq!(text.matches("\"image\":").count(), 1, "{text}");
}
