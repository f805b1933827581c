//! What is counted of keys.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Error,
    sync::Arc,
};

use prometheus_client::encoding::DescriptorEncoder;
use seal_envelope::{KeyId, Operations};
use seal_sealing::KeyRing;

use super::{
    encode::{self, Encoder},
    objects::OTHER,
    series::*,
};

/// How many keys have series of their own, the newest ones.
const MOST_KEYS: usize = 100;

/// What is known of the keys; none of it is a key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    series: Arc<KeySeries>,
    /// Of the keys that are held, and of those that somebody still works with.
    operations: Vec<Operations>,
    /// Of those that nobody has any more.
    earlier_operations: u64,
}

/// What is told of the keys that are held.
#[derive(Debug, Default)]
pub(super) struct KeySeries {
    number: usize,
    /// When the certificate that is sealed with expires.
    expiry: i64,
    /// Those that have series of their own, newest first.
    keys: Vec<(KeyId, String)>,
    since: Vec<i64>,
}

impl KeySeries {
    /// The number of objects for each key, and for all others together.
    pub(super) fn objects<'s>(
        &'s self,
        by_key: &BTreeMap<KeyId, u64>,
    ) -> impl Iterator<Item = (&'s str, i64)> {
        let mut rest: HashMap<KeyId, u64> = by_key.iter().map(|(key, n)| (*key, *n)).collect();
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let mut all = Vec::with_capacity(self.keys.len() + 1);
        for (key, name) in &self.keys {
            let objects = rest.remove(key).unwrap_or_default();
            all.push((name.as_str(), number(objects)));
        }
        all.push((OTHER, number(rest.into_values().sum())));
        all.into_iter()
    }

    /// Writes the series.
    pub(super) fn encode(
        &self,
        operations: u64,
        descriptors: &mut DescriptorEncoder<'_>,
    ) -> Result<(), Error> {
        let number = i64::try_from(self.number).unwrap_or(i64::MAX);
        encode::gauge(descriptors, &KEYS, number)?;
        let mut encoder = Encoder::new(descriptors, &KEY_SINCE)?;
        for ((_, key), since) in self.keys.iter().zip(&self.since) {
            encoder.gauge([key], *since)?;
        }
        encode::gauge(descriptors, &CERTIFICATE_EXPIRY, self.expiry)?;
        encode::counter(descriptors, &KEY_OPERATIONS, operations)
    }
}

impl Keys {
    /// The keys that are held from now on.
    pub(super) fn set(&mut self, ring: &KeyRing) {
        let expiry = ring.current();
        let expiry = expiry.map(|(_, certificate)| certificate.not_after().as_second());
        let newest = || ring.keys().iter().take(MOST_KEYS);
        self.series = Arc::new(KeySeries {
            number: ring.keys().len(),
            expiry: expiry.unwrap_or_default(),
            keys: newest().map(|key| (key.id(), key.id().short())).collect(),
            since: newest().map(|key| key.since().as_second()).collect(),
        });
        for counted in ring.keys().iter().map(|key| key.opening_key.counted()) {
            // The same keys are told of more than once.
            if !self.operations.iter().any(|known| known.is_same(&counted)) {
                self.operations.push(counted);
            }
        }
        self.sum_up();
    }

    /// All operations so far.
    pub(super) fn sum_up(&mut self) -> u64 {
        let earlier = &mut self.earlier_operations;
        self.operations.retain_mut(|operations| {
            let is_final = operations.is_final();
            if is_final {
                *earlier += operations.count();
            }
            !is_final
        });
        let now: u64 = self.operations.iter().map(Operations::count).sum();
        self.earlier_operations + now
    }

    pub(super) fn series(&self) -> Arc<KeySeries> {
        Arc::clone(&self.series)
    }
}
