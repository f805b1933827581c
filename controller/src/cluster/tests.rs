//! The shell against an API server that is a function: what a real one does only now and then.

mod again;
mod at_once;
mod kept;

use std::{
    collections::BTreeMap,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::{Args as _, Command, FromArgMatches};
use jiff::{SignedDuration, Timestamp};
use kube::{Client, client::Body};
use seal_api::Scope;
use seal_envelope::{Certificate, GeneratedKey, KeyId, KeySize, generate_key};
use seal_sealing::{key_secret, seal};
use serde_json::{Value, json};
use tokio::time::{pause, resume, timeout};

use super::*;

const VALUE: &[u8] = b"marker-5d1e";

static KEY: LazyLock<GeneratedKey> = LazyLock::new(new_key);

fn new_key() -> GeneratedKey {
    let day = SignedDuration::from_hours(24);
    generate_key(KeySize::Rsa2048, "", Timestamp::now(), day).expect("keys can be made")
}

/// What was asked: method, path and body.
type Asked = Arc<Mutex<Vec<(String, String, String)>>>;

/// A cluster that answers every request with `answer`, and the requests that came.
fn cluster<F>(answer: F) -> (Arc<Cluster>, Asked)
where
    F: Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static,
{
    cluster_with(&[], answer)
}

/// An answer that never comes.
const NO_ANSWER: (u16, Value) = (0, Value::Null);

/// The same with flags.
fn cluster_with<F>(flags: &[&str], answer: F) -> (Arc<Cluster>, Asked)
where
    F: Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static,
{
    let asked = Asked::default();
    let (answer, noted) = (Arc::new(answer), Arc::clone(&asked));
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
        async move {
            // As a real one makes its caller wait, so that a test of an endless loop ends.
            tokio::task::yield_now().await;
            let (parts, body) = request.into_parts();
            let (method, path) = (parts.method.as_str(), parts.uri.path());
            let body = body.collect_bytes().await?;
            let body = String::from_utf8(body.to_vec()).expect("it is JSON");
            let (code, object) = answer(method, path);
            let line = (method.to_owned(), path.to_owned(), body);
            noted.lock().expect("no test panics with it").push(line);
            if code == NO_ANSWER.0 {
                std::future::pending::<()>().await;
            }
            let mut response = http::Response::builder().status(code);
            if let Some(seconds) = object["details"]["retryAfterSeconds"].as_u64() {
                response = response.header("Retry-After", seconds);
            }
            let body = Body::from(object.to_string().into_bytes());
            Ok::<_, kube::Error>(response.body(body).expect("it is a response"))
        }
    });
    let metrics = Arc::new(Metrics::new(false));
    let api = ApiServer::new(Client::new(service, "default"), None, Arc::clone(&metrics));
    let command = Args::augment_args(Command::new("seal-controller"));
    let flags = ["seal-controller"].iter().chain(flags);
    let args = Args::from_arg_matches(&command.get_matches_from(flags)).expect("they are flags");
    let served = Arc::new(Served::default());
    let own = "kube-system".to_owned();
    let cores = Arc::new(Cores::new(1));
    let queue = Queue::new(8);
    let cluster = Cluster::new(args, own, api, served, metrics, cores, queue);
    cluster.settle(leader::Standing::Alone);
    let key = key_secret(&KEY, "key", Some("kube-system"));
    cluster.keys.replace(vec![key]);
    cluster.keys_seen(true);
    cluster.secrets_listed(None, 0);
    (Arc::new(cluster), asked)
}

fn name() -> ObjectName {
    ObjectName::new("prod", "db")
}

fn metadata(generation: i64) -> Value {
    json!({"name": "db", "namespace": "prod", "uid": "u", "generation": generation, "resourceVersion": "5"})
}

fn sealed(generation: i64) -> Value {
    sealed_with(&KEY.certificate, generation)
}

/// It is sealed once, as an API server gives the same spec each time.
fn sealed_with(certificate: &Certificate, generation: i64) -> Value {
    static SEALED: Mutex<BTreeMap<KeyId, Value>> = Mutex::new(BTreeMap::new());
    let seal = || {
        let mut secret = Secret::new("db", Some("prod"));
        secret.data.insert("password".into(), VALUE.into());
        let sealed = seal(&secret, Scope::Strict, certificate, Timestamp::UNIX_EPOCH);
        sealed.expect("it can be sealed").object.into_json()
    };
    let mut all = SEALED.lock().expect("no test panics with it");
    let mut object = all.entry(certificate.key_id()).or_insert_with(seal).clone();
    object["metadata"] = metadata(generation);
    object
}

fn failure(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    (code, status)
}

/// Answers for an API server with the SealedSecret and no Secret, which takes everything.
fn usual(method: &str, path: &str) -> (u16, Value) {
    match (method, path.rsplit('/').nth(1), path) {
        ("GET", Some("sealedsecrets"), _) => (200, sealed(2)),
        ("GET", _, _) => failure(404, "NotFound", "not found"),
        ("POST", _, path) if path.ends_with("/secrets") => {
            let mut secret = Secret::new("db", Some("prod"));
            secret.data.insert("password".into(), VALUE.into());
            let mut stored = serde_json::to_value(&secret).expect("it serialises");
            stored["metadata"]["resourceVersion"] = "6".into();
            (201, stored)
        }
        _ => (200, json!({"metadata": {"resourceVersion": "9"}})),
    }
}

/// Works until nothing is to be done for so long.
async fn work(cluster: &Arc<Cluster>, time: Duration) {
    let _ = timeout(time, Arc::clone(cluster).work()).await;
}

fn count(asked: &Asked, method: &str, end: &str) -> usize {
    let asked = asked.lock().expect("no test panics with it");
    asked
        .iter()
        .filter(|(how, path, _)| how == method && path.ends_with(end))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_behind_what_was_read_makes_no_loop() {
    let (cluster, asked) = cluster(usual);
    cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
    work(&cluster, Duration::from_millis(300)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
    assert_eq!(count(&asked, "POST", "/secrets"), 1);
    // What the watch tells then is known already.
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    cluster.secret_seen(&name(), "6".to_owned(), Class::Drift);
    work(&cluster, Duration::from_millis(100)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_follows_opens_and_writes_nothing_and_makes_up_for_it_when_it_leads() {
    let (cluster, asked) = cluster(usual);
    cluster.settle(leader::Standing::Follows);
    cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
    work(&cluster, Duration::from_secs(60)).await;
    let empty = json!({});
    let written = [
        cluster.api.create(Kind::Secret, "prod", &empty).await,
        cluster.api.replace(Kind::ConfigMap, &name(), &empty).await,
        cluster
            .api
            .replace_status(Kind::SealedSecret, &name(), &empty)
            .await,
        cluster
            .api
            .delete(Kind::Secret, &name(), &empty)
            .await
            .map(|()| empty.clone()),
    ];
    assert!(
        written
            .iter()
            .all(|written| *written == Err(ApiError::NotLeading))
    );
    assert_eq!(*asked.lock().expect("no test panics with it"), []);
    cluster.settle(leader::Standing::Alone);
    work(&cluster, Duration::from_millis(300)).await;
    assert_eq!(count(&asked, "POST", "/secrets"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leads_no_longer_drops_what_is_in_hand_and_looks_at_everything_when_it_leads_again() {
    let leading = Arc::new(Mutex::new(None::<Arc<Cluster>>));
    let held = Arc::clone(&leading);
    let (cluster, asked) = cluster(move |method, path| {
        // Between what it reads and what it writes.
        let taken = held.lock().expect("no test panics with it").take();
        if let Some(cluster) = taken {
            cluster.api.gate.close();
        }
        usual(method, path)
    });
    *leading.lock().expect("no test panics with it") = Some(Arc::clone(&cluster));
    cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
    work(&cluster, Duration::from_secs(5)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
    assert_eq!(count(&asked, "POST", ""), 0);
    assert_eq!(count(&asked, "PUT", ""), 0);
    cluster.settle(leader::Standing::Follows);
    cluster.settle(leader::Standing::Alone);
    work(&cluster, Duration::from_millis(300)).await;
    assert_eq!(count(&asked, "POST", "/secrets"), 1);
    // It does not rely on what came of it before another one led.
    cluster.settle(leader::Standing::Follows);
    cluster.settle(leader::Standing::Alone);
    work(&cluster, Duration::from_millis(300)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 3);
}

#[tokio::test(start_paused = true)]
async fn events_that_hang_do_not_hold_up_the_work() {
    let (cluster, asked) = cluster(|method, path| {
        if path.ends_with("/events") {
            NO_ANSWER
        } else {
            usual(method, path)
        }
    });
    cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
    let other = ObjectName::new("prod", "other");
    cluster.sealed_secret_seen(&other, sealed(1), Class::Change);
    work(&cluster, Duration::from_secs(10)).await;
    assert_eq!(count(&asked, "POST", "/events"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_watch_has_and_the_api_server_denies_is_looked_for_again() {
    let (cluster, asked) = cluster(|_, _| failure(404, "NotFound", "not found"));
    cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
    work(&cluster, Duration::from_millis(500)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
    work(&cluster, Duration::from_secs(1)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 2);
    cluster.sealed_secret_gone(&name());
    work(&cluster, Duration::from_secs(3)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_not_taken_is_written_again_after_a_while() {
    for (code, reason) in [(404, "NotFound"), (403, "Forbidden"), (422, "Invalid")] {
        let (cluster, asked) = cluster(move |method, path| {
            if path.ends_with("/status") {
                failure(code, reason, "no")
            } else {
                usual(method, path)
            }
        });
        cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
        work(&cluster, Duration::from_millis(500)).await;
        assert_eq!(count(&asked, "PUT", "/status"), 1, "{reason}");
        work(&cluster, Duration::from_secs(1)).await;
        assert_eq!(count(&asked, "PUT", "/status"), 2, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_there_is_no_room_for_is_tried_once_for_each_state_of_the_object() {
    let generation = Arc::new(Mutex::new(2));
    let now = Arc::clone(&generation);
    let (cluster, asked) = cluster(move |method, path| {
        if path.ends_with("/status") {
            failure(500, "", "etcdserver: request is too large")
        } else if method == "GET" && path.ends_with("/sealedsecrets/db") {
            (200, sealed(*now.lock().expect("no test panics with it")))
        } else {
            usual(method, path)
        }
    });
    for (round, seen) in [2, 3].into_iter().enumerate() {
        *generation.lock().expect("no test panics with it") = seen;
        cluster.sealed_secret_seen(&name(), sealed(seen), Class::Change);
        work(&cluster, Duration::from_secs(3600)).await;
        assert_eq!(count(&asked, "PUT", "/status"), round + 1);
        assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), round + 1);
    }
    // The Secret that was made goes, and is made again, without another try.
    cluster.secret_seen(&name(), "6".to_owned(), Class::Drift);
    cluster.secret_gone(&name());
    work(&cluster, Duration::from_secs(3600)).await;
    assert_eq!(count(&asked, "POST", "/secrets"), 3);
    assert_eq!(count(&asked, "PUT", "/status"), 2);
    assert_eq!(count(&asked, "POST", "/events"), 3);
    let failed =
        "sealed_secrets_controller_unseal_errors_total{reason=\"status\",namespace=\"prod\"} 2";
    assert!(cluster.metrics.text().contains(failed));
}

/// The status that was written last.
fn last_status(asked: &Asked) -> Value {
    let asked = asked.lock().expect("no test panics with it");
    let written = asked
        .iter()
        .rev()
        .find(|(_, path, _)| path.ends_with("/status"));
    let (_, _, object) = written.expect("a status was written");
    let object: Value = serde_json::from_str(object).expect("it is JSON");
    object["status"].clone()
}

/// Status and reason of a condition; a dash where it is not there.
fn condition<'s>(status: &'s Value, type_: &str) -> (&'s str, &'s str) {
    let conditions = status["conditions"].as_array().expect("it has conditions");
    let found = conditions.iter().find(|found| found["type"] == type_);
    let text = |field: &str| found.and_then(|found| found[field].as_str()).unwrap_or("-");
    (text("status"), text("reason"))
}

/// Answers as usual, but with this status, and with an error where Secrets are asked for while they fail.
fn with_failing_secrets(
    status: &Arc<Mutex<Value>>,
    are_failing: &Arc<AtomicBool>,
) -> impl Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static {
    let (status, are_failing) = (Arc::clone(status), Arc::clone(are_failing));
    move |method, path| {
        if are_failing.load(Ordering::Relaxed) && path.contains("/secrets") {
            failure(500, "InternalError", "no")
        } else if method == "GET" && path.ends_with("/sealedsecrets/db") {
            let mut object = sealed(2);
            object["status"] = status.lock().expect("no test panics with it").clone();
            (200, object)
        } else {
            usual(method, path)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_right_keeps_synced_for_a_minute_of_api_errors_and_no_longer() {
    let stored: Arc<Mutex<Value>> = Arc::default();
    let failing = Arc::new(AtomicBool::new(false));
    let (cluster, asked) = cluster(with_failing_secrets(&stored, &failing));
    let look = async |seconds: i64| {
        // The clock of the machine does not stand still with that of the test.
        if let Some((_, since)) = cluster
            .objects()
            .get_mut(&name())
            .and_then(|object| object.failing.as_mut())
        {
            *since = Timestamp::now() - SignedDuration::from_secs(seconds);
        }
        cluster.queue.add(name(), Class::Change);
        work(&cluster, Duration::from_millis(100)).await;
        let said = last_status(&asked);
        *stored.lock().expect("no test panics with it") = said.clone();
        ["Synced", "Ready", "Reconciling", "Stalled"]
            .map(|type_| condition(&said, type_).0.to_owned())
    };
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    assert_eq!(look(0).await, ["True", "True", "-", "-"]);
    failing.store(true, Ordering::Relaxed);
    cluster.secret_seen(&name(), "7".to_owned(), Class::Drift);
    for seconds in [0, 1, 30, 58] {
        let said = look(seconds).await;
        assert_eq!(said, ["True", "False", "True", "-"], "{seconds} s");
    }
    for seconds in [61, 62, 3600] {
        let said = look(seconds).await;
        assert_eq!(said, ["False", "False", "True", "-"], "{seconds} s");
    }
    // One word at the beginning, and one at the end.
    assert_eq!(count(&asked, "PUT", "/status"), 3);
    assert_eq!(condition(&last_status(&asked), "Synced").1, "Retrying");
    failing.store(false, Ordering::Relaxed);
    assert_eq!(look(3600).await, ["True", "True", "-", "-"]);
    // The next minute is a new one.
    failing.store(true, Ordering::Relaxed);
    cluster.secret_seen(&name(), "8".to_owned(), Class::Drift);
    assert_eq!(look(0).await, ["True", "False", "True", "-"]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_a_failing_api_server_quotes_is_in_no_status_and_no_event() {
    for code in [400, 403, 422, 429, 500, 503] {
        let (cluster, asked) = cluster(move |method, path| {
            if method == "POST" && path.ends_with("/secrets") {
                failure(
                    code,
                    "Unknown",
                    "webhook: data: map[password:bWFya2VyLTVkMWU=]",
                )
            } else {
                usual(method, path)
            }
        });
        cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
        work(&cluster, Duration::from_millis(300)).await;
        let asked = asked.lock().expect("no test panics with it");
        let told: Vec<_> = asked
            .iter()
            .filter(|(_, path, _)| path.ends_with("/status") || path.ends_with("/events"))
            .collect();
        assert_eq!(told.len(), 2, "{code}");
        for (_, path, body) in told {
            assert!(!body.contains("bWFya2Vy"), "{code} {path}: {body}");
            assert!(!body.contains("marker"), "{code} {path}: {body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sealed_secret_that_goes_during_the_work_is_not_counted_afterwards() {
    let here: Arc<Mutex<Option<Arc<Cluster>>>> = Arc::default();
    let gone = Arc::clone(&here);
    let (cluster, asked) = cluster(move |method, path| {
        if method == "POST" && path.ends_with("/secrets") {
            let cluster = gone.lock().expect("no test panics with it").take();
            cluster
                .expect("it is made once")
                .sealed_secret_gone(&name());
        }
        usual(method, path)
    });
    *here.lock().expect("no test panics with it") = Some(Arc::clone(&cluster));
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    work(&cluster, Duration::from_secs(10)).await;
    assert_eq!(count(&asked, "POST", "/secrets"), 1);
    let metrics = cluster.metrics.text();
    assert!(!metrics.contains("namespace=\"prod\""), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn the_secret_of_what_is_gone_is_deleted_also_after_the_api_server_failed() {
    let owner = json!([{
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": "u", "controller": true,
    }]);
    let failures = Mutex::new(3);
    let (cluster, asked) = cluster(move |method, path| {
        let mut failures = failures.lock().expect("no test panics with it");
        match (method, path.rsplit('/').nth(1)) {
            ("GET", Some("sealedsecrets")) => failure(404, "NotFound", "not found"),
            (_, Some("secrets")) if *failures > 0 => {
                *failures -= 1;
                failure(500, "InternalError", "no")
            }
            ("GET", _) => {
                let metadata = json!({"name": "db", "uid": "s", "ownerReferences": owner});
                (200, json!({"metadata": metadata}))
            }
            _ => (200, json!({"metadata": {"resourceVersion": "9"}})),
        }
    });
    cluster.delete_secret_of(&name(), "u").await;
    assert_eq!(count(&asked, "GET", "/secrets/db"), 4);
    assert_eq!(count(&asked, "DELETE", "/secrets/db"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_secrets_of_a_namespace_that_goes_are_looked_after_a_few_at_once() {
    let (cluster, asked) = cluster(|_, _| NO_ANSWER);
    let names: Vec<_> = (0..100)
        .map(|number| ObjectName::new("prod", format!("db-{number}")))
        .collect();
    let deletions = names.iter().map(|name| cluster.delete_secret_of(name, "u"));
    let deletions = futures::future::join_all(deletions);
    let _ = timeout(Duration::from_secs(1), deletions).await;
    let asked = asked.lock().expect("no test panics with it").len();
    assert_eq!(asked, DELETIONS_AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn who_follows_asks_nothing_where_the_leader_deletes_the_secret_of_what_is_gone() {
    let (cluster, asked) = cluster(|_, _| failure(404, "NotFound", "not found"));
    cluster.settle(leader::Standing::Follows);
    cluster.secret_seen(&name(), "6".to_owned(), Class::Drift);
    let leader = async {
        sleep(Duration::from_millis(100)).await;
        cluster.secret_gone(&name());
    };
    let gone = name();
    let deleted = async { tokio::join!(cluster.delete_secret_of(&gone, "u"), leader) };
    let ended = timeout(Duration::from_secs(10), deleted).await;
    ended.expect("it does not wait for ever");
    assert_eq!(*asked.lock().expect("no test panics with it"), []);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_fails_alike_each_time_is_told_of_once() {
    let stored: Arc<Mutex<Value>> = Arc::default();
    let (status, port) = (Arc::clone(&stored), Mutex::new(50_000));
    let (cluster, asked) = cluster(move |method, path| {
        if method == "POST" && path.ends_with("/secrets") {
            let mut port = port.lock().expect("no test panics with it");
            *port += 1;
            let message = format!(
                "Internal error occurred: failed calling webhook \"a.example\": read tcp 10.0.0.5:{port}->10.96.1.2:443: read: connection reset by peer"
            );
            failure(500, "InternalError", &message)
        } else if method == "GET" && path.ends_with("/sealedsecrets/db") {
            let mut object = sealed(2);
            object["status"] = status.lock().expect("no test panics with it").clone();
            (200, object)
        } else {
            usual(method, path)
        }
    });
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    for round in 0..5 {
        cluster.queue.add(name(), Class::Change);
        work(&cluster, Duration::from_millis(100)).await;
        assert_eq!(count(&asked, "POST", "/secrets"), round + 1);
        *stored.lock().expect("no test panics with it") = last_status(&asked);
    }
    assert_eq!(count(&asked, "PUT", "/status"), 1);
    assert_eq!(count(&asked, "POST", "/events"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_a_webhook_denies_to_delete_is_deleted_when_it_allows_it() {
    let denials = Mutex::new(3);
    let (cluster, asked) = cluster(move |method, path| {
        let mut denials = denials.lock().expect("no test panics with it");
        match (method, path.rsplit('/').nth(1)) {
            ("GET", Some("sealedsecrets")) => failure(404, "NotFound", "not found"),
            ("GET", _) => {
                let owner = json!([{
                    "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": "u", "controller": true,
                }]);
                let metadata = json!({"name": "db", "uid": "s", "ownerReferences": owner});
                (200, json!({"metadata": metadata}))
            }
            ("DELETE", _) if *denials > 0 => {
                *denials -= 1;
                let message = "admission webhook \"a.example\" denied the request: not now";
                failure(403, "Forbidden", message)
            }
            _ => (200, json!({"metadata": {"resourceVersion": "9"}})),
        }
    });
    cluster.delete_secret_of(&name(), "u").await;
    assert_eq!(count(&asked, "DELETE", "/secrets/db"), 4);
    let metrics = cluster.metrics.text();
    assert!(
        metrics.contains("feature=\"old-gc-behavior\"} 0"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_value_that_a_webhook_quotes_when_a_secret_is_to_be_deleted_is_not_repeated() {
    let (cluster, _) = cluster(|method, path| match (method, path.rsplit('/').nth(1)) {
        ("GET", Some("sealedsecrets")) => failure(404, "NotFound", "not found"),
        ("GET", _) => {
            let owner = json!([{
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": "u", "controller": true,
            }]);
            let metadata = json!({"name": "db", "uid": "s", "ownerReferences": owner});
            (
                200,
                json!({"metadata": metadata, "data": {"password": "bWFya2VyLTVkMWU="}}),
            )
        }
        _ => failure(
            403,
            "Forbidden",
            "admission webhook \"a.example\" denied the request: map[password:bWFya2VyLTVkMWU=]",
        ),
    });
    let refused = cluster.try_to_delete_secret_of(&name(), "u").await;
    let said = refused.expect_err("it is refused").to_string();
    assert!(said.ends_with("so it is not repeated"), "{said}");
}

#[tokio::test]
async fn a_deletion_that_the_watch_missed_is_found_by_the_list_and_takes_the_secret_with_it() {
    let owner = json!([{
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": "u", "controller": true,
    }]);
    let (cluster, asked) = cluster_with(&["--old-gc-behavior=true"], move |method, path| {
        match (method, path.rsplit('/').nth(1)) {
            ("GET", Some("sealedsecrets")) => failure(404, "NotFound", "not found"),
            ("GET", _) => {
                let metadata = json!({"name": "db", "uid": "s", "ownerReferences": owner});
                (200, json!({"metadata": metadata}))
            }
            _ => (200, json!({"metadata": {"resourceVersion": "9"}})),
        }
    });
    cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
    let missing = cluster.objects().missing(None, &HashSet::new());
    assert_eq!(missing, [name()]);
    cluster.sealed_secret_gone(&name());
    let deleted = async {
        while count(&asked, "DELETE", "/secrets/db") == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), deleted)
        .await
        .expect("the Secret is deleted");
}

#[tokio::test]
async fn what_does_not_open_waits_when_the_operations_of_its_namespace_are_used_up_and_nothing_else_does()
 {
    let lost = new_key();
    let of_lost = sealed_with(&lost.certificate, 1);
    let (cluster, asked) = cluster_with(
        &["--max-failing-operations=1"],
        move |method, path| match (method, path.rsplit('/').nth(1)) {
            ("GET", Some("sealedsecrets")) if !path.ends_with("/db") => {
                let name = path.rsplit('/').next().unwrap_or_default();
                let mut object = sealed_with(&lost.certificate, 1);
                object["metadata"]["name"] = name.into();
                (200, object)
            }
            _ => usual(method, path),
        },
    );
    let see = |name: &str, object| {
        let name = ObjectName::new("prod", name);
        cluster.sealed_secret_seen(&name, object, Class::Change);
    };
    see("first", of_lost.clone());
    see("second", of_lost);
    see("db", sealed(2));
    work(&cluster, Duration::from_secs(5)).await;
    assert_eq!(count(&asked, "PUT", "/first/status"), 1);
    assert_eq!(count(&asked, "PUT", "/second/status"), 0);
    assert_eq!(count(&asked, "POST", "/secrets"), 1);
    let metrics = cluster.metrics.text();
    assert!(
        metrics.contains("seal_controller_put_off_total{namespace=\"prod\"} 1"),
        "{metrics}"
    );

    // Asked again meanwhile it waits, without a word to the API server.
    let before = asked.lock().expect("no test panics with it").len();
    cluster
        .queue
        .add(ObjectName::new("prod", "second"), Class::Change);
    work(&cluster, Duration::from_millis(300)).await;
    assert_eq!(asked.lock().expect("no test panics with it").len(), before);

    pause();
    work(&cluster, Duration::from_secs(60)).await;
    resume();
    work(&cluster, Duration::from_secs(5)).await;
    assert_eq!(count(&asked, "PUT", "/second/status"), 1);
}

#[tokio::test]
async fn what_cannot_open_whatever_the_keys_is_looked_at_once() {
    let odd = [
        (
            "both forms",
            json!({"encryptedData": {"a": "AAAA"}, "data": "AAAA"}),
        ),
        (
            "odd types",
            json!({"encryptedData": {"a": "AAAA"}, "template": "text"}),
        ),
        ("no ciphertext", json!({"encryptedData": {"a": "AAAA"}})),
        (
            "no ciphertext in the deprecated form",
            json!({"data": "AAAA"}),
        ),
        (
            "a template text",
            json!({"encryptedData": {}, "template": {"data": {"a": "{{ b }}"}}}),
        ),
    ];
    for (what, spec) in odd {
        let lost = new_key();
        let changed = Arc::new(Mutex::new(false));
        let is_changed = Arc::clone(&changed);
        let (cluster, asked) = cluster(move |method, path| {
            if method == "GET" && path.ends_with("/sealedsecrets/db") {
                let mut object = sealed_with(&lost.certificate, 1);
                if *is_changed.lock().expect("no test panics with it") {
                    object["metadata"] = metadata(2);
                    object["spec"] = spec.clone();
                }
                (200, object)
            } else {
                usual(method, path)
            }
        });
        let worker = tokio::spawn(Arc::clone(&cluster).work());
        let told = async |times| {
            let told = async {
                while count(&asked, "PUT", "/status") < times {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(Duration::from_secs(60), told).await.expect(what);
            sleep(Duration::from_millis(100)).await;
            assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), times, "{what}");
        };
        // It is wanting for a key before it is changed, and another key comes then.
        cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
        told(1).await;
        *changed.lock().expect("no test panics with it") = true;
        cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
        told(2).await;
        let other = key_secret(&new_key(), "other", Some("kube-system"));
        let changed = cluster.keys.add(other);
        cluster.keys_seen(changed);
        told(2).await;
        worker.abort();
    }
}

#[tokio::test]
async fn a_new_key_opens_at_once_what_waits_for_it_also_where_the_operations_are_used_up() {
    // The newest of all, so that it is the likeliest.
    let (later, day) = (
        SignedDuration::from_hours(1),
        SignedDuration::from_hours(24),
    );
    let lost = generate_key(KeySize::Rsa2048, "", Timestamp::now() + later, day);
    let lost = lost.expect("keys can be made");
    let restored = key_secret(&lost, "restored", Some("kube-system"));
    let never = new_key();
    let objects = [&lost, &never].map(|key| sealed_with(&key.certificate, 1));
    let (cluster, asked) = cluster_with(
        &["--max-failing-operations=1"],
        move |method, path| match (method, path.rsplit('/').nth(1)) {
            ("GET", Some("sealedsecrets")) => {
                let name = path.rsplit('/').next().unwrap_or_default();
                let key = if name == "db" { &lost } else { &never };
                let mut object = sealed_with(&key.certificate, 1);
                object["metadata"]["name"] = name.into();
                (200, object)
            }
            _ => usual(method, path),
        },
    );
    let worker = tokio::spawn(Arc::clone(&cluster).work());
    let until = async |what: &str, method: &'static str, end: &'static str, times| {
        let done = async {
            while count(&asked, method, end) < times {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(30), done).await.expect(what);
    };
    for other in ["first", "second", "third", "db"] {
        let name = ObjectName::new("prod", other);
        let object = objects[usize::from(other != "db")].clone();
        cluster.sealed_secret_seen(&name, object, Class::Change);
    }
    until("the last one is looked at", "GET", "/sealedsecrets/db", 1).await;
    let changed = cluster.keys.add(restored);
    cluster.keys_seen(changed);
    until("it opens", "POST", "/secrets", 1).await;
    sleep(Duration::from_millis(300)).await;
    // The others got one try each, and wait again.
    assert_eq!(count(&asked, "GET", "/sealedsecrets/second"), 2);
    assert_eq!(count(&asked, "GET", "/sealedsecrets/third"), 2);
    worker.abort();
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_another_sealed_secret_takes_over_meanwhile_is_not_deleted() {
    let taken = Arc::new(Mutex::new(false));
    let (cluster, asked) = cluster(move |method, path| {
        let mut is_taken = taken.lock().expect("no test panics with it");
        match (method, path.rsplit('/').nth(1)) {
            ("GET", Some("sealedsecrets")) => failure(404, "NotFound", "not found"),
            ("GET", _) => {
                let (version, uid) = if *is_taken { ("8", "new") } else { ("7", "u") };
                let owner = json!([{
                    "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": uid, "controller": true,
                }]);
                let metadata = json!({"name": "db", "uid": "s", "resourceVersion": version, "ownerReferences": owner});
                (200, json!({"metadata": metadata}))
            }
            // As the API server does where a precondition is not met.
            _ => {
                *is_taken = true;
                failure(409, "Conflict", "the precondition is not met")
            }
        }
    });
    cluster.delete_secret_of(&name(), "u").await;
    let asked = asked.lock().expect("no test panics with it");
    let deleted: Vec<_> = asked.iter().filter(|(how, _, _)| how == "DELETE").collect();
    assert_eq!(deleted.len(), 1);
    let options: Value = serde_json::from_str(&deleted[0].2).expect("it is JSON");
    let expected = json!({"uid": "s", "resourceVersion": "7"});
    assert_eq!(options["preconditions"], expected);
}
