//! The log: up to INFO on standard output, the rest on standard error, as the Go project has it since 0.36.2, or
//! everything on standard error.
//!
//! A line holds names, key ids, reasons and counts, never a value. The audit lines ([`crate::audit`]) go where INFO goes,
//! whatever level is logged.

#[cfg_attr(feature = "otlp", path = "telemetry/otlp.rs")]
#[cfg_attr(not(feature = "otlp"), path = "telemetry/no_traces.rs")]
mod traces;

use std::{io, str::FromStr};

use tracing::{Level, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    fmt::{self, MakeWriter, writer::MakeWriterExt},
    layer::SubscriberExt,
    registry,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{args::LogFormat, audit};

pub use traces::Traces;

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

/// Starts the log of this process, and sends spans to the collector at `collector`; everything of the log goes to standard
/// error where `info_to_stdout` is false. Spans are sent until what is returned is dropped.
///
/// # Errors
///
/// Where spans cannot be sent to such an address.
pub fn start(
    format: LogFormat,
    threshold: Threshold,
    info_to_stdout: bool,
    collector: Option<&str>,
) -> anyhow::Result<Traces> {
    let traces = collector.map_or_else(|| Ok(Traces::none()), Traces::to)?;
    if info_to_stdout {
        let writer = || {
            io::stderr
                .with_max_level(Level::WARN)
                .or_else(io::stdout.with_max_level(Level::TRACE))
        };
        subscriber(writer, format, threshold, &traces).init();
    } else {
        subscriber(|| io::stderr, format, threshold, &traces).init();
    }
    Ok(traces)
}

fn subscriber<W>(
    writer: impl Fn() -> W,
    format: LogFormat,
    threshold: Threshold,
    traces: &Traces,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = threshold.filter();
    // Libraries log what they cannot read, which may be a Secret; only what we say ourselves is let through.
    let ours = filter_fn(move |metadata| {
        metadata.target().starts_with("seal_") && *metadata.level() <= level
    });
    let audits = filter_fn(|metadata| metadata.target() == audit::TARGET);
    // Only the audit lines have a target in them: it is that by which they are found.
    let log = lines(writer(), format, false).with_filter(ours.with_max_level_hint(level));
    let audit =
        lines(writer(), format, true).with_filter(audits.with_max_level_hint(LevelFilter::INFO));
    Box::new(registry().with(log).with(audit).with(traces.layer()))
}

fn lines<W, S>(writer: W, format: LogFormat, with_target: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let lines = fmt::layer()
        .with_writer(writer)
        .with_target(with_target)
        // It would panic where nobody reads standard error any more.
        .log_internal_errors(false)
        .with_ansi(false);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    use seal_envelope::KeyId;
    use serde_json::Value;

    use super::*;
    use crate::audit::{Answer, Caller};

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

    fn lines_to(written: &Written) -> impl Fn() -> Box<dyn Fn() -> Written + Send + Sync> {
        let written = written.clone();
        move || {
            let written = written.clone();
            Box::new(move || written.clone())
        }
    }

    fn text_of(written: &Written) -> String {
        let written = written.0.lock().expect("no writer panics");
        String::from_utf8(written.clone()).expect("it is UTF-8")
    }

    #[test]
    fn audit_lines_are_written_whatever_level_is_logged_and_nothing_else_is_there_of_its_target() {
        for threshold in [Threshold(-8), Threshold(0), Threshold(8), Threshold(12)] {
            let written = Written::default();
            let log = subscriber(
                lines_to(&written),
                LogFormat::Json,
                threshold,
                &Traces::none(),
            );
            tracing::subscriber::with_default(log, || {
                let key = KeyId::of_spki(b"a key");
                audit::key_made(Caller::Timer, "a-key", Some(key), true);
            });
            let text = text_of(&written);
            let line: Value = serde_json::from_str(&text).expect("it is one line of JSON");
            let fields = line.as_object().expect("it is an object");
            let names: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
            let expected = [
                "action",
                "caller",
                "key_id",
                "level",
                "object",
                "result",
                "target",
                "timestamp",
            ];
            assert_eq!(names, expected.into(), "{text}");
            assert_eq!(line["target"], "audit");
            assert_eq!(line["key_id"], KeyId::of_spki(b"a key").short());
            assert_eq!(
                (&line["caller"], &line["action"]),
                (&"timer".into(), &"key-made".into())
            );
        }
    }

    #[test]
    fn a_name_with_control_characters_breaks_no_line() {
        let name = "a\n\"},\u{1b}[31m\u{0}\u{2028}b/c\r\n";
        for format in [LogFormat::Text, LogFormat::Json] {
            let written = Written::default();
            let log = subscriber(lines_to(&written), format, Threshold(0), &Traces::none());
            tracing::subscriber::with_default(log, || {
                audit::verified(Caller::Http(None), name, Answer::Opens);
                audit::verified(Caller::Http(None), &"x".repeat(1000), Answer::Opens);
                tracing::info!(target: "seal_controller", object = name, "said");
            });
            let text = text_of(&written);
            assert_eq!(text.lines().count(), 3, "{text}");
            let is_control = |c: char| c.is_control() && c != '\n';
            assert!(!text.contains(is_control), "{text}");
            assert!(!text.contains("xxx"), "{text}");
            if format == LogFormat::Json {
                for line in text.lines().step_by(2) {
                    let line: Value = serde_json::from_str(line).expect("it is JSON");
                    assert_eq!(line["object"], name);
                }
            }
        }
    }

    #[test]
    fn what_libraries_say_is_not_let_through_at_any_level_in_any_format() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let written = Written::default();
            let log = subscriber(lines_to(&written), format, Threshold(-8), &Traces::none());
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
