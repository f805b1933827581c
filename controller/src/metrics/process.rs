//! What Prometheus' own client libraries tell of a process, under the names that they have agreed on.

use std::{fmt::Error, fs};

use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

use super::series::*;

/// This process, looked at when it is asked for. What Linux does not tell is left out.
#[derive(Debug)]
pub(super) struct Process {
    started: Timestamp,
}

impl Process {
    pub(super) fn started_now() -> Self {
        Self {
            started: Timestamp::now(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = as_seconds(cpu.tv_sec, cpu.tv_nsec);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        // The folder that is being read is open as well.
        let files = fs::read_dir("/proc/self/fd").map(|files| files.count().saturating_sub(1));
        let limit = getrlimit(Resource::Nofile).current;
        let started = as_seconds(
            self.started.as_second(),
            self.started.subsec_nanosecond().into(),
        );
        for (metric, value) in [
            (&PROCESS_CPU, Some(cpu)),
            (&PROCESS_START, Some(started)),
            (&PROCESS_RESIDENT_MEMORY, bytes(&status, "VmRSS")),
            (&PROCESS_VIRTUAL_MEMORY, bytes(&status, "VmSize")),
            (&PROCESS_OPEN_FILES, files.ok().map(|files| files as f64)),
            (&PROCESS_MOST_FILES, limit.map(|limit| limit as f64)),
        ] {
            let Some(value) = value else {
                continue;
            };
            match metric.kind {
                MetricKind::Counter => add(&mut encoder, metric, &ConstCounter::new(value))?,
                MetricKind::Gauge | MetricKind::Histogram => {
                    add(&mut encoder, metric, &ConstGauge::new(value))?;
                }
            }
        }
        Ok(())
    }
}

fn add(
    encoder: &mut DescriptorEncoder<'_>,
    metric: &Metric,
    value: &impl EncodeMetric,
) -> Result<(), Error> {
    let name = metric.name.trim_end_matches("_total");
    let encoder = encoder.encode_descriptor(name, metric.help, None, value.metric_type())?;
    value.encode(encoder)
}

fn as_seconds(seconds: i64, nanoseconds: i64) -> f64 {
    seconds as f64 + nanoseconds as f64 / 1e9
}

/// A line of `/proc/self/status`, in bytes: it says so many kB.
fn bytes(status: &str, field: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_bytes() {
        let status = "Name:\tseal\nVmSize:\t   2048 kB\nVmRSS:\t      12 kB\nVmRSSx:\t 1 kB\n";
        assert_eq!(bytes(status, "VmRSS"), Some(12.0 * 1024.0));
        assert_eq!(bytes(status, "VmSize"), Some(2048.0 * 1024.0));
        for field in ["Vm", "Name", "VmSwap"] {
            assert_eq!(bytes(status, field), None, "{field}");
        }
    }
}
