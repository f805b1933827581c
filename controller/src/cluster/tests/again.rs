//! What is looked at or asked for again, and what waits until more is known.

use super::*;

const RECORD_KEY: &str = "/secrets/sealed-secrets-controller-record-key";
const CERTIFICATE: &str = "/configmaps/sealed-secrets-controller-certificate";

/// A Secret of that name that nobody else made.
fn strangers() -> Value {
    let metadata = json!({"name": "db", "namespace": "prod", "uid": "s", "resourceVersion": "6"});
    json!({"metadata": metadata, "data": {"password": ""}})
}

#[tokio::test(start_paused = true)]
async fn what_was_called_a_strangers_before_the_key_of_the_records_came_is_looked_at_again_with_it()
{
    let is_readable = Arc::new(AtomicBool::new(false));
    let readable = Arc::clone(&is_readable);
    let (cluster, asked) = cluster(move |method, path| {
        if path.ends_with(RECORD_KEY) {
            if !readable.load(Ordering::Relaxed) {
                return failure(500, "InternalError", "no");
            }
            let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
            let metadata = json!({"name": "record-key", "namespace": "kube-system"});
            return (200, json!({"metadata": metadata, "data": {"key": key}}));
        }
        match (method, path.rsplit('/').next()) {
            ("GET", Some("db")) if path.contains("/secrets/") => (200, strangers()),
            ("POST", _) if path.ends_with("/namespaces/kube-system/secrets") => {
                failure(409, "AlreadyExists", "there is one")
            }
            // As one that keeps records.
            ("PUT", Some("status")) => {
                let conditions = json!([{"observedGeneration": 2}]);
                let status = json!({"conditions": conditions});
                (200, json!({"metadata": metadata(2), "status": status}))
            }
            _ => usual(method, path),
        }
    });
    cluster.secret_seen(&name(), "6".to_owned(), Class::Backlog);
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    work(&cluster, Duration::from_secs(60)).await;
    let said = last_status(&asked);
    assert_eq!(condition(&said, "Stalled"), ("True", "NotManaged"));
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
    is_readable.store(true, Ordering::Relaxed);
    assert!(cluster.look_for_record_key().await);
    assert!(cluster.records.key().is_some());
    work(&cluster, Duration::from_secs(60)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_rewritten_history_nothing_is_looked_at_before_the_sealed_secrets_are_heard_of_again()
 {
    let (cluster, asked) = cluster(usual);
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    work(&cluster, Duration::from_millis(300)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
    cluster.history_was_rewritten();
    cluster.queue.add(name(), Class::Change);
    let key = key_secret(&KEY, "key", Some("kube-system"));
    cluster.keys.replace(vec![key]);
    cluster.keys_seen(false);
    cluster.secrets_listed(None, 1);
    work(&cluster, Duration::from_secs(60)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
    // One that was asked for before.
    cluster.listed(None, 0);
    work(&cluster, Duration::from_secs(60)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 1);
    cluster.listed(None, 1);
    work(&cluster, Duration::from_millis(300)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/db"), 2);
}

#[tokio::test(start_paused = true)]
async fn workers_that_wait_for_the_first_lists_or_for_the_lead_end_at_once_when_told_to() {
    type Wait = fn(&Cluster);
    let waits: [(&str, Wait); 3] = [
        ("keys", |cluster| {
            cluster.keys_listed.send_replace(false);
        }),
        ("Secrets", |cluster| {
            cluster.secrets_known.send_replace(false);
        }),
        ("the lead", |cluster| {
            cluster.settle(leader::Standing::Follows)
        }),
    ];
    for (what, wait) in waits {
        let (cluster, _) = cluster(usual);
        wait(&cluster);
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            workers.spawn(Arc::clone(&cluster).work());
        }
        sleep(Duration::from_secs(1)).await;
        cluster.queue.close();
        let all_end = async { while workers.join_next().await.is_some() {} };
        let ended = timeout(Duration::from_millis(100), all_end).await;
        assert!(ended.is_ok(), "they wait for {what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_takes_long_where_there_is_no_lease_is_no_silence() {
    let (cluster, asked) = cluster_with(&["--lease-duration=3s"], |_, path| {
        if path.ends_with("/leases/sealed-secrets-controller") {
            return failure(403, "Forbidden", "no");
        }
        // Until when is seen by a clock that no test stops.
        std::thread::sleep(Duration::from_millis(4500));
        (200, json!({"metadata": {"resourceVersion": "9"}}))
    });
    let anew = cluster.watch_anew.subscribe();
    let election = leader::stand_for_election(Arc::clone(&cluster));
    let _ = timeout(Duration::from_millis(2500), election).await;
    assert!(count(&asked, "GET", "/leases/sealed-secrets-controller") >= 2);
    assert!(!anew.has_changed().expect("the controller is there"));
}

#[tokio::test(start_paused = true)]
async fn the_certificate_is_offered_again_where_somebody_deletes_it_or_gives_the_right_to() {
    let is_allowed = Arc::new(AtomicBool::new(false));
    let there = Arc::new(Mutex::new(None::<Value>));
    let (allowed, map) = (Arc::clone(&is_allowed), Arc::clone(&there));
    let (cluster, asked) = cluster(move |method, path| {
        let mut map = map.lock().expect("no test panics with it");
        match method {
            "POST" if path.ends_with("/configmaps") => {
                if !allowed.load(Ordering::Relaxed) {
                    return failure(403, "Forbidden", "no");
                }
                *map = Some(json!({"metadata": {}, "data": {"tls.crt": KEY.certificate.to_pem()}}));
                (201, json!({"metadata": {}}))
            }
            "GET" if path.ends_with(CERTIFICATE) => match map.clone() {
                Some(map) => (200, map),
                None => failure(404, "NotFound", "not found"),
            },
            _ if path.ends_with("/secrets") => (200, json!({"metadata": {}, "items": []})),
            _ => usual(method, path),
        }
    });
    let feature = |off: u8| {
        let line =
            format!("seal_controller_feature_off{{feature=\"certificate-config-map\"}} {off}");
        cluster.metrics.text().contains(&line)
    };
    let is_there = || there.lock().expect("no test panics with it").is_some();
    let looked_after = tokio::spawn(renew::look_after_keys(Arc::clone(&cluster)));
    let eleven_minutes = Duration::from_secs(660);
    sleep(eleven_minutes).await;
    assert!(feature(1) && !is_there());
    is_allowed.store(true, Ordering::Relaxed);
    sleep(eleven_minutes).await;
    assert!(feature(0) && is_there());
    *there.lock().expect("no test panics with it") = None;
    sleep(eleven_minutes).await;
    assert!(is_there());
    // A few an hour, and nothing is written that is right.
    let (read, written) = (
        count(&asked, "GET", CERTIFICATE),
        count(&asked, "POST", "/configmaps"),
    );
    sleep(Duration::from_secs(3600)).await;
    let read = count(&asked, "GET", CERTIFICATE) - read;
    assert!((5..=7).contains(&read), "{read}");
    assert_eq!(count(&asked, "POST", "/configmaps"), written);
    looked_after.abort();
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_make_a_secret_count_as_right_for_longer() {
    let stored: Arc<Mutex<Value>> = Arc::default();
    let is_failing = Arc::new(AtomicBool::new(false));
    let (cluster, asked) = cluster(with_failing_secrets(&stored, &is_failing));
    let look = async |name: ObjectName| {
        cluster.queue.add(name, Class::Change);
        work(&cluster, Duration::from_millis(100)).await;
        let said = last_status(&asked);
        *stored.lock().expect("no test panics with it") = said.clone();
        condition(&said, "Synced").0.to_owned()
    };
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    assert_eq!(look(name()).await, "True");
    is_failing.store(true, Ordering::Relaxed);
    cluster.secret_seen(&name(), "7".to_owned(), Class::Drift);
    assert_eq!(look(name()).await, "True");
    let failing_since = |ago: i64| {
        let mut objects = cluster.objects();
        let object = objects.get_mut(&name()).expect("it is there");
        let (_, since) = object.failing.as_mut().expect("it is failing");
        *since = since
            .checked_sub(SignedDuration::from_secs(ago))
            .expect("it is a time");
    };
    failing_since(-3600);
    assert_eq!(look(name()).await, "True");
    // A minute after the clock was set back.
    failing_since(61);
    assert_eq!(look(name()).await, "False");
}

#[tokio::test(start_paused = true)]
async fn the_api_server_is_asked_again_no_sooner_than_it_says() {
    type IsBusy = fn(&str, &str) -> bool;
    let requests: [(&str, IsBusy); 4] = [
        ("read the SealedSecret", |method, path| {
            method == "GET" && path.contains("/sealedsecrets/")
        }),
        ("read the Secret", |method, path| {
            method == "GET" && path.contains("/secrets/")
        }),
        ("write the Secret", |method, path| {
            method == "POST" && path.ends_with("/secrets")
        }),
        ("write the status", |_, path| path.ends_with("/status")),
    ];
    for (what, is_busy) in requests {
        for (code, said, waits) in [(429, 20, 20), (503, 20, 20), (429, 3600, 60), (404, 20, 1)] {
            let (cluster, asked) = cluster(move |method, path| {
                if !is_busy(method, path) {
                    return usual(method, path);
                }
                let (_, mut status) = failure(code, "TooManyRequests", "later");
                status["details"]["retryAfterSeconds"] = said.into();
                (code, status)
            });
            if code == 404 && what != "write the status" {
                continue;
            }
            cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
            let looks = || count(&asked, "GET", "/sealedsecrets/db");
            work(&cluster, Duration::from_millis(waits * 1000 - 200)).await;
            assert_eq!(looks(), 1, "{what}: {code}, {said}");
            work(&cluster, Duration::from_millis(500)).await;
            assert_eq!(looks(), 2, "{what}: {code}, {said}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_deleted_no_sooner_than_the_api_server_says() {
    let is_busy = AtomicBool::new(true);
    let (cluster, asked) = cluster(move |_, _| {
        if is_busy.swap(false, Ordering::Relaxed) {
            let (_, mut status) = failure(429, "TooManyRequests", "later");
            status["details"]["retryAfterSeconds"] = 20.into();
            return (429, status);
        }
        failure(404, "NotFound", "not found")
    });
    let begun = tokio::time::Instant::now();
    cluster.delete_secret_of(&name(), "u").await;
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert_eq!(count(&asked, "GET", "/secrets/db"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lead_that_goes_on_is_no_news() {
    let (cluster, _) = cluster(usual);
    let mut lead = cluster.lead_changes();
    lead.mark_unchanged();
    cluster.settle(leader::Standing::Alone);
    assert_eq!(lead.has_changed().ok(), Some(false));
    cluster.settle(leader::Standing::Follows);
    assert_eq!(lead.has_changed().ok(), Some(true));
    lead.mark_unchanged();
    cluster.settle(leader::Standing::Follows);
    assert_eq!(lead.has_changed().ok(), Some(false));
}

/// The SealedSecret after somebody else wrote its status.
fn with_edited_status() -> Value {
    let mut edited = sealed(2);
    edited["metadata"]["resourceVersion"] = "12".into();
    let synced = json!({"type": "Synced", "status": "False", "message": "no key could decrypt"});
    edited["status"] = json!({"observedGeneration": 2, "conditions": [synced]});
    edited
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_edited_while_a_look_ends_is_mended() {
    // A look ends when its Event is written, or given up.
    let (cluster, asked) = cluster(|method, path| match method {
        "POST" if path.ends_with("/events") => NO_ANSWER,
        _ => usual(method, path),
    });
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    let edit = async {
        sleep(Duration::from_millis(500)).await;
        assert_eq!(count(&asked, "PUT", "/status"), 1);
        cluster.sealed_secret_seen(&name(), with_edited_status(), Class::Change);
    };
    tokio::join!(work(&cluster, Duration::from_secs(60)), edit);
    assert_eq!(count(&asked, "PUT", "/status"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_mended_also_where_the_object_is_looked_at_before_for_something_else() {
    let (cluster, asked) = cluster(usual);
    cluster.sealed_secret_seen(&name(), sealed(2), Class::Change);
    work(&cluster, Duration::from_secs(1)).await;
    cluster.secret_seen(&name(), "6".to_owned(), Class::Drift);
    work(&cluster, Duration::from_secs(1)).await;
    cluster.sealed_secret_seen(&name(), with_edited_status(), Class::Change);
    // Nothing is due yet, and what waits is used up.
    cluster.queue.add(name(), Class::Drift);
    work(&cluster, Duration::from_secs(3)).await;
    assert_eq!(count(&asked, "PUT", "/status"), 1);
    work(&cluster, Duration::from_secs(3)).await;
    assert_eq!(count(&asked, "PUT", "/status"), 2);
}
