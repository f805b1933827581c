//! Looking into a live process: how it is started, when it stands still, and what is in it.

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use seal_tests::{keys, memory, scratch::Scratch};

const GLANCE: Duration = Duration::from_millis(40);
/// For so many glances in a row nothing may have moved.
const STILL: usize = 6;
const LONGEST: Duration = Duration::from_secs(60);

/// Starts a command in the test's folder, with a certificate in its environment and nothing else, its input and output
/// in the test's hands.
pub(crate) fn start_in(scratch: &Scratch, command: &mut Command) -> Child {
    command
        .env_clear()
        .env("SEAL_CERT", keys::path("rsa-2048.crt"))
        .current_dir(scratch.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until every thread of a process sleeps and none uses the processor.
#[track_caller]
pub(crate) fn wait_until_still(pid: u32) {
    let begun = Instant::now();
    let (mut before, mut still) = (None, 0);
    while still < STILL {
        assert!(
            begun.elapsed() < LONGEST,
            "the process does not come to rest"
        );
        thread::sleep(GLANCE);
        let now = activity(pid);
        still = if now.is_some() && now == before {
            still + 1
        } else {
            0
        };
        before = now;
    }
}

/// The processor time of each thread so far; none while one of them runs.
fn activity(pid: u32) -> Option<BTreeMap<String, String>> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
    let mut times = BTreeMap::new();
    for thread in threads {
        let path = thread.ok()?.path();
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        // proc(5): "pid (name) state ..."; the name may hold anything. The times are fields 14 and 15.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        if fields[0] != "S" {
            return None;
        }
        times.insert(path.display().to_string(), fields[11..=12].join(" "));
    }
    Some(times)
}

/// Where the marker is, as lines such as `2 in the heap, as it is`; sorted.
///
/// The heap is all memory that belongs to no file, the stacks of other threads than the first included.
#[track_caller]
pub(crate) fn found(pid: u32, marker: impl AsRef<[u8]>) -> Vec<String> {
    let places = memory::find(pid, marker.as_ref())
        .expect("root can read the memory of a program that forbids it");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for place in places {
        let region = match place.region.as_str() {
            "[stack]" => "on the first thread's stack",
            "[heap]" | "anonymous" => "in the heap",
            file => file,
        };
        let form = if place.form == "as it is" {
            "as it is"
        } else {
            "in base64"
        };
        *counts.entry(format!("{region}, {form}")).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(place, count)| format!("{count} {place}"))
        .collect()
}
