//! Keys: read, watched, made, renewed.

use std::fs;

use seal_sealing::Secret;
use seal_tests::keys;

use crate::store::{
    KEY, MARKER, Store, document, key_secret, key_secret_of, seal_with, sealed, to_yaml,
};

#[test]
fn a_key_that_is_added_opens_at_once_what_waited_for_it() {
    let store = Store::new();
    let mut secret = Secret::new("db", Some("app"));
    secret
        .data
        .insert("password".into(), format!("one{MARKER}").as_bytes().into());
    store.put(
        "sealed/app/db.yaml",
        to_yaml(&seal_with(&secret, "rsa-3072")),
    );
    let mut controller = store.start();
    controller.wait_until("the key is missed", |_| store.db_reason() == "UnknownKey");
    store.put(
        "keys/second.yaml",
        key_secret("rsa-3072", Some("compromised")),
    );
    controller.wait_until("the label counts", |_| {
        store.text("status/keys.yaml").contains("state: ignored")
    });
    assert_eq!(store.db_reason(), "UnknownKey");
    store.put("keys/second.yaml", key_secret("rsa-3072", Some("active")));
    controller.wait_until("the Secret is made", |_| store.db() == "one");
    store.remove("keys/second.yaml");
    controller.wait_until("the key is gone", |_| {
        let status = store.status("status/keys.yaml");
        status["keys"]
            .as_array()
            .is_some_and(|keys| keys.len() == 1)
    });
    assert_eq!(store.db(), "one");
    controller.stop().exits(0).never_shows(MARKER);
}

#[test]
fn broken_keys_are_reported_and_the_others_used() {
    let store = Store::new();
    store.put_db("one");
    let pem = |name: &str| keys::pem(name);
    let mismatched = key_secret_of(
        &pem("mismatched.key"),
        &pem("mismatched.crt"),
        Some("active"),
    );
    store.put("keys/mismatched.yaml", mismatched);
    store.put("keys/small.yaml", key_secret("rsa-1024", Some("active")));
    store.put("keys/none.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x, labels: {sealedsecrets.bitnami.com/sealed-secrets-key: active}}\n");
    store.put("keys/half.yaml", "apiVersion: v1\nkind: [");
    store.put("keys/same.yaml", key_secret(KEY, Some("active")));
    store.put("keys/unlabelled.yaml", key_secret("rsa-3072", None));
    let run = store.once().exits(3);
    run.says("error[MismatchedKey]: keys/mismatched.yaml: document 1: ")
        .says("error[UnsupportedKey]: keys/small.yaml: ")
        .says("error[UnreadableKey]: keys/none.yaml: ")
        .says("error[InvalidSyntax]: keys/half.yaml: ")
        .says(
            "warning[Conflict]: keys/same.yaml: document 1: holds the same key as keys/fixed.yaml",
        );
    assert_eq!(store.db(), "one");
    let keys = store.text("status/keys.yaml");
    for part in [
        "state: current",
        "state: broken",
        "state: duplicate",
        "state: ignored",
        "reason: MismatchedKey",
    ] {
        assert!(keys.contains(part), "{part} is not in\n{keys}");
    }
}

#[test]
fn an_expired_current_certificate_is_a_warning() {
    let store = Store::without_key();
    store.put("keys/old.yaml", key_secret("expired", Some("active")));
    store
        .once()
        .exits(0)
        .says("warning[CertificateExpired]: keys/old.yaml: document 1: ");
    assert!(
        store
            .text("status/keys.yaml")
            .contains("reason: CertificateExpired")
    );
}

#[test]
fn a_certificate_of_the_future_is_a_warning() {
    let store = Store::without_key();
    store.put("keys/new.yaml", key_secret("not-yet-valid", Some("active")));
    store
        .once()
        .exits(0)
        .says("warning[CertificateNotYetValid]");
}

// Keys that are made

#[test]
fn the_first_key_is_made_and_kept() {
    let store = Store::without_key();
    let make = || store.run(["--once", "--key-size", "2048", "--key-ttl", "48h"]);
    make()
        .args(["--my-cn", "cluster one", "--key-prefix", "our-key"])
        .finish()
        .exits(0);
    let files: Vec<_> = fs::read_dir(store.path("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(files.len(), 1);
    let name = files[0].to_str().unwrap();
    assert!(
        name.starts_with("our-key") && name.len() == "our-key12345.yaml".len(),
        "{name}"
    );
    let key = document(&store.text(&format!("keys/{name}")));
    assert_eq!(
        key["metadata"]["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"],
        "active"
    );
    assert_eq!(key["type"], "kubernetes.io/tls");
    make().finish().exits(0);
    assert_eq!(fs::read_dir(store.path("keys")).unwrap().count(), 1);
}

#[test]
fn keys_are_renewed_on_the_schedule_and_old_ones_go_on_opening() {
    let store = Store::new();
    store.put_db("one");
    let mut controller = store
        .run(["--key-renew-period", "2s", "--key-size", "2048"])
        .start();
    let keys = || fs::read_dir(store.path("keys")).unwrap().count();
    controller.wait_until("two keys are made", |_| keys() >= 3);
    store.put("sealed/later.yaml", sealed("app", "later", "2"));
    controller.wait_until("the old key opens", |_| {
        store.path("secrets/app/later.yaml").exists()
    });
    let current = store
        .text("status/keys.yaml")
        .matches("state: current")
        .count();
    assert_eq!(current, 1);
    controller.stop().exits(0);
}

#[test]
fn no_first_key_is_made_beside_a_file_that_may_hold_one() {
    let whole = key_secret(KEY, Some("active"));
    let (head, _) = whole.split_once("  tls.crt").unwrap();
    let without_certificate = key_secret_of(&keys::pem("rsa-2048.key"), "", Some("active"));
    let cuts = (0..head.len()).step_by(37).map(|length| &whole[..length]);
    for text in cuts.chain([without_certificate.as_str(), "# nothing\n"]) {
        let store = Store::without_key();
        store.put("keys/mine.yaml", text);
        store
            .once()
            .exits(3)
            .says("error[NoKey]: keys: a new key is due and not made: keys/mine.yaml may hold");
        assert_eq!(fs::read_dir(store.path("keys")).unwrap().count(), 1);
        assert!(store.text("status/keys.yaml").contains("reason: NoKey"));
        store.put("keys/mine.yaml", &whole);
        store.once().exits(0);
        assert_eq!(fs::read_dir(store.path("keys")).unwrap().count(), 1);
    }
}

#[test]
fn no_first_key_is_made_beside_one_whose_label_was_forgotten() {
    let store = Store::without_key();
    let files = || fs::read_dir(store.path("keys")).unwrap().count();
    store.put("keys/mine.yaml", key_secret(KEY, None));
    for _ in 0..2 {
        store
            .once()
            .exits(3)
            .says("error[NoKey]: keys: a new key is due and not made: keys/mine.yaml may hold")
            .says("warning[InvalidObject]: keys/mine.yaml: document 1: the key is not used: it has no label sealedsecrets.bitnami.com/sealed-secrets-key; give it the value \"active\"");
        assert_eq!(files(), 1);
    }
    for (label, count) in [("active", 1), ("retired", 2)] {
        store.put("keys/mine.yaml", key_secret(KEY, Some(label)));
        let run = store.once().exits(0);
        assert!(!run.err().contains("warning"), "{}", run.err());
        assert_eq!(files(), count);
    }
}

#[test]
fn a_key_whose_label_was_forgotten_is_warned_about_beside_others() {
    let store = Store::new();
    store.put_db("one");
    store.put("keys/other.yaml", key_secret("rsa-3072", None));
    store
        .once()
        .exits(0)
        .says("warning[InvalidObject]: keys/other.yaml: document 1: the key is not used");
    assert_eq!(store.db(), "one");
}

#[test]
fn an_empty_key_file_is_reported_and_the_others_used() {
    let store = Store::new();
    store.put_db("one");
    store.put("keys/empty.yaml", "");
    store
        .once()
        .exits(3)
        .says("error[UnreadableKey]: keys/empty.yaml: is empty");
    assert_eq!(store.db(), "one");
}

#[test]
fn a_current_key_that_is_gone_has_time_to_come_back() {
    let store = Store::new();
    store.once().exits(0);
    let key = store.text("keys/fixed.yaml");
    store.remove("keys/fixed.yaml");
    for _ in 0..2 {
        store
            .once()
            .exits(3)
            .says("error[NoKey]: keys: a new key is due and not made: the current one was in keys/fixed.yaml");
        assert_eq!(fs::read_dir(store.path("keys")).unwrap().count(), 0);
    }
    assert!(store.text("status/keys.yaml").contains("missingSince"));
    store.put("keys/fixed.yaml", key);
    store.once().exits(0);
    assert!(!store.text("status/keys.yaml").contains("missing"));
}

#[test]
fn a_key_that_is_labelled_compromised_is_replaced_at_once() {
    let store = Store::new();
    store.once().exits(0);
    store.put("keys/fixed.yaml", key_secret(KEY, Some("compromised")));
    store.once().exits(0);
    assert_eq!(fs::read_dir(store.path("keys")).unwrap().count(), 2);
}
