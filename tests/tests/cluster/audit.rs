//! The audit lines in a cluster: what happens to keys, Secrets and the lead is one line each, without a value.

use rustix::process::{Pid, Signal, kill_process};
use seal_tests::{cluster::Manifests, memory::forms};
use serde_json::json;

use crate::site::{Site, base64, put_key};

const VALUE: &str = "correct-horse-audit-staple";

/// The audit lines of a log without their times.
fn told(log: &str) -> Vec<&str> {
    let lines = log.lines();
    lines
        .filter_map(|line| line.split_once(" audit: "))
        .map(|(_, fields)| fields)
        .collect()
}

#[test]
fn each_thing_that_is_done_is_one_line() {
    let mut site = Site::with(Manifests::Ours, |setup| setup.args(["--log-level=WARN"]));
    let wait = |site: &Site, line: &str| {
        site.controller.wait_for(line, |controller| {
            told(&controller.log()).contains(&line).then_some(())
        });
    };
    let lease = format!("{}/sealed-secrets-controller", site.system);
    let takeover = |result: &str| {
        format!(
            "caller=\"lease\" action=\"takeover\" object=\"{lease}\" key_id=\"\" result=\"{result}\""
        )
    };
    wait(&site, &takeover("done"));
    // Somebody else deletes a Secret, and changes it.
    site.with_db(VALUE);
    let repaired = |site: &Site| {
        let line = format!(
            "caller=\"watch\" action=\"repair\" object=\"{}/db\" key_id=\"\" result=\"done\"",
            site.apps
        );
        let log = site.controller.log();
        told(&log).iter().filter(|other| **other == line).count()
    };
    assert_eq!(repaired(&site), 0);
    for times in 1..=2 {
        if times == 1 {
            site.api().delete(&site.secret_path("db"));
        } else {
            let change = json!({"data": {"password": base64("other")}});
            site.api().patch(&site.secret_path("db"), &change);
        }
        site.controller.wait_for("it is repaired", |_| {
            (repaired(&site) == times).then_some(())
        });
        site.secret_that("db", "is right", |secret| {
            secret["data"]["password"] == base64(VALUE)
        });
    }
    // A key that is out of place, one that comes and goes, and one that is asked for.
    let plane = site.controller.pod().plane();
    put_key(plane, &site.apps, "elsewhere", "rsa-3072");
    wait(
        &site,
        &format!(
            "caller=\"watch\" action=\"key-refused\" object=\"{}/elsewhere\" key_id=\"\" result=\"misplaced\"",
            site.apps
        ),
    );
    put_key(plane, &site.system, "more", "rsa-3072");
    let id = seal_envelope::Certificate::from_pem(seal_tests::keys::pem("rsa-3072.crt").as_bytes());
    let id = id.expect("it is one").key_id().short();
    let moved = |result: &str| {
        format!(
            "caller=\"watch\" action=\"key-moved\" object=\"more\" key_id=\"{id}\" result=\"{result}\""
        )
    };
    wait(&site, &moved("active"));
    let path = format!("/api/v1/namespaces/{}/secrets/more", site.system);
    site.api().delete(&path);
    wait(&site, &moved("removed"));
    let pid = i32::try_from(site.controller.pid()).expect("it is small");
    kill_process(Pid::from_raw(pid).expect("it is no 0"), Signal::USR1).expect("it runs");
    site.controller.wait_for("a key is made", |controller| {
        let is_made = |line: &&str| {
            line.starts_with("caller=\"signal\" action=\"key-made\" object=\"sealed-secrets-key")
                && line.ends_with("\" result=\"done\"")
        };
        told(&controller.log()).iter().any(is_made).then_some(())
    });
    // Somebody takes the lead away.
    let path = format!(
        "/apis/coordination.k8s.io/v1/namespaces/{}/leases/sealed-secrets-controller",
        site.system
    );
    site.api()
        .patch(&path, &json!({"spec": {"holderIdentity": "somebody"}}));
    wait(&site, &takeover("lost"));
    site.controller.wait_for("it leads again", |controller| {
        let log = controller.log();
        let lines = told(&log);
        let times = lines.iter().filter(|line| **line == takeover("done"));
        (times.count() == 2).then_some(())
    });
    let ended = site.controller.stop();
    let told = told(&ended.log);
    assert_eq!(told.last(), Some(&takeover("given-back").as_str()));
    for form in forms(VALUE.as_bytes()) {
        let log = ended.log.as_bytes();
        let shows = log.windows(form.bytes.len()).any(|part| part == form.bytes);
        assert!(!shows, "the log has the value ({})", form.name);
    }
}
