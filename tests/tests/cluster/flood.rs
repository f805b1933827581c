//! More requests and more connections than anybody has a use for: what people change is made right as soon as without them,
//! the probes are answered, and whoever is honest gets the certificate.

#![expect(
    clippy::print_stdout,
    reason = "seeds, and what was measured, are worth reading"
)]

mod load;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use seal_tests::{
    cluster::Manifests,
    http::{
        get,
        junk::{Bodies, Random, ambiguous, damaged, for_path, no_requests},
        post,
    },
    long, memory,
};
use serde_json::Value;

use crate::site::{Site, base64};

use load::{Door, HTTP, Load, METRICS};

/// A value that nobody may say.
const MARKER: &str = "marker-flood-90d2";
/// What the bodies of all callers may take, several times over for what is made of them, and the program itself.
const MOST_MIB: u64 = 256;
/// What a kubelet gives a probe in our manifests.
const PROBE: Duration = Duration::from_secs(5);
/// A median may be twice what it is without load, and so much more: what the scheduler of a busy machine makes of it.
const ALLOWANCE: Duration = Duration::from_millis(25);
/// How often a measurement is made where the first is not as it should be; all are printed.
const ATTEMPTS: usize = 3;

/// How long it takes from a change of a SealedSecret until the Secret has the value, for so many changes one by one.
fn latencies(site: &Site, prefix: &str, count: usize) -> Vec<Duration> {
    let times = (0..count).map(|number| {
        let value = format!("{prefix}-{number}");
        let sealed = site.sealed("measured", &[("password", &value)]);
        let expected = base64(&value);
        let path = site.secret_path("measured");
        let begun = Instant::now();
        site.api().apply(&sealed);
        loop {
            let secret = site.api().get(&path).body;
            if secret["data"]["password"] == *expected {
                break begun.elapsed();
            }
            let tail = || site.controller.tail();
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", tail());
            thread::sleep(Duration::from_millis(1));
        }
    });
    times.collect()
}

/// The so manieth of a hundred.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// What an honest client sees while others ask too much.
fn honest(door: &Door, is_over: &AtomicBool) -> (usize, Duration) {
    let (mut times, mut slowest) = (0, Duration::ZERO);
    while !is_over.load(Ordering::Relaxed) {
        for path in ["/healthz", "/v1/cert.pem"] {
            let begun = Instant::now();
            assert_eq!(get(door.port, path).code, 200, "{path}");
            slowest = slowest.max(begun.elapsed());
        }
        times += 1;
        thread::sleep(Duration::from_millis(200));
    }
    (times, slowest)
}

/// How often it is measured without and with a load.
const TURNS: usize = 4;

/// Measures with and without a load in turn, and checks the medians and what an honest client sees.
fn check(site: &Site, what: &str, load: impl Fn(&Site) -> Vec<Load>) {
    let each = long::rounds(10, 25);
    let door = Door::open(site, HTTP);
    latencies(site, "warm", 5);
    for attempt in 1..=ATTEMPTS {
        let (mut quiet, mut loaded, mut answers) = (Vec::new(), Vec::new(), 0);
        let mut slowest = Duration::ZERO;
        for turn in 0..TURNS {
            let name = |kind: &str| format!("{what}-{attempt}-{turn}-{kind}");
            quiet.extend(latencies(site, &name("quiet"), each));
            let loads = load(site);
            let is_over = AtomicBool::new(false);
            let seen = thread::scope(|scope| {
                let honest = scope.spawn(|| honest(&door, &is_over));
                let measured = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    latencies(site, &name("loaded"), each)
                }));
                is_over.store(true, Ordering::Relaxed);
                loaded.extend(measured.expect("each is made"));
                honest.join().expect("an honest client is served")
            });
            assert!(seen.0 > 0);
            slowest = slowest.max(seen.1);
            for load in loads {
                let outcome = load.end();
                answers += outcome.answers;
                if turn == 0 {
                    println!("{what}: {}", outcome.told);
                }
            }
        }
        let [mut medians, mut p95s] = [[Duration::ZERO; 2]; 2];
        for (at, times) in [&mut quiet, &mut loaded].into_iter().enumerate() {
            medians[at] = percentile(times, 50);
            p95s[at] = percentile(times, 95);
        }
        println!(
            "{what}, attempt {attempt}: of {} changes each, the median is {:?} and {:?} under load, p95 {:?} and {:?}; {answers} answers; the slowest probe {slowest:?}",
            quiet.len(),
            medians[0],
            medians[1],
            p95s[0],
            p95s[1]
        );
        if slowest < PROBE && medians[1] <= 2 * medians[0] + ALLOWANCE {
            return;
        }
    }
    panic!("{what}: what people change takes more than twice as long, or a probe too long");
}

fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    format!("{head}{body}").into_bytes()
}

/// How many requests there are in a turn at least: 10,000 in all of them together.
fn a_turn() -> u64 {
    long::rounds(500, 10_000 / TURNS) as u64
}

/// Requests of each kind: for the certificate, with what opens, with what does not, and without sense.
struct Requests {
    certificate: Vec<u8>,
    real: Vec<Vec<u8>>,
    junk: Vec<Vec<u8>>,
}

impl Requests {
    fn of(site: &Site) -> Self {
        let object = site.sealed("flood", &[("a", "x"), ("b", "y"), ("c", "z")]);
        let mut moved = object.clone();
        moved["metadata"]["name"] = "elsewhere".into();
        let posts = |bodies: &[&str]| -> Vec<Vec<u8>> {
            let paths = ["/v1/verify", "/v1/rotate"].into_iter();
            paths
                .flat_map(|path| bodies.iter().map(move |body| request("POST", path, body)))
                .collect()
        };
        let [object, moved]: [Value; 2] = [object, moved];
        let nested = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        Self {
            certificate: request("GET", "/v1/cert.pem", ""),
            real: posts(&[&object.to_string(), &moved.to_string()]),
            junk: posts(&["a: [", &nested, &"x".repeat(100_000)]),
        }
    }

    fn all(&self) -> Vec<Vec<u8>> {
        let certificate = std::slice::from_ref(&self.certificate);
        [certificate, &self.real, &self.junk].concat()
    }
}

/// Gives a controller that runs so many file descriptors and no more.
fn few_files(site: &Site, files: u64) {
    let pid = i32::try_from(site.controller.pid()).expect("it is small");
    let limit = Rlimit {
        current: Some(files),
        maximum: Some(files),
    };
    prlimit(Pid::from_raw(pid), Resource::Nofile, limit).expect("root may set limits");
}

/// No connection failed for want of file descriptors, neither of ours nor to the API server.
#[track_caller]
fn never_ran_out(site: &Site) {
    let log = site.controller.log();
    for sign in [
        "Too many open files",
        "os error 24",
        "panic",
        "internal fault",
    ] {
        assert!(!log.contains(sign), "{sign}\n{}", site.controller.tail());
    }
    let failures = site
        .controller
        .metric("seal_controller_api_errors_total{code=\"none\"}");
    assert_eq!(failures, Some(0.0));
}

#[test]
fn a_flood_of_requests_and_500_slow_connections_make_no_change_wait_twice_as_long() {
    let site = Site::new(Manifests::Ours);
    let requests = Requests::of(&site);
    check(&site, "a flood", |site| {
        vec![Load::flood(site, 32, a_turn(), &requests.all())]
    });
    check(&site, "slow connections", |site| {
        vec![Load::slow(site, 500)]
    });
    never_ran_out(&site);
    let door = Door::open(&site, HTTP);
    let object = site.sealed("db", &[("password", "x")]);
    site.controller.wait_for("it verifies again", |_| {
        (post(door.port, "/v1/verify", object.to_string()).code == 200).then_some(())
    });
}

#[test]
fn junk_at_each_port_of_the_pod_costs_little_memory_and_is_the_affair_of_who_sends_it() {
    let mut site = Site::with(Manifests::Ours, |setup| {
        setup.args([
            "--rate-limit=1000",
            "--rate-limit-burst=1000",
            "--read-timeout=1s",
        ])
    });
    site.with_db(MARKER);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.expect("it is later than 1970").as_secs();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let bodies = Bodies::new(&mut random);
    let (http, metrics) = (Door::open(&site, HTTP), Door::open(&site, METRICS));
    let paths: [(&Door, &str, &[u16]); 4] = [
        (&http, "/v1/rotate", &[500]),
        (&http, "/v1/cert.pem", &[200]),
        (&metrics, "/metrics", &[200]),
        (&metrics, "/v1/verify", &[404]),
    ];
    for (door, path, codes) in paths {
        let mut all = for_path(path, codes, codes == [500], &bodies);
        all.extend(ambiguous(path, codes));
        all.extend(no_requests(path, codes));
        all.extend((0..long::rounds(5, 200)).map(|_| damaged(path, &mut random)));
        for junk in all {
            assert!(
                !junk.throw(door.port).text.contains(MARKER),
                "{}",
                junk.name
            );
        }
    }
    let peak = memory::peak(site.controller.pid()) >> 20;
    println!("{peak} MiB at most");
    assert!(peak < MOST_MIB, "{peak} MiB");
    site.with_db("as before");
    site.synced("db");
    never_ran_out(&site);
    let ended = site.controller.stop();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.log.contains(MARKER) && !ended.log.contains(&base64(MARKER)));
}

#[test]
fn with_few_file_descriptors_and_without_a_rate_limit_it_is_the_same() {
    let site = Site::with(Manifests::Ours, |setup| {
        setup.args([
            "--rate-limit=1000000",
            "--rate-limit-burst=1000000",
            "--log-level=DEBUG",
        ])
    });
    few_files(&site, 256);
    let requests = Requests::of(&site);
    let all = requests.all();
    check(&site, "everything at once", |site| {
        vec![Load::slow(site, 500), Load::flood(site, 16, 100, &all)]
    });
    if long::rounds(0, 1) == 1 {
        let certificate = [requests.certificate.clone()];
        for (what, requests) in [
            ("the certificate", &certificate[..]),
            ("what opens and what does not", &requests.real),
            ("junk", &requests.junk),
        ] {
            check(&site, what, |site| {
                vec![Load::flood(site, 64, a_turn(), requests)]
            });
        }
    }
    never_ran_out(&site);
}
