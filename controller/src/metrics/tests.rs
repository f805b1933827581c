use std::sync::mpsc;

use axum::{Router, body::Body, extract::Request, http::header::CONTENT_LENGTH};
use futures::{StreamExt, future::join_all};
use jiff::{SignedDuration, Timestamp};
use seal_api::{Scope, SealedSecret};
use seal_envelope::{KeyId, KeySize, generate_key};
use seal_sealing::{HeldKey, Secret, UnsealOptions, seal, unseal};
use tokio::{runtime, time::timeout};
use tower::ServiceExt;

use super::{router::SLICE, *};

fn condition(type_: &str, status: &str) -> Condition {
    serde_json::from_value(serde_json::json!({"type": type_, "status": status}))
        .expect("it is a condition")
}

fn object<'s>(name: &'s str, reason: Reason, conditions: &'s [Condition]) -> ObjectState<'s> {
    ObjectState {
        namespace: "prod",
        name,
        instance: "shop",
        reason,
        conditions,
    }
}

/// A ring of one key, and an object that it opens.
fn ring() -> (Arc<KeyRing>, SealedSecret) {
    let now = Timestamp::UNIX_EPOCH;
    let hour = SignedDuration::from_hours(1);
    let key = generate_key(KeySize::Rsa2048, "", now, hour).expect("keys can be made");
    let mut secret = Secret::new("db", Some("prod"));
    secret.data.insert("a".into(), b"1".as_slice().into());
    let sealed = seal(&secret, Scope::Strict, &key.certificate, now).expect("it can be sealed");
    let ring = KeyRing::new(vec![HeldKey::generated(key, now)]);
    (Arc::new(ring), sealed.object)
}

/// Lets everything happen once.
fn everything() -> Metrics {
    let metrics = Metrics::new(false);
    let (ring, sealed) = ring();
    unseal(&sealed, &ring, &UnsealOptions::default()).expect("it opens");
    metrics.set_keys(&ring);
    metrics.set_key_problems(&[(Reason::NoKey, 2)].into());
    metrics.object_there("prod", "db");
    let keys = [ring.keys()[0].id()];
    metrics.set_keys_of("prod", "db", keys);
    metrics.unseal_requested();
    metrics.unseal_failed(UnsealError::Unmanaged, "prod");
    metrics.object_seen(&object(
        "db",
        Reason::Unsealed,
        &[condition("Synced", "True")],
    ));
    metrics.spent_on_failing("prod", 3);
    metrics.put_off("prod");
    metrics.drift_repaired("prod");
    metrics.reconciled(Duration::from_millis(7));
    metrics.status_written();
    metrics.api_failed(Some(409));
    metrics.api_failed(None);
    metrics.feature_off("lease", true);
    metrics.ask_queue(|| {
        let oldest = Duration::from_millis(1500);
        let class = Class::Drift;
        vec![QueueState {
            class,
            depth: 2,
            oldest,
        }]
    });
    let time = Duration::from_millis(20);
    metrics.answered("/v1/verify", &Method::POST, StatusCode::CONFLICT, time);
    metrics
}

#[test]
fn while_it_is_written_more_can_be_said() {
    struct Writer<'m>(&'m Metrics, String);
    impl fmt::Write for Writer<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            assert!(self.0.known.try_lock().is_ok(), "after {}", self.1);
            self.1.push_str(text);
            Ok(())
        }
    }
    let metrics = everything();
    let known = Arc::clone(&metrics.known);
    metrics.ask_queue(move || {
        assert!(known.try_lock().is_ok());
        Vec::new()
    });
    let mut writer = Writer(&metrics, String::new());
    encode(&mut writer, &metrics.registry).expect("it takes everything");
    assert!(writer.1.contains("seal_controller_queue_depth"));
    assert!(writer.1.contains("condition_info{"));
}

#[track_caller]
fn check(metrics: &Metrics, line: &str) {
    let text = metrics.text();
    assert!(text.lines().any(|other| other == line), "{line}\n{text}");
}

#[test]
fn series_are_named_and_labelled_as_upstream_does() {
    let metrics = everything();
    for line in [
        "# TYPE sealed_secrets_controller_unseal_requests_total counter",
        "sealed_secrets_controller_unseal_requests_total 1",
        "sealed_secrets_controller_unseal_errors_total{reason=\"unmanaged\",namespace=\"prod\"} 1",
        "# TYPE sealed_secrets_controller_condition_info gauge",
        "sealed_secrets_controller_condition_info{namespace=\"prod\",name=\"db\",condition=\"Synced\",ss_app_kubernetes_io_instance=\"shop\"} 1",
        "sealed_secrets_controller_http_requests_total{path=\"/v1/verify\",code=\"409\",method=\"post\"} 1",
        "sealed_secrets_controller_http_request_duration_seconds_bucket{le=\"0.025\",path=\"/v1/verify\",method=\"post\"} 1",
        "sealed_secrets_controller_http_request_duration_seconds_count{path=\"/v1/verify\",method=\"post\"} 1",
        "seal_controller_objects{namespace=\"prod\",reason=\"Unsealed\"} 1",
        "seal_controller_keys 1",
        "seal_controller_queue_depth{class=\"drift\"} 2",
        "seal_controller_queue_oldest_seconds{class=\"drift\"} 1.5",
        "seal_controller_queue_depth{class=\"change\"} 0",
        "seal_controller_drift_repaired_total{namespace=\"prod\"} 1",
        "seal_controller_put_off_total{namespace=\"prod\"} 1",
        "seal_controller_failing_operations_total{namespace=\"prod\"} 3",
        "seal_controller_certificate_expiry_timestamp_seconds 3600",
        "seal_controller_key_problems{reason=\"NoKey\"} 2",
        "seal_controller_private_key_operations_total 1",
        "seal_controller_api_errors_total{code=\"none\"} 1",
        "seal_controller_feature_off{feature=\"lease\"} 1",
    ] {
        check(&metrics, line);
    }
    let build = format!(
        "sealed_secrets_controller_build_info{{revision=\"v{}\"}} 0",
        env!("CARGO_PKG_VERSION")
    );
    check(&metrics, &build);
}

#[test]
fn the_process_is_told_of_as_prometheus_libraries_do() {
    let text = Metrics::new(false).text();
    let value = |name: &str| -> f64 {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let line = line.unwrap_or_else(|| panic!("no {name}:\n{text}"));
        line.parse().expect("it is a number")
    };
    let now = Timestamp::now().as_second() as f64;
    assert!((now - 60.0..=now + 1.0).contains(&value("process_start_time_seconds")));
    assert!((0.000_001..3600.0).contains(&value("process_cpu_seconds_total")));
    let resident = value("process_resident_memory_bytes");
    assert!((1e6..1e11).contains(&resident), "{resident}");
    assert!(value("process_virtual_memory_bytes") >= resident);
    // Three standard ones at least.
    let open = value("process_open_fds");
    assert!((3.0..=value("process_max_fds")).contains(&open), "{open}");
    let held: Vec<_> = (0..20)
        .map(|_| std::fs::File::open("/dev/null").expect("it is there"))
        .collect();
    let more = Metrics::new(false).text();
    let line = more
        .lines()
        .find_map(|line| line.strip_prefix("process_open_fds "));
    let with_held: f64 = line.and_then(|line| line.parse().ok()).expect("it is told");
    // Other tests open files as well, and close them.
    assert!(with_held >= held.len() as f64, "{with_held}");
}

#[test]
fn what_is_declared_is_there_and_nothing_else() {
    let text = everything().text();
    let types: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ").map(str::to_owned))
        .collect();
    let declared = METRICS
        .iter()
        .map(|metric| format!("{} {}", metric.name, metric.kind.as_str()));
    let mut declared: Vec<String> = declared.collect();
    let mut found = types;
    declared.sort();
    found.sort();
    assert_eq!(found, declared);
    for metric in METRICS {
        let help = format!("# HELP {} {}", metric.name, metric.help);
        assert!(text.contains(&help), "{help}\n{text}");
        assert!(!text.contains("_total_total") && !text.contains("EOF"));
    }
}

#[test]
fn what_is_gone_is_not_told_any_more() {
    let metrics = Metrics::new(false);
    let (good, bad) = (
        [condition("Synced", "True")],
        [condition("Synced", "False")],
    );
    metrics.object_seen(&object("a", Reason::Unsealed, &good));
    metrics.object_seen(&object("b", Reason::Unsealed, &good));
    check(
        &metrics,
        "seal_controller_objects{namespace=\"prod\",reason=\"Unsealed\"} 2",
    );
    metrics.object_seen(&object("b", Reason::CannotOpen, &bad));
    check(
        &metrics,
        "seal_controller_objects{namespace=\"prod\",reason=\"Unsealed\"} 1",
    );
    check(
        &metrics,
        "seal_controller_objects{namespace=\"prod\",reason=\"CannotOpen\"} 1",
    );
    assert!(
        metrics
            .text()
            .contains("name=\"b\",condition=\"Synced\",ss_app_kubernetes_io_instance=\"shop\"} -1")
    );
    metrics.object_gone("prod", "a");
    metrics.object_gone("prod", "b");
    metrics.object_gone("prod", "never-there");
    let text = metrics.text();
    assert!(!text.contains("prod"), "{text}");
}

#[test]
fn series_are_there_before_anything_happened_and_stay_when_it_is_over() {
    let metrics = Metrics::new(false);
    metrics.feature_off("lease", false);
    let text = metrics.text();
    // What needs a key or an object to be told of, and the time until an answer.
    let absent = [&KEY_SINCE, &CONDITION_INFO];
    for metric in METRICS.iter().filter(|metric| !absent.contains(metric)) {
        let is_series = |line: &str| {
            let rest = line.strip_prefix(metric.name).unwrap_or_default();
            rest.starts_with([' ', '{', '_'])
        };
        assert!(text.lines().any(is_series), "{}\n{text}", metric.name);
    }
    for line in [
        "seal_controller_objects{namespace=\"_other\",reason=\"NotManaged\"} 0",
        "seal_controller_key_problems{reason=\"UnreadableKey\"} 0",
        "seal_controller_api_errors_total{code=\"429\"} 0",
        "seal_controller_feature_off{feature=\"lease\"} 0",
        "sealed_secrets_controller_http_requests_total{path=\"/v1/rotate\",code=\"429\",method=\"post\"} 0",
        "seal_controller_objects_by_key{key=\"_other\"} 0",
    ] {
        check(&metrics, line);
    }
    metrics.object_there("prod", "db");
    for line in [
        "seal_controller_drift_repaired_total{namespace=\"prod\"} 0",
        "sealed_secrets_controller_unseal_errors_total{reason=\"update\",namespace=\"prod\"} 0",
        "seal_controller_objects{namespace=\"prod\",reason=\"Unsealed\"} 0",
    ] {
        check(&metrics, line);
    }
    metrics.object_seen(&object("db", Reason::CannotOpen, &[]));
    metrics.object_seen(&object("db", Reason::Unsealed, &[]));
    metrics.set_key_problems(&[(Reason::NoKey, 1)].into());
    metrics.set_key_problems(&BTreeMap::new());
    for line in [
        "seal_controller_objects{namespace=\"prod\",reason=\"CannotOpen\"} 0",
        "seal_controller_objects{namespace=\"prod\",reason=\"Unsealed\"} 1",
        "seal_controller_key_problems{reason=\"NoKey\"} 0",
    ] {
        check(&metrics, line);
    }
}

#[test]
fn a_thousand_namespaces_have_no_more_series_than_a_hundred() {
    let metrics = Metrics::new(true);
    let name = |number| format!("n{number:04}");
    let see = |number: usize, reason| {
        let namespace = name(number);
        let namespace = namespace.as_str();
        metrics.object_there(namespace, "db");
        metrics.object_seen(&ObjectState {
            namespace,
            ..object("db", reason, &[])
        });
        metrics.drift_repaired(namespace);
    };
    (0..100).for_each(|number| see(number, Reason::Unsealed));
    let lines = metrics.text().lines().count();
    (100..1000).for_each(|number| see(number, Reason::Unsealed));
    assert_eq!(metrics.text().lines().count(), lines);
    see(500, Reason::CannotOpen);
    let others = |reason, number| {
        let line =
            format!("seal_controller_objects{{namespace=\"_other\",reason=\"{reason}\"}} {number}");
        check(&metrics, &line);
    };
    others("Unsealed", 899);
    others("CannotOpen", 1);
    check(
        &metrics,
        "seal_controller_drift_repaired_total{namespace=\"_other\"} 901",
    );
    // A place that is given up is taken by the next namespace, not by one whose objects are counted with the others.
    metrics.object_gone("n0007", "db");
    let text = metrics.text();
    assert!(!text.contains("n0007"), "{text}");
    see(500, Reason::Unsealed);
    see(1000, Reason::Unsealed);
    others("Unsealed", 900);
    others("CannotOpen", 0);
    check(
        &metrics,
        "seal_controller_objects{namespace=\"n1000\",reason=\"Unsealed\"} 1",
    );
    assert_eq!(metrics.text().lines().count(), lines);
    (0..=1000).for_each(|number| metrics.object_gone(&name(number), "db"));
    others("Unsealed", 0);
}

#[test]
fn objects_are_told_of_by_the_keys_that_opened_them() {
    let metrics = Metrics::new(false);
    let (ring, _) = ring();
    let (held, lost) = (ring.keys()[0].id(), KeyId::of_spki(b"lost"));
    metrics.set_keys(&ring);
    let by_key = |key: &str, number| {
        check(
            &metrics,
            &format!("seal_controller_objects_by_key{{key=\"{key}\"}} {number}"),
        );
    };
    check(
        &metrics,
        &format!("seal_controller_key_not_before_timestamp_seconds{{key=\"{held}\"}} 0"),
    );
    by_key(&held.short(), 0);
    for (name, keys) in [
        ("a", vec![held, held]),
        ("b", vec![held, lost]),
        ("c", vec![lost]),
    ] {
        metrics.set_keys_of("prod", name, [held]);
        metrics.object_there("prod", name);
        metrics.set_keys_of("prod", name, keys);
    }
    by_key(&held.short(), 2);
    by_key("_other", 2);
    metrics.set_keys_of("prod", "a", [lost]);
    metrics.object_gone("prod", "b");
    by_key(&held.short(), 0);
    by_key("_other", 2);
    metrics.set_keys(&Arc::default());
    assert!(!metrics.text().contains(&held.short()));
}

#[test]
fn operations_with_keys_that_are_not_held_any_more_are_counted_as_well() {
    let metrics = Metrics::new(false);
    let (ring, sealed) = ring();
    metrics.set_keys(&ring);
    metrics.set_keys(&Arc::default());
    metrics.set_keys(&ring);
    metrics.set_keys(&Arc::default());
    check(&metrics, "seal_controller_private_key_operations_total 0");
    // Somebody began before the keys changed.
    unseal(&sealed, &ring, &UnsealOptions::default()).expect("it opens");
    check(&metrics, "seal_controller_private_key_operations_total 1");
    drop(ring);
    check(&metrics, "seal_controller_private_key_operations_total 1");
    check(&metrics, "seal_controller_private_key_operations_total 1");
}

#[test]
fn no_object_is_named_where_that_is_switched_off() {
    let metrics = Metrics::new(true);
    metrics.object_seen(&object(
        "a",
        Reason::Unsealed,
        &[condition("Synced", "True")],
    ));
    let text = metrics.text();
    assert!(!text.contains("name=\"a\""), "{text}");
    check(
        &metrics,
        "seal_controller_objects{namespace=\"prod\",reason=\"Unsealed\"} 1",
    );
}

#[test]
fn operations_go_on_counting_when_keys_change() {
    let metrics = Metrics::new(false);
    let ((first, sealed), (second, other)) = (ring(), ring());
    let open = |ring: &KeyRing, sealed| {
        unseal(sealed, ring, &UnsealOptions::default()).expect("it opens");
    };
    metrics.set_keys(&first);
    open(&first, &sealed);
    metrics.set_keys(&first);
    metrics.set_keys(&second);
    open(&second, &other);
    check(&metrics, "seal_controller_private_key_operations_total 2");
    metrics.set_keys(&Arc::default());
    check(&metrics, "seal_controller_private_key_operations_total 2");
    check(
        &metrics,
        "seal_controller_certificate_expiry_timestamp_seconds 0",
    );
}

#[test]
fn a_method_that_nobody_knows_makes_no_series_of_its_own() {
    let metrics = Metrics::new(false);
    for method in ["GET", "BREW", "X-ANY"] {
        let method = Method::from_bytes(method.as_bytes()).expect("it is a method");
        metrics.answered("/v1/verify", &method, StatusCode::OK, Duration::ZERO);
    }
    check(
        &metrics,
        "sealed_secrets_controller_http_requests_total{path=\"/v1/verify\",code=\"200\",method=\"unknown\"} 2",
    );
}

async fn asked(router: Router) -> Vec<Bytes> {
    let request = Request::get("/metrics").body(Body::empty());
    let answer = router.oneshot(request.expect("right")).await;
    let answer = answer.expect("it never fails");
    assert_eq!(answer.status(), StatusCode::OK);
    let length = answer.headers()[CONTENT_LENGTH].to_str().expect("a number");
    let length: usize = length.parse().expect("a number");
    let slices: Vec<Bytes> = answer
        .into_body()
        .into_data_stream()
        .map(|slice| slice.expect("it never breaks off"))
        .collect()
        .await;
    assert_eq!(slices.iter().map(Bytes::len).sum::<usize>(), length);
    slices
}

#[test]
fn all_who_ask_share_one_text_and_get_it_in_slices_and_take_one_thread_to_make_it() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(2)
        .build()
        .expect("a runtime can be made");
    let metrics = Arc::new(Metrics::new(false));
    let (go_on, goes_on) = mpsc::channel::<()>();
    let goes_on = Mutex::new(goes_on);
    metrics.ask_queue(move || {
        // The text is not ready before somebody says so.
        let _ = goes_on.lock().map(|goes_on| goes_on.recv());
        Vec::new()
    });
    for number in 0..1000 {
        let name = format!("a-sealed-secret-with-a-long-name-{number}");
        metrics.object_there("prod", &name);
        metrics.object_seen(&object(
            &name,
            Reason::Unsealed,
            &[condition("Synced", "True")],
        ));
    }
    let router = router(Arc::clone(&metrics));
    runtime.block_on(async {
        let gone = asked(router.clone());
        let limit = Duration::from_millis(10);
        assert!(timeout(limit, gone).await.is_err());
        let work = async {
            let done = timeout(Duration::from_secs(30), spawn_blocking(|| ())).await;
            drop(go_on);
            assert!(done.is_ok(), "there is no thread left");
        };
        let (texts, ()) = tokio::join!(join_all((0..8).map(|_| asked(router.clone()))), work);
        let places = |slices: &[Bytes]| -> Vec<_> { slices.iter().map(|s| s.as_ptr()).collect() };
        for text in &texts {
            assert!(text.len() > 1);
            assert!(text.iter().all(|slice| slice.len() <= SLICE));
            assert_eq!(places(text), places(&texts[0]));
        }
        let whole = texts[0].concat();
        assert!(String::from_utf8_lossy(&whole).contains("with-a-long-name-999"));
    });
}
