//! What a process costs, as the kernel accounts for it.

use std::{fs, time::Duration};

/// Linux counts in these for whoever asks, whatever it counts in itself.
const TICKS: u32 = 100;

/// Processor time of all its threads, its own and the system's for it.
pub(crate) fn processor_time(pid: u32) -> Duration {
    let stat = read(&format!("/proc/{pid}/stat"));
    // What comes before is its name, in brackets, which may hold anything.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    ticks(fields, 11) + ticks(fields, 12)
}

/// How long all cores of the machine together had nothing to do.
pub(crate) fn idle_time() -> Duration {
    let stat = read("/proc/stat");
    let line = stat.lines().next().unwrap_or_default();
    ticks(line, 4) + ticks(line, 5)
}

fn ticks(fields: &str, place: usize) -> Duration {
    let ticks: u32 = fields
        .split_ascii_whitespace()
        .nth(place)
        .and_then(|number| number.parse().ok())
        .expect("the kernel counts");
    Duration::from_secs(1) * ticks / TICKS
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
