//! Flags and environment variables of the Go project's controller, where there is no cluster.

use crate::store::Store;

/// Variables of flags that take a number, a truth value, a duration, a form or a level.
const TYPED: [&str; 21] = [
    "ACCEPT_DEPRECATED_V1_DATA",
    "ALL_NAMESPACES",
    "KEY_RENEW_PERIOD",
    "KEY_SIZE",
    "KEY_TTL",
    "KUBECLIENT_BURST",
    "KUBECLIENT_QPS",
    "LOG_FORMAT",
    "LOG_INFO_STDOUT",
    "LOG_LEVEL",
    "MAX_UNSEAL_RETRIES",
    "METRICS_OMIT_SECRET_LABELS",
    "OLD_GC_BEHAVIOR",
    "RATE_LIMIT",
    "RATE_LIMIT_BURST",
    "READ_TIMEOUT",
    "ROTATE_PERIOD",
    "SKIP_RECREATE",
    "UPDATE_STATUS",
    "WATCH_FOR_SECRETS",
    "WRITE_TIMEOUT",
];

/// Flags that say something of a cluster.
const OF_A_CLUSTER: [&str; 16] = [
    "--additional-namespaces=a",
    "--all-namespaces",
    "--key-cutoff-time=",
    "--key-order-priority=CertNotBefore",
    "--kubeclient-burst=1",
    "--kubeclient-qps=1",
    "--kubeconfig=file",
    "--label-selector=a",
    "--max-unseal-retries=1",
    "--old-gc-behavior",
    "--privatekey-annotations=a=b",
    "--privatekey-labels=a=b",
    "--skip-recreate",
    "--skip-set-owner-references",
    "--update-status",
    "--watch-for-secrets",
];

#[test]
fn a_variable_that_cannot_be_read_is_warned_about_and_the_default_counts() {
    let store = Store::new();
    store.put_db("one");
    for value in ["never", ""] {
        let mut run = store.run(["--once"]);
        for name in TYPED {
            run = run.env(format!("SEALED_SECRETS_{name}"), value);
        }
        let mut run = run.finish().exits(0);
        for name in TYPED {
            run = run.says(&format!(
                "the environment variable SEALED_SECRETS_{name} is ignored"
            ));
        }
        assert_eq!(run.err().matches(" is ignored").count(), TYPED.len());
        assert_eq!(store.db(), "one");
    }
}

#[test]
fn a_variable_that_can_be_read_and_is_wrong_is_an_error() {
    let store = Store::new();
    for (name, value, because) in [
        ("KEY_SIZE", "1024", "2048, 3072, 4096 or 8192"),
        ("KEY_TTL", "-1h", "must be a duration"),
        ("RATE_LIMIT", "0", "must be at least 1"),
        ("KEY_PREFIX", "", "must be lower-case letters"),
        ("KEY_ORDER_PRIORITY", "Age", "CertNotBefore"),
        ("KEY_CUTOFF_TIME", "yesterday", "date -R"),
        ("PRIVATEKEY_LABELS", "a", "NAME=VALUE"),
        ("PRIVATEKEY_ANNOTATIONS", "a", "NAME=VALUE"),
        ("ADDITIONAL_NAMESPACES", "a b", "has a namespace that"),
        ("LISTEN_METRICS_ADDR", ":8081", "must be a loopback address"),
    ] {
        let run = store
            .run(["--once"])
            .env(format!("SEALED_SECRETS_{name}"), value);
        run.finish().exits(2).says(because);
    }
}

#[test]
fn a_variable_of_a_cluster_is_said_to_have_no_effect_on_folders() {
    let store = Store::new();
    let run = store.run(["--once"]);
    run.env("SEALED_SECRETS_LABEL_SELECTOR", "a=b")
        .env("SEALED_SECRETS_SKIP_RECREATE", "true")
        .finish()
        .exits(0)
        .says(
            "the environment variable SEALED_SECRETS_LABEL_SELECTOR has no effect with --directory",
        )
        .says(
            "the environment variable SEALED_SECRETS_SKIP_RECREATE has no effect with --directory",
        );
}

#[test]
fn a_flag_of_a_cluster_is_refused_with_folders() {
    let store = Store::new();
    for flag in OF_A_CLUSTER {
        let name = flag.split('=').next().unwrap_or_default();
        store
            .run(["--once", flag])
            .finish()
            .exits(2)
            .says(&format!("{name} cannot be used with --directory"));
    }
}

#[test]
fn the_old_name_of_the_renewal_period_counts_and_is_said_to_be_old() {
    let store = Store::new();
    // The certificate of the key in the store is older than an hour.
    let args = ["--directory", "store", "--once", "--key-size", "2048"];
    let run = store.scratch.controller(args).args(["--rotate-period=1h"]);
    run.finish()
        .exits(0)
        .says("--rotate-period is deprecated: use --key-renew-period");
    let made = store.text("status/keys.yaml");
    assert!(made.contains("file: keys/sealed-secrets-key"), "{made}");
}

#[test]
fn the_log_goes_to_standard_error_as_a_whole_where_asked_for() {
    let store = Store::new();
    store.put_db("one");
    let run = store.run(["--once", "--log-info-stdout=false"]);
    run.finish().exits(0).says("Secret made");
    let other = Store::new();
    other.put_db("one");
    let run = other.run(["--once"]).finish().exits(0);
    assert!(run.out().contains("Secret made") && !run.err().contains("Secret made"));
}
