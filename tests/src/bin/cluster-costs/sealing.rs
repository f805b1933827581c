//! Sealing keys, and SealedSecrets that the real `kubeseal` sealed with them: without item lines.

use std::{
    ffi::OsStr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::{Ciphertext, GeneratedKey, KeySize, Label, generate_key};
use seal_tests::{scratch::Scratch, tools};
use seal_tools::KUBESEAL;
use serde_json::{Deserializer, Value, json};

use crate::process;

/// How many keys three years of monthly renewal make.
pub(crate) const KEYS: usize = 37;
/// How many values a SealedSecret has.
pub(crate) const VALUES: usize = 5;
const NAMESPACES: usize = 8;
/// As much as a command line tool takes in at once.
const AT_ONCE: usize = 500;
/// For how long each core opens values to learn what that costs.
const OPENING: Duration = Duration::from_secs(2);

/// RSA-4096 keys, the newest first; each is a month older than the one before.
pub(crate) struct Keys(Vec<GeneratedKey>);

/// Which keys SealedSecrets are sealed with.
#[derive(Clone, Copy)]
pub(crate) enum Spread {
    /// As many with each.
    Evenly,
    /// All with the newest.
    Newest,
}

impl Keys {
    pub(crate) fn new(number: usize) -> Self {
        let now = Timestamp::now();
        let next = AtomicUsize::new(0);
        let make = || {
            let places = std::iter::from_fn(|| {
                let place = next.fetch_add(1, Ordering::Relaxed);
                (place < number).then_some(place)
            });
            let key = |place: usize| {
                let month = i64::try_from(place).unwrap_or(i64::MAX) * 30 * 24;
                let since = now - SignedDuration::from_hours(month);
                let ten_years = SignedDuration::from_hours(24 * 3650);
                let key = generate_key(KeySize::Rsa4096, "", since, ten_years);
                (place, key.expect("a key can be made"))
            };
            places.map(key).collect::<Vec<_>>()
        };
        let mut keys: Vec<_> = on_every_core(make).into_iter().flatten().collect();
        keys.sort_by_key(|(place, _)| *place);
        Self(keys.into_iter().map(|(_, key)| key).collect())
    }

    /// The Secrets that hold them.
    pub(crate) fn secrets(&self, namespace: &str) -> Vec<Value> {
        let secret = |(place, key): (usize, &GeneratedKey)| {
            let name = format!("sealed-secrets-key-{place:02}");
            let secret = seal_sealing::key_secret(key, &name, Some(namespace));
            serde_json::to_value(secret).expect("a Secret is JSON")
        };
        self.0.iter().enumerate().map(secret).collect()
    }

    /// So many SealedSecrets, in the order of their numbers, which begin with `first`; another value of `version` gives the
    /// same ones with other values.
    pub(crate) fn seal(
        &self,
        spread: Spread,
        first: usize,
        number: usize,
        version: usize,
    ) -> Vec<Value> {
        let keys = match spread {
            Spread::Evenly => self.0.len(),
            Spread::Newest => 1,
        };
        let numbers: Vec<usize> = (first..first + number).collect();
        let mut work: Vec<(usize, Vec<usize>)> = Vec::new();
        for key in 0..keys {
            let of_key = numbers
                .iter()
                .copied()
                .filter(|number| number % keys == key);
            let of_key: Vec<usize> = of_key.collect();
            work.extend(of_key.chunks(AT_ONCE).map(|part| (key, part.to_vec())));
        }
        let next = AtomicUsize::new(0);
        let seal = || {
            let parts = std::iter::from_fn(|| work.get(next.fetch_add(1, Ordering::Relaxed)));
            let sealed = parts.flat_map(|(key, numbers)| {
                let objects = by_kubeseal(&self.0[*key], numbers, version);
                numbers.iter().copied().zip(objects)
            });
            sealed.collect::<Vec<_>>()
        };
        let mut sealed: Vec<_> = on_every_core(seal).into_iter().flatten().collect();
        sealed.sort_by_key(|(number, _)| *number);
        sealed.into_iter().map(|(_, object)| object).collect()
    }

    /// What one private-key operation costs in processor time, while every core does nothing else.
    pub(crate) fn cost_of_opening(&self) -> Duration {
        let label = Label::strict("prod", "db");
        let sealed: Vec<Ciphertext> = self
            .0
            .iter()
            .map(|key| key.certificate.seal(b"not-a-secret-00000-00000", &label))
            .collect::<Result<_, _>>()
            .expect("it can be sealed");
        let before = process::processor_time(std::process::id());
        let open = || {
            let begun = Instant::now();
            let mut operations = 0;
            for (key, sealed) in self.0.iter().zip(&sealed).cycle() {
                key.opening_key.open(sealed, &label).expect("it opens");
                operations += 1;
                if begun.elapsed() > OPENING {
                    break;
                }
            }
            operations
        };
        let operations: u32 = on_every_core(open).into_iter().sum();
        (process::processor_time(std::process::id()) - before) / operations
    }
}

/// The namespaces that they are in.
pub(crate) fn namespaces() -> impl Iterator<Item = String> {
    (0..NAMESPACES).map(|number| format!("team-{number}"))
}

/// The value of an item, as the Secret has it then.
pub(crate) fn value(number: usize, item: usize, version: usize) -> String {
    format!("not-a-secret-{number:05}-{item}-{version:02}")
}

fn secret(number: usize, version: usize) -> Value {
    let values: serde_json::Map<String, Value> = (0..VALUES)
        .map(|item| (format!("value-{item}"), value(number, item, version).into()))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": format!("app-{number}"),
            "namespace": format!("team-{}", number % NAMESPACES),
            "labels": {"app.kubernetes.io/name": "app", "app.kubernetes.io/instance": format!("app-{number}")},
        },
        "stringData": values,
    })
}

fn by_kubeseal(key: &GeneratedKey, numbers: &[usize], version: usize) -> Vec<Value> {
    let scratch = Scratch::new();
    let certificate = scratch.write("cert.pem", key.certificate.to_pem());
    let documents = numbers
        .iter()
        .map(|number| format!("---\n{}\n", secret(*number, version)));
    let arguments = ["--format", "json", "--cert"].map(OsStr::new);
    let arguments = [&arguments[..], &[certificate.as_os_str()]].concat();
    let sealed = tools::ask(&KUBESEAL, &arguments, documents.collect());
    let objects = Deserializer::from_str(&sealed).into_iter();
    let objects: Vec<Value> = objects
        .collect::<Result<_, _>>()
        .expect("kubeseal writes JSON");
    assert_eq!(objects.len(), numbers.len(), "kubeseal seals them all");
    objects
}

fn on_every_core<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(&work)).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|ended| ended.expect("it does not panic"))
            .collect()
    })
}
