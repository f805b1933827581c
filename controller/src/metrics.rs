//! Metrics: upstream's series with their names and label values, and our own beside them.
//!
//! No value of a label is taken from anything but names in the cluster and words of ours, and only one metric names
//! objects. The shells say what happened, each in one call.

mod encode;
mod keys;
mod objects;
mod process;
mod router;
mod series;
mod text;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{Method, StatusCode},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric as Encoded, Registry},
};
use seal_api::{Condition, Reason};
use seal_envelope::KeyId;
use seal_sealing::KeyRing;
use tokio::{sync::Mutex as AsyncMutex, task::spawn_blocking};

pub(crate) use router::router;
pub use series::{METRICS, Metric, MetricKind};

use crate::fair::Class;

use encode::Encoder;
use keys::Keys;
use objects::{Event, Objects};
use series::*;

/// The buckets of Go's client library, in seconds.
const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The status codes by which answers of the API server are counted.
const API_CODES: [&str; 17] = [
    "400", "401", "403", "404", "405", "408", "409", "410", "413", "415", "422", "429", "500",
    "503", "504", "none", "other",
];
/// What can be wrong with keys.
const KEY_REASONS: [Reason; 10] = [
    Reason::UnreadableKey,
    Reason::MisplacedKey,
    Reason::UnsupportedKey,
    Reason::MismatchedKey,
    Reason::NoKey,
    Reason::UnreadableCertificate,
    Reason::CertificateExpired,
    Reason::CertificateNotYetValid,
    Reason::Unreadable,
    Reason::Unwritable,
];
/// The usual requests, with their answers.
const HTTP_ANSWERS: [(&str, &str, &[&str]); 3] = [
    ("/v1/cert.pem", "get", &["200", "500"]),
    (
        "/v1/verify",
        "post",
        &["200", "400", "409", "413", "429", "500", "503"],
    ),
    (
        "/v1/rotate",
        "post",
        &["200", "400", "413", "429", "500", "503"],
    ),
];

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// What is counted. Cheap to call, from any thread.
pub(crate) struct Metrics {
    registry: Registry,
    omits_objects: bool,
    unseal_requests: Counter,
    http_requests: Family<Labels, Counter>,
    http_duration: Histograms,
    key_problems: Family<Labels, Gauge>,
    reconcile_duration: Histogram,
    status_writes: Counter,
    found_by_record: Counter,
    records_left_out: Counter,
    api_errors: Family<Labels, Counter>,
    leader: Gauge,
    feature_off: Family<Labels, Gauge>,
    known: Arc<Mutex<Known>>,
    /// The text that was made last, and when. Held while the next one is made.
    made: Arc<AsyncMutex<Option<Made>>>,
}

/// What is looked up when somebody asks.
#[derive(Default)]
struct Known {
    objects: Objects,
    keys: Keys,
    queue: Option<AskQueue>,
}

type AskQueue = Arc<dyn Fn() -> Vec<QueueState> + Send + Sync>;

struct Made {
    text: Bytes,
    at: Instant,
    took: Duration,
}

/// What waits to be looked at for one reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueState {
    pub(crate) class: Class,
    /// How many are due.
    pub(crate) depth: usize,
    /// For how long the first of them has been.
    pub(crate) oldest: Duration,
}

/// What there is to say of a SealedSecret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ObjectState<'s> {
    pub(crate) namespace: &'s str,
    pub(crate) name: &'s str,
    /// The value of its label `app.kubernetes.io/instance`, or empty.
    pub(crate) instance: &'s str,
    /// What became of it.
    pub(crate) reason: Reason,
    pub(crate) conditions: &'s [Condition],
}

/// At which step a SealedSecret failed, in upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnsealError {
    /// It could not be read.
    Fetch,
    /// It does not open.
    Unseal,
    /// The Secret is there and not its own.
    Unmanaged,
    /// The Secret could not be written.
    Update,
    /// The status could not be written.
    Status,
}

impl UnsealError {
    const ALL: [Self; 5] = [
        Self::Fetch,
        Self::Unseal,
        Self::Unmanaged,
        Self::Update,
        Self::Status,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Unseal => "unseal",
            Self::Unmanaged => "unmanaged",
            Self::Update => "update",
            Self::Status => "status",
        }
    }
}

impl Metrics {
    /// Nothing has happened yet. `omits_objects` leaves out the metric that names objects.
    pub(crate) fn new(omits_objects: bool) -> Self {
        let mut registry = Registry::default();
        let register = &mut registry;
        let build_info: Family<Labels, Gauge> = Family::default();
        let version = format!("v{}", env!("CARGO_PKG_VERSION"));
        build_info
            .get_or_create(&labels(&BUILD_INFO, [&version]))
            .set(0);
        add(register, &BUILD_INFO, build_info);
        register.register_collector(Box::new(process::Process::started_now()));
        let known: Arc<Mutex<Known>> = Arc::default();
        register.register_collector(Box::new(LookedUp(Arc::clone(&known))));
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = Self {
            omits_objects,
            unseal_requests: add(register, &UNSEAL_REQUESTS, Counter::default()),
            http_requests: add(register, &HTTP_REQUESTS, Family::default()),
            http_duration: add(
                register,
                &HTTP_DURATION,
                Family::new_with_constructor(histogram),
            ),
            key_problems: add(register, &KEY_PROBLEMS, Family::default()),
            reconcile_duration: add(register, &RECONCILE_DURATION, histogram()),
            status_writes: add(register, &STATUS_WRITES, Counter::default()),
            found_by_record: add(register, &FOUND_BY_RECORD, Counter::default()),
            records_left_out: add(register, &RECORDS_LEFT_OUT, Counter::default()),
            api_errors: add(register, &API_ERRORS, Family::default()),
            leader: add(register, &LEADER, Gauge::default()),
            feature_off: add(register, &FEATURE_OFF, Family::default()),
            registry,
            known,
            made: Arc::default(),
        };
        metrics.begin();
        metrics
    }

    /// Makes every series whose labels are known beforehand, so that none begins with its first event.
    fn begin(&self) {
        for code in API_CODES {
            let labels = labels(&API_ERRORS, [code]);
            drop(self.api_errors.get_or_create(&labels));
        }
        self.set_key_problems(&BTreeMap::new());
        for (path, method, codes) in HTTP_ANSWERS {
            let duration = labels(&HTTP_DURATION, [path, method]);
            drop(self.http_duration.get_or_create(&duration));
            for code in codes {
                let request = labels(&HTTP_REQUESTS, [path, code, method]);
                drop(self.http_requests.get_or_create(&request));
            }
        }
    }

    /// A SealedSecret is being looked at to make its Secret.
    pub(crate) fn unseal_requested(&self) {
        self.unseal_requests.inc();
    }

    /// That failed.
    pub(crate) fn unseal_failed(&self, error: UnsealError, namespace: &str) {
        self.count(namespace, Event::Failed(error));
    }

    /// It took so long, whatever came of it.
    pub(crate) fn reconciled(&self, time: Duration) {
        self.reconcile_duration.observe(time.as_secs_f64());
    }

    /// A SealedSecret is there. Said of each before anything else is said of it.
    pub(crate) fn object_there(&self, namespace: &str, name: &str) {
        self.known().objects.there(namespace, name);
    }

    /// What became of a SealedSecret; takes the place of what was said of it before.
    pub(crate) fn object_seen(&self, object: &ObjectState<'_>) {
        self.known().objects.seen(object, self.omits_objects);
    }

    /// Which keys the items of a SealedSecret are sealed to, as far as that was found out; takes the place of what was
    /// said before. Nothing is said of one that is not there.
    pub(crate) fn set_keys_of(
        &self,
        namespace: &str,
        name: &str,
        keys: impl IntoIterator<Item = KeyId>,
    ) {
        let keys = keys.into_iter().collect();
        self.known().objects.set_keys_of(namespace, name, keys);
    }

    /// A SealedSecret is not there any more.
    pub(crate) fn object_gone(&self, namespace: &str, name: &str) {
        self.known().objects.gone(namespace, name);
    }

    /// The keys that are held from now on.
    pub(crate) fn set_keys(&self, ring: &KeyRing) {
        self.known().keys.set(ring);
    }

    /// Whom to ask what waits.
    pub(crate) fn ask_queue(&self, ask: impl Fn() -> Vec<QueueState> + Send + Sync + 'static) {
        self.known().queue = Some(Arc::new(ask));
    }

    /// What is wrong with keys: how many times each reason.
    pub(crate) fn set_key_problems(&self, problems: &BTreeMap<Reason, usize>) {
        for reason in KEY_REASONS.iter().chain(problems.keys()) {
            let labels = labels(&KEY_PROBLEMS, [reason.as_str()]);
            drop(self.key_problems.get_or_create(&labels));
        }
        // Those that are over stay, as 0.
        for reason in Reason::ALL {
            let labels = labels(&KEY_PROBLEMS, [reason.as_str()]);
            if let Some(gauge) = self.key_problems.get(&labels) {
                let number = problems.get(reason).copied().unwrap_or_default();
                gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
            }
        }
    }

    /// Private keys were used so often for a SealedSecret that does not open.
    pub(crate) fn spent_on_failing(&self, namespace: &str, operations: u64) {
        self.count(namespace, Event::SpentOnFailing(operations));
    }

    /// A SealedSecret that does not open has to wait.
    pub(crate) fn put_off(&self, namespace: &str) {
        self.count(namespace, Event::PutOff);
    }

    /// A Secret was written because somebody else had changed it.
    pub(crate) fn drift_repaired(&self, namespace: &str) {
        self.count(namespace, Event::DriftRepaired);
    }

    fn count(&self, namespace: &str, event: Event) {
        self.known().objects.count(namespace, event);
    }

    /// A status was written to the API server.
    pub(crate) fn status_written(&self) {
        self.status_writes.inc();
    }

    /// A Secret was found right by its record, without opening its SealedSecret.
    pub(crate) fn found_by_record(&self) {
        self.found_by_record.inc();
    }

    /// A status had no room for a record.
    pub(crate) fn record_left_out(&self) {
        self.records_left_out.inc();
    }

    /// The API server answered with an error, or not at all.
    pub(crate) fn api_failed(&self, code: Option<u16>) {
        let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let is_known = API_CODES.contains(&code.as_str());
        let code = if is_known { code.as_str() } else { "other" };
        let labels = labels(&API_ERRORS, [code]);
        self.api_errors.get_or_create(&labels).inc();
    }

    /// Whether the controller does without something.
    pub(crate) fn feature_off(&self, feature: &str, is_off: bool) {
        let labels = labels(&FEATURE_OFF, [feature]);
        self.feature_off.get_or_create(&labels).set(is_off.into());
    }

    /// Whether this replica is the one that writes.
    pub(crate) fn set_leader(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// Another replica looks after the SealedSecrets.
    pub(crate) fn forget_objects(&self) {
        self.known().objects.forget_outcomes();
    }

    /// A request over HTTP was answered.
    pub(crate) fn answered(&self, path: &str, method: &Method, code: StatusCode, time: Duration) {
        let method = known_method(method);
        let duration = labels(&HTTP_DURATION, [path, &method]);
        self.http_duration
            .get_or_create(&duration)
            .observe(time.as_secs_f64());
        let request = labels(&HTTP_REQUESTS, [path, code.as_str(), &method]);
        self.http_requests.get_or_create(&request).inc();
    }

    /// Everything, in Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text::classic(&text)
    }

    /// The same, one for all who ask, and made at most a tenth of the time however many do. `None` where that failed.
    async fn shared_text(self: Arc<Self>) -> Option<Bytes> {
        let mut made = Arc::clone(&self.made).lock_owned().await;
        if let Some(made) = &*made
            && made.at.elapsed() < made.took * 9
        {
            return Some(made.text.clone());
        }
        // With many SealedSecrets it takes a while. It is held also where who asked went away.
        let making = spawn_blocking(move || {
            let begun = Instant::now();
            let text = Bytes::from(self.text());
            *made = Some(Made {
                text: text.clone(),
                at: Instant::now(),
                took: begun.elapsed(),
            });
            text
        });
        making.await.ok()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// What is looked up when it is asked for.
struct LookedUp(Arc<Mutex<Known>>);

impl Collector for LookedUp {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        // Writing it takes a while, in which nobody who has something to say of an object should wait.
        let (operations, keys, objects, ask) = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let operations = known.keys.sum_up();
            let (keys, objects) = (known.keys.series(), known.objects.clone());
            (operations, keys, objects, known.queue.clone())
        };
        keys.encode(operations, &mut encoder)?;
        objects.encode(&mut encoder, &keys)?;
        let states = ask.map(|ask| ask()).unwrap_or_default();
        let state = |class: Class| states.iter().find(|state| state.class == class);
        let mut depths = Encoder::new(&mut encoder, &QUEUE_DEPTH)?;
        for class in Class::ALL {
            let depth = state(class).map_or(0, |state| state.depth);
            depths.gauge([class.as_str()], i64::try_from(depth).unwrap_or(i64::MAX))?;
        }
        let mut ages = Encoder::new(&mut encoder, &QUEUE_AGE)?;
        for class in Class::ALL {
            let oldest = state(class).map_or(Duration::ZERO, |state| state.oldest);
            ages.seconds([class.as_str()], oldest.as_secs_f64())?;
        }
        Ok(())
    }
}

impl fmt::Debug for LookedUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LookedUp").finish_non_exhaustive()
    }
}

fn add<M: Encoded + Clone>(registry: &mut Registry, metric: &Metric, counts: M) -> M {
    // The library adds both the end of a counter's name and the full stop.
    let name = match metric.kind {
        MetricKind::Counter => metric.name.trim_end_matches("_total"),
        MetricKind::Gauge | MetricKind::Histogram => metric.name,
    };
    registry.register(name, metric.help.trim_end_matches('.'), counts.clone());
    counts
}

fn labels<const N: usize>(metric: &Metric, values: [&str; N]) -> Labels {
    debug_assert_eq!(metric.labels.len(), N, "{}", metric.name);
    let values = values.into_iter().map(str::to_owned);
    metric.labels.iter().copied().zip(values).collect()
}

/// A caller can send any word as method.
fn known_method(method: &Method) -> String {
    match method.as_str() {
        "GET" | "PUT" | "HEAD" | "POST" | "DELETE" | "CONNECT" | "OPTIONS" | "NOTIFY" | "TRACE"
        | "PATCH" => method.as_str().to_lowercase(),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests;
