//! Each fault alone on each kind of request: right in the end, nothing overwritten, nothing written twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use seal_tests::{
    cluster::{Asked, Broken, Fault, Proxy},
    long::rounds,
};
use serde_json::{Value, json};

use super::load::Dice;
use super::{ALL_RIGHT, MARKER, all_watches_are_open, everywhere_at_once, once_each, watched};
use crate::site::{Site, base64};

/// What can happen to one request, and whether it is carried out all the same.
pub(super) fn faults() -> Vec<(&'static str, Fault, bool)> {
    let html = || Fault::Answer(502, "text/html", format!("<html>{MARKER}</html>"));
    let mut faults = vec![
        ("close", Fault::Close, false),
        ("reset", Fault::Reset, false),
        ("409", Fault::status(409, "Conflict"), false),
        ("410", Fault::status(410, "Expired"), false),
        ("429", Fault::RetryAfter(429, "TooManyRequests", 1), false),
        ("500", Fault::status(500, "InternalError"), false),
        ("502", html(), false),
        (
            "503",
            Fault::RetryAfter(503, "ServiceUnavailable", 1),
            false,
        ),
        ("504", Fault::status(504, "Timeout"), false),
        ("slow", Fault::Delay(Duration::from_millis(1200)), true),
        ("done-close", Fault::Close.once_carried_out(), true),
        ("done-reset", Fault::Reset.once_carried_out(), true),
        (
            "done-500",
            Fault::status(500, "InternalError").once_carried_out(),
            true,
        ),
        ("done-502", html().once_carried_out(), true),
        (
            "done-504",
            Fault::status(504, "Timeout").once_carried_out(),
            true,
        ),
    ];
    faults.extend(Broken::ALL.map(|broken| {
        let name = match broken {
            Broken::Length => "half-length",
            Broken::Chunk => "half-chunk",
            Broken::Reset => "half-reset",
            Broken::Unnoticed => "half-unnoticed",
        };
        (name, Fault::Half(broken), true)
    }));
    // These take half a minute.
    if rounds(0, 1) == 1 {
        faults.push(("silence", Fault::Silence, false));
        faults.push(("done-silence", Fault::Silence.once_carried_out(), true));
    }
    faults
}

/// The kinds of requests about one object. The names of objects end with theirs.
const KINDS: [&str; 6] = ["read", "get", "create", "update", "status", "event"];

/// What kind of request about one object it is.
fn kind(asked: &Asked) -> Option<&'static str> {
    let about = |plural| asked.is_about(plural);
    Some(match asked.method.as_str() {
        _ if asked.name.is_empty() => return None,
        "GET" if about("sealedsecrets") => "read",
        "GET" if about("secrets") => "get",
        "POST" if about("secrets") => "create",
        "PUT" if about("secrets") => "update",
        "PUT" if asked.path.ends_with("/status") => "status",
        "POST" if about("events") => "event",
        _ => return None,
    })
}

/// The objects, each of which meets one fault at one kind of request, once.
struct Table {
    names: Vec<String>,
    happened: Arc<Mutex<BTreeSet<String>>>,
}

impl Table {
    fn meet(proxy: &Proxy) -> Self {
        let (mut names, mut all) = (Vec::new(), BTreeMap::new());
        for (fault, what, _) in faults() {
            for kind in KINDS {
                let name = format!("{fault}-{kind}");
                all.insert(name.clone(), (kind, what.clone()));
                names.push(name);
            }
        }
        let happened = Arc::new(Mutex::new(BTreeSet::new()));
        let happening = Arc::clone(&happened);
        proxy.misbehave(move |asked| {
            let (kind_of_it, fault) = all.get(&asked.name)?;
            let is_meant = kind(asked) == Some(kind_of_it);
            let mut happening = happening.lock().expect("no thread panicked");
            (is_meant && happening.insert(asked.name.clone())).then(|| fault.clone())
        });
        Self { names, happened }
    }

    /// How often each Secret was written, as far as the API server heard of it.
    fn writes(&self, asked: &[Asked], kinds: &[&str]) -> BTreeMap<String, usize> {
        let mut writes: BTreeMap<String, usize> =
            self.names.iter().map(|name| (name.clone(), 0)).collect();
        for one in asked {
            if kind(one).is_some_and(|kind| kinds.contains(&kind)) {
                // Beside them there is the Secret with the key of the records.
                if let Some(count) = writes.get_mut(&one.name) {
                    *count += 1;
                }
            }
        }
        for (fault, _, is_carried_out) in faults() {
            for kind in kinds.iter().filter(|_| !is_carried_out) {
                if let Some(count) = writes.get_mut(&format!("{fault}-{kind}")) {
                    *count = count.saturating_sub(1);
                }
            }
        }
        writes
    }
}

impl Site {
    fn secrets(&self) -> BTreeMap<String, Value> {
        let path = format!("/api/v1/namespaces/{}/secrets", self.apps);
        let items = self.api().get(&path).body["items"].take();
        let items = items.as_array().cloned().unwrap_or_default();
        let name = |item: &Value| {
            item["metadata"]["name"]
                .as_str()
                .expect("it is stored")
                .to_owned()
        };
        items.into_iter().map(|item| (name(&item), item)).collect()
    }

    /// Waits until all Secrets are there and have this value, and their SealedSecrets are ready.
    #[track_caller]
    fn all_have(&self, names: &[String], value: &str) -> BTreeMap<String, Value> {
        let data = json!({"password": base64(value)});
        self.controller
            .wait_for_within(ALL_RIGHT, &format!("all have {value}"), |_| {
                let secrets = self.secrets();
                let wrong = names.iter().find(|name| {
                    secrets
                        .get(*name)
                        .is_none_or(|secret| secret["data"] != data)
                });
                match wrong {
                    None => Some(()),
                    Some(_) => {
                        thread::sleep(Duration::from_millis(200));
                        None
                    }
                }
            });
        for name in names {
            let path = self.sealed_path(name);
            self.controller
                .wait_for_within(ALL_RIGHT, &format!("{name} is ready"), |_| {
                    let object = self.api().get(&path).body;
                    let ready = seal_tests::cluster::find_condition(&object, "Ready")?;
                    let is_current =
                        object["status"]["observedGeneration"] == object["metadata"]["generation"];
                    (is_current && ready["status"] == "True").then_some(())
                });
        }
        self.secrets()
    }
}

#[track_caller]
fn assert_written_once(table: &Table, asked: &[Asked], kinds: &[&str]) {
    let wrong: Vec<_> = table
        .writes(asked, kinds)
        .into_iter()
        .filter(|(_, count)| *count != 1)
        .collect();
    assert!(
        wrong.is_empty(),
        "written another number of times than once: {wrong:?}"
    );
}

#[test]
fn each_fault_on_each_kind_of_request_about_an_object_delays_it_and_does_nothing_else() {
    everywhere_at_once(&[], |site, proxy| {
        let table = Table::meet(proxy);
        let apply = |value: &str| {
            for name in &table.names {
                site.api().apply(&site.sealed(name, &[("password", value)]));
            }
        };
        let begun = proxy.asked().len();
        apply("one");
        let made = site.all_have(&table.names, "one");
        let changed = proxy.asked().len();
        assert_written_once(&table, &proxy.asked()[begun..], &["create"]);
        apply(MARKER);
        let now = site.all_have(&table.names, MARKER);
        let asked = proxy.asked();
        assert_written_once(&table, &asked[changed..], &["update"]);
        // Nobody made one anew.
        let creates = |part: &[Asked]| {
            part.iter()
                .filter(|asked| kind(asked) == Some("create"))
                .count()
        };
        assert_eq!(creates(&asked[changed..]), 0);
        for name in &table.names {
            assert_eq!(
                made[name]["metadata"]["uid"], now[name]["metadata"]["uid"],
                "{name}"
            );
        }
        for name in &table.names {
            site.api().delete(&site.sealed_path(name));
        }
        site.controller
            .wait_for_within(ALL_RIGHT, "all are gone", |_| {
                let secrets = site.secrets();
                table
                    .names
                    .iter()
                    .all(|name| !secrets.contains_key(name))
                    .then_some(())
            });
        let happened = table.happened.lock().expect("no thread panicked").clone();
        let missed = table.names.iter().filter(|name| !happened.contains(*name));
        let missed: Vec<_> = missed.collect();
        assert!(missed.is_empty(), "never asked for: {missed:?}");
    });
}

/// The requests that are about no single object: each path of its own, with or without a selection by labels.
#[test]
fn each_fault_on_lists_watches_the_lease_and_the_certificate_delays_and_does_nothing_else() {
    everywhere_at_once(&["--key-size=2048"], |site, proxy| {
        let faults: Vec<Fault> = faults().into_iter().map(|(_, fault, _)| fault).collect();
        site.with_db("one");
        let watches = 5;
        // Where not all, some.
        let offset = Dice::new().roll(faults.len());
        println!("the first fault is number {offset}");
        for round in 0..rounds(2, faults.len()) {
            all_watches_are_open(site, proxy);
            // What lasts so long worked, and is asked for again without a long wait.
            thread::sleep(Duration::from_millis(1200));
            let faults = faults.clone();
            let (first, turn) = (once_each(), Mutex::new(BTreeMap::new()));
            proxy.misbehave(move |asked| {
                let fault = |index: usize| {
                    faults[(offset + round * watches + index) % faults.len()].clone()
                };
                if let Some(what) = watched(asked) {
                    let mut turn = turn.lock().expect("no thread panicked");
                    let next = turn.len();
                    let index = *turn.entry(what).or_insert(next);
                    // Everything is to be listed again; then the list meets a fault, and then the watch.
                    return match asked.is_watch() {
                        true if first((index, "gone")) => Some(Fault::error_event(410, "Expired")),
                        true => first((index, "watch")).then(|| fault(index)),
                        false => first((index, "list")).then(|| fault(index)),
                    };
                }
                let what = ["leases", "configmaps"]
                    .iter()
                    .position(|what| asked.is_about(what))?;
                first((what, if asked.is_write() { "write" } else { "read" }))
                    .then(|| fault(what + round))
            });
            proxy.cut(Asked::is_watch);
            let value = format!("value-{round}");
            site.api()
                .apply(&site.sealed("db", &[("password", &value)]));
            site.value_comes(ALL_RIGHT, "db", &value);
            let wrong = json!({"data": {"password": base64(MARKER)}});
            site.api().patch(&site.secret_path("db"), &wrong);
            site.value_comes(ALL_RIGHT, "db", &value);
        }
        proxy.behave();
        assert_eq!(site.controller.metric("seal_controller_leader"), Some(1.0));
        assert_eq!(site.controller.certificate(), site.certificate);
    });
}
