//! The log as JSON, line by line, with the span of each look at a SealedSecret where that is logged.

use seal_tests::{cluster::Manifests, memory::forms};
use serde_json::Value;

use crate::site::Site;

const VALUE: &str = "correct-horse-log-staple";

#[test]
fn every_line_is_json_and_at_debug_each_look_says_what_for_and_what_came_of_it() {
    let mut site = Site::with(Manifests::Ours, |setup| {
        setup.args(["--log-format=json", "--log-level=DEBUG"])
    });
    site.with_db(VALUE);
    site.synced("db");
    let mut damaged = site.sealed("damaged", &[("password", VALUE)]);
    damaged["spec"]["encryptedData"]["password"] = "AAAA".into();
    site.api().apply(&damaged);
    site.stalled("damaged", "MalformedItem");
    let log = site.controller.stop().log;
    for form in forms(VALUE.as_bytes()) {
        let shows = log.as_bytes().windows(form.bytes.len());
        let shows = shows.into_iter().any(|part| part == form.bytes);
        assert!(!shows, "the log has the value ({})", form.name);
    }
    let lines = log.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            line["timestamp"].is_string() && line["level"].is_string(),
            "{line}"
        );
        assert!(
            line["message"].is_string() || line["target"] == "audit",
            "{line}"
        );
        line
    });
    let looks: Vec<Value> = lines
        .filter(|line| line["message"] == "looked at")
        .map(|line| line["span"].clone())
        .collect();
    for (name, reason) in [("db", "Unsealed"), ("damaged", "MalformedItem")] {
        let object = format!("{}/{name}", site.apps);
        // The first look of all only finds out that records are kept, and is followed by another one.
        let is_it = |look: &&Value| {
            look["object"] == *object && look["reason"] == reason && look["outcome"] == "settled"
        };
        let look = looks.iter().find(is_it);
        let look = look.unwrap_or_else(|| panic!("{object} {reason}: {looks:?}"));
        assert_eq!(look["name"], "reconcile");
        assert!(
            ["change", "backlog", "diagnosis"]
                .iter()
                .any(|class| look["class"] == *class)
        );
    }
}
