//! The record in the status: what it spares after a restart, and what breaks it.

mod rules;

use std::{thread, time::Duration};

use seal_tests::cluster::Manifests;
use serde_json::{Value, json};

use crate::site::{Site, base64, put_key};

/// Long enough for a controller that would do something to have done it.
const A_WHILE: Duration = Duration::from_millis(700);
/// Longer than the wait before a status that was edited is mended for the first time, and shorter than the second.
const LONGER_THAN_FIRST: Duration = Duration::from_secs(7);
const OPERATIONS: &str = "seal_controller_private_key_operations_total";

impl Site {
    /// How many private-key operations this process made.
    fn operations(&self) -> f64 {
        self.controller.metric(OPERATIONS).expect("it is counted")
    }

    /// Waits until the status holds the record of the Secret as it is now.
    #[track_caller]
    pub(crate) fn recorded(&self, name: &str) -> Value {
        self.synced(name);
        let object = self.controller.wait_for_object(
            &self.sealed_path(name),
            "its record says which Secret there is",
            |object| {
                let secret = self.secret(name).body;
                let recorded = &object["status"]["record"]["secret"];
                recorded["uid"] == secret["metadata"]["uid"]
                    && recorded["resourceVersion"] == secret["metadata"]["resourceVersion"]
            },
        );
        object["status"]["record"].clone()
    }

    /// Replaces the status by hand.
    fn edit_status(&self, name: &str, edit: impl Fn(&mut Value)) {
        let path = self.sealed_path(name);
        let mut object = self.api().get(&path).body;
        edit(&mut object["status"]);
        let answer = self.api().replace(&format!("{path}/status"), &object);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Starts the controller again, after something was done while it did not run; how many operations it makes until it
    /// rests.
    fn operations_after(&mut self, meanwhile: impl FnOnce(&Self)) -> f64 {
        self.controller.stop();
        meanwhile(self);
        self.controller.start_again();
        self.controller.wait_until_ready();
        self.at_rest()
    }

    /// Waits until the count of operations does not grow any more.
    fn at_rest(&self) -> f64 {
        let mut before = self.operations();
        loop {
            thread::sleep(A_WHILE);
            let now = self.operations();
            if now == before {
                return now;
            }
            before = now;
        }
    }
}

fn ours() -> Site {
    Site::new(Manifests::Ours)
}

fn secret_version(site: &Site, name: &str) -> Value {
    site.secret(name).body["metadata"]["resourceVersion"].clone()
}

fn sealed_version(site: &Site, name: &str) -> Value {
    let object = site.api().get(&site.sealed_path(name)).body;
    object["metadata"]["resourceVersion"].clone()
}

#[test]
fn a_restart_opens_nothing_writes_nothing_and_knows_what_drifts_then() {
    let mut site = ours();
    let names = ["a", "b", "c"];
    for name in names {
        site.api()
            .apply(&site.sealed(name, &[("password", "one"), ("user", "two")]));
        let record = site.recorded(name);
        assert_eq!(record["data"], json!(["password", "user"]));
        assert_eq!(
            record["sealingKeys"][0]["items"],
            json!(["password", "user"])
        );
    }
    let before = names.map(|name| (secret_version(&site, name), sealed_version(&site, name)));
    assert_eq!(site.operations_after(|_| ()), 0.0);
    let after = names.map(|name| (secret_version(&site, name), sealed_version(&site, name)));
    assert_eq!(before, after);
    let unsealed = format!(
        "seal_controller_objects{{namespace=\"{}\",reason=\"Unsealed\"}}",
        site.apps
    );
    assert_eq!(site.controller.metric(&unsealed), Some(3.0));

    let wrong = json!({"data": {"password": base64("wrong")}});
    site.api().patch(&site.secret_path("a"), &wrong);
    site.secret_that("a", "is repaired", |secret| {
        secret["data"]["password"] == base64("one")
    });
    assert_eq!(site.at_rest(), 2.0, "only its two items are opened");
}

#[test]
fn what_happens_to_a_secret_while_the_controller_is_down_is_found_and_costs_as_little_as_it_can() {
    let mut site = ours();
    for name in ["same", "labelled", "relabelled", "edited", "gone"] {
        let mut sealed = site.sealed(name, &[("password", "one")]);
        sealed["spec"]["template"]["metadata"]["labels"] = json!({"tier": "db"});
        site.api().apply(&sealed);
        site.recorded(name);
    }
    let labels = |labels: Value| json!({"metadata": {"labels": labels}});
    let operations = site.operations_after(|site| {
        site.api().patch(
            &site.secret_path("labelled"),
            &labels(json!({"by": "others"})),
        );
        site.api().patch(
            &site.secret_path("relabelled"),
            &labels(json!({"tier": "web"})),
        );
        let wrong = json!({"data": {"password": base64("wrong")}});
        site.api().patch(&site.secret_path("edited"), &wrong);
        site.api().delete(&site.secret_path("gone"));
    });
    // A label of somebody else's is none of our business; the other three have to be written.
    assert_eq!(operations, 3.0);
    for name in ["same", "labelled", "relabelled", "edited", "gone"] {
        site.recorded_or_labelled(name);
        let secret = site.secret(name).body;
        assert_eq!(secret["data"]["password"], base64("one"), "{name}");
        assert_eq!(secret["metadata"]["labels"]["tier"], "db", "{name}");
    }
}

impl Site {
    /// As [`Self::recorded`], but for the Secret that only got a label of somebody else's, for which no status is written.
    fn recorded_or_labelled(&self, name: &str) {
        if name == "labelled" {
            self.synced(name);
        } else {
            self.recorded(name);
        }
    }
}

#[test]
fn an_edited_or_foreign_record_costs_an_opening_and_changes_no_secret() {
    let mut site = ours();
    for name in ["none", "other", "older", "broken", "right"] {
        site.api().apply(&site.sealed(name, &[("password", "one")]));
        site.recorded(name);
    }
    let older = site.recorded("older");
    site.api()
        .apply(&site.sealed("older", &[("password", "two")]));
    site.secret_that("older", "is changed", |secret| {
        secret["data"]["password"] == base64("two")
    });
    site.recorded("older");
    let before = ["none", "other", "older", "broken"].map(|name| secret_version(&site, name));
    let operations = site.operations_after(|site| {
        let right = site.recorded("right");
        site.edit_status("none", |status| {
            drop(status.as_object_mut().map(|status| status.remove("record")))
        });
        site.edit_status("other", |status| status["record"] = right.clone());
        site.edit_status("older", |status| status["record"] = older.clone());
        site.edit_status("broken", |status| {
            status["record"]["sealingKeys"] = json!([])
        });
    });
    assert_eq!(operations, 4.0);
    for name in ["none", "other", "older", "broken"] {
        site.recorded(name);
    }
    let after = ["none", "other", "older", "broken"].map(|name| secret_version(&site, name));
    assert_eq!(before, after);
    assert_eq!(site.operations_after(|_| ()), 0.0);
}

#[test]
fn an_older_secret_that_is_put_back_is_replaced() {
    let mut site = ours();
    let old = site.with_db("one");
    site.api().apply(&site.sealed("db", &[("password", "two")]));
    site.secret_that("db", "is changed", |secret| {
        secret["data"]["password"] == base64("two")
    });
    site.recorded("db");
    let operations = site.operations_after(|site| {
        site.api()
            .patch(&site.secret_path("db"), &json!({"data": old["data"]}));
    });
    assert_eq!(operations, 1.0);
    assert_eq!(site.secret("db").body["data"]["password"], base64("two"));
}

#[test]
fn a_status_that_somebody_edits_is_mended_once_and_not_in_turns() {
    let site = ours();
    site.with_db("one");
    site.recorded("db");
    let lie = |status: &mut Value| {
        status["conditions"][0]["status"] = "False".into();
        status["conditions"][0]["reason"] = "Lies".into();
    };
    site.edit_status("db", lie);
    site.recorded("db");
    assert_eq!(site.at_rest(), 1.0, "the record still proves the Secret");
    site.edit_status("db", lie);
    thread::sleep(LONGER_THAN_FIRST);
    let object = site.api().get(&site.sealed_path("db")).body;
    assert_eq!(object["status"]["conditions"][0]["reason"], "Lies");
}

#[test]
fn changes_of_scope_and_template_are_work_and_other_annotations_are_not() {
    let mut site = ours();
    site.with_db("one");
    site.recorded("db");
    let annotate = |site: &Site, annotations: Value| {
        site.api().patch(
            &site.sealed_path("db"),
            &json!({"metadata": {"annotations": annotations}}),
        );
    };
    let operations = site.operations_after(|site| annotate(site, json!({"note": "x"})));
    assert_eq!(operations, 0.0);
    let wide = "sealedsecrets.bitnami.com/cluster-wide";
    let operations = site.operations_after(|site| annotate(site, json!({wide: "true"})));
    assert!(operations > 0.0);
    site.stalled("db", "SealedForAnotherScope");
    // The record of what was written still stands, so nothing is opened to go back.
    let before = site.operations();
    annotate(&site, json!({wide: null}));
    site.synced("db");
    assert_eq!(site.at_rest(), before);
    let labels = json!({"spec": {"template": {"metadata": {"labels": {"tier": "db"}}}}});
    site.api().patch(&site.sealed_path("db"), &labels);
    site.secret_that("db", "has the label", |secret| {
        secret["metadata"]["labels"]["tier"] == "db"
    });
    assert_eq!(site.at_rest(), before + 1.0);
}

#[test]
fn a_key_that_comes_or_goes_changes_nothing_for_what_is_right() {
    let mut site = ours();
    site.with_db("one");
    site.recorded("db");
    let operations = site.operations_after(|site| {
        put_key(
            site.controller.pod().plane(),
            &site.system,
            "another",
            "rsa-3072",
        );
        let given = format!("/api/v1/namespaces/{}/secrets/given", site.system);
        assert_eq!(site.api().delete(&given).status, 200);
    });
    assert_eq!(operations, 0.0);
    site.recorded("db");
}

#[test]
fn losing_the_key_of_the_records_costs_one_opening_of_each_and_nothing_else() {
    let mut site = ours();
    for name in ["a", "b"] {
        site.api().apply(&site.sealed(name, &[("password", "one")]));
        site.recorded(name);
    }
    let before = ["a", "b"].map(|name| secret_version(&site, name));
    let key = format!(
        "/api/v1/namespaces/{}/secrets/sealed-secrets-controller-record-key",
        site.system
    );
    let operations = site.operations_after(|site| {
        assert_eq!(site.api().delete(&key).status, 200);
    });
    assert_eq!(operations, 2.0);
    for name in ["a", "b"] {
        site.recorded(name);
    }
    assert_eq!(before, ["a", "b"].map(|name| secret_version(&site, name)));
    assert_eq!(site.operations_after(|_| ()), 0.0);
    let made = site.api().get(&key).body;
    let value = made["data"]["key"].as_str().expect("it holds the key");
    assert!(!site.controller.log().contains(value));
}

#[test]
fn a_secret_without_owner_reference_is_ours_by_its_record_after_a_restart() {
    let mut site = ours();
    let mut sealed = site.sealed("db", &[("password", "one")]);
    let skip = "sealedsecrets.bitnami.com/skip-set-owner-references";
    sealed["spec"]["template"]["metadata"]["annotations"][skip] = "true".into();
    site.api().apply(&sealed);
    let record = site.recorded("db");
    assert_eq!(record["withoutOwner"], true);
    let operations = site.operations_after(|site| {
        let wrong = json!({"data": {"password": base64("wrong")}});
        site.api().patch(&site.secret_path("db"), &wrong);
    });
    assert_eq!(operations, 1.0);
    assert_eq!(site.secret("db").body["data"]["password"], base64("one"));

    // One that was there before is not ours, whatever it holds.
    let same = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "theirs", "namespace": site.apps, "annotations": {skip: "true"}},
        "stringData": {"password": "one"},
    });
    site.api().apply(&same);
    let mut sealed = site.sealed("theirs", &[("password", "one")]);
    sealed["spec"]["template"]["metadata"]["annotations"][skip] = "true".into();
    site.api().apply(&sealed);
    site.stalled("theirs", "NotManaged");
    site.operations_after(|_| ());
    site.stalled("theirs", "NotManaged");
}

#[test]
fn under_the_resource_definition_of_the_go_project_nothing_is_recorded_and_that_is_said_once() {
    let mut site = Site::new(Manifests::Chart);
    site.with_db("one");
    site.synced("db");
    let object = site.api().get(&site.sealed_path("db")).body;
    assert!(object["status"]["record"].is_null(), "{object}");
    let key = format!("/api/v1/namespaces/{}/secrets", site.system);
    let secrets = site.api().get(&key).body.to_string();
    assert!(!secrets.contains("record-key"), "{secrets}");
    let off = "seal_controller_feature_off{feature=\"record\"}";
    site.controller.wait_for("it is told", |controller| {
        controller.metric(off).filter(|&off| off == 1.0)
    });
    assert_eq!(site.operations_after(|_| ()), 1.0);
    // This process knows by what it keeps in memory.
    let labels = json!({"metadata": {"labels": {"by": "others"}}});
    site.api().patch(&site.secret_path("db"), &labels);
    assert_eq!(site.at_rest(), 1.0);
}
