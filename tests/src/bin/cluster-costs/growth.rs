//! How the first unsealing, a restart and memory grow with the number of objects.

use seal_tests::{control_plane::ControlPlane, memory::peak};

use crate::{
    figure::{Curve, Figure, Report, shown},
    ground::{Ground, Whose},
    memory::mebibytes,
    restart, say,
    sealing::{KEYS, Keys, Spread},
    unsealing,
};

pub(crate) fn measure(most: usize) -> Report {
    let keys = Keys::new(KEYS);
    let mut report = Report::default();
    let curve = |name, unit| Curve {
        name,
        unit,
        points: Vec::new(),
    };
    let mut curves = [
        curve("first unsealing, one key of 37", "s"),
        curve("restart, everything in sync", "s"),
        curve("peak memory", "MiB"),
    ];
    for objects in [most / 16, most / 4, most] {
        say(&format!("{objects} SealedSecrets"));
        let plane = ControlPlane::start();
        let ground = Ground::new(&plane, Whose::Ours, &keys);
        ground.create(&keys.seal(Spread::Newest, 0, objects, 0));
        let mut controller = ground.start();
        let unsealing = unsealing::first(&ground, &mut controller, objects);
        ground.settle();
        let first_peak = peak(controller.pid());
        let restart = restart::again(&ground, &mut controller, objects);
        let peak = first_peak.max(peak(controller.pid()));
        report.add(Figure::alone(
            format!("{objects} SealedSecrets of 5 values under the newest of {KEYS} keys: first unsealing, restart, peak memory"),
            format!(
                "{}, {}, {:.0} MiB",
                shown(unsealing.wall),
                shown(restart.wall),
                mebibytes(peak)
            ),
            &format!(
                "processor time {}, {}",
                shown(unsealing.processor),
                shown(restart.processor)
            ),
        ));
        let found = [
            unsealing.wall.as_secs_f64(),
            restart.wall.as_secs_f64(),
            mebibytes(peak),
        ];
        for (curve, value) in curves.iter_mut().zip(found) {
            curve.points.push((objects, value));
        }
    }
    report.curves = curves.into();
    report
}
