//! The key of the records that may not be read, or not be made, and then may.

use std::time::Duration;

use seal_tests::cluster::{Fault, Manifests, Proxy, find_condition, shared};
use serde_json::json;

use crate::site::{EVERYWHERE, Site};

/// The longest wait before it is asked for again, and some more for what is done then.
const NOTICED: Duration = Duration::from_secs(60);
const OPERATIONS: &str = "seal_controller_private_key_operations_total";
const NAMES: [&str; 3] = ["a", "b", "c"];
const KEY: &str = "sealed-secrets-controller-record-key";

fn is_off(site: &Site, feature: &str) -> bool {
    let series = format!("seal_controller_feature_off{{feature=\"{feature}\"}}");
    site.controller.metric(&series) == Some(1.0)
}

#[track_caller]
fn assert_unrecorded(site: &Site) {
    for name in NAMES {
        site.synced(name);
        let object = site.api().get(&site.sealed_path(name)).body;
        assert!(object["status"]["record"].is_null(), "{object}");
    }
}

#[test]
fn the_right_to_the_key_of_the_records_that_is_given_is_noticed_and_what_is_right_is_recorded_without_opening()
 {
    for manifests in EVERYWHERE {
        let proxy = Proxy::start(shared(manifests));
        let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
        let forbidden = || Some(Fault::status(403, "Forbidden"));
        proxy.misbehave(move |asked| asked.path.ends_with(KEY).then(forbidden).flatten());
        let mut site = Site::with(manifests, |setup| setup.args([kubeconfig]));
        let made = format!("/namespaces/{}/secrets", site.system);
        for name in NAMES {
            site.api().apply(&site.sealed(name, &[("password", "x")]));
        }
        assert_unrecorded(&site);
        assert!(is_off(&site, "record-key"));
        // It may be read, and there is none; it may not be made.
        proxy.misbehave(move |asked| {
            let is_made = asked.method == "POST" && asked.path.ends_with(&made);
            is_made.then(forbidden).flatten()
        });
        let before = proxy.faults();
        let path = format!("/api/v1/namespaces/{}/secrets/{KEY}", site.system);
        if manifests == Manifests::Ours {
            site.controller
                .wait_for_within(NOTICED, "it is tried", |_| {
                    (proxy.faults() > before + 1).then_some(())
                });
            assert_unrecorded(&site);
            assert!(is_off(&site, "record-key"));
        }
        proxy.behave();
        site.controller
            .wait_for_within(NOTICED, "it is noticed", |_| {
                (!is_off(&site, "record-key")).then_some(())
            });
        if manifests == Manifests::Ours {
            for name in NAMES {
                site.recorded(name);
            }
        } else {
            // The Go project's resource definition keeps no records, and now this is what is missing.
            assert!(is_off(&site, "record"));
            assert_unrecorded(&site);
            assert_eq!(site.api().get(&path).status, 404);
        }
        assert_eq!(site.controller.metric(OPERATIONS), Some(3.0));
        let log = site.controller.log();
        assert_eq!(log.matches("so there is no key for records").count(), 1);
        if manifests == Manifests::Ours {
            site.controller.restart();
            for name in NAMES {
                site.synced(name);
            }
            assert_eq!(site.controller.metric(OPERATIONS), Some(0.0));
        }
    }
}

#[test]
fn a_secret_of_ours_that_only_its_record_proves_is_ours_again_when_the_key_of_the_records_can_be_read()
 {
    let proxy = Proxy::start(shared(Manifests::Ours));
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let mut site = Site::with(Manifests::Ours, |setup| setup.args([kubeconfig]));
    let mut sealed = site.sealed("db", &[("password", "x")]);
    sealed["spec"]["template"]["metadata"]["annotations"] =
        json!({"sealedsecrets.bitnami.com/skip-set-owner-references": "true"});
    site.api().apply(&sealed);
    site.synced("db");
    site.recorded("db");
    proxy.misbehave(|asked| {
        let fails = || Fault::status(500, "InternalError");
        asked.path.ends_with(KEY).then(fails)
    });
    // The controller gives up to wait for the key before it is ready.
    site.controller.restart();
    site.stalled("db", "NotManaged");
    // Also when nothing more is heard of it.
    let before = proxy.faults();
    site.controller
        .wait_for_within(NOTICED, "it is asked for again and again", |_| {
            (proxy.faults() >= before + 2).then_some(())
        });
    proxy.behave();
    site.controller
        .wait_for_within(NOTICED, "it is ours again", |_| {
            let object = site.api().get(&site.sealed_path("db")).body;
            let synced = find_condition(&object, "Synced")?;
            (synced["status"] == "True").then_some(())
        });
}
