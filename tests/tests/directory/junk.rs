//! What broken and hostile clients send to each port: one answer or a closed connection, in bounded memory, and nobody else
//! sees anything of it.

use std::time::{SystemTime, UNIX_EPOCH};

use seal_tests::{
    http::{
        free_port, get,
        junk::{Bodies, Junk, Random, ambiguous, damaged, for_path, no_requests},
        post,
    },
    long, memory,
};

use crate::store::{MARKER, Store, sealed};

/// What the bodies of all callers may take together, several times over for what is made of them, and the program itself.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;

#[test]
fn whatever_is_sent_gets_one_answer_or_a_closed_connection_and_costs_little_memory() {
    let store = Store::new();
    store.put_db("one");
    let (port, metrics) = (free_port(), free_port());
    let run = store.run(["--listen-addr", &format!("127.0.0.1:{port}")]);
    let mut controller = run
        .arg(format!("--listen-metrics-addr=127.0.0.1:{metrics}"))
        .args([
            "--read-timeout=1s",
            "--rate-limit=10000",
            "--rate-limit-burst=10000",
        ])
        .args(["--log-level=DEBUG"])
        .limit(std::time::Duration::from_secs(900))
        .start();
    controller.wait_for("looked at all SealedSecrets");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.expect("it is later than 1970").as_secs();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let bodies = Bodies::new(&mut random);
    let before = memory::peak(controller.pid());
    let throw = |port: u16, junk: &[Junk]| {
        for one in junk {
            let begun = memory::peak(controller.pid());
            let outcome = one.throw(port);
            let grown = memory::peak(controller.pid()).saturating_sub(begun) >> 20;
            if grown > 2 || outcome.took.as_millis() > 1000 {
                println!(
                    "{}: {:?} in {:?}, {grown} MiB more",
                    one.name, outcome.codes, outcome.took
                );
            }
            assert!(!outcome.text.contains(MARKER), "{}", one.name);
        }
    };
    let paths: [(u16, &str, &[u16]); 9] = [
        (port, "/healthz", &[200]),
        (port, "/readyz", &[200]),
        (port, "/v1/cert.pem", &[200]),
        // The scalar is a text that does not open.
        (port, "/v1/verify", &[500, 409]),
        (port, "/v1/rotate", &[500]),
        (port, "/v1/unknown", &[404]),
        (metrics, "/metrics", &[200]),
        (metrics, "/v1/verify", &[404]),
        (metrics, "/", &[404]),
    ];
    for (port, path, codes) in paths {
        let reads = codes.contains(&500);
        // In the usual run the large ones go where they are read, and to one of each port where they are not.
        if reads || path == "/v1/cert.pem" || path == "/metrics" || long::rounds(0, 1) == 1 {
            throw(port, &for_path(path, codes, reads, &bodies));
        }
        throw(port, &ambiguous(path, codes));
        throw(port, &no_requests(path, codes));
        let damaged: Vec<Junk> = (0..long::rounds(5, 500))
            .map(|_| damaged(path, &mut random))
            .collect();
        throw(port, &damaged);
    }
    // As many at once as take what all may have together.
    let all: Vec<Junk> = ["/v1/verify", "/v1/rotate"]
        .into_iter()
        .flat_map(|path| for_path(path, &[409, 413, 429, 500, 503], false, &bodies))
        .collect();
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(24)) {
            scope.spawn(|| part.iter().for_each(|junk| drop(junk.throw(port))));
        }
    });
    let peak = memory::peak(controller.pid());
    println!("{} MiB before, {} MiB at most", before >> 20, peak >> 20);
    assert!(peak < MOST_MEMORY, "{} MiB", peak >> 20);
    // It works as before.
    assert_eq!(get(port, "/healthz").code, 200);
    assert_eq!(post(port, "/v1/verify", sealed("app", "db", "x")).code, 200);
    store.put_db("two");
    controller.wait_until("the Secret is changed", |_| store.db() == "two");
    let run = controller.stop().exits(0).never_shows(MARKER);
    for text in [run.out(), run.err()] {
        for sign in ["panic", "internal fault"] {
            assert!(!text.contains(sign), "{text}");
        }
    }
}
