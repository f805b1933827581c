//! What the API server keeps of an object, and what says nothing of another one.

use serde_json::Value;

/// The fields of ObjectMeta that the API server sets: what is read from a cluster has them, what is committed or applied
/// must not.
pub const SERVER_FIELDS: [&str; 8] = [
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
];

/// Removes what the API server set in a JSON object: its status, and [`SERVER_FIELDS`] from its metadata.
pub fn remove_server_fields(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !SERVER_FIELDS.contains(&field.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(mut object: Value, left: Value) {
        remove_server_fields(&mut object);
        assert_eq!(object, left);
    }

    #[test]
    fn what_the_server_set_goes_and_the_rest_stays() {
        check(
            json!({
                "metadata": {"name": "db", "labels": {"uid": "mine"}, "uid": "u", "deletionGracePeriodSeconds": 0,
                             "managedFields": [{"manager": "kubectl"}]},
                "spec": {"uid": "s"},
                "status": {"observedGeneration": 1},
            }),
            json!({"metadata": {"name": "db", "labels": {"uid": "mine"}}, "spec": {"uid": "s"}}),
        );
    }

    #[test]
    fn what_is_no_object_stays() {
        check(json!("text"), json!("text"));
        check(json!({"metadata": null}), json!({"metadata": null}));
    }
}
