//! Verifying and rotating over HTTP, and what a hostile caller cannot do.

use std::{
    io::Write,
    net::TcpStream,
    time::{Duration, Instant},
};

use seal_tests::{
    http::{Answer, answer, connect, free_port, get, post, send},
    keys,
    run::Running,
};
use serde_json::{Value, json};

use crate::store::{MARKER, Store, document, sealed, to_yaml, value};

/// A controller that serves.
struct Serving {
    store: Store,
    port: u16,
    controller: Running,
}

impl Serving {
    fn new<const N: usize>(flags: [&str; N]) -> Self {
        Self::of(Store::new(), flags)
    }

    fn of<const N: usize>(store: Store, flags: [&str; N]) -> Self {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let run = store.run(["--listen-addr", &address]).args(flags);
        let mut controller = run.start();
        controller.wait_for("looked at all SealedSecrets");
        controller.wait_until("it is ready", |_| get(port, "/readyz").code == 200);
        Self {
            store,
            port,
            controller,
        }
    }

    fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        post(self.port, path, body)
    }

    #[track_caller]
    fn check(&self, path: &str, body: impl AsRef<[u8]>, code: u16) {
        let answer = self.post(path, body);
        assert_eq!((answer.code, answer.body.as_str()), (code, ""), "{path}");
    }

    /// Ends it, and checks that no value was in the log.
    fn end(self) {
        self.controller.stop().exits(0).never_shows(MARKER);
    }
}

/// `app/db` with the marker, sealed by kubeseal for the key of the store.
fn by_kubeseal(store: &Store, format: &str, scope: &str) -> String {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "app", "labels": {"team": "a"}},
        "stringData": {"password": format!("one{MARKER}")},
    });
    let run = store
        .scratch
        .kubeseal(["--format", format, "--scope", scope, "--cert"])
        .arg(keys::path("rsa-2048.crt"))
        .stdin(secret.to_string())
        .finish();
    run.exits(0).out().to_owned()
}

const FAST: [&str; 2] = ["--rate-limit=1000", "--rate-limit-burst=1000"];

#[test]
fn what_kubeseal_made_is_verified_and_rotated_and_opens() {
    let serving = Serving::new(FAST);
    let store = &serving.store;
    for (format, scope) in [
        ("json", "strict"),
        ("yaml", "strict"),
        ("yaml", "namespace-wide"),
        ("json", "cluster-wide"),
    ] {
        let sealed = by_kubeseal(store, format, scope);
        serving.check("/v1/verify", &sealed, 200);
        let rotated = serving.post("/v1/rotate", &sealed);
        assert_eq!(rotated.code, 200);
        assert!(rotated.head.contains("content-type: application/json"));
        assert!(!rotated.body.contains(MARKER));
        serving.check("/v1/verify", &rotated.body, 200);
        let (before, after) = (document(&sealed), document(&rotated.body));
        assert_ne!(
            after["spec"]["encryptedData"],
            before["spec"]["encryptedData"]
        );
        assert_eq!(
            after["spec"]["template"]["metadata"]["labels"],
            json!({"team": "a"})
        );
        store.put("sealed/app/db.yaml", &rotated.body);
        assert_eq!(opened(store, &rotated.body), "one");
    }
    serving.end();
}

/// What `kubeseal --recovery-unseal` finds in an object, without the marker.
fn opened(store: &Store, sealed: &str) -> String {
    let run = store
        .scratch
        .kubeseal(["--recovery-unseal", "--recovery-private-key"])
        .arg(keys::path("rsa-2048.key"))
        .stdin(sealed)
        .finish();
    value(run.exits(0).out())
}

#[test]
fn what_does_not_open_is_a_conflict_whatever_the_reason() {
    let serving = Serving::new(FAST);
    let moved = sealed("app", "db", "one").replace("name: db", "name: other");
    let foreign = by_kubeseal(&serving.store, "json", "strict");
    let mut asking: Value = document(&foreign);
    asking["metadata"]["namespace"] = "elsewhere".into();
    asking["spec"]["template"]["data"] = json!({"a": "{{ fail .password }}"});
    let mut damaged = document(&foreign);
    let item = &mut damaged["spec"]["encryptedData"]["password"];
    let text = item.as_str().expect("a text").to_owned();
    let other = if text.ends_with("A=") { "B=" } else { "A=" };
    *item = format!("{}{other}", &text[..text.len() - 2]).into();
    for object in [moved, asking.to_string(), damaged.to_string()] {
        serving.check("/v1/verify", &object, 409);
        serving.check("/v1/rotate", &object, 500);
    }
    serving.check("/v1/verify", "kind: Secret\n", 500);
    serving.end();
}

#[test]
fn more_than_the_limit_is_denied() {
    let serving = Serving::new(["--rate-limit=1", "--rate-limit-burst=2"]);
    let object = sealed("app", "db", "one");
    for path in ["/v1/verify", "/v1/rotate"] {
        let codes: Vec<u16> = (0..4).map(|_| serving.post(path, &object).code).collect();
        assert_eq!(codes[..3], [200; 3], "{path}");
        let denied = serving.post(path, &object);
        assert_eq!(
            (denied.code, denied.body.as_str()),
            (429, "limit exceeded\n")
        );
        for header in [
            "retry-after: 1",
            "x-ratelimit-limit: 3",
            "x-ratelimit-remaining: 0",
        ] {
            assert!(denied.head.contains(header), "{}", denied.head);
        }
    }
    serving.end();
}

#[test]
fn what_is_too_large_is_refused() {
    let serving = Serving::new(FAST);
    let large = vec![b' '; 10 * 1024 * 1024 + 1];
    for path in ["/v1/verify", "/v1/rotate"] {
        assert_eq!(serving.post(path, &large).code, 413);
    }
    let header = format!(
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    assert_eq!(send(serving.port, header).code, 431);
    assert_eq!(get(serving.port, "/healthz").code, 200);
    serving.end();
}

#[test]
fn a_body_that_does_not_come_is_a_bad_request() {
    let serving = Serving::new(["--read-timeout=300ms"]);
    for path in ["/v1/verify", "/v1/rotate"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
        let answer = send(serving.port, head);
        assert_eq!((answer.code, answer.body.as_str()), (400, ""));
    }
    serving.end();
}

#[test]
fn slow_clients_keep_nobody_waiting() {
    let serving = Serving::new([
        "--rate-limit=1000",
        "--rate-limit-burst=1000",
        "--read-timeout=20s",
    ]);
    let begin = |text: &str| {
        let mut stream = connect(serving.port);
        stream.write_all(text.as_bytes()).expect("it reads");
        stream
    };
    let slow: Vec<TcpStream> = (0..100)
        .map(|number| match number % 3 {
            0 => begin("POST /v1/ver"),
            1 => {
                begin("POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\na: b")
            }
            _ => begin("POST /v1/rotate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"),
        })
        .collect();
    let begun = Instant::now();
    let object = sealed("app", "db", "one");
    serving.check("/v1/verify", &object, 200);
    assert_eq!(serving.post("/v1/rotate", &object).code, 200);
    assert_eq!(get(serving.port, "/healthz").code, 200);
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(slow);
    serving.end();
}

#[test]
fn many_silent_connections_keep_nobody_out() {
    let serving = Serving::new(["--read-timeout=20s"]);
    // More than are served at once; whoever comes later is served all the same, and the oldest one ends for it.
    let silent: Vec<TcpStream> = (0..600).map(|_| connect(serving.port)).collect();
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(get(serving.port, "/healthz").code, 200);
    }
    // As long as a kubelet waits for each of its probes.
    assert!(begun.elapsed() < Duration::from_secs(3));
    let mut oldest = &silent[0];
    let mut rest = Vec::new();
    let ended = std::io::Read::read_to_end(&mut oldest, &mut rest);
    assert!(ended.is_ok_and(|length| length == 0) && begun.elapsed() < Duration::from_secs(10));
    drop(silent);
    serving.end();
}

#[test]
fn a_silent_connection_is_closed() {
    let serving = Serving::new(["--read-timeout=300ms"]);
    let mut stream = connect(serving.port);
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost")
        .expect("it reads");
    let mut rest = Vec::new();
    let begun = Instant::now();
    std::io::Read::read_to_end(&mut stream, &mut rest).expect("it hangs up");
    assert!(begun.elapsed() < Duration::from_secs(10));
    serving.end();
}

#[test]
fn several_requests_go_over_one_connection() {
    let serving = Serving::new(FAST);
    let one = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = send(serving.port, format!("{one}{last}"));
    assert!(answer.body.contains("HTTP/1.1 200"), "{}", answer.body);
    serving.end();
}

#[test]
fn who_waits_too_long_for_the_keys_is_told_to_come_again() {
    let serving = Serving::new(["--write-timeout=1ms"]);
    let mut many = document(&sealed("app", "db", "one"));
    let item = many["spec"]["encryptedData"]["password"].clone();
    many["spec"]["encryptedData"] = (0..900).map(|n| (format!("k{n}"), item.clone())).collect();
    for path in ["/v1/verify", "/v1/rotate"] {
        serving.check(path, to_yaml(&many), 503);
    }
    serving.end();
}

#[test]
fn endpoints_can_be_switched_off() {
    let serving = Serving::new(["--disable-verify", "--disable-rotate=true"]);
    for path in ["/v1/verify", "/v1/rotate"] {
        assert_eq!(serving.post(path, sealed("app", "db", "one")).code, 404);
    }
    serving.end();
}

#[test]
fn a_new_key_counts_at_once() {
    let serving = Serving::of(Store::without_key(), ["--key-size=2048"]);
    let object = sealed("app", "db", "one");
    serving.check("/v1/verify", &object, 409);
    let fixed = crate::store::key_secret(crate::store::KEY, Some("active"));
    serving.store.put("keys/fixed.yaml", fixed);
    let begun = Instant::now();
    while serving.post("/v1/verify", &object).code != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "in vain");
        std::thread::sleep(Duration::from_millis(500));
    }
    serving.end();
}

#[test]
fn an_answer_under_way_is_given_when_it_stops() {
    let serving = Serving::new(FAST);
    let object = sealed("app", "db", "one");
    let request = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{object}",
        object.len()
    );
    let mut stream = connect(serving.port);
    let (first, last) = request.split_at(request.len() - 1);
    stream.write_all(first.as_bytes()).expect("it reads");
    std::thread::sleep(Duration::from_millis(100));
    serving.controller.signal(rustix::process::Signal::TERM);
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(last.as_bytes()).expect("it reads");
    assert_eq!(answer(stream, request.as_bytes()).code, 200);
    serving.controller.finish().exits(0);
}
