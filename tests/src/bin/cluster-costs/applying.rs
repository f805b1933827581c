//! SealedSecrets applied one after the other to an idle controller, and what it asks while nothing happens.

use std::{
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Controller, Setup, install, namespace, seal, sealed_secret},
    control_plane::ControlPlane,
    programs::Program,
};

use crate::{
    figure::{Figure, Report, percentile},
    ground::{is_work, requests},
    say,
};

/// Upstream's client waits for its own limit, so that fewer tell as much.
const THEIRS: usize = 20;
const SETTLE: Duration = Duration::from_secs(75);
const GLANCE: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn measure(objects: usize, minutes: u64) -> Report {
    let (here, there) = (ControlPlane::start(), ControlPlane::start());
    let ours = install(&here, &Setup::ours()).run(Program::Controller);
    let mut our_times = apply_all(&ours, objects);
    let theirs = install(&there, &Setup::chart()).run(Program::UpstreamController);
    let mut their_times = apply_all(&theirs, objects.min(THEIRS));
    // What was begun is written to the end, and the garbage collector, which looks for new kinds twice a minute, has asked
    // for every owner once.
    say(&format!("nothing happens for {minutes} minutes"));
    thread::sleep(SETTLE);
    let count = |plane| requests(plane, is_work);
    let before = (count(&here), count(&there));
    thread::sleep(Duration::from_secs(60 * minutes));
    let asked = (count(&here) - before.0, count(&there) - before.1);
    let mut report = Report::default();
    for (name, percent) in [("median", 50), ("p99", 99)] {
        report.add(Figure::times(
            format!("apply until the Secret exists, {name} of {objects}"),
            percentile(&mut our_times, percent),
            percentile(&mut their_times, percent),
            &format!(
                "upstream v0.40.0, its defaults, {} objects",
                objects.min(THEIRS)
            ),
        ));
    }
    report.add(Figure::alone(
        format!("requests for objects in {minutes} minutes at rest, {objects} objects"),
        format!("{:.0}", asked.0),
        &format!(
            "{:.0} (upstream v0.40.0, {} objects)",
            asked.1,
            objects.min(THEIRS)
        ),
    ));
    report
}

fn apply_all(controller: &Controller<'_>, objects: usize) -> Vec<Duration> {
    let shop = namespace(controller.pod().plane(), "shop");
    let certificate = controller.certificate();
    (0..objects)
        .map(|number| apply(controller, &certificate, &shop, number))
        .collect()
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
