//! Every metric that is declared: its name, kind, labels and meaning. `docs/metrics.md` is made of this.

/// What a metric is to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name, with `_total` where it is a counter.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

impl MetricKind {
    /// The word for it in Prometheus' text format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Declares each metric once: constant, kind, name, labels and the sentence that explains it.
macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal,)+) => {
        $(pub(super) const $constant: Metric = Metric {
            name: $name,
            kind: MetricKind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)+
        /// All metrics, in the order of the documentation.
        pub const METRICS: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    BUILD_INFO: Gauge "sealed_secrets_controller_build_info" ["revision"]
        "The version of the program; the value is always 0.",
    UNSEAL_REQUESTS: Counter "sealed_secrets_controller_unseal_requests_total" []
        "How often a SealedSecret was looked at to make its Secret.",
    UNSEAL_ERRORS: Counter "sealed_secrets_controller_unseal_errors_total" ["reason", "namespace"]
        "How often that failed: fetch (it could not be read), unseal (it does not open), unmanaged (the Secret is not its own), update (the Secret could not be written) or status (the status could not).",
    CONDITION_INFO: Gauge "sealed_secrets_controller_condition_info" ["namespace", "name", "condition", "ss_app_kubernetes_io_instance"]
        "The conditions of each SealedSecret: 1 for True, -1 for False, 0 for Unknown. Left out with --metrics-omit-secret-labels.",
    HTTP_REQUESTS: Counter "sealed_secrets_controller_http_requests_total" ["path", "code", "method"]
        "Requests for /v1/cert.pem, /v1/verify and /v1/rotate.",
    HTTP_DURATION: Histogram "sealed_secrets_controller_http_request_duration_seconds" ["path", "method"]
        "How long these requests took.",
    OBJECTS: Gauge "seal_controller_objects" ["namespace", "reason"]
        "SealedSecrets by what became of them; the reasons are those of the conditions.",
    OBJECTS_BY_KEY: Gauge "seal_controller_objects_by_key" ["key"]
        "SealedSecrets with at least one item that this key opened, by key id; _other stands for keys that are not held, or not among the newest 100.",
    QUEUE_DEPTH: Gauge "seal_controller_queue_depth" ["class"]
        "SealedSecrets that are to be looked at, by what for; those that wait for their time are not among them. Always 0 with --directory.",
    QUEUE_AGE: Gauge "seal_controller_queue_oldest_seconds" ["class"]
        "For how long the one of them that waits longest has been due; 0 where none waits. Always 0 with --directory.",
    KEYS: Gauge "seal_controller_keys" []
        "Sealing keys that are held.",
    KEY_SINCE: Gauge "seal_controller_key_not_before_timestamp_seconds" ["key"]
        "From when each of the newest 100 keys counts, by key id, in seconds since 1970: from when its certificate is valid, or when its Secret was made. Its age is time() less this.",
    CERTIFICATE_EXPIRY: Gauge "seal_controller_certificate_expiry_timestamp_seconds" []
        "When the certificate that is sealed with expires, in seconds since 1970; 0 without one.",
    KEY_PROBLEMS: Gauge "seal_controller_key_problems" ["reason"]
        "Key Secrets that cannot be used, and what else is wrong with keys, by reason.",
    KEY_OPERATIONS: Counter "seal_controller_private_key_operations_total" []
        "How often a private key was used, those that are not held any more included.",
    FAILING_OPERATIONS: Counter "seal_controller_failing_operations_total" ["namespace"]
        "How often a private key was used for SealedSecrets that do not open.",
    PUT_OFF: Counter "seal_controller_put_off_total" ["namespace"]
        "How often a SealedSecret that does not open had to wait, because --max-failing-operations were spent in a minute.",
    DRIFT: Counter "seal_controller_drift_repaired_total" ["namespace"]
        "How often a Secret was written because somebody else had changed or deleted it.",
    RECONCILE_DURATION: Histogram "seal_controller_reconcile_duration_seconds" []
        "How long it took to look at one SealedSecret and make its Secret.",
    STATUS_WRITES: Counter "seal_controller_status_writes_total" []
        "How often a status was written to the API server.",
    FOUND_BY_RECORD: Counter "seal_controller_found_by_record_total" []
        "How often a Secret was found right by the record of it, so that nothing had to be opened.",
    RECORDS_LEFT_OUT: Counter "seal_controller_records_left_out_total" []
        "How often the status of a SealedSecret had no room for the record of its Secret.",
    API_ERRORS: Counter "seal_controller_api_errors_total" ["code"]
        "How often the API server answered with an error, by status code: other for a rare one, none where it did not answer. Watches are not counted: the log says once where one does not work.",
    LEADER: Gauge "seal_controller_leader" []
        "1 where this replica leads, or works alone; 0 where another one leads.",
    FEATURE_OFF: Gauge "seal_controller_feature_off" ["feature"]
        "1 for what the controller does without, for want of rights; 0 for what it does not.",
    PROCESS_CPU: Counter "process_cpu_seconds_total" []
        "Processor time that the process used, in seconds, its own and the system's for it.",
    PROCESS_START: Gauge "process_start_time_seconds" []
        "When the process started, in seconds since 1970.",
    PROCESS_RESIDENT_MEMORY: Gauge "process_resident_memory_bytes" []
        "Memory of the process that is in RAM, in bytes.",
    PROCESS_VIRTUAL_MEMORY: Gauge "process_virtual_memory_bytes" []
        "Addresses that the process has reserved, in bytes.",
    PROCESS_OPEN_FILES: Gauge "process_open_fds" []
        "File descriptors that are open.",
    PROCESS_MOST_FILES: Gauge "process_max_fds" []
        "File descriptors that may be open.",
}
