//! Nobody reads what the controller says: the work is done all the same.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use seal_tests::programs::Program;

use crate::store::{Store, sealed};

/// The controller with pipes for its output, of which nobody holds the other end.
fn unheard(store: &Store, flags: &[&str]) -> Child {
    let mut child = Command::new(Program::Controller.path())
        .args(["--directory", "store", "--listen-addr", "127.0.0.1:0"])
        .args(flags)
        .env_clear()
        .current_dir(store.scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop((child.stdout.take(), child.stderr.take()));
    child
}

fn store_with_many() -> Store {
    let store = Store::new();
    for number in 0..20 {
        let name = format!("db-{number}");
        store.put(&format!("sealed/{name}.yaml"), sealed("app", &name, "one"));
    }
    store
}

fn count(store: &Store) -> usize {
    std::fs::read_dir(store.path("secrets/app")).map_or(0, Iterator::count)
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_pass_makes_all_secrets_and_ends_as_documented() {
    for format in ["text", "json"] {
        let store = store_with_many();
        let flags = ["--once", "--key-renew-period", "0", "--log-format", format];
        let mut well = unheard(&store, &flags);
        assert_eq!(well.wait().unwrap().code(), Some(0));
        assert_eq!(count(&store), 20);
        store.put("sealed/bad.yaml", "a: [");
        let mut problem = unheard(&store, &flags);
        assert_eq!(problem.wait().unwrap().code(), Some(3));
    }
}

#[test]
fn the_watch_goes_on() {
    let store = store_with_many();
    let mut controller = unheard(&store, &["--key-renew-period", "0"]);
    wait_until("all are made", || count(&store) == 20);
    store.put("sealed/bad.yaml", "a: [");
    store.put("sealed/later.yaml", sealed("app", "later", "2"));
    wait_until("it goes on", || count(&store) == 21);
    let pid = i32::try_from(controller.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("it is positive"), Signal::TERM).unwrap();
    assert_eq!(controller.wait().unwrap().code(), Some(0));
}
