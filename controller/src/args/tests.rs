use super::*;

fn read(flags: &[&str]) -> Result<Args, clap::Error> {
    let mut command = Args::command();
    let all = ["seal-controller"].iter().chain(flags);
    let matches = command.try_get_matches_from_mut(all)?;
    let mut args = Args::from_arg_matches(&matches)?;
    mode::settle(&mut args, &matches).map_err(|(kind, message)| command.error(kind, message))?;
    Ok(args)
}

fn taken(flags: &[&str]) -> Args {
    read(flags).unwrap_or_else(|error| panic!("{flags:?}: {error}"))
}

#[track_caller]
fn refused(flags: &[&str], because: &str) {
    let error = read(flags).expect_err("the flags are wrong").to_string();
    assert!(error.contains(because), "{flags:?}: {error}");
}

/// Every flag that the Go project's controller has.
const UPSTREAM: [(&str, &str); 32] = [
    ("accept-deprecated-v1-data", "false"),
    ("additional-namespaces", "one,two"),
    ("all-namespaces", "false"),
    ("key-cutoff-time", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("key-order-priority", "SecretCreationTimestamp"),
    ("key-prefix", "sealed-secrets-key"),
    ("key-renew-period", "1h30m"),
    ("key-size", "2048"),
    ("key-ttl", "87600h0m0s"),
    ("kubeclient-burst", "100"),
    ("kubeclient-qps", "-1"),
    ("label-selector", "team=a,!gone"),
    ("listen-addr", ":8080"),
    ("listen-metrics-addr", "127.0.0.1:0"),
    ("log-format", "json"),
    ("log-info-stdout", "false"),
    ("log-level", "ERROR"),
    ("max-unseal-retries", "-1"),
    ("metrics-omit-secret-labels", "true"),
    ("my-cn", "sealed"),
    ("old-gc-behavior", "t"),
    ("privatekey-annotations", "a=b,c=d"),
    ("privatekey-labels", "a=b"),
    ("rate-limit", "0x10"),
    ("rate-limit-burst", "0"),
    ("read-timeout", "10s"),
    ("rotate-period", "0"),
    ("skip-recreate", "1"),
    ("update-status", "F"),
    ("version", ""),
    ("watch-for-secrets", "TRUE"),
    ("write-timeout", "1m0.5s"),
];

#[test]
fn the_definition_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn every_flag_of_upstream_is_taken_in_both_spellings_and_has_its_variable() {
    let command = Args::command();
    for (flag, value) in UPSTREAM {
        if flag == "version" {
            assert!(taken(&["--version"]).version);
            continue;
        }
        taken(&[&format!("--{flag}={value}")]);
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(flag))
            .expect("the flag is declared");
        let variable = format!(
            "SEALED_SECRETS_{}",
            flag.to_ascii_uppercase().replace('-', "_")
        );
        assert_eq!(
            arg.get_env().and_then(|name| name.to_str()),
            Some(&*variable)
        );
        if environment::value_name(arg) == "BOOL" {
            taken(&[&format!("--{flag}")]);
        } else {
            taken(&[&format!("--{flag}"), value]);
        }
    }
}

#[test]
fn the_arguments_of_upstreams_chart_are_taken() {
    let args = taken(&[
        "controller",
        "--update-status",
        "--skip-recreate",
        "--key-renew-period",
        "720h",
        "--key-prefix",
        "sealed-secrets-key",
        "--additional-namespaces",
        "b,a,b",
        "--log-info-stdout",
        "--listen-addr",
        ":8080",
        "--listen-metrics-addr",
        ":8081",
        "--kubeclient-qps",
        "20",
        "--kubeclient-burst",
        "100",
        "--max-unseal-retries",
        "5",
    ]);
    assert!(args.update_status && args.skip_recreate && args.all_namespaces);
    assert_eq!(args.listen_addr, Some(ListenAddress::Everywhere(8080)));
    let namespaces = args.namespaces("own").expect("they are named");
    assert_eq!(Vec::from_iter(namespaces), ["a", "b", "own"]);
    assert_eq!(args.client_limit(), Some((20.0, 100)));
    assert_eq!(args.notices.len(), 1, "{:?}", args.notices);
}

#[test]
fn without_flags_everything_is_as_upstream_has_it() {
    let args = taken(&[]);
    assert_eq!(args.namespaces("own"), None);
    assert!(args.accept_deprecated_v1_data && args.update_status && args.log_info_stdout);
    assert_eq!((args.rate_limit, args.rate_limit_burst), (2, 2));
    assert_eq!(args.read_timeout, SignedDuration::from_mins(2));
    assert_eq!(args.key_order_priority, KeyOrder::CertNotBefore);
    assert_eq!((args.key_cutoff_time, args.listen_addr), (None, None));
    assert_eq!(args.notices, [] as [&str; 0]);
}

#[test]
fn the_namespaces_are_the_controllers_own_where_not_all_are_meant() {
    let own = taken(&["--all-namespaces=false"]).namespaces("own");
    assert_eq!(own, Some(["own".to_owned()].into()));
}

#[test]
fn the_last_of_a_flag_given_twice_counts() {
    let args = taken(&[
        "--my-cn=a",
        "--my-cn",
        "-b",
        "--skip-recreate",
        "--skip-recreate=0",
    ]);
    assert_eq!((args.my_cn.as_str(), args.skip_recreate), ("-b", false));
    let hours = |flags: &[&str]| taken(flags).key_renew_period.as_hours();
    assert_eq!(hours(&["--rotate-period=1h", "--key-renew-period=2h"]), 2);
    assert_eq!(hours(&["--key-renew-period=2h", "--rotate-period=1h"]), 1);
    assert_eq!(hours(&["--rotate-period=1h"]), 1);
}

#[test]
fn pairs_of_keys_are_read_and_the_label_that_makes_a_key_is_left_out() {
    let key_label = format!(
        "--privatekey-labels=a=b,,{}=no",
        seal_api::annotations::KEY_LABEL
    );
    let args = taken(&[&key_label, "--privatekey-annotations", "url=http://a?b=c,"]);
    assert_eq!(args.privatekey_labels, [("a".into(), "b".into())].into());
    assert_eq!(args.privatekey_annotations["url"], "http://a?b=c");
}

#[test]
fn numbers_are_read_as_go_reads_them() {
    for (text, expected) in [
        ("10", 10),
        ("+5", 5),
        ("-1", -1),
        ("0x1F", 31),
        ("0b11", 3),
        ("010", 8),
        ("1_000", 1000),
        ("0", 0),
    ] {
        assert_eq!(number(text), Ok(expected), "{text}");
    }
    for wrong in [
        "",
        "1.5",
        "1e3",
        "_1",
        "1_",
        "1__0",
        "--1",
        "0x",
        "08",
        "99999999999999999999",
    ] {
        assert!(number(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_has_no_meaning_is_refused_with_a_sentence() {
    for (flags, because) in [
        (&["--rate-limit=0"][..], "must be at least 1"),
        (&["--rate-limit-burst=-1"], "must be 0 or more"),
        (&["--read-timeout=0"], "must be longer than 0"),
        (&["--lease-duration=2s"], "must be whole seconds"),
        (&["--lease-duration=2h"], "must be whole seconds"),
        (&["--lease-duration=3500ms"], "must be whole seconds"),
        (&["--key-size=1000"], "2048, 3072, 4096 or 8192"),
        (&["--privatekey-labels=a"], "must be NAME=VALUE"),
        (&["--key-cutoff-time=2026-01-01"], "date -R"),
        (&["--additional-namespaces=A_b"], "has a namespace that"),
        (
            &["--kubeclient-qps=1", "--kubeclient-burst=0"],
            "must be at least 1 where",
        ),
        (&["--listen-addr=8080"], "is not an address and a port"),
        (&["--key-order-priority=Age"], "CertNotBefore"),
        (&["--once"], "--once works only with --directory"),
        (&["another-program"], "controller"),
    ] {
        refused(flags, because);
    }
}

#[test]
fn flags_of_a_cluster_are_refused_with_folders() {
    for flag in [
        "--kubeconfig=f",
        "--all-namespaces",
        "--additional-namespaces=a",
        "--label-selector=a",
        "--kubeclient-qps=1",
        "--kubeclient-burst=1",
        "--key-order-priority=CertNotBefore",
        "--key-cutoff-time=",
        "--privatekey-annotations=a=b",
        "--privatekey-labels=a=b",
        "--watch-for-secrets",
        "--skip-set-owner-references",
        "--old-gc-behavior",
        "--skip-recreate",
        "--update-status",
        "--max-unseal-retries=1",
    ] {
        let name = flag.split('=').next().unwrap_or_default();
        refused(
            &["--directory=d", flag],
            &format!("{name} cannot be used with --directory"),
        );
    }
}

#[test]
fn with_folders_only_this_machine_is_served() {
    for right in ["127.0.0.1:8080", "[::1]:0", "127.3.2.1:1"] {
        taken(&[
            "--directory=d",
            "--listen-addr",
            right,
            "--listen-metrics-addr",
            right,
        ]);
    }
    for wrong in [":8080", "0.0.0.0:8080", "192.0.2.1:80", "[::]:80"] {
        refused(
            &["--directory=d", "--listen-addr", wrong],
            "must be a loopback address",
        );
        refused(
            &["--directory=d", "--listen-metrics-addr", wrong],
            "must be a loopback address",
        );
        taken(&["--listen-addr", wrong]);
    }
}
