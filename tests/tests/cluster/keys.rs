//! Keys that come, go, are broken, or lie where they do not belong.

use std::{
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use seal_envelope::{Certificate, KeySize, generate_key};
use seal_tests::{
    cluster::{Manifests, Setup, install, install_objects, namespace, seal, shared},
    keys::pem,
    programs::Program,
};
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64, key_secret, key_secret_of, put_key};

fn everywhere(test: impl Fn(&Site)) {
    for manifests in EVERYWHERE {
        test(&Site::new(manifests));
    }
}

fn key_id(certificate: &str) -> String {
    let certificate = Certificate::from_pem(certificate.as_bytes()).expect("it is a certificate");
    certificate.key_id().short()
}

#[test]
fn a_key_that_comes_later_opens_at_once_what_waited_for_it() {
    everywhere(|site| {
        let other = pem("rsa-3072.crt");
        site.api()
            .apply(&seal(&other, &site.apps, "db", &[("password", "x")]));
        let message = site.stalled("db", "UnknownKey");
        assert!(message.contains(&key_id(&other)), "{message}");
        assert!(message.contains(&key_id(&site.certificate)), "{message}");
        put_key(
            site.controller.pod().plane(),
            &site.system,
            "restored",
            "rsa-3072",
        );
        site.synced("db");
        // The object itself was not touched.
        assert_eq!(
            site.api().get(&site.sealed_path("db")).body["metadata"]["generation"],
            1
        );
    });
}

#[test]
fn a_controller_that_starts_before_its_keys_are_restored_opens_everything_when_they_come() {
    for manifests in EVERYWHERE {
        let plane = shared(manifests);
        let (system, apps) = (namespace(plane, "fresh"), namespace(plane, "apps"));
        let setup = crate::site::base(manifests)
            .namespace(&system)
            .watching([&system, &apps])
            .args(["--key-size=2048"]);
        let installation = install(plane, &setup);
        let names = ["one", "two", "three"];
        for name in names {
            let sealed = seal(&pem("rsa-3072.crt"), &apps, name, &[("password", "x")]);
            plane.api().apply(&sealed);
        }
        let controller = installation.run(Program::Controller);
        // It makes one itself, which opens none of them.
        let made = controller.certificate();
        for name in names {
            let stalled = controller.wait_for_condition(&apps, name, "Stalled", "True");
            assert_eq!(stalled["reason"], "UnknownKey");
        }
        let begun = Instant::now();
        put_key(plane, &system, "restored", "rsa-3072");
        for name in names {
            let ready = controller.wait_for_condition(&apps, name, "Ready", "True");
            assert_eq!(ready["reason"], "Unsealed");
        }
        assert!(begun.elapsed() < Duration::from_secs(15));
        // The restored one is older, so it is not sealed with.
        assert_eq!(controller.certificate(), made);
    }
}

#[test]
fn a_malformed_object_and_a_malformed_key_at_the_start_hold_up_nothing_else() {
    for manifests in EVERYWHERE {
        let mut site = Site::new(manifests);
        site.controller.stop();
        let mut broken = key_secret(&site.system, "broken", "rsa-3072");
        broken["stringData"]["tls.key"] = "no key at all".into();
        site.api().apply(&broken);
        let mut odd = site.sealed("odd", &[("password", "x")]);
        odd["spec"]["encryptedData"]["password"] = " not base64 ".into();
        site.api().apply(&odd);
        site.api().apply(&site.sealed("db", &[("password", "x")]));
        site.controller.start_again();
        site.controller.wait_until_ready();
        site.synced("db");
        site.stalled("odd", "MalformedItem");
        assert!(site.controller.log().contains("UnreadableKey"));
    }
}

#[test]
fn what_failed_twenty_times_opens_when_its_key_comes_without_a_restart() {
    everywhere(|site| {
        let path = site.sealed_path("db");
        let object = seal(&pem("rsa-3072.crt"), &site.apps, "db", &[("password", "x")]);
        site.api().apply(&object);
        let series = format!(
            "sealed_secrets_controller_unseal_errors_total{{reason=\"unseal\",namespace=\"{}\"}}",
            site.apps
        );
        for times in 1..=20 {
            site.controller
                .wait_for("it failed once more", |controller| {
                    (controller.metric(&series) == Some(f64::from(times))).then_some(())
                });
            // Each of them is looked at anew.
            let change = json!({"metadata": {"annotations": {"times": times.to_string()}}});
            site.api().patch(&path, &change);
        }
        site.stalled("db", "UnknownKey");
        put_key(
            site.controller.pod().plane(),
            &site.system,
            "restored",
            "rsa-3072",
        );
        site.synced("db");
        assert_eq!(site.secret("db").body["data"]["password"], base64("x"));
        assert_eq!(site.api().get(&path).body["metadata"]["generation"], 1);
    });
}

#[test]
fn a_broken_key_secret_is_told_and_hides_no_other() {
    everywhere(|site| {
        let mut broken = key_secret(&site.system, "broken", "rsa-3072");
        broken["stringData"]["tls.key"] = "no key at all".into();
        site.api().apply(&broken);
        let mut bare = key_secret(&site.system, "no-certificate", "rsa-4096");
        bare["type"] = "Opaque".into();
        bare["stringData"]["tls.crt"] = Value::Null;
        site.api().apply(&bare);
        let mut foreign = key_secret(&site.system, "foreign", "rsa-3072");
        foreign["stringData"]["tls.crt"] = pem("rsa-4096.crt").into();
        site.api().apply(&foreign);
        let mut huge = key_secret(&site.system, "huge", "rsa-3072");
        huge["stringData"]["tls.key"] = "x".repeat(1_000_000).into();
        site.api().apply(&huge);
        for reason in ["UnreadableKey", "MismatchedKey"] {
            site.controller
                .wait_for(&format!("the log tells of {reason}"), |controller| {
                    controller.log().contains(reason).then_some(())
                });
        }
        // The key without a certificate opens, and never seals.
        site.with_db("right");
        let other = pem("rsa-4096.crt");
        site.api()
            .apply(&seal(&other, &site.apps, "old", &[("password", "x")]));
        site.synced("old");
        assert_eq!(site.controller.certificate(), site.certificate);
        // Mended, it is a key like any other.
        put_key(
            site.controller.pod().plane(),
            &site.system,
            "broken",
            "rsa-3072",
        );
        site.api().apply(&seal(
            &pem("rsa-3072.crt"),
            &site.apps,
            "new",
            &[("a", "b")],
        ));
        site.synced("new");
    });
}

#[test]
fn a_key_in_another_namespace_is_ignored_and_told() {
    everywhere(|site| {
        put_key(
            site.controller.pod().plane(),
            &site.apps,
            "intruder",
            "rsa-3072",
        );
        site.controller
            .wait_for("the log tells of it", |controller| {
                let name = format!("{}/intruder", site.apps);
                let log = controller.log();
                (log.contains("MisplacedKey") && log.contains(&name)).then_some(())
            });
        site.api()
            .apply(&seal(&pem("rsa-3072.crt"), &site.apps, "db", &[("a", "b")]));
        site.stalled("db", "UnknownKey");
        assert_eq!(site.controller.certificate(), site.certificate);
    });
}

/// The threat model says so, and that a pinned certificate helps.
#[test]
fn who_may_seal_for_the_controllers_namespace_may_bring_a_key() {
    everywhere(|site| {
        let (certificate, key) = (pem("rsa-3072.crt"), pem("rsa-3072.key"));
        let items = [("tls.crt", certificate.as_str()), ("tls.key", key.as_str())];
        let mut brought = seal(&site.certificate, &site.system, "brought", &items);
        brought["spec"]["template"]["metadata"]["labels"] =
            json!({"sealedsecrets.bitnami.com/sealed-secrets-key": "active"});
        site.api().apply(&brought);
        site.api()
            .apply(&seal(&certificate, &site.apps, "db", &[("a", "b")]));
        site.synced("db");
    });
}

#[test]
fn a_key_that_is_relabelled_or_deleted_opens_and_seals_no_more() {
    everywhere(|site| {
        let new = newer_key(&site.system, "newer");
        let certificate = certificate_of(&new);
        site.api().apply(&new);
        let serves = |expected: &str| {
            site.controller
                .wait_for("it serves the certificate", |controller| {
                    (controller.certificate() == expected).then_some(())
                });
        };
        serves(&certificate);
        let label = json!({"metadata": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "compromised"}}});
        let path = format!("/api/v1/namespaces/{}/secrets/newer", site.system);
        site.api().patch(&path, &label);
        serves(&site.certificate);
        site.api()
            .apply(&seal(&certificate, &site.apps, "db", &[("a", "b")]));
        site.stalled("db", "UnknownKey");
        let label = json!({"metadata": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}});
        site.api().patch(&path, &label);
        site.synced("db");
        serves(&certificate);
        site.api().delete(&path);
        serves(&site.certificate);
    });
}

#[test]
fn the_key_of_installations_older_than_the_label_counts_by_its_name() {
    everywhere(|site| {
        let mut old = key_secret(&site.system, "sealed-secrets-key", "rsa-3072");
        old["metadata"]["labels"] = json!({});
        site.api().apply(&old);
        site.api()
            .apply(&seal(&pem("rsa-3072.crt"), &site.apps, "db", &[("a", "b")]));
        site.synced("db");
    });
}

#[test]
fn of_keys_that_are_equally_old_every_start_chooses_the_same() {
    for manifests in EVERYWHERE {
        let mut site = Site::new(manifests);
        let now = Timestamp::now();
        for name in ["one", "two", "three"] {
            site.api().apply(&key_of(&site.system, name, now));
        }
        let newest = |site: &Site, starts: usize| {
            site.controller
                .wait_for("all keys are known", |controller| {
                    let known = controller.log().matches("registered private key").count();
                    (known >= 4 * starts).then_some(())
                });
            thread::sleep(Duration::from_millis(500));
            site.controller.certificate()
        };
        let chosen = newest(&site, 1);
        assert_ne!(chosen, site.certificate);
        for starts in 2..4 {
            site.controller.restart();
            assert_eq!(newest(&site, starts), chosen);
        }
    }
}

#[test]
fn a_key_is_made_when_there_is_none_when_it_is_old_and_when_it_is_asked_for() {
    for manifests in EVERYWHERE {
        let plane = shared(manifests);
        let system = namespace(plane, "fresh");
        let setup = crate::site::base(manifests)
            .namespace(&system)
            .watching([&system])
            .args([
                "--key-size=2048",
                "--my-cn=shop",
                "--key-ttl=48h",
                "--privatekey-labels=team=a,sealedsecrets.bitnami.com/sealed-secrets-key=off",
                "--privatekey-annotations=note=b",
            ]);
        let mut controller = install(plane, &setup).run(Program::Controller);
        let first = controller.certificate();
        let listed = || {
            let path = format!(
                "/api/v1/namespaces/{system}/secrets?labelSelector=sealedsecrets.bitnami.com/sealed-secrets-key%3Dactive"
            );
            plane.api().get(&path).body["items"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let keys = listed();
        assert_eq!(keys.len(), 1);
        let metadata = &keys[0]["metadata"];
        assert_eq!(metadata["labels"]["team"], "a");
        assert_eq!(metadata["annotations"]["note"], "b");
        assert!(
            metadata["name"]
                .as_str()
                .unwrap()
                .starts_with("sealed-secrets-key")
        );
        assert_eq!(keys[0]["type"], "kubernetes.io/tls");

        // A restart finds it.
        controller.restart();
        assert_eq!(controller.certificate(), first);
        assert_eq!(listed().len(), 1);

        // Certificates have whole seconds; of two keys of the same second either may be the current one.
        thread::sleep(Duration::from_secs(1));
        let pid = Pid::from_raw(i32::try_from(controller.pid()).unwrap()).unwrap();
        kill_process(pid, Signal::USR1).expect("it runs");
        let second = controller.wait_for("another key is served", |controller| {
            Some(controller.certificate()).filter(|certificate| *certificate != first)
        });
        assert_eq!(listed().len(), 2);
        // Upstream's manifests give no right to write it.
        if manifests == Manifests::Ours {
            let map = format!(
                "/api/v1/namespaces/{system}/configmaps/sealed-secrets-controller-certificate"
            );
            controller.wait_for_object(&map, "holds the new certificate", |map| {
                map["data"]["tls.crt"] == second
            });
        }
    }
}

#[test]
fn the_clock_of_the_certificate_alone_makes_no_key() {
    // A key that was brought along has an old certificate and a new Secret: its age is the smaller of the two.
    for manifests in EVERYWHERE {
        let site = Site::with(manifests, |setup| setup.args(["--key-renew-period=1h"]));
        let before = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        site.api().apply(&key_of(&site.system, "brought", before));
        site.with_db("right");
        let path = format!("/api/v1/namespaces/{}/secrets", site.system);
        let all = site.api().get(&path).body;
        let made = all["items"].as_array().unwrap().iter().filter(|secret| {
            let name = secret["metadata"]["name"].as_str().unwrap_or_default();
            name.starts_with("sealed-secrets-key")
        });
        assert_eq!(made.count(), 0);
    }
}

#[test]
fn a_cutoff_makes_a_new_key_once() {
    for manifests in EVERYWHERE {
        let site = Site::with(manifests, |setup| {
            setup.args([
                "--key-size=2048",
                "--key-cutoff-time=Thu, 01 Jan 2099 00:00:00 +0000",
            ])
        });
        site.controller
            .wait_for("a new key is served", |controller| {
                (controller.certificate() != site.certificate).then_some(())
            });
        site.with_db("right");
        assert_eq!(site.controller.log().matches("New key written").count(), 1);
    }
}

/// A key that is newer than those of the tests.
fn newer_key(namespace: &str, name: &str) -> Value {
    key_of(namespace, name, Timestamp::now())
}

fn key_of(namespace: &str, name: &str, since: Timestamp) -> Value {
    let validity = SignedDuration::from_hours(24 * 3650);
    let key = generate_key(KeySize::Rsa2048, "", since, validity).expect("keys can be made");
    key_secret_of(&key, namespace, name)
}

/// The certificate in a key Secret of [`key_of`].
fn certificate_of(key: &Value) -> String {
    let text = key["data"]["tls.crt"]
        .as_str()
        .expect("it has a certificate");
    let pem = seal_envelope::decode_base64(text).expect("it is base64");
    String::from_utf8(pem.to_vec()).expect("it is PEM")
}

#[test]
fn the_newest_key_may_be_the_one_whose_secret_is_newest() {
    for manifests in EVERYWHERE {
        let site = Site::with(manifests, |setup| {
            setup.args(["--key-order-priority=SecretCreationTimestamp"])
        });
        thread::sleep(Duration::from_millis(1100));
        let before = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        let old = key_of(&site.system, "brought", before);
        site.api().apply(&old);
        site.controller.wait_for("it is served", |controller| {
            (controller.certificate() == certificate_of(&old)).then_some(())
        });
    }
}

#[test]
fn the_name_of_the_installation_is_that_of_its_config_map() {
    // Upstream's manifests give no right to write one.
    let plane = shared(Manifests::Ours);
    let system = namespace(plane, "named");
    let setup = Setup::ours()
        .namespace(&system)
        .watching([&system])
        .args(["--key-size=2048", "--name=shop"]);
    // The right to write it names it.
    let objects = serde_json::to_string(&setup.objects()).expect("they are JSON");
    let objects = objects.replace("sealed-secrets-controller-certificate", "shop-certificate");
    let objects = serde_json::from_str(&objects).expect("it still is JSON");
    let controller = install_objects(plane, &system, objects).run(Program::Controller);
    let map = format!("/api/v1/namespaces/{system}/configmaps/shop-certificate");
    let served = controller.certificate();
    controller.wait_for_object(&map, "holds the certificate", |map| {
        map["data"]["tls.crt"] == served
    });
}
