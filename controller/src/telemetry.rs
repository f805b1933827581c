//! The log: up to INFO on standard output, the rest on standard error, as the Go project has it since 0.36.2, or
//! everything on standard error.
//!
//! A line holds names, key ids, reasons and counts, never a value.

use std::{io, str::FromStr};

use tracing::{Level, Subscriber};
use tracing_subscriber::{
    filter::{LevelFilter, filter_fn},
    fmt::{MakeWriter, writer::MakeWriterExt},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::args::LogFormat;

/// The least level that is logged, in Go's words: a name, with or without an offset (`INFO+2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold(i32);

impl FromStr for Threshold {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "must be DEBUG, INFO, WARN or ERROR";
        let name_end = text.find(['+', '-']).unwrap_or(text.len());
        let (name, offset) = text.split_at(name_end);
        let base = match name.to_ascii_uppercase().as_str() {
            "DEBUG" => -4,
            "INFO" => 0,
            "WARN" => 4,
            "ERROR" => 8,
            _ => return Err(EXPECTED),
        };
        let offset = if offset.is_empty() {
            0
        } else {
            offset.parse::<i16>().map_err(|_| EXPECTED)?
        };
        Ok(Self(base + i32::from(offset)))
    }
}

impl Threshold {
    fn filter(self) -> LevelFilter {
        match self.0 {
            ..=-5 => LevelFilter::TRACE,
            -4 => LevelFilter::DEBUG,
            -3..=0 => LevelFilter::INFO,
            1..=4 => LevelFilter::WARN,
            5..=8 => LevelFilter::ERROR,
            9.. => LevelFilter::OFF,
        }
    }
}

/// Starts the log of this process; everything goes to standard error where `info_to_stdout` is false.
pub fn start(format: LogFormat, threshold: Threshold, info_to_stdout: bool) {
    if info_to_stdout {
        let writer = io::stderr
            .with_max_level(Level::WARN)
            .or_else(io::stdout.with_max_level(Level::TRACE));
        start_with(writer, format, threshold);
    } else {
        start_with(io::stderr, format, threshold);
    }
}

fn start_with<W>(writer: W, format: LogFormat, threshold: Threshold)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    subscriber(writer, format, threshold).init();
}

fn subscriber<W>(
    writer: W,
    format: LogFormat,
    threshold: Threshold,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_max_level(threshold.filter())
        .with_target(false)
        // It would panic where nobody reads standard error any more.
        .log_internal_errors(false)
        .with_ansi(false);
    // Libraries log what they cannot read, which may be a Secret; only what we say ourselves is let through.
    let ours = filter_fn(|metadata| metadata.target().starts_with("seal_"));
    match format {
        LogFormat::Text => Box::new(log.finish().with(ours)),
        LogFormat::Json => Box::new(log.json().flatten_event(true).finish().with(ours)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.lock().expect("no writer panics");
            written.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_libraries_say_is_not_let_through_at_any_level_in_any_format() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let written = Written::default();
            let writer = written.clone();
            let log = subscriber(move || writer.clone(), format, Threshold(-8));
            tracing::subscriber::with_default(log, || {
                let span =
                    tracing::error_span!(target: "kube_client::client", "marker", marker = 1);
                let _entered = span.enter();
                tracing::error!(target: "kube_client::client", "marker");
                tracing::warn!(target: "log", "marker");
                tracing::trace!(target: "hyper", marker = 1);
                tracing::trace!(target: "seal_controller::cluster", "ours");
            });
            let written = written.0.lock().expect("no writer panics");
            let written = String::from_utf8_lossy(&written);
            assert_eq!(written.lines().count(), 1, "{written}");
            assert!(written.contains("ours"), "{written}");
            assert!(!written.contains("marker"), "{written}");
        }
    }

    #[test]
    fn levels_are_read_as_go_reads_them() {
        for (text, filter) in [
            ("DEBUG", LevelFilter::DEBUG),
            ("info", LevelFilter::INFO),
            ("WARN", LevelFilter::WARN),
            ("Error", LevelFilter::ERROR),
            ("INFO+2", LevelFilter::WARN),
            ("ERROR+1", LevelFilter::OFF),
            ("DEBUG-4", LevelFilter::TRACE),
        ] {
            assert_eq!(text.parse().map(Threshold::filter), Ok(filter), "{text}");
        }
        assert!("LOUD".parse::<Threshold>().is_err());
    }
}
