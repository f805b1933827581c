use std::{io, sync::LazyLock, time::Duration};

use axum::{
    body::{Bytes, to_bytes},
    http::header::CONTENT_LENGTH,
};
use jiff::SignedDuration;
use seal_api::{Scope, SecretTemplate, annotations};
use seal_envelope::{GeneratedKey, KeySize, OpeningKey, generate_key};
use seal_sealing::{HeldKey, KeyRing, Secret, seal};
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};
use tower::ServiceExt;

use super::*;

/// Old, current, and one that is not held.
static KEYS: LazyLock<[(String, GeneratedKey); 3]> = LazyLock::new(|| {
    [1, 2, 3].map(|day| {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day);
        let hour = SignedDuration::from_hours(1);
        let key = generate_key(KeySize::Rsa2048, "", now, hour).expect("keys can be made");
        (key.opening_key.to_pkcs1_pem().to_string(), key)
    })
});

fn ring() -> Arc<KeyRing> {
    let held = KEYS.iter().take(2).map(|(private, key)| HeldKey {
        opening_key: OpeningKey::from_pem(private.as_bytes()).expect("it was just written"),
        certificate: Some(
            seal_envelope::Certificate::from_pem(key.certificate.to_pem().as_bytes())
                .expect("it was just written"),
        ),
        created: Timestamp::UNIX_EPOCH,
    });
    Arc::new(KeyRing::new(held.collect()))
}

fn settings() -> HttpSettings {
    HttpSettings {
        legacy_data: true,
        verifies: true,
        rotates: true,
        rate_limit: 1000,
        rate_limit_burst: 1000,
        read_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(10),
    }
}

/// Where the keys work.
fn workers() -> &'static Handle {
    static WORKERS: LazyLock<Runtime> = LazyLock::new(|| runtime().expect("a runtime can be made"));
    WORKERS.handle()
}

/// A server without a network.
struct Server {
    runtime: Runtime,
    keys: Arc<KeyRing>,
    router: Router,
}

/// An answer that came whole.
struct Answer {
    code: u16,
    headers: HeaderMap,
    body: String,
}

impl Server {
    fn new() -> Self {
        Self::with(&settings(), ring())
    }

    fn with(settings: &HttpSettings, keys: Arc<KeyRing>) -> Self {
        let served = Arc::new(Served::default());
        served.set_keys(Arc::clone(&keys));
        served.set_ready(true);
        Self {
            keys,
            ..Self::of(&served, settings)
        }
    }

    /// One that is told what there is by the test.
    fn of(served: &Arc<Served>, settings: &HttpSettings) -> Self {
        Self {
            runtime: runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime can be made"),
            keys: ring(),
            router: router(
                Arc::clone(served),
                settings,
                &Arc::new(Metrics::new(false)),
                &Arc::new(Cores::new(1)),
                workers(),
            ),
        }
    }

    fn ask(&self, request: Request<Body>) -> Answer {
        self.runtime.block_on(async {
            let response = self
                .router
                .clone()
                .oneshot(request)
                .await
                .expect("it answers");
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.expect("the body comes");
            Answer {
                code: parts.status.as_u16(),
                headers: parts.headers,
                body: String::from_utf8(body.to_vec()).expect("it is text"),
            }
        })
    }

    fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).body(body.into());
        self.ask(request.expect("the request is right"))
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(
            Request::get(path)
                .body(Body::empty())
                .expect("the request is right"),
        )
    }

    #[track_caller]
    fn check(&self, path: &str, body: impl Into<Body>, code: u16) {
        let answer = self.post(path, body);
        assert_eq!((answer.code, answer.body.as_str()), (code, ""), "{path}");
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// `prod/db`, sealed with key `n`, as JSON.
fn sealed(scope: Scope, key: usize) -> Value {
    let mut secret = Secret::new("db", Some("prod"));
    secret
        .data
        .insert("password".into(), b"marker-5d1e".as_slice().into());
    let now = Timestamp::UNIX_EPOCH;
    let sealed = seal(&secret, scope, &KEYS[key].1.certificate, now).expect("it can be sealed");
    sealed.object.into_json()
}

fn text(object: &Value) -> String {
    object.to_string()
}

#[test]
fn health_readiness_and_the_certificate_are_as_upstream_has_them() {
    let server = Server::new();
    for path in ["/healthz", "/readyz"] {
        for answer in [server.get(path), server.post(path, "x")] {
            assert_eq!((answer.code, answer.body.as_str()), (200, "ok\n"));
            assert_eq!(
                answer.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
        }
    }
    let answer = server.get("/v1/cert.pem");
    assert_eq!(
        answer.header("content-type"),
        Some("application/x-pem-file")
    );
    assert_eq!(
        (answer.code, answer.body),
        (200, KEYS[1].1.certificate.to_pem())
    );
    assert_eq!(server.get("/v1/other").code, 404);
}

#[test]
fn without_keys_there_is_no_certificate_and_nothing_opens() {
    let server = Server::with(&settings(), Arc::default());
    let answer = server.get("/v1/cert.pem");
    assert_eq!(
        (answer.code, answer.body.as_str()),
        (500, "cannot get certificate\n")
    );
    server.check("/v1/verify", text(&sealed(Scope::Strict, 0)), 409);
    server.check("/v1/rotate", text(&sealed(Scope::Strict, 0)), 500);
}

#[test]
fn before_the_work_is_under_way_it_is_not_ready() {
    let served = Arc::new(Served::default());
    let server = Server::of(&served, &settings());
    let answer = server.get("/readyz");
    assert_eq!((answer.code, answer.body.as_str()), (503, "not ready\n"));
    served.set_ready(true);
    assert_eq!(server.get("/readyz").code, 200);
}

#[test]
fn the_certificate_is_not_said_to_be_missing_before_it_is_known_which_keys_there_are() {
    let served = Arc::new(Served::default());
    let server = Server::of(&served, &settings());
    let known = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        served.set_keys(ring());
    });
    assert_eq!(server.get("/v1/cert.pem").code, 200);
    known.join().expect("it does not panic");
}

#[test]
fn nothing_is_said_not_to_open_before_it_is_known_which_keys_there_are() {
    let short = HttpSettings {
        write_timeout: Duration::from_millis(20),
        ..settings()
    };
    for (settings, keys_come) in [(short, false), (settings(), true)] {
        let served = Arc::new(Served::default());
        let server = Server::of(&served, &settings);
        let object = text(&sealed(Scope::Strict, 0));
        if keys_come {
            let keys = Arc::clone(&server.keys);
            server.runtime.spawn(async move { served.set_keys(keys) });
            server.check("/v1/verify", object, 200);
        } else {
            server.check("/v1/verify", object, 503);
        }
    }
}

#[test]
fn what_opens_verifies_and_what_does_not_conflicts() {
    let server = Server::new();
    for scope in Scope::ALL {
        server.check("/v1/verify", text(&sealed(scope, 0)), 200);
        server.check("/v1/verify", text(&sealed(scope, 2)), 409);
    }
    let yaml = format!("# a comment\n---\n{}\n", sealed(Scope::Strict, 1));
    server.check("/v1/verify", yaml, 200);
}

#[test]
fn what_is_no_single_sealed_secret_is_an_error() {
    let server = Server::new();
    let good = sealed(Scope::Strict, 0);
    let mut bodies = vec![
        String::new(),
        "text".to_owned(),
        "a: [".to_owned(),
        "\u{0}".to_owned(),
        "null".to_owned(),
        format!("{good}\n---\n{good}\n"),
    ];
    for (field, value) in [
        ("apiVersion", json!("v1")),
        ("kind", json!("Secret")),
        ("apiVersion", json!(null)),
        ("kind", json!(null)),
        ("spec", json!("text")),
        ("metadata", json!([])),
    ] {
        let mut other = good.clone();
        other[field] = value;
        bodies.push(text(&other));
    }
    for body in bodies {
        for path in ["/v1/verify", "/v1/rotate"] {
            server.check(path, body.clone(), 500);
        }
    }
    assert_eq!(server.keys.operations(), 0);
}

#[test]
fn every_way_of_not_opening_gets_one_answer_at_the_same_operations() {
    let good = sealed(Scope::Strict, 0);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut object = good.clone();
        change(&mut object);
        object
    };
    let damaged = |at: usize| {
        changed(&|object| {
            let item = &mut object["spec"]["encryptedData"]["password"];
            let mut letters: Vec<char> = item.as_str().expect("a text").chars().collect();
            letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
            *item = String::from_iter(letters).into();
        })
    };
    let ways = [
        (
            "another name",
            changed(&|object| object["metadata"]["name"] = "x".into()),
        ),
        (
            "another namespace",
            changed(&|object| object["metadata"]["namespace"] = "x".into()),
        ),
        (
            "a wider scope",
            changed(&|object| {
                object["metadata"]["annotations"][annotations::CLUSTER_WIDE] = "true".into()
            }),
        ),
        ("a key that is not held", sealed(Scope::Strict, 2)),
        ("a broken tag", damaged(365)),
        ("a broken session key", damaged(100)),
        (
            "a template that asks",
            changed(&|object| {
                object["metadata"]["name"] = "x".into();
                object["spec"]["template"]["data"] =
                    json!({"a": "{{ if eq (.password | first) 1 }}{{ fail }}{{ end }}"});
            }),
        ),
        (
            "a type that asks",
            changed(&|object| {
                object["metadata"]["name"] = "x".into();
                object["spec"]["template"]["type"] = "kubernetes.io/tls".into();
            }),
        ),
    ];
    for (way, object) in ways {
        for (path, code) in [("/v1/verify", 409), ("/v1/rotate", 500)] {
            let server = Server::new();
            let answer = server.post(path, text(&object));
            assert_eq!((answer.code, answer.body.as_str()), (code, ""), "{way}");
            let headers: Vec<&str> = answer.headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(
                headers,
                [
                    "x-ratelimit-limit",
                    "x-ratelimit-remaining",
                    "x-ratelimit-reset",
                    "content-length"
                ],
                "{way}"
            );
            assert_eq!(server.keys.operations(), 2, "{way}");
        }
    }
}

#[test]
fn templates_and_types_change_no_answer() {
    let server = Server::new();
    for (type_, data) in [
        (Some("kubernetes.io/tls"), None),
        (Some("kubernetes.io/service-account-token"), None),
        (None, Some("{{ fail \"x\" }}")),
        (None, Some("{{ .password")),
    ] {
        let mut object = sealed(Scope::Strict, 0);
        let template = SecretTemplate {
            type_: type_.map(str::to_owned),
            data: data.map(|text| [("a".to_owned(), Some(text.to_owned()))].into()),
            ..SecretTemplate::default()
        };
        object["spec"]["template"] = serde_json::to_value(template).expect("it is JSON");
        server.check("/v1/verify", text(&object), 200);
        let answer = server.post("/v1/rotate", text(&object));
        let again: Value = serde_json::from_str(&answer.body).expect("it is JSON");
        assert_eq!(again["spec"]["template"], object["spec"]["template"]);
    }
}

#[test]
fn what_is_rotated_is_sealed_with_the_current_key() {
    let server = Server::new();
    for scope in Scope::ALL {
        let mut object = sealed(scope, 0);
        object["spec"]["template"]["metadata"]["labels"] = json!({"in": "template"});
        object["metadata"]["resourceVersion"] = "7".into();
        let answer = server.post("/v1/rotate", text(&object));
        assert_eq!(answer.code, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let again: Value = serde_json::from_str(&answer.body).expect("it is JSON");
        assert_eq!(
            (&again["apiVersion"], &again["kind"]),
            (&object["apiVersion"], &object["kind"])
        );
        assert_eq!(again["spec"]["template"], object["spec"]["template"]);
        assert_eq!(again["metadata"].get("resourceVersion"), None);
        let lines = &again["metadata"]["annotations"][annotations::ITEMS];
        let current = KEYS[1].1.certificate.key_id().short();
        assert!(lines.as_str().is_some_and(|lines| lines.contains(&current)));
        server.check("/v1/verify", answer.body, 200);
    }
}

#[test]
fn a_body_that_is_too_large_or_has_too_many_values_is_refused_before_a_key_is_touched() {
    let server = Server::new();
    let large = Bytes::from(vec![b' '; 10 * 1024 * 1024 + 1]);
    let mut many = sealed(Scope::Strict, 0);
    let item = many["spec"]["encryptedData"]["password"].clone();
    many["spec"]["encryptedData"] = (0..1001).map(|n| (format!("k{n}"), item.clone())).collect();
    let mut full = sealed(Scope::Strict, 0);
    full["spec"]["template"]["data"] = (0..25_000)
        .map(|n| (format!("k{n}"), Value::from("")))
        .collect();
    let full_in_yaml = format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nx: [{}]",
        "0, ".repeat(50_000)
    );
    for path in ["/v1/verify", "/v1/rotate"] {
        server.check(path, large.clone(), 413);
        let stream =
            futures::stream::iter((0..11).map(|_| Ok::<_, io::Error>(vec![b' '; 1024 * 1024])));
        server.check(path, Body::from_stream(stream), 413);
        let announced = Request::post(path)
            .header(CONTENT_LENGTH, "10485761")
            .body(Body::empty());
        assert_eq!(
            server.ask(announced.expect("the request is right")).code,
            413
        );
        server.check(path, text(&many), 413);
        server.check(path, text(&full), 413);
        server.check(path, full_in_yaml.clone(), 413);
    }
    assert_eq!(server.keys.operations(), 0);
}

#[test]
fn all_bodies_together_are_bounded() {
    let server = Server::new();
    let runtime = &server.runtime;
    // Each is at its end but for one byte, and waits.
    let part = Bytes::from(vec![b' '; 10 * 1024 * 1024 - 1]);
    let waiting = move || {
        let stream = futures::stream::once(std::future::ready(Ok::<_, io::Error>(part.clone())));
        Body::from_stream(futures::StreamExt::chain(
            stream,
            futures::stream::pending(),
        ))
    };
    runtime.block_on(async {
        let ask = |body: Body| {
            server
                .router
                .clone()
                .oneshot(Request::post("/v1/verify").body(body).expect("right"))
        };
        let stalled: Vec<_> = (0..6).map(|_| tokio::spawn(ask(waiting()))).collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let answer = ask(Body::from(vec![b' '; 5 * 1024 * 1024]))
            .await
            .expect("it answers");
        assert_eq!(answer.status().as_u16(), 429);
        assert_eq!(answer.headers()["retry-after"], "1");
        // What is small has its place.
        let answer = ask(Body::from(text(&sealed(Scope::Strict, 0))))
            .await
            .expect("it answers");
        assert_eq!(answer.status().as_u16(), 200);
        stalled.iter().for_each(tokio::task::JoinHandle::abort);
    });
}

#[test]
fn a_body_that_does_not_arrive_is_a_bad_request() {
    let short = HttpSettings {
        read_timeout: Duration::from_millis(50),
        ..settings()
    };
    let server = Server::with(&short, ring());
    let broken = futures::stream::iter([Err::<Bytes, _>(io::Error::other("gone"))]);
    server.check("/v1/verify", Body::from_stream(broken), 400);
    let stalled = futures::stream::pending::<Result<Bytes, io::Error>>();
    server.check("/v1/rotate", Body::from_stream(stalled), 400);
}

#[test]
fn more_than_the_limit_is_denied_whatever_the_headers_say() {
    let limited = HttpSettings {
        rate_limit: 1,
        rate_limit_burst: 1,
        ..settings()
    };
    let server = Server::with(&limited, ring());
    let object = text(&sealed(Scope::Strict, 0));
    for path in ["/v1/verify", "/v1/rotate"] {
        let codes: Vec<u16> = (0..3)
            .map(|caller| {
                let request = Request::post(path)
                    .header("x-forwarded-for", format!("192.0.2.{caller}"))
                    .body(Body::from(object.clone()));
                server.ask(request.expect("the request is right")).code
            })
            .collect();
        assert_eq!(codes, [200, 200, 429], "{path}");
        let answer = server.post(path, object.clone());
        assert_eq!(answer.body, "limit exceeded\n");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("x-ratelimit-limit"), Some("2"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
        assert_eq!(answer.header("x-ratelimit-reset"), Some("2"));
    }
    // What opens nothing is not limited.
    assert!((0..10).all(|_| server.get("/v1/cert.pem").code == 200));
}

#[test]
fn endpoints_that_are_switched_off_are_not_there() {
    let off = HttpSettings {
        verifies: false,
        rotates: false,
        ..settings()
    };
    let server = Server::with(&off, ring());
    for path in ["/v1/verify", "/v1/rotate"] {
        assert_eq!(server.post(path, "x").code, 404);
    }
    assert_eq!(server.get("/v1/cert.pem").code, 200);
}

#[test]
fn the_deprecated_form_can_be_switched_off() {
    let mut object = sealed(Scope::Strict, 0);
    let item = object["spec"]["encryptedData"]["password"].take();
    object["spec"] = json!({"data": item});
    let off = HttpSettings {
        legacy_data: false,
        ..settings()
    };
    Server::new().check("/v1/verify", text(&object), 200);
    Server::with(&off, ring()).check("/v1/verify", text(&object), 409);
}

#[test]
fn who_waits_too_long_for_the_keys_is_told_to_come_again() {
    let short = HttpSettings {
        write_timeout: Duration::from_millis(1),
        ..settings()
    };
    let server = Server::with(&short, ring());
    let mut many = sealed(Scope::Strict, 0);
    let item = many["spec"]["encryptedData"]["password"].clone();
    many["spec"]["encryptedData"] = (0..900).map(|n| (format!("k{n}"), item.clone())).collect();
    server.check("/v1/verify", text(&many), 503);
    // The work ends soon after, and does not go through everything.
    drop(server.runtime);
    assert!(server.keys.operations() < 900);
}
