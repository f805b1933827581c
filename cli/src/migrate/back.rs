//! `seal migrate back`: takes from the statuses what upstream's controller does not write, and would leave as it is.

use seal_api::Reason;
use serde_json::Value;

use super::{each_sealed_secret, text};
use crate::{
    args::MigrateBackArgs,
    cluster::{Access, Cluster, Controller},
    output,
    problem::{Place, Problem},
    report::Reporter,
};

/// The condition that upstream writes.
const SYNCED: &str = "Synced";
/// The fields of it that upstream writes.
const FIELDS: [&str; 5] = [
    "type",
    "status",
    "message",
    "lastUpdateTime",
    "lastTransitionTime",
];

pub(crate) fn run(args: &MigrateBackArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    let cluster = Cluster::connect(&Access::of(&args.context), Controller::of(None, None))?;
    let (mut changed, mut failed) = (0_usize, Vec::new());
    each_sealed_secret(&cluster, args.namespace.as_deref(), |mut object| {
        if !strip(&mut object) {
            return Ok(());
        }
        let name = format!("{}/{}", text(&object, "namespace"), text(&object, "name"));
        if args.dry_run {
            changed += 1;
            return output::print(format!("{name} would be changed\n").as_bytes());
        }
        let path = format!("{}/status", path_of(&object));
        let body = serde_json::to_vec(&object).unwrap_or_default();
        let answer = cluster.replace(&path, body)?;
        if answer.is_success() {
            changed += 1;
        } else {
            failed.push(format!(
                "the status of {name} cannot be written: {}",
                answer.why()
            ));
        }
        Ok(())
    })?;
    for message in failed {
        reporter.problem(
            &Problem::new(Reason::FetchFailed, message)
                .hint("is a controller still running? stop it, and run this again"),
        );
    }
    if !args.dry_run {
        let note = format!("{changed} statuses changed");
        reporter.note(&Place::default(), &note);
    }
    Ok(())
}

fn path_of(object: &Value) -> String {
    format!(
        "/apis/{}/namespaces/{}/sealedsecrets/{}",
        seal_api::API_VERSION,
        text(object, "namespace"),
        text(object, "name")
    )
}

/// Takes out what is ours; false where there is nothing.
fn strip(object: &mut Value) -> bool {
    let Some(conditions) = object
        .pointer_mut("/status/conditions")
        .and_then(Value::as_array_mut)
    else {
        return false;
    };
    let before = conditions.clone();
    conditions.retain(|condition| condition["type"] == SYNCED);
    for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
        condition.retain(|field, _| FIELDS.contains(&field.as_str()));
    }
    *conditions != before
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_upstream_writes_stays_and_the_rest_goes() {
        let mut object = json!({"status": {"observedGeneration": 3, "conditions": [
            {"type": "Synced", "status": "False", "reason": "UnknownKey", "message": "m", "observedGeneration": 3},
            {"type": "Ready", "status": "False"},
            {"type": "Stalled", "status": "True"},
        ]}});
        assert!(strip(&mut object));
        let expected = json!({"observedGeneration": 3, "conditions": [{"type": "Synced", "status": "False", "message": "m"}]});
        assert_eq!(object["status"], expected);
        assert!(!strip(&mut object));
        assert!(!strip(&mut json!({"spec": {}})));
    }
}
