//! What the controller counts in a cluster.

use seal_tests::cluster::Manifests;

use crate::site::Site;

#[test]
fn what_happens_is_counted_under_our_manifests() {
    counts(Manifests::Ours);
}

#[test]
fn what_happens_is_counted_under_upstreams_chart_with_what_it_does_without() {
    let site = counts(Manifests::Chart);
    let off = "seal_controller_feature_off{feature=\"certificate-config-map\"}";
    assert_eq!(site.controller.metric(off), Some(1.0));
    let refused = "seal_controller_api_errors_total{code=\"403\"}";
    assert!(site.controller.metric(refused) >= Some(1.0));
}

#[test]
fn what_waits_is_told_of_by_class_with_its_age() {
    let site = Site::with(Manifests::Ours, |setup| {
        setup.args(["--kubeclient-qps=2", "--kubeclient-burst=1"])
    });
    for number in 0..30 {
        let sealed = site.sealed(&format!("s{number}"), &[("password", "one")]);
        site.api().apply(&sealed);
    }
    for (series, least) in [
        ("seal_controller_queue_depth{class=\"change\"}", 1.0),
        (
            "seal_controller_queue_oldest_seconds{class=\"change\"}",
            0.5,
        ),
    ] {
        site.controller.wait_for(series, |controller| {
            let value = controller.metric(series);
            value.filter(|value| *value >= least)
        });
    }
    let idle = "seal_controller_queue_depth{class=\"diagnosis\"}";
    assert_eq!(site.controller.metric(idle), Some(0.0));
}

/// A SealedSecret that opens and one that does not.
fn counts(manifests: Manifests) -> Site {
    let site = Site::new(manifests);
    site.with_db("one");
    let mut damaged = site.sealed("damaged", &[("password", "one")]);
    damaged["spec"]["encryptedData"]["password"] = "AAAA".into();
    site.api().apply(&damaged);
    let apps = &site.apps;
    let wait = |series: &str, what: &dyn Fn(f64) -> bool| {
        site.controller.wait_for(series, |controller| {
            controller.metric(series).filter(|value| what(*value))
        })
    };
    let condition = |name: &str| {
        format!(
            "sealed_secrets_controller_condition_info{{namespace=\"{apps}\",name=\"{name}\",condition=\"Synced\",ss_app_kubernetes_io_instance=\"\"}}"
        )
    };
    wait(&condition("db"), &|value| value == 1.0);
    wait(&condition("damaged"), &|value| value == -1.0);
    let of =
        |name: &str, reason: &str| format!("{name}{{namespace=\"{apps}\",reason=\"{reason}\"}}");
    wait(&of("seal_controller_objects", "Unsealed"), &|value| {
        value == 1.0
    });
    wait(&of("seal_controller_objects", "MalformedItem"), &|value| {
        value == 1.0
    });
    let errors = format!(
        "sealed_secrets_controller_unseal_errors_total{{reason=\"unseal\",namespace=\"{apps}\"}}"
    );
    for series in [
        errors.as_str(),
        "sealed_secrets_controller_unseal_requests_total",
        "seal_controller_status_writes_total",
        "seal_controller_reconcile_duration_seconds_count",
        "seal_controller_private_key_operations_total",
    ] {
        wait(series, &|value| value >= 1.0);
    }
    wait("seal_controller_keys", &|value| value == 1.0);
    // One key opened one of the two.
    let text = site.controller.metrics();
    let key = text.lines().find_map(|line| {
        let rest = line.strip_prefix("seal_controller_key_not_before_timestamp_seconds{")?;
        rest.split('}').next()
    });
    let key = key.expect("the key is told of");
    let by_key = format!("seal_controller_objects_by_key{{{key}}}");
    assert_eq!(site.controller.metric(&by_key), Some(1.0), "{text}");
    site
}
