//! What goes first where there is much to do. Who was first is told by the API server's versions, not by a clock.

mod crowd;

use std::thread;

use seal_tests::{
    cluster::{Manifests, seal, sealed_secret},
    keys,
};
use serde_json::Value;

use crate::site::{EVERYWHERE, Site, base64, put_key};

/// Private-key operations with this key take some 30 ms.
const SLOW: &str = "rsa-8192";

/// A site that has the slow key as well.
fn site(manifests: Manifests) -> Site {
    let site = Site::new(manifests);
    put_key(site.controller.pod().plane(), &site.system, "slow", SLOW);
    let is_held = |controller: &seal_tests::cluster::Controller<'_>| {
        controller
            .metric("seal_controller_keys")
            .filter(|keys| *keys >= 2.0)
    };
    site.controller.wait_for("it has both keys", is_held);
    site
}

/// A SealedSecret with so many values that take long to open.
fn slow(namespace: &str, name: &str, values: usize) -> Value {
    let names: Vec<String> = (0..values).map(|value| format!("v{value}")).collect();
    let items: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    seal(&keys::pem(&format!("{SLOW}.crt")), namespace, name, &items)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The version of the API server's store at which an object was last written.
fn version(object: &Value) -> u64 {
    let version = object["metadata"]["resourceVersion"].as_str();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or_else(|| panic!("it has a version: {object}"))
}

/// The objects of a collection whose names begin so.
fn listed(site: &Site, collection: &str, prefix: &str) -> Vec<Value> {
    let list = site.api().get(collection.trim_end_matches('/')).body;
    let items = list["items"].as_array().expect("it is a list").iter();
    let name = |object: &Value| {
        let name = object["metadata"]["name"].as_str();
        name.unwrap_or_default().to_owned()
    };
    items
        .filter(|object| name(object).starts_with(prefix))
        .cloned()
        .collect()
}

#[test]
fn what_people_make_and_change_is_right_while_what_was_there_at_the_start_waits() {
    for manifests in EVERYWHERE {
        let mut site = site(manifests);
        site.controller.stop();
        let backlog = 50 * cores();
        for number in 0..backlog {
            let name = format!("slow-{number:04}");
            site.api().apply(&slow(&site.apps, &name, 4));
        }
        site.controller.start_again();
        site.controller.wait_until_ready();
        // What is heard in the first list counts as there from the start, however it is by then.
        let is_heard = |controller: &seal_tests::cluster::Controller<'_>| {
            let begun = controller.metric("sealed_secrets_controller_unseal_requests_total")?;
            let waiting = controller.metric("seal_controller_queue_depth{class=\"backlog\"}")?;
            (begun + waiting >= backlog as f64).then_some(())
        };
        site.controller.wait_for("it has heard of all", is_heard);
        // One of a namespace for which nothing else waits, and the last of those that wait.
        let new = seal(&site.certificate, &site.system, "new", &[("a", "new")]);
        site.api().apply(&new);
        let last = format!("slow-{:04}", backlog - 1);
        site.api().apply(&site.sealed(&last, &[("a", "changed")]));
        let made = site.controller.wait_for_secret(&site.system, "new");
        assert_eq!(made["data"]["a"], base64("new"));
        let changed = site.secret_that(&last, "has the new value", |secret| {
            secret["data"]["a"] == base64("changed")
        });
        let secrets = listed(&site, &site.secret_path(""), "slow-");
        for (what, secret) in [("made", &made), ("changed", &changed)] {
            let before = secrets.iter().map(version);
            let before = before.filter(|before| *before < version(secret)).count();
            assert!(before < backlog / 2, "{before} of {backlog} before {what}");
        }
    }
}

#[test]
fn an_object_with_hundreds_of_values_holds_up_nobody_and_is_not_opened_to_the_end_when_it_is_changed_or_the_controller_stops()
 {
    for manifests in EVERYWHERE {
        let mut site = site(manifests);
        let operations = "seal_controller_private_key_operations_total";
        let so_far = |site: &Site| site.controller.metric(operations).unwrap_or_default();
        let before = so_far(&site);
        let names: Vec<String> = (0..cores()).map(|core| format!("slow-{core}")).collect();
        for name in &names {
            site.api().apply(&slow(&site.apps, name, 400));
        }
        site.controller
            .wait_for("all cores are at work", |controller| {
                let now = controller.metric(operations)?;
                (now >= before + 8.0 * names.len() as f64).then_some(())
            });
        let new = seal(&site.certificate, &site.system, "new", &[("a", "new")]);
        site.api().apply(&new);
        site.controller.wait_for_secret(&site.system, "new");
        site.api()
            .apply(&site.sealed(&names[0], &[("a", "changed")]));
        site.secret_that(&names[0], "has the new value", |secret| {
            secret["data"]["a"] == base64("changed")
        });
        let others = || listed(&site, &site.secret_path(""), "slow-").len() - 1;
        assert_eq!(others(), 0);
        let ended = site.controller.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        assert!(
            !ended.log.contains("in the middle of a piece of work"),
            "{}",
            ended.log
        );
        let made = listed(&site, &site.secret_path(""), "slow-");
        assert_eq!(made.len(), 1);
    }
}

#[test]
fn why_something_does_not_open_is_found_out_when_what_opens_is_right_and_nobody_waits_for_ever() {
    const EACH: usize = 60;
    for manifests in EVERYWHERE {
        let mut site = Site::new(manifests);
        // So that it is known whether records are kept, which costs the first status a second one.
        site.with_db("x");
        site.synced("db");
        if manifests == Manifests::Ours {
            let path = site.sealed_path("db");
            let has_record = |db: &Value| !db["status"]["record"].is_null();
            site.controller
                .wait_for_object(&path, "it has its record", has_record);
        }
        site.controller.stop();
        for number in 0..EACH {
            // In the list, those that do not open come first.
            let mut broken = site.sealed("another", &[("a", "x")]);
            broken["metadata"]["name"] = format!("broken-{number:02}").into();
            site.api().apply(&broken);
            let right = format!("right-{number:02}");
            site.api().apply(&site.sealed(&right, &[("a", "x")]));
        }
        site.controller.start_again();
        site.controller.wait_until_ready();
        for number in 0..EACH {
            site.synced(&format!("right-{number:02}"));
            site.stalled(&format!("broken-{number:02}"), "SealedForAnotherName");
        }
        let secrets = listed(&site, &site.secret_path(""), "right-");
        let last = secrets.iter().map(version).max().expect("there are some");
        let judged = listed(&site, &sealed_secret(&site.apps, ""), "broken-");
        let before = judged.iter().filter(|broken| version(broken) < last);
        let before = before.count();
        assert!(before < EACH / 2, "{before}");
        // Each got one status; where there is no record, the first of all may be written once more, to find that out.
        let written = site
            .controller
            .metric("seal_controller_status_writes_total");
        let most = 2 * EACH + usize::from(manifests == Manifests::Chart);
        let is_right = |written: f64| (2 * EACH..=most).contains(&(written as usize));
        assert!(written.is_some_and(is_right), "{written:?}");
    }
}
