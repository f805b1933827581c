//! A restart with everything in sync: until all are known to be right.

use std::time::{Duration, Instant};

use seal_tests::{cluster::Controller, control_plane::ControlPlane};

use crate::{
    figure::{Figure, Report, shown},
    ground::{Ground, Used, Whose, is_secret_read, sum_of, wait, wait_until_it_answers},
    process::processor_time,
    say,
    sealing::{KEYS, Keys, Spread},
};

/// Upstream decrypts everything: fewer tell as much.
const THEIRS: usize = 200;

/// What one restart took.
pub(crate) struct Restart {
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
    /// None where they are not counted.
    pub(crate) operations: f64,
    pub(crate) reads: f64,
}

pub(crate) fn measure(objects: usize) -> Report {
    let keys = Keys::new(KEYS);
    let ours = one(&keys, Whose::Ours, objects);
    let number = objects.min(THEIRS);
    let theirs = one(&keys, Whose::Upstream, number);
    let scale = objects as f64 / number as f64;
    let whence = format!("upstream v0.40.0: {number} objects, times {scale:.0}");
    let what = format!("restart with {objects} SealedSecrets of 5 values in sync, {KEYS} keys");
    let mut report = Report::default();
    report.add(Figure::times(
        format!("{what}: until all are known to be right"),
        ours.wall,
        theirs.wall.mul_f64(scale),
        &whence,
    ));
    report.add(Figure::times(
        "the same, processor time",
        ours.processor,
        theirs.processor.mul_f64(scale),
        &whence,
    ));
    report.add(Figure::alone(
        "the same, private-key operations",
        format!("{:.0}", ours.operations),
        "0",
    ));
    report.add(Figure::alone(
        "the same, Secrets read",
        format!("{:.0}", ours.reads),
        &format!("{:.0} ({whence})", theirs.reads * scale),
    ));
    report
}

fn one(keys: &Keys, whose: Whose, objects: usize) -> Restart {
    let plane = ControlPlane::start();
    let ground = Ground::new(&plane, whose, keys);
    ground.create(&keys.seal(Spread::Evenly, 0, objects, 0));
    let mut controller = ground.start();
    ground.wait_until_made(&mut controller, objects);
    ground.settle();
    say("all are in sync, and it is started again");
    again(&ground, &mut controller, objects)
}

/// Stops it and starts it again, all being in sync.
pub(crate) fn again(
    ground: &Ground<'_>,
    controller: &mut Controller<'_>,
    objects: usize,
) -> Restart {
    controller.stop();
    let reads = ground.requests(is_secret_read);
    controller.start_again();
    let begun = Instant::now();
    wait_until_it_answers(controller);
    wait(controller, "all are known", |controller| {
        // Upstream has no other sign of what it is through with; each is looked at once before any is again.
        let (metric, having) = match ground.whose() {
            Whose::Ours => ("seal_controller_objects", "Unsealed"),
            Whose::Upstream => ("sealed_secrets_controller_unseal_requests_total", ""),
        };
        (sum_of(controller, metric, having) >= objects as f64).then_some(())
    });
    let used = Used::until_now(controller);
    let restart = Restart {
        wall: used.at - begun,
        processor: processor_time(controller.pid()),
        operations: sum_of(
            controller,
            "seal_controller_private_key_operations_total",
            "",
        ),
        reads: ground.requests(is_secret_read) - reads,
    };
    say(&format!(
        "after {} all are known to be right",
        shown(restart.wall)
    ));
    restart
}
