//! Writing one metric with its series, where what is told of is looked up when it is asked for.

use std::fmt::Error;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use super::series::{Metric, MetricKind};

/// Writes a gauge without labels.
pub(super) fn gauge(
    descriptors: &mut DescriptorEncoder<'_>,
    metric: &'static Metric,
    value: i64,
) -> Result<(), Error> {
    ConstGauge::new(value).encode(begin(descriptors, metric)?)
}

/// Writes a counter without labels.
pub(super) fn counter(
    descriptors: &mut DescriptorEncoder<'_>,
    metric: &'static Metric,
    value: u64,
) -> Result<(), Error> {
    ConstCounter::new(value).encode(begin(descriptors, metric)?)
}

fn begin<'e>(
    descriptors: &'e mut DescriptorEncoder<'_>,
    metric: &'static Metric,
) -> Result<MetricEncoder<'e>, Error> {
    // The library adds the end of a counter's name.
    let (name, kind) = match metric.kind {
        MetricKind::Counter => (metric.name.trim_end_matches("_total"), MetricType::Counter),
        MetricKind::Gauge | MetricKind::Histogram => (metric.name, MetricType::Gauge),
    };
    descriptors.encode_descriptor(name, metric.help, None, kind)
}

/// One metric being written.
pub(super) struct Encoder<'e> {
    metric: &'static Metric,
    encoder: MetricEncoder<'e>,
}

impl<'e> Encoder<'e> {
    /// What stands above the series.
    pub(super) fn new(
        descriptors: &'e mut DescriptorEncoder<'_>,
        metric: &'static Metric,
    ) -> Result<Self, Error> {
        let encoder = begin(descriptors, metric)?;
        Ok(Self { metric, encoder })
    }

    pub(super) fn gauge<const N: usize>(
        &mut self,
        labels: [&str; N],
        value: i64,
    ) -> Result<(), Error> {
        self.series(labels, &ConstGauge::new(value))
    }

    pub(super) fn seconds<const N: usize>(
        &mut self,
        labels: [&str; N],
        value: f64,
    ) -> Result<(), Error> {
        self.series(labels, &ConstGauge::new(value))
    }

    pub(super) fn counter<const N: usize>(
        &mut self,
        labels: [&str; N],
        value: u64,
    ) -> Result<(), Error> {
        self.series(labels, &ConstCounter::new(value))
    }

    fn series<const N: usize>(
        &mut self,
        labels: [&str; N],
        value: &impl EncodeMetric,
    ) -> Result<(), Error> {
        debug_assert_eq!(self.metric.labels.len(), N, "{}", self.metric.name);
        let mut pairs = [("", ""); N];
        for (pair, (name, value)) in pairs.iter_mut().zip(self.metric.labels.iter().zip(labels)) {
            *pair = (name, value);
        }
        value.encode(self.encoder.encode_family(&pairs)?)
    }
}
