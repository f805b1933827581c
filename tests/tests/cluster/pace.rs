//! How fast requests to the API server follow one another.

use std::time::{Duration, Instant};

use crate::site::{EVERYWHERE, Site};

/// For a new SealedSecret: it is read, its Secret is looked for and made, its status written, an Event made.
const REQUESTS: u32 = 5;

/// How long it takes until everything is done for a new SealedSecret.
fn time_for_one(site: &Site) -> Duration {
    // What the start asked for is behind it.
    site.controller.certificate();
    let begun = Instant::now();
    site.with_db("x");
    site.controller.wait_for_event(&site.apps, "db", "Unsealed");
    begun.elapsed()
}

#[test]
fn requests_follow_one_another_as_slowly_as_the_flags_say() {
    for manifests in EVERYWHERE {
        let paced = Site::with(manifests, |setup| {
            setup.args(["--kubeclient-qps=2", "--kubeclient-burst=1"])
        });
        let time = time_for_one(&paced);
        let expected = Duration::from_millis(500) * (REQUESTS - 1);
        assert!(time >= expected, "{time:?}");
    }
}

#[test]
fn so_many_requests_as_the_flag_says_come_at_once() {
    for manifests in EVERYWHERE {
        // One after the other they would take most of a minute.
        let burst = Site::with(manifests, |setup| {
            setup.args(["--kubeclient-qps=0.1", "--kubeclient-burst=100"])
        });
        let time = time_for_one(&burst);
        assert!(time < Duration::from_secs(20), "{time:?}");
    }
}
