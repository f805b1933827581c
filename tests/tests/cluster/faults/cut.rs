//! Watches that are cut for a minute, while people change things on both sides.

use std::{
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Asked, Fault, Proxy, seal},
    keys,
    long::rounds,
};
use serde_json::json;

use super::{ALL_RIGHT, MARKER, all_watches_are_open, everywhere_at_once};
use crate::site::{Site, base64, put_key};

impl Site {
    /// Waits until the controller knows nothing of an object any more.
    #[track_caller]
    fn is_forgotten(&self, name: &str) {
        let series = format!("namespace=\"{}\",name=\"{name}\"", self.apps);
        self.controller
            .wait_for_within(ALL_RIGHT, &format!("{name} is forgotten"), |controller| {
                (!controller.metrics().contains(&series)).then_some(())
            });
    }

    #[track_caller]
    fn is_gone(&self, path: &str) {
        self.controller
            .wait_for_within(ALL_RIGHT, &format!("{path} is gone"), |_| {
                (self.api().get(path).status == 404).then_some(())
            });
    }
}

fn cut_watches(site: &Site, proxy: &Proxy) {
    all_watches_are_open(site, proxy);
    proxy.misbehave(|asked| asked.is_watch().then_some(Fault::Close));
    proxy.cut(Asked::is_watch);
}

#[test]
fn what_is_changed_while_watches_are_cut_is_right_when_they_work_again() {
    let outage = Duration::from_secs(rounds(10, 60) as u64);
    everywhere_at_once(&[], |site, proxy| {
        let names = ["changed", "deleted", "edited", "removed", "again"];
        for name in names {
            site.api()
                .apply(&site.sealed(name, &[("password", MARKER)]));
        }
        for name in names {
            site.synced(name);
        }
        let uid = site.secret("again").body["metadata"]["uid"].clone();
        cut_watches(site, proxy);
        let (begun, before) = (Instant::now(), proxy.asked().len());
        site.api()
            .apply(&site.sealed("changed", &[("password", "two")]));
        site.api().delete(&site.sealed_path("deleted"));
        let edit = json!({"data": {"password": base64("by hand"), "more": base64("by hand")}});
        site.api().patch(&site.secret_path("edited"), &edit);
        site.api().delete(&site.secret_path("removed"));
        site.api().delete(&site.sealed_path("again"));
        site.is_gone(&site.secret_path("again"));
        site.api()
            .apply(&site.sealed("again", &[("password", "three")]));
        put_key(
            site.controller.pod().plane(),
            &site.system,
            "second",
            "rsa-3072",
        );
        let other = keys::pem("rsa-3072.crt");
        site.api()
            .apply(&seal(&other, &site.apps, "new", &[("password", "four")]));
        while begun.elapsed() < outage {
            assert_eq!(site.controller.liveness().status, 200);
            thread::sleep(Duration::from_millis(500));
        }
        let watches = proxy.asked()[before..]
            .iter()
            .filter(|asked| asked.is_watch())
            .count();
        println!(
            "{watches} watches were begun in vain in {:?}",
            begun.elapsed()
        );
        // Five, each after 0 s, 1 s, 3 s, 7 s, 15 s, 31 s and 61 s, up to a fifth sooner.
        assert!((10..=40).contains(&watches), "{watches}");
        proxy.behave();
        let values = [
            ("changed", "two"),
            ("edited", MARKER),
            ("removed", MARKER),
            ("again", "three"),
            ("new", "four"),
        ];
        for (name, value) in values {
            site.value_comes(ALL_RIGHT, name, value);
            let data = site.secret(name).body["data"].clone();
            assert_eq!(data, json!({"password": base64(value)}), "{name}");
        }
        assert_ne!(site.secret("again").body["metadata"]["uid"], uid);
        site.is_gone(&site.secret_path("deleted"));
        site.is_forgotten("deleted");

        // A namespace that goes, and one of its name that comes.
        cut_watches(site, proxy);
        let path = format!("/api/v1/namespaces/{}", site.apps);
        assert_eq!(site.api().delete(&path).status, 200);
        site.is_gone(&path);
        site.api().apply(
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": site.apps}}),
        );
        site.api()
            .apply(&site.sealed("changed", &[("password", "five")]));
        proxy.behave();
        site.value_comes(ALL_RIGHT, "changed", "five");
        for name in ["edited", "removed", "again", "new"] {
            site.is_forgotten(name);
            assert_eq!(site.secret(name).status, 404, "{name}");
        }
    });
}
