//! What controllers cost in a real cluster, as JSON, ours and upstream's one after the other: `cluster-costs` applies
//! SealedSecrets one after the other to an idle controller and measures the time until each Secret exists; then it counts
//! what is asked of the API server while nothing happens.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Controller, Setup, install, namespace, seal, sealed_secret},
    control_plane::ControlPlane,
    programs::Program,
};
use serde_json::{Value, json};

/// Upstream's client waits for its own limit, so that fewer tell as much.
const OURS: usize = 200;
const THEIRS: usize = 20;
const SETTLE: Duration = Duration::from_secs(75);
const REST: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    let ours = costs(&Setup::ours(), Program::Controller, OURS);
    let theirs = costs(&Setup::chart(), Program::UpstreamController, THEIRS);
    println!("{}", json!({"ours": ours, "upstream": theirs}));
}

fn costs(setup: &Setup, program: Program, objects: usize) -> Value {
    let plane = ControlPlane::start();
    let controller = install(&plane, setup).run(program);
    let shop = namespace(&plane, "shop");
    let certificate = controller.certificate();
    let mut times: Vec<Duration> = (0..objects)
        .map(|number| apply(&controller, &certificate, &shop, number))
        .collect();
    times.sort_unstable();
    let of = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    // What was begun is written to the end, and the garbage collector, which looks for new kinds twice a minute, has asked
    // for every owner once.
    thread::sleep(SETTLE);
    let before = requests(&plane);
    thread::sleep(REST);
    json!({
        "objects": objects,
        "p50": of(50),
        "p99": of(99),
        "longest": of(100),
        "requestsAtRest": requests(&plane) - before,
    })
}

/// Applies one, and waits until its Secret exists.
fn apply(
    controller: &Controller<'_>,
    certificate: &str,
    namespace: &str,
    number: usize,
) -> Duration {
    let name = format!("db-{number}");
    let items: Vec<(String, String)> = (0..5)
        .map(|item| {
            (
                format!("value-{item}"),
                format!("not-a-secret-{number:05}-{item:05}"),
            )
        })
        .collect();
    let items: Vec<(&str, &str)> = items
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let sealed = seal(certificate, namespace, &name, &items);
    let api = controller.pod().plane().api();
    let collection = sealed_secret(namespace, "");
    let secret = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
    let begun = Instant::now();
    let created = api.create(collection.trim_end_matches('/'), &sealed);
    assert_eq!(created.status, 201, "{}", created.body);
    while api.get(&secret).status != 200 {
        assert!(begun.elapsed() < LIMIT, "no Secret: {}", controller.tail());
        thread::sleep(GLANCE);
    }
    begun.elapsed()
}

/// How often objects that a controller works with were asked for or written, watches apart.
fn requests(plane: &ControlPlane) -> f64 {
    let metrics = plane.api().get("/metrics").body;
    let lines = metrics.as_str().unwrap_or_default().lines();
    let ours = |line: &&str| {
        let is_of = |resource: &str| line.contains(&format!("resource=\"{resource}\""));
        line.starts_with("apiserver_request_total{")
            && ["sealedsecrets", "secrets", "events", "configmaps"]
                .iter()
                .any(|resource| is_of(resource))
            && !line.contains("verb=\"WATCH\"")
    };
    let count = |line: &str| {
        line.rsplit(' ')
            .next()
            .and_then(|count| count.parse::<f64>().ok())
    };
    lines.filter(ours).filter_map(count).sum()
}
