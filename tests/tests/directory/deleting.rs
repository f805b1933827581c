//! What takes a Secret with it, and what never does.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, thread, time::Duration};

use seal_api::annotations;
use serde_json::json;

use crate::store::{Store, document, sealed, sealed_as, to_yaml, value};

#[test]
fn a_deleted_sealed_secret_takes_its_secret_with_it() {
    let store = Store::new();
    store.put_db("one");
    store.put("sealed/other.yaml", sealed("app", "other", "2"));
    let mut controller = store.start();
    store.remove("sealed/app/db.yaml");
    controller.wait_until("the Secret is gone", |_| {
        !store.path("secrets/app/db.yaml").exists()
    });
    controller.wait_until("the status is gone", |_| !store.path("status/app").exists());
    assert_eq!(value(&store.text("secrets/app/other.yaml")), "2");
    controller.stop().exits(0);
    store.remove("sealed/other.yaml");
    store.once().exits(0);
    assert!(!store.path("secrets/app").exists());
}

#[test]
fn a_secret_without_owner_reference_is_kept_right_and_outlives_its_sealed_secret() {
    let without_owner = |value| {
        sealed_as("app", "db", value, |secret| {
            let skip = annotations::SKIP_SET_OWNER_REFERENCES.to_owned();
            secret.set_strings("annotations", [(skip, "true".to_owned())].into());
        })
    };
    let store = Store::new();
    for value in ["one", "two"] {
        store.put("sealed/app/db.yaml", without_owner(value));
        store.once().exits(0);
        assert_eq!(store.db(), value);
        let secret = store.text("secrets/app/db.yaml");
        assert!(!secret.contains("ownerReferences"), "{secret}");
    }
    store.remove("sealed/app/db.yaml");
    store.once().exits(0);
    assert_eq!(store.db(), "two");
}

#[test]
fn a_secret_without_owner_reference_takes_none_from_its_template() {
    let store = Store::new();
    let with_references = |value: &str| {
        let text = sealed_as("app", "db", value, |secret| {
            let skip = annotations::SKIP_SET_OWNER_REFERENCES.to_owned();
            secret.set_strings("annotations", [(skip, "true".to_owned())].into());
        });
        let mut object = document(&text);
        object["spec"]["template"]["metadata"]["ownerReferences"] = json!([
            {"apiVersion": "v1", "kind": "X", "name": "x", "uid": "x", "controller": true}
        ]);
        to_yaml(&object)
    };
    for value in ["one", "two"] {
        store.put("sealed/app/db.yaml", with_references(value));
        store.once().exits(0);
        assert_eq!(store.db(), value);
    }
}

#[test]
fn a_file_that_breaks_off_deletes_nothing() {
    let store = Store::new();
    let (one, two) = (sealed("app", "db", "one"), sealed("app", "two", "2"));
    let whole = format!("{one}---\n{two}");
    store.put("sealed/app/all.yaml", &whole);
    store.once().exits(0);
    let cuts = [0, one.len() + 4 + 20, one.len() + 4 + two.len() / 8];
    for cut in cuts {
        store.put("sealed/app/all.yaml", &whole[..cut]);
        drop(store.once());
        assert!(store.path("secrets/app/two.yaml").exists(), "cut at {cut}");
    }
    store.put("sealed/app/all.yaml", one);
    store.once().exits(0);
    assert!(!store.path("secrets/app/two.yaml").exists());
    assert_eq!(store.db(), "one");
}

#[test]
fn a_file_that_moves_into_a_broken_one_deletes_nothing() {
    let store = Store::new();
    store.put("sealed/bad-all-along.yaml", "a: [");
    store.put_db("one");
    store.once().exits(3);
    let text = store.text("sealed/app/db.yaml");
    store.remove("sealed/app/db.yaml");
    store.put("sealed/moved.yaml", &text[..50]);
    store.once().exits(3);
    store.once().exits(3);
    assert_eq!(store.db(), "one");
    store.remove("sealed/moved.yaml");
    store.once().exits(3);
    assert!(!store.path("secrets/app/db.yaml").exists());
}

#[test]
fn a_file_that_ends_where_a_document_begins_deletes_nothing() {
    let store = Store::new();
    let (one, two) = (sealed("app", "db", "one"), sealed("app", "two", "2"));
    store.put("sealed/app/all.yaml", format!("{one}---\n{two}"));
    store.once().exits(0);
    store.put("sealed/app/all.yaml", format!("{one}---\n"));
    for _ in 0..2 {
        store
            .once()
            .exits(3)
            .says("its Secret is kept: sealed/app/all.yaml ends with ---");
        assert_eq!(value(&store.text("secrets/app/two.yaml")), "2");
    }
}

#[test]
fn what_is_misspelt_or_in_another_place_deletes_nothing() {
    let store = Store::new();
    store.put_db("one");
    store.once().exits(0);
    let right = store.text("sealed/app/db.yaml");
    for (from, to) in [
        ("kind: SealedSecret", "kind: sealedSecret"),
        ("kind: SealedSecret", "kind: SealedSecert"),
        ("bitnami.com/v1alpha1", "bitnami.io/v1alpha1"),
    ] {
        store.put("sealed/app/db.yaml", right.replacen(from, to, 1));
        store
            .once()
            .exits(3)
            .says("error[InvalidObject]: sealed/app/db.yaml");
        assert_eq!(store.db(), "one", "{to}");
    }
    let list = json!({"apiVersion": "v1", "kind": "Things", "items": [document(&right)]});
    store.put("sealed/app/db.yaml", to_yaml(&list));
    store.once().exits(0);
    assert_eq!(store.db(), "one");
    store.remove("sealed/app/db.yaml");
    store.put("sealed/app/db.YAML", right);
    store.once().exits(0);
    assert_eq!(store.db(), "one");
}

#[test]
fn names_that_are_not_utf8_are_reported_and_delete_nothing() {
    let store = Store::new();
    store.put_db("one");
    store.once().exits(0);
    let path = |name: &[u8]| store.path("sealed/app").join(OsStr::from_bytes(name));
    fs::write(path(b"a\xfe.yaml"), sealed("app", "other", "2")).unwrap();
    fs::rename(store.path("sealed/app/db.yaml"), path(b"a\xff.yaml")).unwrap();
    for _ in 0..2 {
        store
            .once()
            .exits(3)
            .says("error[Unreadable]: sealed/app/a\\xfe.yaml: its name is not UTF-8")
            .says("error[Unreadable]: sealed/app/a\\xff.yaml: its name is not UTF-8");
        assert_eq!(store.db(), "one");
    }
}

#[test]
fn a_folder_that_is_gone_or_empty_as_a_whole_deletes_nothing() {
    let store = Store::new();
    store.put_db("one");
    let mut controller = store.start();
    fs::rename(store.path("sealed"), store.path("away")).unwrap();
    controller.wait_for("No such file or directory");
    assert!(!store.path("sealed").exists(), "it is not ours to make now");
    fs::create_dir(store.path("sealed")).unwrap();
    controller.wait_for("no Secret is deleted for that");
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(store.db(), "one");
    fs::remove_dir(store.path("sealed")).unwrap();
    fs::rename(store.path("away"), store.path("sealed")).unwrap();
    store.put_db("two");
    controller.wait_until("it goes on", |_| store.db() == "two");
    controller.stop().exits(0);
    fs::rename(store.path("sealed"), store.path("away")).unwrap();
    for _ in 0..2 {
        store.once().exits(1).says("error[Unreadable]: sealed: ");
        assert_eq!(store.db(), "two");
    }
}

#[test]
fn a_secret_whose_status_was_lost_is_still_ours() {
    let store = Store::new();
    store.put_db("one");
    store.once().exits(0);
    fs::remove_dir_all(store.path("status")).unwrap();
    store.put_db("two");
    store.once().exits(0);
    assert_eq!(store.db(), "two");
    fs::remove_dir_all(store.path("status")).unwrap();
    store.remove("sealed/app/db.yaml");
    store.once().exits(0);
    assert!(!store.path("secrets/app/db.yaml").exists());
}
