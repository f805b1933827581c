//! `seal migrate back`: takes out what upstream's controller does not write, and would leave as it is.

use seal_api::Reason;
use serde_json::{Value, json};

use super::{each_sealed_secret, text};
use crate::{
    args::{Format, MigrateBackArgs},
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
    let controller = &args.controller;
    let controller = Controller::of(
        controller.controller_name.as_deref(),
        controller.controller_namespace.as_deref(),
    );
    let cluster = Cluster::connect(&Access::of(&args.context), controller)?;
    let (mut changed, mut failed) = (0_usize, Vec::new());
    each_sealed_secret(&cluster, args.namespace.as_deref(), |mut object| {
        if !strip(&mut object) {
            return Ok(());
        }
        let name = format!("{}/{}", text(&object, "namespace"), text(&object, "name"));
        if args.dry_run {
            changed += 1;
            return would("changed", &name, reporter.format());
        }
        let path = format!("{}/status", path_of(&object));
        let body = serde_json::to_vec(&object).unwrap_or_default();
        let answer = cluster.replace(&path, body)?;
        if answer.is_success() {
            changed += 1;
        } else {
            let message = format!("the status of {name} cannot be written: {}", answer.why());
            let problem = Problem::new(Reason::FetchFailed, message);
            failed.push(match answer.status {
                409 => problem.hint("is a controller still running? stop it, and run this again"),
                _ => problem,
            });
        }
        Ok(())
    })?;
    let mut deleted = String::new();
    if args.namespace.is_none() {
        for (what, path) in cluster.made_by_ours() {
            match delete(&cluster, &what, &path, args.dry_run, reporter.format())? {
                Deleted::Yes => deleted.push_str(&format!(", {what} deleted")),
                Deleted::No(why) => failed.push(Problem::new(Reason::FetchFailed, why)),
                Deleted::Absent => {}
            }
        }
    }
    for problem in failed {
        reporter.problem(&problem);
    }
    if !args.dry_run {
        let note = format!("{changed} statuses changed{deleted}");
        reporter.note(&Place::default(), &note);
    }
    Ok(())
}

/// Prints what a dry run leaves undone.
fn would(be: &str, what: &str, format: Format) -> Result<(), Problem> {
    let line = match format {
        Format::Text => format!("{what} would be {be}\n"),
        Format::Json => format!("{}\n", json!({"what": what, "wouldBe": be})),
    };
    output::print(line.as_bytes())
}

/// What became of something that is to be deleted.
enum Deleted {
    /// It is, or would be.
    Yes,
    /// It is not, because of this.
    No(String),
    /// There is none.
    Absent,
}

/// Deletes what nobody would keep up to date.
fn delete(
    cluster: &Cluster,
    what: &str,
    path: &str,
    dry_run: bool,
    format: Format,
) -> Result<Deleted, Problem> {
    if dry_run {
        if !cluster.get(path)?.is_success() {
            return Ok(Deleted::Absent);
        }
        would("deleted", what, format)?;
        return Ok(Deleted::Yes);
    }
    let answer = cluster.delete(path)?;
    Ok(if answer.is_success() {
        Deleted::Yes
    } else if answer.status == 404 {
        Deleted::Absent
    } else {
        Deleted::No(format!("{what} cannot be deleted: {}", answer.why()))
    })
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
    let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) else {
        return false;
    };
    let had_record = status.shift_remove("record").is_some();
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    had_record | conditions.is_some_and(strip_conditions)
}

fn strip_conditions(conditions: &mut Vec<Value>) -> bool {
    let before = conditions.clone();
    conditions.retain(|condition| condition["type"] == SYNCED);
    for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
        condition.retain(|field, _| FIELDS.contains(&field.as_str()));
    }
    *conditions != before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_upstream_writes_stays_and_the_rest_goes() {
        let mut object = json!({"status": {"observedGeneration": 3, "record": {"format": 1}, "conditions": [
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
