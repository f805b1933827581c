//! Metrics: upstream's series with their names and label values, and our own beside them.
//!
//! No value of a label is taken from anything but names in the cluster and words of ours, and only one metric names
//! objects. The shells say what happened, each in one call.

mod process;
mod series;
mod text;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use axum::{
    Router,
    http::{Method, StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::any,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric as Encoded, Registry},
};
use seal_api::{Condition, Reason};
use seal_sealing::KeyRing;

pub use series::{METRICS, Metric, MetricKind};

use series::*;

/// The buckets of Go's client library, in seconds.
const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// What is counted. Cheap to call, from any thread.
pub(crate) struct Metrics {
    registry: Registry,
    omits_objects: bool,
    unseal_requests: Counter,
    unseal_errors: Family<Labels, Counter>,
    condition_info: Family<Labels, Gauge>,
    http_requests: Family<Labels, Counter>,
    http_duration: Histograms,
    objects: Family<Labels, Gauge>,
    keys: Gauge,
    certificate_expiry: Gauge,
    key_problems: Family<Labels, Gauge>,
    key_operations: Counter,
    failing_operations: Family<Labels, Counter>,
    put_off: Family<Labels, Counter>,
    drift: Family<Labels, Counter>,
    reconcile_duration: Histogram,
    status_writes: Counter,
    api_errors: Family<Labels, Counter>,
    feature_off: Family<Labels, Gauge>,
    known: Mutex<Known>,
}

/// What was said before, so that it can be taken back.
#[derive(Debug, Default)]
struct Known {
    /// By namespace and name.
    objects: HashMap<(String, String), KnownObject>,
    keys: Option<Arc<KeyRing>>,
    /// The operations of key rings that are not held any more.
    earlier_operations: u64,
}

#[derive(Debug)]
struct KnownObject {
    by_reason: Labels,
    conditions: Vec<Labels>,
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
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        Self {
            omits_objects,
            unseal_requests: add(register, &UNSEAL_REQUESTS, Counter::default()),
            unseal_errors: add(register, &UNSEAL_ERRORS, Family::default()),
            condition_info: add(register, &CONDITION_INFO, Family::default()),
            http_requests: add(register, &HTTP_REQUESTS, Family::default()),
            http_duration: add(
                register,
                &HTTP_DURATION,
                Family::new_with_constructor(histogram),
            ),
            objects: add(register, &OBJECTS, Family::default()),
            keys: add(register, &KEYS, Gauge::default()),
            certificate_expiry: add(register, &CERTIFICATE_EXPIRY, Gauge::default()),
            key_problems: add(register, &KEY_PROBLEMS, Family::default()),
            key_operations: add(register, &KEY_OPERATIONS, Counter::default()),
            failing_operations: add(register, &FAILING_OPERATIONS, Family::default()),
            put_off: add(register, &PUT_OFF, Family::default()),
            drift: add(register, &DRIFT, Family::default()),
            reconcile_duration: add(register, &RECONCILE_DURATION, histogram()),
            status_writes: add(register, &STATUS_WRITES, Counter::default()),
            api_errors: add(register, &API_ERRORS, Family::default()),
            feature_off: add(register, &FEATURE_OFF, Family::default()),
            registry,
            known: Mutex::default(),
        }
    }

    /// A SealedSecret is being looked at to make its Secret.
    pub(crate) fn unseal_requested(&self) {
        self.unseal_requests.inc();
    }

    /// That failed.
    pub(crate) fn unseal_failed(&self, error: UnsealError, namespace: &str) {
        let labels = labels(&UNSEAL_ERRORS, [error.as_str(), namespace]);
        self.unseal_errors.get_or_create(&labels).inc();
    }

    /// It took so long, whatever came of it.
    pub(crate) fn reconciled(&self, time: Duration) {
        self.reconcile_duration.observe(time.as_secs_f64());
    }

    /// What became of a SealedSecret; takes the place of what was said of it before.
    pub(crate) fn object_seen(&self, object: &ObjectState<'_>) {
        let by_reason = labels(&OBJECTS, [object.namespace, object.reason.as_str()]);
        let mut known = KnownObject {
            by_reason,
            conditions: Vec::new(),
        };
        let name = (object.namespace.to_owned(), object.name.to_owned());
        let mut all = self.known();
        self.take_back(all.objects.remove(&name));
        self.objects.get_or_create(&known.by_reason).inc();
        let conditions = object.conditions.iter().filter(|_| !self.omits_objects);
        for condition in conditions {
            let names = [
                object.namespace,
                object.name,
                condition.type_.as_str(),
                object.instance,
            ];
            let labels = labels(&CONDITION_INFO, names);
            self.condition_info
                .get_or_create(&labels)
                .set(match condition.status.as_str() {
                    "True" => 1,
                    "False" => -1,
                    _ => 0,
                });
            known.conditions.push(labels);
        }
        all.objects.insert(name, known);
    }

    /// A SealedSecret is not there any more.
    pub(crate) fn object_gone(&self, namespace: &str, name: &str) {
        let name = (namespace.to_owned(), name.to_owned());
        let mut all = self.known();
        self.take_back(all.objects.remove(&name));
    }

    /// The caller holds what is known, so that no other thread counts meanwhile.
    fn take_back(&self, known: Option<KnownObject>) {
        let Some(known) = known else {
            return;
        };
        let before = self.objects.get_or_create(&known.by_reason).dec();
        if before <= 1 {
            self.objects.remove(&known.by_reason);
        }
        for labels in &known.conditions {
            self.condition_info.remove(labels);
        }
    }

    /// The keys that are held from now on.
    pub(crate) fn set_keys(&self, ring: &Arc<KeyRing>) {
        let mut known = self.known();
        if let Some(before) = known
            .keys
            .take()
            .filter(|before| !Arc::ptr_eq(before, ring))
        {
            known.earlier_operations += before.operations();
        }
        known.keys = Some(Arc::clone(ring));
        let number = i64::try_from(ring.keys().len()).unwrap_or(i64::MAX);
        self.keys.set(number);
        let expiry = ring.current();
        let expiry = expiry.map(|(_, certificate)| certificate.not_after().as_second());
        self.certificate_expiry.set(expiry.unwrap_or_default());
    }

    /// What is wrong with keys: how many times each reason.
    pub(crate) fn set_key_problems(&self, problems: &BTreeMap<Reason, usize>) {
        self.key_problems.clear();
        for (reason, number) in problems {
            let labels = labels(&KEY_PROBLEMS, [reason.as_str()]);
            let number = i64::try_from(*number).unwrap_or(i64::MAX);
            self.key_problems.get_or_create(&labels).set(number);
        }
    }

    /// Private keys were used so often for a SealedSecret that does not open.
    pub(crate) fn spent_on_failing(&self, namespace: &str, operations: u64) {
        let labels = labels(&FAILING_OPERATIONS, [namespace]);
        self.failing_operations
            .get_or_create(&labels)
            .inc_by(operations);
    }

    /// A SealedSecret that does not open has to wait.
    pub(crate) fn put_off(&self, namespace: &str) {
        let labels = labels(&PUT_OFF, [namespace]);
        self.put_off.get_or_create(&labels).inc();
    }

    /// A Secret was written because somebody else had changed it.
    pub(crate) fn drift_repaired(&self, namespace: &str) {
        let labels = labels(&DRIFT, [namespace]);
        self.drift.get_or_create(&labels).inc();
    }

    /// A status was written to the API server.
    pub(crate) fn status_written(&self) {
        self.status_writes.inc();
    }

    /// The API server answered with an error, or not at all.
    pub(crate) fn api_failed(&self, code: Option<u16>) {
        let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let labels = labels(&API_ERRORS, [&code]);
        self.api_errors.get_or_create(&labels).inc();
    }

    /// The controller does without something.
    pub(crate) fn feature_off(&self, feature: &str) {
        let labels = labels(&FEATURE_OFF, [feature]);
        self.feature_off.get_or_create(&labels).set(1);
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
        {
            let known = self.known();
            let now = known.keys.as_ref().map_or(0, |ring| ring.operations());
            let operations = known.earlier_operations + now;
            self.key_operations
                .inner()
                .fetch_max(operations, Ordering::Relaxed);
        }
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text::classic(&text)
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

/// Answers `/metrics`.
pub(crate) fn router(metrics: Arc<Metrics>) -> Router {
    let answer = move || {
        let metrics = Arc::clone(&metrics);
        async move { ([(CONTENT_TYPE, text::CONTENT_TYPE)], metrics.text()).into_response() }
    };
    Router::new().route("/metrics", any(answer))
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
