//! Figures as a table has them.

use std::time::Duration;

use serde_json::{Value, json};

/// What a row found.
#[derive(Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    /// Measured with several numbers of objects, where that is the subject: curves by name.
    pub(crate) curves: Vec<Curve>,
}

/// One figure, beside the other's or a bound.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) beside: String,
    /// Ours to the other.
    pub(crate) ratio: Option<f64>,
}

/// How something grows with the number of objects.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) points: Vec<(usize, f64)>,
}

impl Report {
    pub(crate) fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    pub(crate) fn json(&self) -> Value {
        let figures = self.figures.iter().map(|figure| {
            json!({
                "what": figure.what,
                "ours": figure.ours,
                "beside": figure.beside,
                "ratio": figure.ratio,
            })
        });
        let curves = self
            .curves
            .iter()
            .map(|curve| json!({"name": curve.name, "unit": curve.unit, "points": curve.points}));
        json!({
            "figures": figures.collect::<Vec<_>>(),
            "curves": curves.collect::<Vec<_>>(),
        })
    }
}

impl Figure {
    /// Two times, the other's with a word about where it comes from.
    pub(crate) fn times(
        what: impl Into<String>,
        ours: Duration,
        theirs: Duration,
        whence: &str,
    ) -> Self {
        Self {
            what: what.into(),
            ours: shown(ours),
            beside: format!("{} ({whence})", shown(theirs)),
            ratio: Some(ours.as_secs_f64() / theirs.as_secs_f64()),
        }
    }

    /// Something that has no other.
    pub(crate) fn alone(what: impl Into<String>, ours: String, beside: &str) -> Self {
        Self {
            what: what.into(),
            ours,
            beside: beside.to_owned(),
            ratio: None,
        }
    }
}

/// A time as people write it.
pub(crate) fn shown(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds if seconds < 100.0 => format!("{seconds:.1} s"),
        seconds => format!("{seconds:.0} s"),
    }
}

/// The time that so many percent of them do not exceed.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times
        .get((last * percent).div_ceil(100))
        .copied()
        .unwrap_or_default()
}
