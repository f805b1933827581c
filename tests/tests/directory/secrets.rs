//! SealedSecrets become Secrets, and Secrets that others touch stay what they should be.

use std::{fs, os::unix::fs::PermissionsExt, thread, time::Duration};

use serde_json::json;

use crate::store::{MARKER, Store, document, sealed, sealed_as, value};

#[test]
fn a_secret_is_made_as_a_private_file_that_holds_it_alone() {
    let store = Store::new();
    store.put(
        "sealed/app/db.yaml",
        sealed_as("app", "db", "one", |secret| {
            secret.type_ = Some("example.com/login".into());
            secret.set_strings("labels", [("tier".into(), "db".into())].into());
        }),
    );
    store.once().exits(0);
    let text = store.text("secrets/app/db.yaml");
    assert_eq!(value(&text), "one");
    let secret = document(&text);
    assert_eq!(secret["apiVersion"], "v1");
    assert_eq!(secret["kind"], "Secret");
    assert_eq!(secret["type"], "example.com/login");
    assert_eq!(secret["metadata"]["labels"], json!({"tier": "db"}));
    let owner = &secret["metadata"]["ownerReferences"][0];
    let status = store.status("status/app/status.yaml");
    assert_eq!(owner["uid"], status["items"][0]["metadata"]["uid"]);
    assert_eq!(
        (&owner["kind"], &owner["name"], &owner["controller"]),
        (&json!("SealedSecret"), &json!("db"), &json!(true))
    );
    for (name, mode) in [
        ("secrets", 0o700),
        ("secrets/app", 0o700),
        ("secrets/app/db.yaml", 0o600),
    ] {
        let found = fs::metadata(store.path(name)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
    store.hides_the_marker();
}

#[test]
fn trees_lists_json_and_many_documents_are_read_and_other_kinds_ignored() {
    let store = Store::new();
    let many = format!(
        "{}---\napiVersion: v1\nkind: ConfigMap\n---\n{}",
        sealed("app", "one", "1"),
        sealed("app", "two", "2")
    );
    store.put("sealed/many.yml", many);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [document(&sealed("app", "three", "3"))]});
    store.put("sealed/deep/down/list.json", list.to_string());
    store.put("sealed/.hidden.yaml", "{");
    store.put("sealed/notes.txt", "{");
    let run = store.once().exits(0);
    assert_eq!(
        run.out().lines().last(),
        Some("3 of 3 SealedSecrets in sync, 0 problems, 1 document of another kind ignored")
    );
    for (name, expected) in [("one", "1"), ("two", "2"), ("three", "3")] {
        assert_eq!(
            value(&store.text(&format!("secrets/app/{name}.yaml"))),
            expected
        );
    }
    assert_eq!(
        store.status("status/deep/down/status.yaml")["items"][0]["metadata"]["name"],
        "three"
    );
}

#[test]
fn a_changed_sealed_secret_changes_its_secret_while_it_runs() {
    let store = Store::new();
    let mut controller = store.start();
    store.put_db("one");
    controller.wait_until("the Secret is made", |_| store.db() == "one");
    store.put_db("two");
    controller.wait_until("the Secret is changed", |_| store.db() == "two");
    controller.wait_until("the change is counted", |_| {
        let status = store.status("status/app/status.yaml");
        status["items"][0]["status"]["observedGeneration"] == 2
    });
    controller.stop().exits(0).never_shows(MARKER);
    store.hides_the_marker();
}

// Secrets that others touch

#[test]
fn drift_is_repaired_within_a_moment() {
    let store = Store::new();
    store.put_db("one");
    let mut controller = store.start();
    let right = store.text("secrets/app/db.yaml");
    store.put(
        "secrets/app/db.yaml",
        right.replace("password:", "passphrase:"),
    );
    controller.wait_until("the drift is repaired", |_| {
        store.text("secrets/app/db.yaml") == right
    });
    store.put("secrets/app/db.yaml", &right[..20]);
    controller.wait_until("a half file is made whole", |_| {
        store.text("secrets/app/db.yaml") == right
    });
    store.remove("secrets/app/db.yaml");
    controller.wait_until("a deleted Secret is made again", |_| {
        store.text("secrets/app/db.yaml") == right
    });
    controller.wait_for("drifted");
    controller.stop().exits(0).never_shows(MARKER);
}

#[test]
fn a_repair_that_is_undone_again_and_again_waits() {
    let store = Store::new();
    store.put_db("one");
    let mut controller = store.start();
    let right = store.text("secrets/app/db.yaml");
    let wrong = right.replace("password:", "passphrase:");
    controller.wait_until("it waits", |_| {
        if store.text("secrets/app/db.yaml") == right {
            store.put("secrets/app/db.yaml", &wrong);
        }
        store.db_reason() == "Contested"
    });
    controller.wait_until("it is repaired at last", |_| {
        store.text("secrets/app/db.yaml") == right && store.db_reason() == "Unsealed"
    });
    controller.stop().exits(0).never_shows(MARKER);
}

#[test]
fn a_secret_that_others_may_read_is_closed_to_them() {
    let store = Store::new();
    store.put_db("one");
    store.once().exits(0);
    let path = store.path("secrets/app/db.yaml");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let open = || fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    open();
    store.once().exits(0);
    assert_eq!(mode(), 0o600);
    let mut controller = store.start();
    open();
    controller.wait_until("it is closed", |_| mode() == 0o600);
    controller.stop().exits(0).never_shows(MARKER);
    let foreign = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: app}\n";
    store.put("secrets/app/db.yaml", foreign);
    open();
    store.once().exits(3).says("error[NotManaged]");
    assert_eq!(mode(), 0o644, "it is not ours");
}

#[test]
fn a_file_that_breaks_off_between_two_items_takes_none_away() {
    let store = Store::new();
    let two = sealed_as("app", "db", "one", |secret| {
        secret.data.insert("user".into(), b"u".as_slice().into());
    });
    store.put("sealed/app/db.yaml", &two);
    let mut controller = store.start();
    let right = store.text("secrets/app/db.yaml");
    let cut = two.find("    user: ").expect("the item has a line");
    store.put("sealed/app/db.yaml", &two[..cut]);
    thread::sleep(Duration::from_millis(800));
    assert_eq!(store.text("secrets/app/db.yaml"), right);
    store.put("sealed/app/db.yaml", &two);
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(store.text("secrets/app/db.yaml"), right);
    assert_eq!(store.db_reason(), "Unsealed");
    store.put("sealed/app/db.yaml", &two[..cut]);
    controller.wait_until("the item is gone when the file stays so", |_| {
        store.text("secrets/app/db.yaml") != right
    });
    assert_eq!(store.db(), "one");
    controller.stop().exits(0).never_shows(MARKER);
    store.put("sealed/app/db.yaml", &two);
    store.once().exits(0);
    store.put("sealed/app/db.yaml", &two[..cut]);
    store.once().exits(0);
    assert!(!store.text("secrets/app/db.yaml").contains("user:"));
}

#[test]
fn what_others_added_to_a_secret_stays() {
    let store = Store::new();
    store.put_db("one");
    store.once().exits(0);
    let added = store.text("secrets/app/db.yaml").replace(
        "  namespace: app\n",
        "  namespace: app\n  labels: {added: by-others}\n",
    );
    store.put("secrets/app/db.yaml", &added);
    store.once().exits(0);
    assert_eq!(store.text("secrets/app/db.yaml"), added);
}

#[test]
fn a_foreign_secret_is_left_alone_until_it_is_handed_over() {
    let store = Store::new();
    let foreign = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: app}\nstringData: {password: theirs}\n";
    store.put("secrets/app/db.yaml", foreign);
    store.put_db("one");
    store
        .once()
        .exits(3)
        .says("error[NotManaged]")
        .says("sealedsecrets.bitnami.com/managed: \"true\"");
    assert_eq!(store.text("secrets/app/db.yaml"), foreign);

    let mut controller = store.start();
    let handed = foreign.replace(
        "namespace: app",
        "namespace: app, annotations: {sealedsecrets.bitnami.com/managed: 'true'}",
    );
    store.put("secrets/app/db.yaml", handed);
    controller.wait_until("it is taken over", |_| store.db() == "one");
    controller.stop().exits(0).never_shows(MARKER);
}

#[test]
fn an_immutable_secret_is_not_changed_and_made_anew_when_deleted() {
    let store = Store::new();
    let immutable = |value| sealed_as("app", "db", value, |secret| secret.immutable = Some(true));
    store.put("sealed/app/db.yaml", immutable("one"));
    store.once().exits(0);
    store.put("sealed/app/db.yaml", immutable("two"));
    store
        .once()
        .exits(3)
        .says("error[ImmutableSecret]")
        .says("the target Secret is immutable");
    assert_eq!(store.db(), "one");
    store.remove("secrets/app/db.yaml");
    store.once().exits(0);
    assert_eq!(store.db(), "two");
}
