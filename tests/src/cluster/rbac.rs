//! The rights that manifests give: listed, taken away one by one, and asked of the API server.

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;

/// One verb on one resource, as a Role or ClusterRole gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `Role` or `ClusterRole`.
    pub kind: String,
    /// The name of the Role or ClusterRole.
    pub role: String,
    /// The namespace of a Role; empty for a ClusterRole.
    pub namespace: String,
    /// The API group; empty for the core.
    pub group: String,
    /// The resource, such as `sealedsecrets/status`.
    pub resource: String,
    /// The names it is limited to; none means all.
    pub names: Vec<String>,
    /// The verb.
    pub verb: String,
}

/// Every right that the objects give, sorted.
pub fn rights(objects: &[Value]) -> Vec<Right> {
    let mut found = Vec::new();
    for object in objects.iter().filter(|object| is_role(object)) {
        for rule in list(&object["rules"]) {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        found.push(Right {
                            kind: text(&object["kind"]),
                            role: text(&object["metadata"]["name"]),
                            namespace: text(&object["metadata"]["namespace"]),
                            group: group.clone(),
                            resource: resource.clone(),
                            names: texts(&rule["resourceNames"]),
                            verb,
                        });
                    }
                }
            }
        }
    }
    found.sort();
    found
}

/// Takes one right away from the objects.
///
/// # Panics
///
/// When they do not give it.
pub fn take_away(objects: &mut [Value], right: &Right) {
    let before = rights(objects);
    for object in objects.iter_mut().filter(|object| is_role(object)) {
        let same = object["kind"] == *right.kind
            && object["metadata"]["name"] == *right.role
            && text(&object["metadata"]["namespace"]) == right.namespace;
        let Some(rules) = object["rules"].as_array_mut().filter(|_| same) else {
            continue;
        };
        let divided: Vec<Value> = rules.iter().flat_map(|rule| divide(rule, right)).collect();
        *rules = divided;
    }
    let after = rights(objects);
    assert_eq!(after.len() + 1, before.len(), "not given: {right:?}");
}

/// A rule without one right: what is left of the resource, and what it says of the others.
fn divide(rule: &Value, right: &Right) -> Vec<Value> {
    let (groups, resources) = (texts(&rule["apiGroups"]), texts(&rule["resources"]));
    if !groups.contains(&right.group)
        || !resources.contains(&right.resource)
        || texts(&rule["resourceNames"]) != right.names
    {
        return vec![rule.clone()];
    }
    let mut parts = Vec::new();
    for group in &groups {
        for resource in &resources {
            let mut part = rule.clone();
            part["apiGroups"] = json!([group]);
            part["resources"] = json!([resource]);
            if (group, resource) == (&right.group, &right.resource) {
                let mut verbs = texts(&rule["verbs"]);
                verbs.retain(|verb| *verb != right.verb);
                part["verbs"] = verbs.into();
            }
            if part["verbs"] != json!([]) {
                parts.push(part);
            }
        }
    }
    parts
}

/// Asks the API server whether a user with these groups may do something; an empty name means any, an empty namespace
/// all of them.
///
/// # Panics
///
/// When the API server does not answer that.
pub fn may(
    plane: &ControlPlane,
    (user, groups): (&str, &[&str]),
    verb: &str,
    (group, resource): (&str, &str),
    (namespace, name): (&str, &str),
) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, "resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "subresource": subresource,
            "namespace": namespace, "name": name,
        }},
    });
    let answer = plane.api().create(
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        &review,
    );
    answer.body["status"]["allowed"]
        .as_bool()
        .unwrap_or_else(|| panic!("no answer: {}", answer.body))
}

fn is_role(object: &Value) -> bool {
    matches!(object["kind"].as_str(), Some("Role" | "ClusterRole"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(text).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_right_is_taken_and_the_others_stay() {
        let role = json!({"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [
            {"apiGroups": [""], "resources": ["secrets", "events"], "verbs": ["get", "create"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"], "verbs": ["get"]},
        ]});
        let mut objects = [role];
        let all = rights(&objects);
        assert_eq!(all.len(), 5);
        let taken = all
            .iter()
            .find(|right| right.resource == "secrets" && right.names.is_empty())
            .unwrap();
        take_away(&mut objects, taken);
        let left = rights(&objects);
        assert_eq!(left.len(), 4);
        assert!(!left.contains(taken));
        assert!(left.iter().all(|right| all.contains(right)));
    }
}
