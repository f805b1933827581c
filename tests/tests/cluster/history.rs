//! All that becomes of the objects of a collection, without a gap.

use std::sync::atomic::{AtomicBool, Ordering};

use seal_tests::control_plane::Api;
use serde_json::Value;

/// Follows a collection, such as `/api/v1/namespaces/apps/secrets`, until `is_over`, and tells of each event of it as the API
/// server words it.
pub(crate) fn follow(
    api: &Api,
    collection: &str,
    is_over: &AtomicBool,
    mut tell: impl FnMut(&Value),
) {
    let list = api.get(collection).body;
    let mut version = text(&list["metadata"]["resourceVersion"]).to_owned();
    let mut is_last = false;
    while !is_last {
        is_last = is_over.load(Ordering::Relaxed);
        let answer = api.get(&format!(
            "{collection}?watch=true&timeoutSeconds=1&resourceVersion={version}"
        ));
        assert_eq!(answer.status, 200, "{}", answer.body);
        // One alone was read as JSON already.
        let lines = match answer.body {
            Value::String(lines) => lines,
            event => event.to_string(),
        };
        for line in lines.lines() {
            let event: Value = serde_json::from_str(line).expect("a line is an event");
            assert_ne!(event["type"], "ERROR", "{event}");
            text(&event["object"]["metadata"]["resourceVersion"]).clone_into(&mut version);
            tell(&event);
        }
    }
}

/// A text; the empty one where there is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
