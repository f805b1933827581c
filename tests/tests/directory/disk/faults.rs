//! A disk without room, without room for another file, or read-only from one moment to the next, under each of the folders
//! that the controller writes to: nothing is lost or half-written, it is said, counted, and over when the fault is.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;
use seal_tests::{
    fault::Volume,
    http::{free_port, get},
    run::Running,
};
use serde_json::{Value, json};

use crate::store::{MARKER, Store, document, sealed, sealed_as, to_yaml, value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoRoom,
    NoFiles,
    ReadOnly,
}

const FAULTS: [Fault; 3] = [Fault::NoRoom, Fault::NoFiles, Fault::ReadOnly];

/// A folder on a disk of its own.
struct Disk {
    volume: Volume,
    fault: Fault,
}

impl Disk {
    /// Puts a folder of the store there, which is not there yet.
    fn under(store: &Store, folder: &str, fault: Fault) -> Self {
        let volume = match fault {
            Fault::NoRoom | Fault::ReadOnly => Volume::new(256),
            Fault::NoFiles => Volume::of_few_files(64),
        };
        let inside = volume.path().join(folder);
        fs::create_dir(&inside).expect("the volume is empty");
        symlink(inside, store.path(folder)).expect("the store is ours");
        Self { volume, fault }
    }

    fn begin(&mut self) {
        match self.fault {
            Fault::NoRoom => self.volume.fill(),
            Fault::NoFiles => self.volume.fill_with_files(),
            Fault::ReadOnly => self.volume.make_read_only(),
        }
    }

    fn end(&mut self) {
        match self.fault {
            Fault::NoRoom | Fault::NoFiles => self.volume.empty(),
            Fault::ReadOnly => self.volume.make_writable(),
        }
    }
}

/// A controller that serves and counts.
struct Serving {
    controller: Running,
    http: u16,
    metrics: u16,
}

impl Serving {
    fn start<const N: usize>(store: &Store, flags: [&str; N]) -> Self {
        let (http, metrics) = (free_port(), free_port());
        let run = store
            .run(["--listen-addr", &format!("127.0.0.1:{http}")])
            .arg(format!("--listen-metrics-addr=127.0.0.1:{metrics}"));
        let run = flags.into_iter().fold(run, |run, flag| run.arg(flag));
        let mut controller = run.limit(Duration::from_secs(120)).start();
        controller.wait_for("looked at all SealedSecrets");
        Self {
            controller,
            http,
            metrics,
        }
    }

    fn metric(&self, series: &str) -> f64 {
        let text = get(self.metrics, "/metrics").body;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("it is a number"))
    }

    #[track_caller]
    fn wait_until(&mut self, what: &str, holds: impl Fn() -> bool) {
        self.controller.wait_until(what, |_| holds());
    }

    /// It is alive and ready all the while: only what it cannot write is not right.
    #[track_caller]
    fn is_well(&self) {
        assert_eq!(get(self.http, "/healthz").code, 200);
        assert_eq!(get(self.http, "/readyz").code, 200);
    }

    fn stop(self) -> seal_tests::run::Finished {
        self.controller.stop().exits(0).never_shows(MARKER)
    }
}

/// Every file below a folder, but for what fills the disk.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is a folder") {
            let path = entry.expect("it can be listed").path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(found.insert(path)),
            }
        }
    }
    found
}

/// What stands in a folder, by the names below it.
#[track_caller]
fn holds(store: &Store, folder: &str, names: &[&str]) {
    let root = store.path(folder);
    let found = files(&root);
    let expected: BTreeSet<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    assert_eq!(found, expected);
}

/// The condition `Synced` of a SealedSecret in a status file of JSON.
fn reason(status: &Value, name: &str) -> String {
    let items = status["items"].as_array().map_or(&[][..], Vec::as_slice);
    let item = items.iter().find(|item| item["metadata"]["name"] == name);
    let reason = item.map(|item| &item["status"]["conditions"][0]["reason"]);
    reason
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// All faults at once, each with a store of its own.
fn with_each_fault(test: impl Fn(Fault) + Sync) {
    std::thread::scope(|scope| {
        for fault in FAULTS {
            let test = &test;
            scope.spawn(move || test(fault));
        }
    });
}

#[test]
fn a_secret_that_cannot_be_written_stays_as_it_was_and_is_written_when_it_can_be() {
    with_each_fault(|fault| {
        let store = Store::new();
        let mut disk = Disk::under(&store, "secrets", fault);
        store.put_db("one");
        let mut serving = Serving::start(&store, []);
        serving.wait_until("the Secret is made", || store.db() == "one");
        disk.begin();
        store.put_db("two");
        store.put("sealed/app/new.yaml", sealed("app", "new", "new"));
        store.put("sealed/else/new.yaml", sealed("else", "new", "new"));
        let reason_of = |folder: &str, name: &str| {
            reason(&store.status(&format!("status/{folder}/status.yaml")), name)
        };
        serving.wait_until("it says so", || {
            reason_of("app", "db") == "Unwritable"
                && reason_of("app", "new") == "Unwritable"
                && reason_of("else", "new") == "Unwritable"
        });
        assert_eq!(store.db(), "one", "{fault:?}");
        holds(&store, "secrets", &["app/db.yaml"]);
        serving.is_well();
        let objects = |namespace: &str, reason: &str| {
            format!("seal_controller_objects{{namespace=\"{namespace}\",reason=\"{reason}\"}}")
        };
        assert_eq!(serving.metric(&objects("app", "Unwritable")), 2.0);
        assert_eq!(serving.metric(&objects("else", "Unwritable")), 1.0);
        let errors =
            "sealed_secrets_controller_unseal_errors_total{reason=\"update\",namespace=\"app\"}";
        assert!(serving.metric(errors) >= 2.0);
        disk.end();
        serving.wait_until("it heals", || {
            store.db() == "two"
                && reason_of("app", "db") == "Unsealed"
                && reason_of("app", "new") == "Unsealed"
                && reason_of("else", "new") == "Unsealed"
        });
        holds(
            &store,
            "secrets",
            &["app/db.yaml", "app/new.yaml", "else/new.yaml"],
        );
        assert_eq!(serving.metric(&objects("app", "Unwritable")), 0.0);
        serving
            .stop()
            .says("secrets/app/db.yaml cannot be written")
            .says("secrets/else/new.yaml cannot be written");
    });
}

#[test]
fn where_the_status_cannot_be_written_the_secrets_are_and_the_status_is_whole_and_catches_up() {
    with_each_fault(|fault| {
        let store = Store::new();
        let mut disk = Disk::under(&store, "status", fault);
        store.put_db("one");
        let mut serving = Serving::start(&store, []);
        let status = || store.text("status/app/status.yaml");
        serving.wait_until("the status is written", || store.db_reason() == "Unsealed");
        let (before, keys) = (status(), store.text("status/keys.yaml"));
        disk.begin();
        store.put_db("two");
        store.put("sealed/else/new.yaml", sealed("else", "new", "new"));
        serving.wait_until("the Secrets are made", || {
            store.db() == "two" && value(&store.text("secrets/else/new.yaml")) == "new"
        });
        serving.controller.wait_for("status/else/status.yaml");
        let errors = |namespace: &str| {
            format!(
                "sealed_secrets_controller_unseal_errors_total{{reason=\"status\",namespace=\"{namespace}\"}}"
            )
        };
        for namespace in ["app", "else"] {
            assert!(
                serving.metric(&errors(namespace)) >= 1.0,
                "{fault:?} {namespace}"
            );
        }
        assert_eq!(status(), before, "{fault:?}");
        holds(&store, "status", &["app/status.yaml", "keys.yaml"]);
        serving.is_well();
        disk.end();
        let generation = || {
            store.status("status/app/status.yaml")["items"][0]["status"]["observedGeneration"]
                .clone()
        };
        serving.wait_until("it catches up", || {
            generation() == 2
                && reason(&store.status("status/else/status.yaml"), "new") == "Unsealed"
        });
        holds(
            &store,
            "status",
            &["app/status.yaml", "else/status.yaml", "keys.yaml"],
        );
        assert_eq!(store.text("status/keys.yaml"), keys);
        serving.controller.wait_for("no longer so");
        serving.stop().says("status/app/status.yaml");
    });
}

#[test]
fn a_key_that_cannot_be_written_is_none_and_the_first_key_is_made_when_it_can_be() {
    with_each_fault(|fault| {
        let store = Store::without_key();
        let mut disk = Disk::under(&store, "keys", fault);
        disk.begin();
        let mut serving = Serving::start(&store, ["--key-renew-period=720h", "--key-size=2048"]);
        let problems = "seal_controller_key_problems{reason=\"Unwritable\"}";
        assert_eq!(serving.metric(problems), 1.0, "{fault:?}");
        assert_eq!(serving.metric("seal_controller_keys"), 0.0);
        assert_eq!(get(serving.http, "/v1/cert.pem").code, 500);
        holds(&store, "keys", &[]);
        serving.is_well();
        disk.end();
        let mut code = 0;
        serving.controller.wait_until("a key is made", |_| {
            code = get(serving.http, "/v1/cert.pem").code;
            code == 200
        });
        assert_eq!(files(&store.path("keys")).len(), 1, "{fault:?}");
        assert_eq!(serving.metric(problems), 0.0);
        serving.stop().says("a new key is due and cannot be made");
    });
}

/// A SealedSecret whose Secret has no owner reference, so that only the record in the status file says whose it is.
fn without_owner(value: &str) -> String {
    let mut object = document(&sealed_as("app", "db", value, |_| {}));
    object["spec"]["template"]["metadata"]["annotations"] =
        json!({"sealedsecrets.bitnami.com/skip-set-owner-references": "true"});
    to_yaml(&object)
}

#[test]
fn a_secret_that_only_a_record_proves_ours_is_not_written_before_the_record_is() {
    with_each_fault(|fault| {
        let store = Store::new();
        let mut disk = Disk::under(&store, "status", fault);
        disk.begin();
        let mut serving = Serving::start(&store, []);
        store.put("sealed/app/db.yaml", without_owner("one"));
        store.put("sealed/app/owned.yaml", sealed("app", "owned", "one"));
        serving.wait_until("the other one is made", || {
            value(&store.text("secrets/app/owned.yaml")) == "one"
        });
        serving
            .controller
            .wait_for("is not written before the record of it");
        assert_eq!(store.db(), "", "{fault:?}");
        let unwritable = "seal_controller_objects{namespace=\"app\",reason=\"Unwritable\"}";
        assert_eq!(serving.metric(unwritable), 1.0);
        // A crash in the middle of it costs nothing.
        serving.controller.signal(Signal::KILL);
        drop(serving);
        let mut serving = Serving::start(&store, []);
        assert_eq!(store.db(), "", "{fault:?}");
        disk.end();
        serving.wait_until("it is made", || {
            store.db() == "one" && store.db_reason() == "Unsealed"
        });
        serving.stop();
        // It is ours, and stays so.
        store.put("sealed/app/db.yaml", without_owner("two"));
        store.once().exits(0);
        assert_eq!(store.db(), "two");
    });
}

#[test]
fn what_a_random_template_gave_is_kept_though_the_key_of_the_records_could_not_be_written_at_first()
{
    with_each_fault(|fault| {
        let store = Store::without_key();
        let mut disk = Disk::under(&store, "keys", fault);
        let key = crate::store::key_secret(crate::store::KEY, Some("active"));
        store.put("keys/fixed.yaml", key);
        let mut object = document(&sealed("app", "db", "one"));
        object["spec"]["template"]["data"] = json!({"drawn": "{{ randAlphaNum 20 }}"});
        store.put("sealed/app/db.yaml", to_yaml(&object));
        disk.begin();
        let mut serving = Serving::start(&store, ["--allow-random-functions"]);
        let drawn = || {
            let secret = document(&store.text("secrets/app/db.yaml"));
            secret["data"]["drawn"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        serving.wait_until("the Secret is made", || !drawn().is_empty());
        let first = drawn();
        holds(&store, "keys", &["fixed.yaml"]);
        disk.end();
        serving.wait_until("the key is written", || {
            fs::read(store.path("keys/record.key")).is_ok_and(|key| key.len() == 32)
        });
        serving.wait_until("it is right", || store.db_reason() == "Unsealed");
        assert_eq!(drawn(), first, "{fault:?}");
        serving.stop().says("the key of the records");
        // The record is known again.
        for _ in 0..2 {
            let serving = Serving::start(&store, ["--allow-random-functions"]);
            assert_eq!(
                (drawn(), store.db_reason()),
                (first.clone(), "Unsealed".to_owned())
            );
            serving.stop();
        }
        // It is the record that says so: what somebody changed is told from it.
        let secret = store.text("secrets/app/db.yaml");
        store.put(
            "secrets/app/db.yaml",
            secret.replacen("drawn: ", "drawn: AAAA", 1),
        );
        let serving = Serving::start(&store, ["--allow-random-functions"]);
        assert_eq!(store.db_reason(), "DriftKept", "{fault:?}");
        serving.stop();
    });
}
