//! The most memory that a controller has, among many objects that are none of its business.

use std::{
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_tests::{control_plane::ControlPlane, memory::peak};
use serde_json::{Value, json};

use crate::{
    figure::{Figure, Report},
    ground::{Ground, Whose, sum_of, wait_until_it_answers},
    say,
    sealing::{Keys, Spread, namespaces},
};

/// One key, so that upstream gets through some of it.
const KEYS: usize = 1;
/// What a Secret holds.
const SIZE: usize = 4096;
/// For how long upstream is watched: it has everything it watches by then, and has worked for a while.
const THEIRS: Duration = Duration::from_secs(120);

pub(crate) fn measure(objects: usize) -> Report {
    let keys = Keys::new(KEYS);
    let sealed = keys.seal(Spread::Newest, 0, objects, 0);
    let others: Vec<Value> = (0..2 * objects).map(other).collect();
    let ours = one(&keys, Whose::Ours, &sealed, &others);
    let theirs = one(&keys, Whose::Upstream, &sealed, &others);
    let mut report = Report::default();
    report.add(Figure {
        what: format!(
            "peak memory, {objects} SealedSecrets of 5 values and {} other Secrets of 4 KiB",
            others.len()
        ),
        ours: format!("{:.0} MiB (all unsealed)", mebibytes(ours.0)),
        beside: format!(
            "{:.0} MiB (upstream v0.40.0, its client unlimited, after {} s: {} unsealed)",
            mebibytes(theirs.0),
            THEIRS.as_secs(),
            theirs.1
        ),
        ratio: Some(ours.0 as f64 / theirs.0 as f64),
    });
    report
}

/// The peak, and how many were unsealed until then.
fn one(keys: &Keys, whose: Whose, sealed: &[Value], others: &[Value]) -> (u64, usize) {
    let plane = ControlPlane::start();
    let mut ground = Ground::new(&plane, whose, keys);
    ground.create_others(others);
    ground.create(sealed);
    say(&format!(
        "{} objects are there, and it is started",
        sealed.len() + others.len()
    ));
    let mut controller = ground.start();
    let begun = Instant::now();
    match whose {
        Whose::Ours => {
            ground.wait_until_made(&mut controller, sealed.len());
            ground.settle();
        }
        Whose::Upstream => {
            wait_until_it_answers(&mut controller);
            while begun.elapsed() < THEIRS && ground.made() < sealed.len() {
                thread::sleep(Duration::from_secs(1));
            }
            assert!(
                sum_of(
                    &controller,
                    "sealed_secrets_controller_unseal_requests_total",
                    ""
                ) > 0.0,
                "it works"
            );
        }
    }
    (peak(controller.pid()), ground.made())
}

/// A Secret as `kubectl apply` leaves it.
fn other(number: usize) -> Value {
    let mut value = String::new();
    while value.len() < SIZE {
        writeln!(value, "setting-{number}-{}=on", value.len()).unwrap_or_default();
    }
    value.truncate(SIZE);
    let namespaces: Vec<String> = namespaces().collect();
    let mut secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": format!("settings-{number}"),
            "namespace": namespaces[number % namespaces.len()],
            "labels": {
                "app.kubernetes.io/name": "settings",
                "app.kubernetes.io/instance": format!("settings-{number}"),
                "app.kubernetes.io/managed-by": "kubectl",
            },
        },
        "type": "Opaque",
        "data": {"settings": STANDARD.encode(value)},
    });
    let applied = secret.to_string();
    secret["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
    secret
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
