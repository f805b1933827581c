//! What is refused, and how it is said.

use std::{fs, os::unix::fs::symlink};

use seal_tests::fault;
use serde_json::json;

use crate::store::{MARKER, Store, document, sealed, sealed_as, to_yaml, value};

#[test]
fn a_file_moved_to_another_namespace_is_refused() {
    let store = Store::new();
    let moved = sealed("app", "db", "one").replace("namespace: app", "namespace: other");
    store.put("sealed/db.yaml", moved);
    store
        .once()
        .exits(3)
        .says("error[SealedForAnotherNamespace]: sealed/db.yaml: document 1: other/db: sealed for app/db, found in other/db");
    assert!(!store.path("secrets/other").exists());
}

#[test]
fn a_failing_sealed_secret_leaves_its_secret_as_it_was() {
    let store = Store::new();
    store.put_db("one");
    store.once().exits(0);
    let before = store.text("secrets/app/db.yaml");
    let damaged = document(&sealed("app", "db", "two"));
    let mut text = damaged["spec"]["encryptedData"]["password"]
        .as_str()
        .unwrap()
        .to_owned();
    text.replace_range(200..204, "AAAA");
    let mut damaged = damaged;
    damaged["spec"]["encryptedData"]["password"] = text.into();
    store.put("sealed/app/db.yaml", to_yaml(&damaged));
    store.once().exits(3).says("error[CannotOpen]");
    assert_eq!(store.text("secrets/app/db.yaml"), before);
}

#[test]
fn a_broken_file_or_document_hides_nothing() {
    let store = Store::new();
    store.put_db("one");
    store.put(
        "sealed/bad.yaml",
        format!("{}---\na: [\n", sealed("app", "beside", "2")),
    );
    store.put("sealed/worse.yaml", b"\xff\xff\xff");
    store.put(
        "sealed/no-namespace.yaml",
        sealed("app", "x", "3").replacen("  namespace: app\n", "", 1),
    );
    let run = store.once().exits(3);
    let run = run
        .says("error[InvalidSyntax]: sealed/bad.yaml:")
        .says(": document 2: ");
    let run = run.says("error[InvalidEncoding]: sealed/worse.yaml:1: ");
    run.says("error[MissingNamespace]: sealed/no-namespace.yaml:")
        .says("document 1: the SealedSecret has no metadata.namespace");
    assert_eq!(
        (store.db(), value(&store.text("secrets/app/beside.yaml"))),
        ("one".into(), "2".into())
    );
    let problems = &store.status("status/status.yaml")["problems"];
    assert_eq!(problems.as_array().map(Vec::len), Some(3));
}

#[test]
fn two_sealed_secrets_of_one_name_are_both_refused() {
    let store = Store::new();
    store.put("sealed/a.yaml", sealed("app", "db", "one"));
    store.once().exits(0);
    store.put("sealed/b.yaml", sealed("app", "db", "two"));
    let run = store.once().exits(3);
    for file in ["a", "b"] {
        let line = run.err().lines().find(|line| {
            line.starts_with(&format!(
                "error[DuplicateObject]: sealed/{file}.yaml: document 1: app/db: "
            ))
        });
        let line = line.expect("each file is named");
        assert!(
            line.contains("sealed/a.yaml (document 1) and in sealed/b.yaml (document 1)"),
            "{line}"
        );
    }
    assert_eq!(store.db(), "one");
    store.remove("sealed/a.yaml");
    store.once().exits(0);
    assert_eq!(store.db(), "two");
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let store = Store::new();
    for (number, (namespace, name)) in [("..", "db"), ("app", "../../db"), ("a/b", "db")]
        .into_iter()
        .enumerate()
    {
        let text = sealed("app", "db", "one")
            .replace("namespace: app", &format!("namespace: {namespace:?}"));
        let text = text.replace("name: db", &format!("name: {name:?}"));
        store.put(&format!("sealed/{number}.yaml"), text);
    }
    let run = store.once().exits(3);
    assert_eq!(
        run.err().matches("error[InvalidName]").count(),
        3,
        "{}",
        run.err()
    );
    assert_eq!(fs::read_dir(store.path("secrets")).unwrap().count(), 0);
}

#[test]
fn a_name_too_long_for_a_file_is_refused_with_the_reason() {
    let store = Store::new();
    let name = "a".repeat(253);
    store.put("sealed/long.yaml", sealed("app", &name, "one"));
    store
        .once()
        .exits(3)
        .says("error[InvalidName]")
        .says("250 are the most");
}

#[test]
fn links_out_of_the_folder_and_pipes_are_reported_and_never_followed() {
    let store = Store::new();
    let outside = store
        .scratch
        .write("outside.yaml", sealed("app", "outside", "one"));
    store.put_db("one");
    symlink(outside, store.path("sealed/out.yaml")).unwrap();
    fault::fifo(&store.path("sealed/pipe.yaml"));
    let run = store.once().exits(3);
    run.says("error[Unreadable]: sealed/out.yaml: is a symbolic link that leaves the folder")
        .says("error[Unreadable]: sealed/pipe.yaml: is not a plain file");
    assert!(!store.path("secrets/app/outside.yaml").exists());
    assert_eq!(store.db(), "one");
}

#[test]
fn nothing_is_written_or_deleted_through_a_link() {
    let store = Store::new();
    let away = store.scratch.path().join("away");
    fs::create_dir(&away).unwrap();
    fs::create_dir(store.path("secrets")).unwrap();
    symlink(&away, store.path("secrets/app")).unwrap();
    store.put_db("one");
    for _ in 0..2 {
        store
            .once()
            .exits(3)
            .says("error[NotManaged]: sealed/app/db.yaml: document 1: app/db: secrets/app/db.yaml is reached by the symbolic link secrets/app,");
    }
    assert_eq!(fs::read_dir(&away).unwrap().count(), 0);
    fs::remove_file(store.path("secrets/app")).unwrap();
    fs::remove_dir_all(store.path("status")).unwrap();
    fs::create_dir(store.path("status")).unwrap();
    symlink(&away, store.path("status/app")).unwrap();
    symlink(away.join("keys.yaml"), store.path("status/keys.yaml")).unwrap();
    store
        .once()
        .exits(3)
        .says("error[Unwritable]: status/app/status.yaml: cannot be written: ")
        .says("error[Unwritable]: status/keys.yaml: cannot be written: ");
    assert_eq!(fs::read_dir(&away).unwrap().count(), 0);
    assert_eq!(store.db(), "one");
}

#[test]
fn folders_with_the_name_of_a_status_file_are_refused() {
    let store = Store::new();
    store.put_db("one");
    store.put("sealed/keys.yaml/a.yaml", sealed("app", "a", "1"));
    store.put("sealed/app/status.yaml/b.yaml", sealed("app", "b", "2"));
    for _ in 0..2 {
        let run = store.once().exits(3);
        let run = run.says("error[InvalidName]: sealed/keys.yaml/a.yaml: the folder sealed/keys.yaml has the name of a status file");
        let run = run.says(
            "error[InvalidName]: sealed/app/status.yaml/b.yaml: the folder sealed/app/status.yaml",
        );
        assert_eq!(run.err().lines().count(), 2, "{}", run.err());
        assert_eq!(store.db(), "one");
    }
    assert!(
        store
            .text("status/status.yaml")
            .contains("keys.yaml/a.yaml")
    );
}

#[test]
fn restricted_types_need_a_flag() {
    let store = Store::new();
    store.put(
        "sealed/token.yaml",
        sealed_as("app", "token", "one", |secret| {
            secret.type_ = Some("bootstrap.kubernetes.io/token".into());
        }),
    );
    store.once().exits(3).says("error[TypeNotAllowed]");
    store
        .run(["--once", "--allow-restricted-types"])
        .finish()
        .exits(0)
        .never_shows(MARKER);
}

#[test]
fn legacy_data_can_be_switched_off() {
    let store = Store::new();
    let mut legacy = document(&sealed("app", "db", "one"));
    legacy["spec"] = json!({"data": "AgAA"});
    store.put("sealed/db.yaml", to_yaml(&legacy));
    store.once().exits(3).says("error[MalformedItem]");
    store
        .run(["--once", "--accept-deprecated-v1-data=false"])
        .finish()
        .exits(3)
        .says("switched off");
}
