//! What holds between flags: which belong to a cluster, and which of two names of one flag counts.

use clap::{ArgMatches, error::ErrorKind, parser::ValueSource};

use super::Args;

/// Flags that say something of a cluster, and nothing of folders.
const OF_A_CLUSTER: [&str; 19] = [
    "kubeconfig",
    "name",
    "all_namespaces",
    "additional_namespaces",
    "label_selector",
    "kubeclient_qps",
    "kubeclient_burst",
    "key_order_priority",
    "key_cutoff_time",
    "privatekey_annotations",
    "privatekey_labels",
    "watch_for_secrets",
    "skip_set_owner_references",
    "old_gc_behavior",
    "skip_recreate",
    "max_failing_operations",
    "lease_duration",
    "update_status",
    "max_unseal_retries",
];

/// An error of the command line.
type Wrong = (ErrorKind, String);

/// Refuses what contradicts each other, lets the right one of two names of a flag count, and notes what is to be said.
pub(super) fn settle(args: &mut Args, matches: &ArgMatches) -> Result<(), Wrong> {
    settle_period(args, matches);
    settle_traces(args, matches)?;
    if args.directory.is_some() {
        check_directory(args, matches)?;
    } else if args.once {
        let message = "--once works only with --directory DIR: a cluster is watched";
        return Err((ErrorKind::MissingRequiredArgument, message.to_owned()));
    } else if args.max_unseal_retries.is_some() {
        let notice = "--max-unseal-retries has no effect: what may heal by itself is tried again without end";
        args.notices.push(notice.to_owned());
    }
    if args.kubeclient_qps.is_some_and(|rate| rate > 0.0) && args.kubeclient_burst <= 0 {
        let message =
            "--kubeclient-burst must be at least 1 where --kubeclient-qps limits requests";
        return Err((ErrorKind::ValueValidation, message.to_owned()));
    }
    Ok(())
}

/// --rotate-period is the older name of --key-renew-period. Of both on the command line the last one counts; of both in
/// the environment the older one, as upstream.
fn settle_period(args: &mut Args, matches: &ArgMatches) {
    let Some(period) = args.rotate_period else {
        return;
    };
    args.notices
        .push("--rotate-period is deprecated: use --key-renew-period".to_owned());
    let given = |id| (source(matches, id), matches.index_of(id));
    let typed = Some(ValueSource::CommandLine);
    let counts = match (given("rotate_period"), given("key_renew_period")) {
        ((old, old_at), (new, new_at)) if old == typed && new == typed => old_at > new_at,
        ((old, _), (new, _)) => old == typed || new != typed,
    };
    if counts {
        args.key_renew_period = period;
    }
}

/// Where the program cannot send spans, who asks for them is told; a variable that is set for all programs is no wish.
fn settle_traces(args: &mut Args, matches: &ArgMatches) -> Result<(), Wrong> {
    if cfg!(feature = "otlp") || args.otlp_endpoint.is_none() {
        return Ok(());
    }
    if source(matches, "otlp_endpoint") == Some(ValueSource::CommandLine) {
        let message = "--otlp-endpoint cannot be used: this seal-controller was built without the feature otlp";
        return Err((ErrorKind::ValueValidation, message.to_owned()));
    }
    args.otlp_endpoint = None;
    let notice = "the environment variable OTEL_EXPORTER_OTLP_ENDPOINT has no effect: this seal-controller was built without the feature otlp";
    args.notices.push(notice.to_owned());
    Ok(())
}

fn check_directory(args: &mut Args, matches: &ArgMatches) -> Result<(), Wrong> {
    for id in OF_A_CLUSTER {
        let flag = id.replace('_', "-");
        match source(matches, id) {
            Some(ValueSource::CommandLine) => {
                let message = format!(
                    "--{flag} cannot be used with --directory: it says something of a cluster"
                );
                return Err((ErrorKind::ArgumentConflict, message));
            }
            Some(ValueSource::EnvVariable) => {
                let variable = format!("SEALED_SECRETS_{}", id.to_ascii_uppercase());
                args.notices.push(format!(
                    "the environment variable {variable} has no effect with --directory"
                ));
            }
            _ => {}
        }
    }
    let addresses = [
        ("--listen-addr", args.listen_addr),
        ("--listen-metrics-addr", args.listen_metrics_addr),
    ];
    for (flag, address) in addresses {
        if address.is_some_and(|address| !address.is_loopback()) {
            let message = format!(
                "{flag} must be a loopback address, such as 127.0.0.1:8080: with --directory nobody outside this machine is served"
            );
            return Err((ErrorKind::ValueValidation, message));
        }
    }
    Ok(())
}

fn source(matches: &ArgMatches, id: &str) -> Option<ValueSource> {
    matches.value_source(id)
}
