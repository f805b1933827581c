//! The first unsealing of many SealedSecrets that `kubeseal` sealed, which says nothing of the key.

use std::{thread, time::Duration};

use seal_tests::{cluster::Controller, control_plane::ControlPlane};

use crate::{
    figure::{Figure, Report, shown},
    ground::{Ground, Used, Whose, sum_of, wait},
    say,
    sealing::{KEYS, Keys, Spread},
};

/// Upstream tries every key for every value: fewer tell as much.
const THEIRS: usize = 100;

/// What the first unsealing took.
pub(crate) struct Unsealing {
    /// From the first Secret to the last.
    pub(crate) wall: Duration,
    /// Of the whole process until then.
    pub(crate) processor: Duration,
    /// How much of what all cores could do was not done, by anybody.
    pub(crate) idle: f64,
    pub(crate) operations: f64,
}

pub(crate) fn measure(objects: usize) -> Report {
    let mut report = Report::default();
    let keys = Keys::new(KEYS);
    for (spread, name, most) in [
        (
            Spread::Evenly,
            format!("spread over {KEYS} keys"),
            KEYS.div_ceil(2) + 4,
        ),
        (
            Spread::Newest,
            format!("all under the newest of {KEYS} keys"),
            5,
        ),
    ] {
        let what = format!("first unsealing of {objects} SealedSecrets of 5 values, {name}");
        let before = keys.cost_of_opening();
        let ours = one(&keys, spread, Whose::Ours, objects);
        let cost = (before + keys.cost_of_opening()) / 2;
        let number = objects.min(THEIRS);
        let theirs = one(&keys, spread, Whose::Upstream, number);
        let scale = objects as f64 / number as f64;
        let whence =
            format!("upstream v0.40.0, its client unlimited: {number} objects, times {scale:.0}");
        report.add(Figure::times(
            what,
            ours.wall,
            theirs.wall.mul_f64(scale),
            &whence,
        ));
        let (used, other) = (ours.processor, theirs.processor.mul_f64(scale));
        report.add(Figure::times(
            "the same, processor time",
            used,
            other,
            &whence,
        ));
        report.add(Figure::alone(
            "the same, private-key operations an object",
            format!("{:.1}", ours.operations / objects as f64),
            &format!("at most {most}"),
        ));
        let share = cost.as_secs_f64() * ours.operations / ours.processor.as_secs_f64();
        report.add(Figure::alone(
            "the same, share of processor time in these operations",
            format!("{:.0} %", share * 100.0),
            &format!("an operation takes {:.2} ms", cost.as_secs_f64() * 1000.0),
        ));
        report.add(Figure::alone(
            "the same, share of all cores without work meanwhile",
            format!("{:.1} %", ours.idle * 100.0),
            &format!("{:.1} % with upstream", theirs.idle * 100.0),
        ));
    }
    report
}

fn one(keys: &Keys, spread: Spread, whose: Whose, objects: usize) -> Unsealing {
    let plane = ControlPlane::start();
    let ground = Ground::new(&plane, whose, keys);
    ground.create(&keys.seal(spread, 0, objects, 0));
    say(&format!(
        "{objects} SealedSecrets are there, and it is started"
    ));
    first(&ground, &mut ground.start(), objects)
}

/// Waits until all are unsealed for the first time by one that was just started.
pub(crate) fn first(
    ground: &Ground<'_>,
    controller: &mut Controller<'_>,
    objects: usize,
) -> Unsealing {
    let sum = |controller: &Controller<'_>| {
        sum_of(
            controller,
            "sealed_secrets_controller_unseal_requests_total",
            "",
        )
    };
    wait(controller, "it begins", |controller| {
        (sum(controller) > 0.0).then_some(())
    });
    let begun = Used::until_now(controller);
    ground.wait_until_made(controller, objects);
    let ended = Used::until_now(controller);
    let wall = ended.at - begun.at;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let unsealing = Unsealing {
        wall,
        processor: ended.processor,
        idle: (ended.idle - begun.idle).as_secs_f64() / (wall.as_secs_f64() * cores as f64),
        operations: sum_of(
            controller,
            "seal_controller_private_key_operations_total",
            "",
        ),
    };
    say(&format!("after {} all are unsealed", shown(wall)));
    unsealing
}
