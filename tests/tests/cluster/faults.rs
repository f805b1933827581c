//! An API server that fails, answers nonsense, breaks off, or is not there: nothing is lost, and nothing is said of values.

mod cut;
mod each;
mod killed;
mod load;
mod mixed;
mod watches;

use std::{
    collections::BTreeSet,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use seal_tests::cluster::{Asked, Fault, Manifests, Proxy, find_condition, sealed_secret, shared};
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64};

/// A value that nobody may say.
const MARKER: &str = "MARKER-8c1f";
const JSON: &str = "application/json";

/// How long it may take until everything is right once nothing goes wrong any more: the longest wait of a watch, and of an
/// object that failed a few times.
const ALL_RIGHT: Duration = Duration::from_secs(90);

/// A site whose controller knows the API server through a proxy.
pub(crate) fn everywhere(test: impl Fn(&mut Site, &Proxy)) {
    for manifests in EVERYWHERE {
        with_proxy(manifests, &[], &test);
    }
}

/// The same in all set-ups at the same time, for what takes long and is mostly waiting.
fn everywhere_at_once(arguments: &[&str], test: impl Fn(&mut Site, &Proxy) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        for manifests in EVERYWHERE {
            scope.spawn(move || with_proxy(manifests, arguments, test));
        }
    });
}

fn with_proxy(manifests: Manifests, arguments: &[&str], test: &impl Fn(&mut Site, &Proxy)) {
    let proxy = Proxy::start(shared(manifests));
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let mut site = Site::with(manifests, |setup| {
        setup.args([kubeconfig.as_str()]).args(arguments.to_vec())
    });
    test(&mut site, &proxy);
    assert_nothing_is_said(&site);
}

impl Site {
    /// Waits longer than usual until a Secret has a value.
    #[track_caller]
    fn value_comes(&self, limit: Duration, name: &str, value: &str) {
        let (path, data) = (self.secret_path(name), base64(value));
        self.controller
            .wait_for_within(limit, &format!("{name} is {value}"), |_| {
                (self.api().get(&path).body["data"]["password"] == data).then_some(())
            });
    }
}

/// No value in the log, the metrics, an Event or a status.
fn assert_nothing_is_said(site: &Site) {
    let log = site.controller.log();
    let metrics = site.controller.metrics_if_any().unwrap_or_default();
    let mut said = vec![("the log", log), ("the metrics", metrics)];
    for namespace in [&site.apps, &site.system] {
        let events = site
            .api()
            .get(&format!("/api/v1/namespaces/{namespace}/events"));
        said.push(("an Event", events.body.to_string()));
        let path = sealed_secret(namespace, "");
        let objects = site.api().get(path.trim_end_matches('/')).body["items"].take();
        let objects = objects.as_array().into_iter().flatten();
        said.extend(objects.map(|object| ("a status", object["status"].to_string())));
    }
    for (what, text) in said {
        for marker in [MARKER, base64(MARKER).trim_end_matches('=')] {
            assert!(!text.contains(marker), "{what} holds a value: {text}");
        }
    }
}

/// Waits until so many watches are open: of SealedSecrets and Secrets in two namespaces, and of keys.
fn all_watches_are_open(site: &Site, proxy: &Proxy) {
    site.controller
        .wait_for_within(ALL_RIGHT, "all watches are open", |_| {
            (proxy.under_way(Asked::is_watch) >= 5).then_some(())
        });
}

/// What is watched, or listed, without what differs from one time to the next.
fn watched(asked: &Asked) -> Option<(String, bool)> {
    let (path, query) = asked.path.split_once('?')?;
    Some((path.to_owned(), query.contains("labelSelector=seal")))
}

/// Does a thing for the first request of each kind only.
fn once_each<K: Ord>() -> impl Fn(K) -> bool {
    let seen = Mutex::new(BTreeSet::new());
    move |kind| seen.lock().expect("no thread panicked").insert(kind)
}

/// Whether it is about the one Secret of this name.
fn is_secret(asked: &Asked, name: &str) -> bool {
    asked.path.ends_with(&format!("/secrets/{name}"))
}

fn nonsense(body: impl ToString) -> Fault {
    Fault::Answer(200, JSON, body.to_string())
}

/// A condition of a SealedSecret as it is now.
fn status_of(site: &Site, name: &str, condition: &str) -> Value {
    let object = site.api().get(&site.sealed_path(name)).body;
    find_condition(&object, condition).expect("it has it")["status"].clone()
}

#[track_caller]
fn assert_says_nothing(site: &Site, name: &str) {
    let object = site.api().get(&site.sealed_path(name)).body;
    assert!(!object["status"].to_string().contains(MARKER), "{object}");
    for event in site.controller.events_of(&site.apps, "SealedSecret", name) {
        assert!(!event.to_string().contains(MARKER), "{event}");
    }
}

/// Every way in which an answer about a Secret can be of no use.
fn failures() -> Vec<(&'static str, Fault)> {
    let html = format!("<html><body>{MARKER} 502 Bad Gateway</body></html>");
    let broken = format!(r#"{{"kind":"Secret","data":{{"password":"{MARKER}"#);
    vec![
        ("closed", Fault::Close),
        ("500", Fault::status(500, "InternalError")),
        ("503", Fault::status(503, "ServiceUnavailable")),
        ("429", Fault::status(429, "TooManyRequests")),
        ("page-502", Fault::Answer(502, "text/html", html.clone())),
        ("page-200", Fault::Answer(200, "text/html", html)),
        ("list", nonsense(json!([MARKER]))),
        ("text", nonsense(json!(MARKER))),
        ("nothing", nonsense("")),
        ("broken", nonsense(broken)),
    ]
}

#[test]
fn what_was_right_stays_synced_while_the_api_server_fails_and_is_right_again_after() {
    everywhere(|site, proxy| {
        let failures = failures();
        for (name, _) in &failures {
            site.api().apply(&site.sealed(name, &[("password", "x")]));
        }
        for (name, _) in &failures {
            site.synced(name);
        }
        let chosen = failures.clone();
        proxy.misbehave(move |asked| {
            let found = chosen.iter().find(|(name, _)| is_secret(asked, name));
            found.map(|(_, fault)| fault.clone())
        });
        for (name, _) in &failures {
            let change = json!({"data": {"password": base64(MARKER)}});
            site.api().patch(&site.secret_path(name), &change);
        }
        for (name, _) in &failures {
            let message = site.condition(name, "Reconciling", "True", "Retrying");
            assert!(message.contains("cannot be read"), "{name}: {message}");
            assert_eq!(status_of(site, name, "Synced"), "True", "{name}");
            assert_eq!(status_of(site, name, "Ready"), "False", "{name}");
        }
        assert_eq!(site.controller.liveness().status, 200);
        proxy.behave();
        for (name, _) in &failures {
            site.condition(name, "Ready", "True", "Unsealed");
            site.secret_that(name, "is right again", |secret| {
                secret["data"]["password"] == base64("x")
            });
            assert_says_nothing(site, name);
        }
    });
}

#[test]
fn a_new_object_waits_until_its_secret_can_be_written_and_writes_that_were_answered_with_nonsense_count()
 {
    everywhere(|site, proxy| {
        let failures = failures();
        let chosen = failures.clone();
        // The next one of the list for each write, so that each meets all.
        let turn = std::sync::atomic::AtomicUsize::new(0);
        proxy.misbehave(move |asked| {
            let is_ours = asked.method == "POST" && asked.is_about("secrets");
            let turn = is_ours.then(|| turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed))?;
            chosen
                .get(turn % chosen.len())
                .map(|(_, fault)| fault.clone())
        });
        for number in 0..failures.len() {
            let name = format!("new-{number}");
            site.api()
                .apply(&site.sealed(&name, &[("password", MARKER)]));
        }
        for number in 0..failures.len() {
            let name = format!("new-{number}");
            let message = site.condition(&name, "Reconciling", "True", "Retrying");
            assert!(message.contains("cannot be written"), "{message}");
            assert_eq!(site.secret(&name).status, 404);
        }
        proxy.behave();
        for number in 0..failures.len() {
            let name = format!("new-{number}");
            site.synced(&name);
            assert_eq!(site.secret(&name).body["data"]["password"], base64(MARKER));
            assert_says_nothing(site, &name);
        }
    });
}

#[test]
fn a_secret_that_cannot_be_understood_is_neither_overwritten_nor_repeated() {
    everywhere(|site, proxy| {
        site.with_db("right");
        site.synced("db");
        let metadata = site.secret("db").body["metadata"].clone();
        let secret = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data});
        let bodies = [
            secret(json!({"password": format!("{MARKER}!")})),
            secret(json!({"password": {"MARKER-8c1f": 1}})),
            secret(json!(MARKER)),
            json!({"data": MARKER, "metadata": MARKER}),
        ];
        for body in bodies {
            let before = proxy.faults();
            proxy.misbehave(move |asked| {
                let is_read = asked.method == "GET" && is_secret(asked, "db");
                is_read.then(|| nonsense(&body))
            });
            // A Secret that somebody touched is read again.
            let change = json!({"metadata": {"labels": {"look": before.to_string()}}});
            let touched = site.api().patch(&site.secret_path("db"), &change).body;
            let version = touched["metadata"]["resourceVersion"].clone();
            site.controller
                .wait_for("it was read", |_| (proxy.faults() > before).then_some(()));
            site.condition("db", "Reconciling", "True", "Retrying");
            assert_says_nothing(site, "db");
            assert_eq!(
                site.secret("db").body["metadata"]["resourceVersion"],
                version
            );
            proxy.behave();
            site.controller
                .wait_for_condition(&site.apps, "db", "Ready", "True");
        }
    });
}

#[test]
fn lists_of_nonsense_are_asked_for_again_and_not_repeated() {
    everywhere(|site, proxy| {
        site.with_db("right");
        let key = json!({
            "kind": "SecretList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
            "items": [{"metadata": {"name": {"odd": 1}}, "data": {"tls.key": MARKER}}],
        });
        let html = format!("<html>{MARKER}</html>");
        let bodies = [
            nonsense(&key),
            Fault::Answer(200, "text/html", html),
            nonsense(json!([MARKER])),
            nonsense(format!(r#"{{"items":[{{"data":{{"tls.key":"{MARKER}"#)),
        ];
        for (number, body) in bodies.into_iter().enumerate() {
            let before = proxy.faults();
            // Watches and lists.
            proxy.misbehave(move |asked| asked.path.contains('?').then(|| body.clone()));
            proxy.cut(Asked::is_watch);
            // SealedSecrets, Secrets, keys.
            site.controller.wait_for("it asked again", |_| {
                (proxy.faults() >= before + 3).then_some(())
            });
            assert_eq!(site.controller.liveness().status, 200);
            let name = format!("late-{number}");
            site.api().apply(&site.sealed(&name, &[("password", "x")]));
            proxy.behave();
            site.synced(&name);
        }
        assert!(site.controller.log().contains("works again"));
        assert_eq!(site.controller.certificate(), site.certificate);
    });
}

#[test]
fn a_watch_that_breaks_off_loses_no_change() {
    everywhere(|site, proxy| {
        site.with_db("one");
        for name in ["changed", "deleted"] {
            site.api().apply(&site.sealed(name, &[("password", "one")]));
            site.synced(name);
        }
        for (round, fault) in [
            Fault::Close,
            Fault::status(503, "ServiceUnavailable"),
            Fault::status(410, "Expired"),
        ]
        .into_iter()
        .enumerate()
        {
            let value = format!("value-{round}");
            all_watches_are_open(site, proxy);
            // Lists have a query as watches do.
            proxy.misbehave(move |asked| asked.path.contains('?').then(|| fault.clone()));
            proxy.cut(Asked::is_watch);
            site.api()
                .apply(&site.sealed("changed", &[("password", &value)]));
            let new = format!("new-{round}");
            site.api()
                .apply(&site.sealed(&new, &[("password", &value)]));
            site.api().delete(&site.secret_path("db"));
            proxy.behave();
            let is_new = |secret: &Value| secret["data"]["password"] == base64(&value);
            site.secret_that("changed", "is followed", is_new);
            site.secret_that(&new, "is made", is_new);
            site.secret_that("db", "is made again", |_| true);
        }
        proxy.misbehave(|asked| asked.path.contains('?').then_some(Fault::Close));
        proxy.cut(Asked::is_watch);
        site.api().delete(&site.sealed_path("deleted"));
        proxy.behave();
        let series = format!("namespace=\"{}\",name=\"deleted\"", site.apps);
        site.controller.wait_for("it is forgotten", |controller| {
            (!controller.metrics().contains(&series)).then_some(())
        });
    });
}

#[test]
fn conflicts_are_tried_again_ever_later_and_end() {
    everywhere(|site, proxy| {
        let cases = [
            ("status", "PUT", "Conflict"),
            ("update", "PUT", "Conflict"),
            ("create", "POST", "AlreadyExists"),
        ];
        for (name, method, reason) in cases {
            if name == "update" {
                site.api().apply(&site.sealed(name, &[("password", "one")]));
                site.synced(name);
            }
            let before = proxy.faults();
            proxy.misbehave(move |asked| {
                let is_meant = match name {
                    "status" => asked.path.ends_with("/status/status"),
                    "update" => is_secret(asked, name),
                    _ => asked.path.ends_with("/secrets"),
                };
                (is_meant && asked.method == method).then(|| Fault::status(409, reason))
            });
            site.api().apply(&site.sealed(name, &[("password", "two")]));
            site.controller.wait_for("it tries again", |_| {
                (proxy.faults() >= before + 3).then_some(())
            });
            thread::sleep(Duration::from_secs(2));
            let tries = proxy.faults() - before;
            // 10 ms, doubled each time.
            assert!(tries <= 12, "{name}: {tries} tries");
            proxy.behave();
            site.controller
                .wait_for_condition(&site.apps, name, "Ready", "True");
            assert_eq!(
                site.secret(name).body["data"]["password"],
                base64("two"),
                "{name}"
            );
        }
    });
}

#[test]
fn a_controller_that_starts_before_the_api_server_goes_on_when_that_answers() {
    everywhere(|site, proxy| {
        site.controller.stop();
        proxy.misbehave(|_| Some(Fault::Close));
        site.controller.start_again();
        site.controller.wait_for("it lives", |controller| {
            (controller.liveness().status == 200).then_some(())
        });
        site.controller
            .wait_for("it asked", |_| (proxy.faults() >= 6).then_some(()));
        assert_eq!(site.controller.liveness().status, 200);
        site.api().apply(&site.sealed("db", &[("password", "x")]));
        proxy.behave();
        site.controller.wait_until_ready();
        site.synced("db");
        // That no key could be read was no reason to make one.
        assert_eq!(site.controller.certificate(), site.certificate);
        assert!(!site.controller.log().contains("New key written"));
    });
}

#[test]
fn an_api_server_that_is_gone_for_some_seconds_costs_that_time_and_nothing_else() {
    everywhere(|site, proxy| {
        site.with_db("one");
        site.synced("db");
        proxy.misbehave(|_| Some(Fault::Close));
        proxy.cut(|_| true);
        site.api().apply(&site.sealed("db", &[("password", "two")]));
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            assert_eq!(site.controller.liveness().status, 200);
            thread::sleep(Duration::from_millis(200));
        }
        // HTTP needs no API server.
        assert_eq!(site.controller.certificate(), site.certificate);
        proxy.behave();
        site.secret_that("db", "is followed", |secret| {
            secret["data"]["password"] == base64("two")
        });
        site.synced("db");
        assert!(site.controller.runs());
        // A watch that does not work is said once.
        let log = site.controller.log();
        let warnings = log.matches("cannot watch").count();
        assert!(warnings <= 8, "{warnings}:\n{log}");
    });
}

#[test]
fn slow_answers_about_one_object_hold_up_no_other() {
    everywhere(|site, proxy| {
        proxy.misbehave(|asked| {
            let is_slow = is_secret(asked, "slow") || asked.path.ends_with("/sealedsecrets/slow");
            is_slow.then_some(Fault::Delay(Duration::from_secs(4)))
        });
        site.api().apply(&site.sealed("slow", &[("password", "x")]));
        site.controller
            .wait_for("it is asked for", |_| (proxy.faults() > 0).then_some(()));
        for number in 0..10 {
            let name = format!("quick-{number}");
            site.api().apply(&site.sealed(&name, &[("password", "x")]));
            site.synced(&name);
        }
        assert_eq!(site.secret("slow").status, 404);
        site.synced("slow");
    });
}

#[test]
fn what_must_not_be_listed_is_asked_for_ever_more_rarely_and_said_once() {
    everywhere(|site, proxy| {
        let path = site.sealed_path("");
        let path = path.trim_end_matches('/').to_owned();
        let is_meant = move |asked: &Asked| asked.path.starts_with(&format!("{path}?"));
        let forbidden = is_meant.clone();
        all_watches_are_open(site, proxy);
        proxy.misbehave(move |asked| forbidden(asked).then(|| Fault::status(403, "Forbidden")));
        let before = proxy.asked().len();
        site.controller.restart();
        thread::sleep(Duration::from_secs(15));
        let asked = proxy.asked();
        let times = asked[before..]
            .iter()
            .filter(|asked| is_meant(asked))
            .count();
        // After 0.8 s, then twice as long each time.
        assert!((2..=7).contains(&times), "{times}");
        let said = |what: &str| site.controller.log().matches(what).count();
        let what = format!("SealedSecrets in {}", site.apps);
        assert_eq!(said(&format!("cannot watch {what}")), 1);
        proxy.behave();
        site.with_db("x");
        assert_eq!(said(&format!("watching {what} works again")), 1);
    });
}
