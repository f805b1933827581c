//! Templates whose functions are random or read the clock, with `--allow-random-functions`.

use seal_tests::run::Finished;
use serde_json::{Value, json};

use crate::store::{MARKER, Store, document, sealed, to_yaml};

const TOKEN: &str = "{{ randAlphaNum 20 }}-{{ now | unixEpoch }}";

/// Puts a SealedSecret `app/db` whose Secret has a token that nobody chose.
fn put(store: &Store, user: &str) {
    let mut object = document(&sealed("app", "db", user));
    object["spec"]["template"]["data"] = json!({"token": TOKEN});
    store.put("sealed/app/db.yaml", to_yaml(&object));
}

fn once(store: &Store) -> Finished {
    store.run(["--once", "--allow-random-functions"]).finish()
}

fn secret(store: &Store) -> Value {
    document(&store.text("secrets/app/db.yaml"))
}

#[test]
fn what_a_random_template_gave_stays_until_the_sealed_secret_changes_or_the_secret_is_gone() {
    let store = Store::new();
    put(&store, "one");
    once(&store).exits(0);
    let first = secret(&store);
    assert!(!first["data"]["token"].is_null(), "{first}");
    once(&store).exits(0);
    assert_eq!(secret(&store), first);

    put(&store, "two");
    once(&store).exits(0);
    let second = secret(&store);
    assert_ne!(second["data"]["token"], first["data"]["token"]);

    store.remove("secrets/app/db.yaml");
    once(&store).exits(0);
    let third = secret(&store);
    assert_ne!(third["data"]["token"], second["data"]["token"]);
    once(&store).exits(0);
    assert_eq!(secret(&store), third);
}

#[test]
fn what_somebody_changed_in_it_is_reported_and_kept_and_labels_are_put_right() {
    let store = Store::new();
    let mut object = document(&sealed("app", "db", "one"));
    object["spec"]["template"]["data"] = json!({"token": TOKEN});
    object["spec"]["template"]["metadata"]["labels"] = json!({"tier": "db"});
    store.put("sealed/app/db.yaml", to_yaml(&object));
    once(&store).exits(0);
    let right = secret(&store);
    let mut relabelled = right.clone();
    relabelled["metadata"]["labels"]["tier"] = "web".into();
    store.put("secrets/app/db.yaml", to_yaml(&relabelled));
    once(&store).exits(0);
    assert_eq!(secret(&store), right);

    let mut changed = right;
    changed["data"]["token"] = "dGhlaXJz".into();
    store.put("secrets/app/db.yaml", to_yaml(&changed));
    for _ in 0..2 {
        once(&store).exits(3);
        assert_eq!(store.db_reason(), "DriftKept");
        assert_eq!(secret(&store)["data"]["token"], "dGhlaXJz");
    }
    store.remove("secrets/app/db.yaml");
    once(&store).exits(0);
    assert_eq!(store.db_reason(), "Unsealed");
}

#[test]
fn without_the_flag_it_is_left_as_it_is_and_without_the_record_its_data_is() {
    let store = Store::new();
    put(&store, MARKER);
    once(&store).exits(0);
    let first = secret(&store);
    store.once().exits(3);
    assert_eq!(store.db_reason(), "TemplateFunctionMissing");
    assert_eq!(secret(&store), first);
    store.remove("keys/record.key");
    once(&store).exits(0);
    assert_eq!(secret(&store), first);
    // Nothing proves any more that the SealedSecret changed; that its Secret is not of it shows all the same.
    store.remove("keys/record.key");
    put(&store, "two");
    once(&store).exits(3);
    assert_eq!(store.db_reason(), "DriftKept");
    assert_eq!(secret(&store), first);
    store.hides_the_marker();
}

#[test]
fn a_key_of_the_records_that_is_none_is_said_and_holds_nothing_up() {
    let store = Store::new();
    put(&store, "one");
    store.put("keys/record.key", "short");
    once(&store).exits(0).says("keys/record.key");
    let first = secret(&store);
    once(&store).exits(0);
    assert_eq!(secret(&store), first);
}
