//! `seal migrate check`: what would be different under our controller, before anything is switched.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret, annotations};
use seal_sealing::{Secret, differences, read_key_secret};
use seal_shell::SanitisedWord;
use serde_json::{Value, json};

use super::{each, each_sealed_secret, text};
use crate::{
    args::{Format, MigrateCheckArgs},
    cluster::{Access, Cluster, Controller},
    output,
    problem::{Place, Problem},
    report::Reporter,
};

/// What upstream's controller is called in `managedFields`, and what ours is.
const CONTROLLERS: [&str; 3] = ["controller", "seal-controller", "unknown"];

/// Something that would be different.
struct Finding {
    kind: &'static str,
    namespace: String,
    name: String,
    /// The reason that its status would have, where it would not be in order.
    reason: Option<Reason>,
    message: String,
}

pub(crate) fn run(args: &MigrateCheckArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    let controller = &args.controller;
    let controller = Controller::of(
        controller.controller_name.as_deref(),
        controller.controller_namespace.as_deref(),
    );
    let system = controller.namespace.clone();
    let cluster = Cluster::connect(&Access::of(&args.context), controller)?;
    let mut findings = Vec::new();
    let keys = keys(&cluster, &system, &mut findings)?;
    if keys == 0 {
        let warning = format!(
            "no key Secret in the namespace {system}; if the controller is in another one, name that with --controller-namespace"
        );
        reporter.warn(&Place::default(), &warning);
    }
    let changed = changed_secrets(&cluster, args.namespace.as_deref())?;
    let mut seen = 0;
    each_sealed_secret(&cluster, args.namespace.as_deref(), |object| {
        seen += 1;
        look(object, &changed, &mut findings);
        Ok(())
    })?;
    for finding in &findings {
        output::print(finding.line(reporter.format()).as_bytes())?;
    }
    if findings.is_empty() {
        let note = format!("{seen} SealedSecrets; nothing would be different");
        reporter.note(&Place::default(), &note);
    } else {
        reporter.found_problem();
    }
    Ok(())
}

impl Finding {
    fn line(&self, format: Format) -> String {
        let Self {
            kind,
            namespace,
            name,
            reason,
            message,
        } = self;
        match format {
            Format::Text => {
                let reason = reason.map_or_else(String::new, |reason| format!("{reason}: "));
                let line = format!("{kind} {namespace}/{name}: {reason}{message}");
                format!("{}\n", SanitisedWord(&line))
            }
            Format::Json => {
                let object = json!({
                    "kind": kind, "namespace": namespace, "name": name, "reason": reason, "message": message,
                });
                format!("{object}\n")
            }
        }
    }
}

/// The keys that upstream uses and ours would not; how many keys there are at all.
fn keys(cluster: &Cluster, system: &str, findings: &mut Vec<Finding>) -> Result<usize, Problem> {
    let mut seen = 0;
    let path = format!("/api/v1/namespaces/{system}/secrets");
    let label = format!(
        "&labelSelector={}%3D{}",
        annotations::KEY_LABEL.replace('/', "%2F"),
        annotations::KEY_ACTIVE
    );
    let get = |page: &str| cluster.get(&format!("{page}{label}"));
    each("key Secrets", &path, get, |object| {
        seen += 1;
        let name = text(&object, "name").to_owned();
        let error = match Secret::from_json(&object) {
            Err(error) => Some((Reason::UnreadableKey, error.to_string())),
            Ok(secret) => read_key_secret(&secret, Timestamp::now())
                .err()
                .map(|error| (error.reason(), error.to_string())),
        };
        if let Some((reason, message)) = error {
            findings.push(Finding {
                kind: "Secret",
                namespace: system.to_owned(),
                name,
                reason: Some(reason),
                message: format!("this key would not be used: {message}"),
            });
        }
        Ok(())
    })?;
    Ok(seen)
}

/// Whether others than a controller wrote the data or the type of a Secret, by its name: who.
fn changed_secrets(
    cluster: &Cluster,
    namespace: Option<&str>,
) -> Result<BTreeMap<(String, String), String>, Problem> {
    let path = match namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/secrets"),
        None => "/api/v1/secrets".to_owned(),
    };
    let mut changed = BTreeMap::new();
    let get = |page: &str| cluster.get_metadata(page);
    each("Secrets", &path, get, |object| {
        let owners = object["metadata"]["ownerReferences"].as_array();
        let is_ours = owners
            .into_iter()
            .flatten()
            .any(|owner| owner["kind"] == seal_api::KIND && owner["controller"] == true);
        if let Some(manager) = other_manager(&object).filter(|_| is_ours) {
            let name = (
                text(&object, "namespace").to_owned(),
                text(&object, "name").to_owned(),
            );
            changed.insert(name, manager);
        }
        Ok(())
    })?;
    Ok(changed)
}

/// Who wrote data beside the controller.
fn other_manager(secret: &Value) -> Option<String> {
    let fields = secret["metadata"]["managedFields"].as_array()?;
    let wrote_data = |entry: &&Value| !entry["fieldsV1"]["f:data"].is_null();
    let manager = |entry: &Value| Some(entry["manager"].as_str()?.to_owned());
    fields
        .iter()
        .filter(wrote_data)
        .filter_map(manager)
        .find(|manager| !CONTROLLERS.contains(&manager.as_str()))
}

fn look(object: Value, changed: &BTreeMap<(String, String), String>, findings: &mut Vec<Finding>) {
    let (namespace, name) = (
        text(&object, "namespace").to_owned(),
        text(&object, "name").to_owned(),
    );
    let mut find = |reason, message| {
        findings.push(Finding {
            kind: seal_api::KIND,
            namespace: namespace.clone(),
            name: name.clone(),
            reason,
            message,
        });
    };
    let Ok(sealed) = serde_json::from_value::<SealedSecret>(object) else {
        let message = "a field has another type than the API has; its Secret would stay as it is";
        return find(Some(Reason::InvalidObject), message.to_owned());
    };
    for difference in differences(&sealed) {
        let of = difference
            .item
            .map_or_else(String::new, |item| format!(" ({item:?})"));
        find(
            Some(difference.reason),
            format!("{}{of}; its Secret would stay as it is", difference.message),
        );
    }
    let is_unowned = annotations::is_set(
        &sealed.template_strings("annotations"),
        annotations::SKIP_SET_OWNER_REFERENCES,
    );
    let is_handed_over = [annotations::MANAGED, annotations::PATCH]
        .iter()
        .any(|name| annotations::is_set(&sealed.template_strings("annotations"), name));
    if is_unowned && !is_handed_over {
        find(
            Some(Reason::NotManaged),
            format!(
                "its Secret has no owner reference and is not annotated, so a change would be refused, as upstream does; add {}: \"true\" to the template",
                annotations::MANAGED
            ),
        );
    }
    if let Some(manager) = changed.get(&(namespace.clone(), name.clone())) {
        find(
            None,
            format!(
                "its Secret was changed by {manager:?} and would be made right; annotate the SealedSecret with {}: {} to leave it",
                annotations::DRIFT,
                annotations::DRIFT_IGNORE
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_object_begins_no_line_and_does_nothing_to_a_terminal() {
        let object = json!({
            "metadata": {"namespace": "shop", "name": "db"},
            "spec": {
                "encryptedData": {},
                "template": {"type": "bootstrap.kubernetes.io/token", "data": {"a\n\u{1b}b": "{{"}},
            },
        });
        let mut findings = Vec::new();
        look(object, &BTreeMap::new(), &mut findings);
        assert!(!findings.is_empty());
        for finding in findings {
            let line = finding.line(Format::Text);
            let end = line.find(|c: char| c.is_control());
            assert_eq!(end, Some(line.len() - 1), "{line:?}");
        }
    }

    #[test]
    fn who_changed_a_secret_is_told_from_its_fields() {
        let secret = |manager: &str, field: &str| {
            json!({"metadata": {"managedFields": [
                {"manager": "controller", "fieldsV1": {"f:data": {}}},
                {"manager": manager, "fieldsV1": {field: {}}},
            ]}})
        };
        assert_eq!(
            other_manager(&secret("kubectl-edit", "f:data")).as_deref(),
            Some("kubectl-edit")
        );
        assert_eq!(other_manager(&secret("kubectl-edit", "f:metadata")), None);
        assert_eq!(other_manager(&secret("controller", "f:data")), None);
        assert_eq!(other_manager(&json!({})), None);
    }
}
