//! Templates whose functions are random or read the clock, with `--allow-random-functions`.

use std::{thread, time::Duration};

use seal_tests::cluster::Manifests;
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64};

/// Long enough for a controller that would do something to have done it.
const A_WHILE: Duration = Duration::from_millis(700);

fn allowed(manifests: Manifests) -> Site {
    Site::with(manifests, |setup| setup.args(["--allow-random-functions"]))
}

/// A SealedSecret whose Secret has a token that nobody chose.
fn sealed(site: &Site, user: &str) -> Value {
    let mut sealed = site.sealed("db", &[("user", user)]);
    sealed["spec"]["template"]["data"] =
        json!({"token": "{{ .user }}-{{ randAlphaNum 20 }}-{{ now | unixEpoch }}"});
    sealed["spec"]["template"]["metadata"]["labels"] = json!({"tier": "db"});
    sealed
}

/// Waits until there is a token that is another one than this, and returns it.
fn token(site: &Site, other_than: &Value) -> Value {
    let secret = site.secret_that("db", "has a new token", |secret| {
        !secret["data"]["token"].is_null() && secret["data"]["token"] != *other_than
    });
    secret["data"]["token"].clone()
}

#[test]
fn a_random_template_is_rendered_when_the_secret_is_missing_or_the_sealed_secret_changes() {
    for manifests in EVERYWHERE {
        let mut site = allowed(manifests);
        site.api().apply(&sealed(&site, "one"));
        let first = token(&site, &Value::Null);
        site.synced("db");
        if manifests == Manifests::Ours {
            site.recorded("db");
        }

        // A restart, a label and an annotation of others, and a label of ours that is put right, change no data.
        site.controller.restart();
        let labels = json!({"metadata": {"labels": {"tier": "web", "theirs": "x"}}});
        site.api().patch(&site.secret_path("db"), &labels);
        let repaired = site.secret_that("db", "has its label again", |secret| {
            secret["metadata"]["labels"]["tier"] == "db"
        });
        assert_eq!(repaired["data"]["token"], first);
        let annotated = json!({"metadata": {"annotations": {"note": "x"}}});
        site.api().patch(&site.sealed_path("db"), &annotated);
        thread::sleep(A_WHILE);
        assert_eq!(site.secret("db").body["data"]["token"], first);
        site.synced("db");

        site.api().apply(&sealed(&site, "two"));
        let second = token(&site, &first);
        assert_eq!(site.secret("db").body["data"]["user"], base64("two"));
        site.synced("db");

        site.api().delete(&site.secret_path("db"));
        let third = token(&site, &second);
        assert_ne!(third, first);
        site.synced("db");
    }
}

#[test]
fn changed_data_of_a_random_template_is_reported_and_not_repaired() {
    let mut site = allowed(Manifests::Ours);
    site.api().apply(&sealed(&site, "one"));
    token(&site, &Value::Null);
    site.recorded("db");
    let theirs = json!({"data": {"token": base64("theirs")}});
    site.api().patch(&site.secret_path("db"), &theirs);
    let message = site.stalled("db", "DriftKept");
    assert!(message.contains("delete the Secret"), "{message}");
    assert!(!message.contains("theirs"), "{message}");
    site.controller.restart();
    thread::sleep(A_WHILE);
    site.stalled("db", "DriftKept");
    assert_eq!(
        site.secret("db").body["data"]["token"],
        theirs["data"]["token"]
    );
    site.api().delete(&site.secret_path("db"));
    token(&site, &theirs["data"]["token"]);
    site.synced("db");
}

#[test]
fn without_a_verified_record_the_data_of_a_random_template_stays_even_if_the_sealed_secret_changed()
{
    let mut site = allowed(Manifests::Ours);
    site.api().apply(&sealed(&site, "one"));
    let first = token(&site, &Value::Null);
    site.synced("db");
    site.controller.stop();
    let path = site.sealed_path("db");
    let mut object = site.api().get(&path).body;
    object["status"]
        .as_object_mut()
        .map(|status| status.remove("record"));
    assert_eq!(
        site.api()
            .replace(&format!("{path}/status"), &object)
            .status,
        200
    );
    site.api().apply(&sealed(&site, "two"));
    site.controller.start_again();
    site.controller.wait_until_ready();
    site.stalled("db", "DriftKept");
    let secret = site.secret("db").body;
    assert_eq!(secret["data"]["token"], first);
    assert_eq!(secret["data"]["user"], base64("one"));
    site.api().delete(&site.secret_path("db"));
    let second = token(&site, &first);
    site.recorded("db");
    // From here on it is known again.
    site.api().apply(&sealed(&site, "three"));
    token(&site, &second);
}

#[test]
fn functions_that_make_keys_or_are_costly_stay_off() {
    let site = allowed(Manifests::Ours);
    let mut sealed = sealed(&site, "one");
    sealed["spec"]["template"]["data"] = json!({"key": "{{ genPrivateKey \"rsa\" }}"});
    site.api().apply(&sealed);
    let message = site.stalled("db", "TemplateFunctionMissing");
    assert!(message.contains("genPrivateKey"), "{message}");
}
