//! Watches that say nothing, nothing readable, or that what they are asked for is gone.

use std::{
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Asked, Fault, find_condition, seal, sealed_secret},
    keys,
};
use serde_json::{Value, json};

use super::{MARKER, all_watches_are_open, everywhere, everywhere_at_once, once_each, watched};
use crate::site::{Site, base64, put_key};

/// After 35 s a connection is given up; see docs/cluster.md.
const SILENCE_IS_NOTICED: Duration = Duration::from_secs(60);

impl Site {
    /// The beginning of the path of all requests for all objects of a kind in a namespace.
    fn all(&self, namespace: &str, plural: &str) -> String {
        match plural {
            "secrets" => format!("/api/v1/namespaces/{namespace}/secrets?"),
            _ => format!("/apis/bitnami.com/v1alpha1/namespaces/{namespace}/{plural}?"),
        }
    }
}

#[test]
fn a_connection_that_falls_silent_is_given_up_and_loses_no_change() {
    everywhere_at_once(&[], |site, proxy| {
        for name in ["changed", "removed"] {
            site.api()
                .apply(&site.sealed(name, &[("password", MARKER)]));
            site.synced(name);
        }
        all_watches_are_open(site, proxy);
        let sealed = site.all(&site.apps, "sealedsecrets");
        let secrets = site.all(&site.apps, "secrets");
        let keys_and_all = site.all(&site.system, "secrets");
        let first = once_each();
        // One is swallowed, one begins and says nothing, of one the list is swallowed, and one falls silent.
        proxy.misbehave(move |asked| {
            let what = watched(asked)?;
            let is_keys = what.1 && asked.path.starts_with(&keys_and_all);
            match (asked.is_watch(), is_keys) {
                (true, _) if asked.path.starts_with(&secrets) => {
                    first(("swallowed", 0)).then_some(Fault::Silence)
                }
                (true, true) => first(("mute", 0)).then_some(Fault::Mute),
                (true, _) if asked.path.contains("/sealedsecrets?") => {
                    first(("relist", 0)).then(|| Fault::error_event(410, "Expired"))
                }
                (false, _) if asked.path.contains("/sealedsecrets?") => {
                    first(("list", 0)).then_some(Fault::Silence)
                }
                _ => None,
            }
        });
        assert_eq!(
            proxy.mute(|asked| asked.is_watch() && asked.path.starts_with(&sealed)),
            1
        );
        proxy.cut(|asked| asked.is_watch() && !asked.path.starts_with(&sealed));
        site.controller.wait_for("all of that happened", |_| {
            (proxy.faults() == 4).then_some(())
        });
        site.api()
            .apply(&site.sealed("changed", &[("password", "two")]));
        site.api().delete(&site.secret_path("removed"));
        put_key(
            site.controller.pod().plane(),
            &site.system,
            "second",
            "rsa-3072",
        );
        let other = keys::pem("rsa-3072.crt");
        site.api()
            .apply(&seal(&other, &site.apps, "late", &[("password", "three")]));
        site.api()
            .apply(&seal(&other, &site.system, "late", &[("password", "four")]));
        let begun = Instant::now();
        site.value_comes(SILENCE_IS_NOTICED, "changed", "two");
        site.value_comes(SILENCE_IS_NOTICED, "removed", MARKER);
        site.value_comes(SILENCE_IS_NOTICED, "late", "three");
        let path = sealed_secret(&site.system, "late");
        site.controller.wait_for_within(
            SILENCE_IS_NOTICED,
            "the other namespace is listed",
            |_| {
                let object = site.api().get(&path).body;
                let synced = find_condition(&object, "Synced")?;
                (synced["status"] == "True").then_some(())
            },
        );
        println!("silence was noticed after {:?}", begun.elapsed());
    });
}

#[test]
fn a_watch_from_a_version_that_is_gone_is_answered_by_listing_everything_again() {
    everywhere(|site, proxy| {
        site.with_db("one");
        all_watches_are_open(site, proxy);
        let touched = site.api().patch(
            &site.secret_path("db"),
            &json!({"metadata": {"labels": {"touched": "yes"}}}),
        );
        let text = touched.body["metadata"]["resourceVersion"].clone();
        let newest: u64 = text.as_str().unwrap().parse().unwrap();
        // What an API server says that forgot everything before that.
        proxy.misbehave(move |asked| {
            let (_, version) = asked.path.split_once("resourceVersion=")?;
            let version = version.split('&').next()?.parse::<u64>().ok()?;
            let is_gone = asked.is_watch() && version < newest;
            is_gone.then(|| Fault::status(410, "Expired"))
        });
        proxy.cut(Asked::is_watch);
        site.api().apply(&site.sealed("db", &[("password", "two")]));
        site.api()
            .apply(&site.sealed("new", &[("password", MARKER)]));
        for (name, value) in [("db", "two"), ("new", MARKER)] {
            site.secret_that(name, "is followed", |secret| {
                secret["data"]["password"] == base64(value)
            });
        }
        assert!(proxy.faults() > 0);
    });
}

#[test]
fn watches_that_end_at_once_are_begun_ever_more_rarely_and_lose_no_change() {
    everywhere(|site, proxy| {
        site.with_db("one");
        all_watches_are_open(site, proxy);
        let nothing = Fault::Answer(200, "application/json", String::new());
        proxy.misbehave(move |asked| asked.is_watch().then(|| nothing.clone()));
        let before = proxy.asked().len();
        proxy.cut(Asked::is_watch);
        thread::sleep(Duration::from_secs(4));
        let asked = &proxy.asked()[before..];
        let watches = asked.iter().filter(|asked| asked.is_watch()).count();
        println!("{watches} watches were begun in 4 s");
        // Five watches, each at once and after 1 s, 2 s, 4 s, each up to a fifth sooner.
        assert!((5..=20).contains(&watches), "{watches}");
        site.api()
            .apply(&site.sealed("db", &[("password", MARKER)]));
        proxy.behave();
        site.secret_that("db", "is followed", |secret| {
            secret["data"]["password"] == base64(MARKER)
        });
    });
}

#[test]
fn an_event_that_cannot_be_read_loses_no_change() {
    everywhere(|site, proxy| {
        for name in ["garbled", "next"] {
            site.api().apply(&site.sealed(name, &[("password", "one")]));
            site.synced(name);
        }
        all_watches_are_open(site, proxy);
        let sealed = site.all(&site.apps, "sealedsecrets");
        let first = once_each();
        let is_meant = move |asked: &Asked| asked.is_watch() && asked.path.starts_with(&sealed);
        let chosen = is_meant.clone();
        proxy.misbehave(move |asked| (chosen(asked) && first(())).then_some(Fault::Garbled));
        proxy.cut(is_meant);
        site.controller
            .wait_for("it is garbled", |_| (proxy.faults() == 1).then_some(()));
        for name in ["garbled", "next"] {
            site.api()
                .apply(&site.sealed(name, &[("password", MARKER)]));
        }
        for name in ["garbled", "next"] {
            site.secret_that(name, "is followed", |secret| {
                secret["data"]["password"] == base64(MARKER)
            });
        }
    });
}

#[test]
fn events_that_come_late_are_followed_late_and_undo_nothing() {
    everywhere(|site, proxy| {
        site.with_db("one");
        all_watches_are_open(site, proxy);
        proxy.misbehave(|asked| {
            asked
                .is_watch()
                .then_some(Fault::LateEvents(Duration::from_millis(700)))
        });
        proxy.cut(Asked::is_watch);
        for value in ["two", "three", MARKER] {
            site.api().apply(&site.sealed("db", &[("password", value)]));
        }
        let is_last = |secret: &Value| secret["data"]["password"] == base64(MARKER);
        let secret = site.secret_that("db", "is followed", is_last);
        site.synced("db");
        let edited = json!({"data": {"password": base64("by hand")}});
        site.api().patch(&site.secret_path("db"), &edited);
        site.secret_that("db", "is repaired", is_last);
        // What comes late tells of what is known.
        thread::sleep(Duration::from_secs(3));
        let now = site.secret("db").body;
        assert!(is_last(&now));
        assert_eq!(now["metadata"]["uid"], secret["metadata"]["uid"]);
        let writes = proxy
            .asked()
            .into_iter()
            .filter(|asked| asked.is_write() && asked.is_about("secrets") && asked.name == "db");
        // Made, changed at most three times, repaired.
        assert!(writes.count() <= 5);
    });
}
