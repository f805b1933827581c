//! The audit lines of the directory shell: each thing that is done is one line, of the same fields, without a value.

use std::{collections::BTreeSet, fs, io::Write, net::Shutdown, thread, time::Duration};

use seal_tests::{
    fault::Volume,
    http::{connect, free_port, get, post},
    keys,
    run::{Finished, Running},
};
use serde_json::Value;

use crate::store::{MARKER, Store, document, key_secret, sealed, to_yaml};

const FIELDS: [&str; 8] = [
    "action",
    "caller",
    "key_id",
    "level",
    "object",
    "result",
    "target",
    "timestamp",
];

/// The audit lines of a run that logged JSON.
#[track_caller]
fn lines(run: &Finished) -> Vec<Value> {
    let lines = run.out().lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"));
    let lines: Vec<Value> = lines.filter(|line| line["target"] == "audit").collect();
    for line in &lines {
        let fields = line.as_object().expect("it is an object");
        let names: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, FIELDS.into(), "{line}");
        assert!(fields.values().all(Value::is_string), "{line}");
    }
    lines
}

/// `caller action object result` of each.
fn told(lines: &[Value]) -> Vec<String> {
    let words = ["caller", "action", "object", "result"];
    let told = |line: &Value| {
        words
            .map(|word| line[word].as_str().unwrap_or_default())
            .join(" ")
    };
    lines.iter().map(told).collect()
}

fn start<const N: usize>(store: &Store, flags: [&str; N]) -> Running {
    // The log of its own level says nothing but what fails.
    let run = store.run(["--log-format=json", "--log-level=ERROR"]);
    run.args(flags).start()
}

#[track_caller]
fn wait(controller: &mut Running, action: &str, result: &str) {
    let line = format!("\"action\":\"{action}\"");
    controller.wait_for(&line);
    controller.wait_for(&format!("\"result\":\"{result}\""));
}

#[test]
fn what_becomes_of_keys_is_told_line_by_line() {
    let store = Store::without_key();
    store.put("keys/old.yaml", key_secret("rsa-2048", Some("active")));
    let mut controller = start(&store, []);
    controller.wait_until("it knows its keys", |_| {
        store.text("status/keys.yaml").contains("old.yaml")
    });
    store.put("keys/more.yaml", key_secret("rsa-3072", Some("active")));
    wait(&mut controller, "key-moved", "active");
    store.remove("keys/more.yaml");
    wait(&mut controller, "key-moved", "removed");
    let old = |kind: &str| key_secret(kind, Some("active"));
    for (file, text, result) in [
        (
            "broken",
            old("rsa-2048").replace("tls.key", "no.key"),
            "unreadable",
        ),
        ("small", old("rsa-1024"), "unsupported"),
        ("other", old("mismatched"), "mismatched"),
    ] {
        store.put(&format!("keys/{file}.yaml"), text);
        wait(&mut controller, "key-refused", result);
    }
    let run = controller.stop().exits(0).never_shows("RSA PRIVATE KEY");
    let lines = lines(&run);
    assert_eq!(
        told(&lines),
        [
            "watch key-moved keys/more.yaml active",
            "watch key-moved keys/more.yaml removed",
            "watch key-refused keys/broken.yaml unreadable",
            "watch key-refused keys/small.yaml unsupported",
            "watch key-refused keys/other.yaml mismatched",
        ]
    );
    assert_eq!(lines[0]["key_id"], lines[1]["key_id"]);
    assert_eq!(lines[0]["key_id"].as_str().map(str::len), Some(16));
    assert_eq!(lines[2]["key_id"], "");
}

#[test]
fn a_key_that_is_made_is_told_of_and_so_is_one_that_cannot_be() {
    let store = Store::without_key();
    let flags = [
        "--once",
        "--log-format=json",
        "--log-level=ERROR",
        "--key-renew-period=720h",
    ];
    let made = |run: Finished| {
        // The last line is no log.
        let log: Vec<&str> = run.out().lines().collect();
        let line: Value = serde_json::from_str(log[0]).expect("it is JSON");
        line
    };
    let volume = Volume::new(256);
    fs::create_dir(volume.path().join("keys")).expect("it is empty");
    std::os::unix::fs::symlink(volume.path().join("keys"), store.path("keys")).expect("it is new");
    volume.fill();
    let line = made(store.run(flags).finish());
    assert_eq!(
        (&line["action"], &line["result"]),
        (&"key-made".into(), &"failed".into())
    );
    fs::remove_file(store.path("keys")).expect("it is a link");
    let line = made(store.run(flags).finish());
    assert_eq!(
        (&line["action"], &line["result"]),
        (&"key-made".into(), &"done".into())
    );
    assert_eq!(line["caller"], "timer");
    let file = line["object"].as_str().expect("it is a text");
    assert!(store.path(file).is_file(), "{line}");
    let status = store.text("status/keys.yaml");
    let id = line["key_id"].as_str().expect("it is a text");
    assert!(id.len() == 16 && status.contains(id), "{line}\n{status}");
}

#[test]
fn a_repair_is_told_of_also_where_it_fails_and_the_first_writing_is_none() {
    let store = Store::new();
    let volume = Volume::new(256);
    for name in ["secrets", "keys", "sealed", "status"] {
        fs::create_dir(volume.path().join(name)).expect("it is empty");
    }
    fs::copy(
        store.path("keys/fixed.yaml"),
        volume.path().join("keys/fixed.yaml"),
    )
    .expect("there is room");
    fs::remove_dir_all(store.path("")).expect("it is there");
    std::os::unix::fs::symlink(volume.path(), store.scratch.path().join("store"))
        .expect("it is gone");
    store.put_db("one");
    let mut controller = start(&store, []);
    controller.wait_until("it is made", |_| store.db() == "one");
    fs::remove_file(store.path("secrets/app/db.yaml")).expect("it is there");
    wait(&mut controller, "repair", "done");
    controller.wait_until("it is made again", |_| store.db() == "one");
    volume.fill();
    let path = store.path("secrets/app/db.yaml");
    let changed = fs::read_to_string(&path)
        .expect("it is there")
        .replace("password", "passwerd");
    fs::write(&path, changed).expect("it is as long as before");
    wait(&mut controller, "repair", "failed");
    fs::remove_file(volume.path().join("filler")).expect("it is there");
    controller.wait_until("it heals", |_| store.db() == "one");
    let run = controller.stop().exits(0).never_shows(MARKER);
    let told = told(&lines(&run));
    assert_eq!(told[0], "watch repair app/db done");
    assert_eq!(told[1], "watch repair app/db failed");
    assert!(
        told.iter()
            .all(|line| line.starts_with("watch repair app/db ")),
        "{told:?}"
    );
}

#[test]
fn every_request_within_the_limit_is_told_of_with_who_asked_and_what_came_of_it() {
    let store = Store::new();
    let port = free_port();
    let listen = format!("--listen-addr=127.0.0.1:{port}");
    let controller = start(
        &store,
        [&listen, "--rate-limit=1000", "--rate-limit-burst=1000"],
    );
    let mut controller = controller;
    controller.wait_until("it is ready", |_| {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            && get(port, "/readyz").code == 200
    });
    let good = sealed("app", "db", "one");
    let moved = good.replace("name: db", "name: other");
    let mut expected = Vec::new();
    for (path, action) in [("/v1/verify", "verify"), ("/v1/rotate", "rotate")] {
        for (body, of_verify, of_rotate, object) in [
            (&good, "opens", "resealed", "app/db"),
            (&moved, "does-not-open", "failed", "app/other"),
            (&"no: more".to_owned(), "failed", "failed", ""),
            (&"x".repeat((10 << 20) + 1), "refused", "refused", ""),
        ] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.166\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            seal_tests::http::send(port, [request.as_bytes(), body.as_bytes()].concat());
            let result = if action == "verify" {
                of_verify
            } else {
                of_rotate
            };
            expected.push(format!("http 127.0.0.1 {action} {object} {result}"));
        }
        // Somebody hangs up while the keys are at work.
        let mut many = document(&good);
        let item = many["spec"]["encryptedData"]["password"].clone();
        let items = (0..900).map(|number| (format!("k{number}"), item.clone()));
        many["spec"]["encryptedData"] = items.collect();
        let body = to_yaml(&many);
        let mut stream = connect(port);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it listens");
        stream.write_all(body.as_bytes()).expect("it reads");
        thread::sleep(Duration::from_millis(100));
        stream.shutdown(Shutdown::Both).expect("it is open");
        drop(stream);
        let told = format!(
            "\"action\":\"{action}\",\"object\":\"\",\"key_id\":\"\",\"result\":\"abandoned\""
        );
        controller.wait_for(&told);
        expected.push(format!("http 127.0.0.1 {action}  abandoned"));
    }
    let run = controller.stop().exits(0).never_shows(MARKER);
    let run = run.never_shows("203.0.113.166");
    let lines = lines(&run);
    assert_eq!(told(&lines), expected);
    let resealed = lines.iter().find(|line| line["result"] == "resealed");
    let certificate = seal_envelope::Certificate::from_pem(keys::pem("rsa-2048.crt").as_bytes());
    let id = certificate.expect("it is one").key_id().short();
    assert_eq!(resealed.expect("it was")["key_id"], id);
}

#[test]
fn a_flood_of_requests_is_no_flood_of_lines() {
    let store = Store::new();
    let port = free_port();
    let listen = format!("--listen-addr=127.0.0.1:{port}");
    let mut controller = start(&store, [&listen, "--rate-limit=1", "--rate-limit-burst=1"]);
    controller.wait_until("it is ready", |_| {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            && get(port, "/readyz").code == 200
    });
    let begun = std::time::Instant::now();
    let codes: Vec<u16> = (0..200)
        .map(|_| post(port, "/v1/verify", "x").code)
        .collect();
    let most = 3 + begun.elapsed().as_secs() as usize;
    assert!(codes.contains(&429));
    let run = controller.stop().exits(0);
    let lines = lines(&run);
    assert!((1..=most).contains(&lines.len()), "{lines:?}");
}
