//! Three requests of ten fail, in every way, under load.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Asked, Fault, find_condition},
    long::rounds,
};

use super::{
    ALL_RIGHT, each, everywhere_at_once,
    killed::Stop,
    load::{Dice, Load},
};

/// More requests than this a second are a storm: the load makes about ten changes a second, each of which costs some four
/// requests.
const STORM: usize = 200;
/// How long a Secret that was right counts as right, less what passes between two looks of the test.
const GRACE: Duration = Duration::from_secs(55);

/// What can happen to a watch besides.
fn of_watches() -> [Fault; 5] {
    [
        Fault::error_event(410, "Expired"),
        Fault::error_event(500, "InternalError"),
        Fault::LateEvents(Duration::from_millis(300)),
        Fault::Garbled,
        Fault::Answer(200, "application/json", String::new()),
    ]
}

#[test]
fn with_three_requests_of_ten_failing_all_is_right_in_the_end_and_nothing_is_asked_in_a_storm() {
    everywhere_at_once(&[], |site, proxy| {
        let steady: Vec<String> = (0..10).map(|number| format!("steady-{number}")).collect();
        let (dice, of_load) = (Dice::new(), Dice::new());
        println!("faults by {dice:?}, load by {of_load:?}");
        let mut load = Load::new(site, of_load);
        for name in &steady {
            load.apply(name);
        }
        load.ends_right(site);
        let (dice, load) = (Mutex::new(dice), Mutex::new(load));
        let any = each::faults();
        proxy.misbehave(move |asked| {
            let mut dice = dice.lock().unwrap_or_else(PoisonError::into_inner);
            if dice.roll(10) >= 3 {
                return None;
            }
            let watches = of_watches();
            if asked.is_watch() && dice.roll(2) == 0 {
                return Some(watches[dice.roll(watches.len())].clone());
            }
            Some(any[dice.roll(any.len())].1.clone())
        });
        proxy.cut(Asked::is_watch);
        let begun = (Instant::now(), proxy.asked().len(), proxy.faults());
        let lasting = Duration::from_secs(rounds(5, 120) as u64);
        let loading = AtomicBool::new(true);
        thread::scope(|scope| {
            scope.spawn(|| {
                while loading.load(Ordering::Relaxed) {
                    load.lock().unwrap_or_else(PoisonError::into_inner).step();
                    thread::sleep(Duration::from_millis(100));
                }
            });
            // What the test ends with must not wait for the load.
            let _stop = Stop(&loading);
            let mut ready: BTreeMap<&String, Instant> =
                steady.iter().map(|name| (name, Instant::now())).collect();
            for number in 0.. {
                if begun.0.elapsed() > lasting {
                    break;
                }
                // Each once.
                if let Some(name) = steady.get(number) {
                    load.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .edit(name);
                }
                for name in &steady {
                    let object = site.api().get(&site.sealed_path(name)).body;
                    let is = |condition| {
                        find_condition(&object, condition)
                            .is_some_and(|found| found["status"] == "True")
                    };
                    if is("Ready") {
                        ready.insert(name, Instant::now());
                    }
                    let since = ready[name].elapsed();
                    assert!(
                        is("Synced") || since > GRACE,
                        "{name} was right {since:?} ago: {}",
                        object["status"]
                    );
                }
                assert_eq!(site.controller.liveness().status, 200);
                thread::sleep(Duration::from_millis(300));
            }
        });
        let asked = proxy.asked();
        let (asked, faults) = (&asked[begun.1..], proxy.faults() - begun.2);
        let busiest = Asked::busiest(asked, Duration::from_secs(1));
        println!(
            "{} requests in {:?}, {faults} failed; at most {busiest} in a second",
            asked.len(),
            begun.0.elapsed()
        );
        assert!(faults * 5 > asked.len(), "{faults} of {}", asked.len());
        assert!(busiest < STORM, "{busiest}");
        proxy.behave();
        let healed = Instant::now();
        load.into_inner()
            .expect("no thread panicked")
            .ends_right(site);
        println!("all was right {:?} after", healed.elapsed());
        site.controller
            .wait_for_within(ALL_RIGHT, "it leads", |controller| {
                (controller.metric("seal_controller_leader") == Some(1.0)).then_some(())
            });
        assert_eq!(
            (site.keys("active").len(), site.keys("pending").len()),
            (1, 0)
        );
    });
}
