//! What the user may type. The doc comments are the help text.
//!
//! Every flag of the Go project's controller is there with its name, default, meaning and environment variable; what has
//! no meaning here says so. [`Args::read`] is the way in.

mod environment;
mod listen_address;
mod mode;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::PathBuf,
};

use clap::{ArgAction, Command, FromArgMatches, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use seal_envelope::KeySize;

use crate::{duration, telemetry::Threshold};

pub use listen_address::ListenAddress;

use values::{
    boolean, cutoff, key_prefix, key_size, labels, lease_duration, namespaces, number,
    positive_number, rate, whole_number,
};

/// Turn SealedSecrets into Secrets and keep them so.
///
/// In a cluster it works as the controller of the Go project sealed-secrets, with the same resource, keys, flags and
/// environment variables.
///
/// In the folder given by --directory everything is a file: sealing keys in keys/, SealedSecrets in sealed/, the Secrets
/// made of them in secrets/, and what became of each in status/. Missing folders are made, and so is the first key.
/// Without --once the folders are watched: a changed SealedSecret changes its Secret, a Secret that somebody else
/// changed is repaired, a deleted SealedSecret takes its Secret with it, a new key opens at once what waited for it.
///
/// /healthz, /readyz, /v1/cert.pem, /v1/verify and /v1/rotate are served; with --directory for this machine only.
///
/// An environment variable stands for a flag that is not given. One whose value is no BOOL, DURATION, NUMBER, RATE,
/// FORMAT or LEVEL is warned about, and the default counts.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The folder with keys/, sealed/, secrets/ and status/.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// With --directory: go through everything once, print what is not right, and end: 0 if every Secret is as its
    /// SealedSecret says, 3 if one is not or a file is broken, 1 if it could not work at all.
    #[arg(long)]
    pub once: bool,

    /// The kubeconfig to reach the cluster with; its current context counts. Without it the ServiceAccount of the pod is
    /// used.
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,

    /// Work in all namespaces, or only in the controller's own.
    #[arg(long, env = "SEALED_SECRETS_ALL_NAMESPACES", help_heading = "Cluster")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "true")]
    pub all_namespaces: bool,

    /// Namespaces to work in beside the controller's own, parted by commas; all others are then left alone.
    #[arg(long, env = "SEALED_SECRETS_ADDITIONAL_NAMESPACES")]
    #[arg(value_name = "NAMESPACES", default_value = "", value_parser = namespaces)]
    #[arg(hide_default_value = true, help_heading = "Cluster")]
    pub additional_namespaces: Namespaces,

    /// Work only on SealedSecrets with these labels, as kubectl writes a selector.
    #[arg(long, env = "SEALED_SECRETS_LABEL_SELECTOR", value_name = "SELECTOR")]
    #[arg(
        default_value = "",
        hide_default_value = true,
        help_heading = "Cluster"
    )]
    pub label_selector: String,

    /// How many requests a second go to the API server on average; negative for no limit, 0 for 5. Without this flag
    /// only the API server's own limits count.
    #[arg(long, env = "SEALED_SECRETS_KUBECLIENT_QPS", value_name = "RATE")]
    #[arg(value_parser = rate, help_heading = "Cluster")]
    pub kubeclient_qps: Option<f32>,

    /// How many requests to the API server may come at once where --kubeclient-qps limits them.
    #[arg(long, env = "SEALED_SECRETS_KUBECLIENT_BURST", value_name = "NUMBER")]
    #[arg(default_value = "10", value_parser = number, help_heading = "Cluster")]
    pub kubeclient_burst: i64,

    /// How long the leading one of several replicas may be silent before another takes its place, in whole seconds. It
    /// gives a sign of life five times in that time, and writes nothing any more when seven tenths of it passed since the
    /// last one.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = lease_duration)]
    #[arg(help_heading = "Cluster")]
    pub lease_duration: SignedDuration,

    /// Where to serve HTTP: an address and a port, or only `:PORT` for every address. In a cluster `:8080` by default,
    /// with --directory 127.0.0.1:8080; there only an address of this machine is taken.
    #[arg(long, env = "SEALED_SECRETS_LISTEN_ADDR", value_name = "ADDRESS")]
    #[arg(value_parser = ListenAddress::parse, help_heading = "HTTP")]
    pub listen_addr: Option<ListenAddress>,

    /// Where to serve /metrics. In a cluster `:8081` by default, with --directory nowhere.
    #[arg(
        long,
        env = "SEALED_SECRETS_LISTEN_METRICS_ADDR",
        value_name = "ADDRESS"
    )]
    #[arg(value_parser = ListenAddress::parse, help_heading = "HTTP")]
    pub listen_metrics_addr: Option<ListenAddress>,

    /// How long a request may take to arrive.
    #[arg(long, env = "SEALED_SECRETS_READ_TIMEOUT", value_name = "DURATION")]
    #[arg(default_value = "2m", value_parser = duration::parse_positive, help_heading = "HTTP")]
    pub read_timeout: SignedDuration,

    /// How long an answer may take, from the end of the request on.
    #[arg(long, env = "SEALED_SECRETS_WRITE_TIMEOUT", value_name = "DURATION")]
    #[arg(default_value = "2m", value_parser = duration::parse_positive, help_heading = "HTTP")]
    pub write_timeout: SignedDuration,

    /// How many requests a second /v1/verify and /v1/rotate each answer, whoever asks.
    #[arg(long, env = "SEALED_SECRETS_RATE_LIMIT", value_name = "NUMBER")]
    #[arg(default_value = "2", value_parser = positive_number, help_heading = "HTTP")]
    pub rate_limit: u32,

    /// How many more requests may come at once.
    #[arg(long, env = "SEALED_SECRETS_RATE_LIMIT_BURST", value_name = "NUMBER")]
    #[arg(default_value = "2", value_parser = whole_number, help_heading = "HTTP")]
    pub rate_limit_burst: u32,

    /// Do not serve /v1/verify: the path answers 404.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    #[arg(help_heading = "HTTP")]
    pub disable_verify: bool,

    /// Do not serve /v1/rotate: the path answers 404.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    #[arg(help_heading = "HTTP")]
    pub disable_rotate: bool,

    /// Leave out the metric that names every SealedSecret.
    #[arg(long, env = "SEALED_SECRETS_METRICS_OMIT_SECRET_LABELS")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    #[arg(help_heading = "HTTP")]
    pub metrics_omit_secret_labels: bool,

    /// How old the newest key gets before a new one is made; 0 makes none after the first.
    #[arg(long, env = "SEALED_SECRETS_KEY_RENEW_PERIOD", value_name = "DURATION")]
    #[arg(default_value = "720h", value_parser = duration::parse, help_heading = "Keys")]
    pub key_renew_period: SignedDuration,

    /// The old name of --key-renew-period.
    #[arg(long, env = "SEALED_SECRETS_ROTATE_PERIOD", value_name = "DURATION")]
    #[arg(hide = true, value_parser = duration::parse)]
    rotate_period: Option<SignedDuration>,

    /// How long the certificate of a new key is valid. An expired key goes on opening.
    #[arg(long, env = "SEALED_SECRETS_KEY_TTL", value_name = "DURATION")]
    #[arg(default_value = "87600h", value_parser = duration::parse_positive, help_heading = "Keys")]
    pub key_ttl: SignedDuration,

    /// The size of a new key in bits: 2048, 3072, 4096 or 8192.
    #[arg(long, env = "SEALED_SECRETS_KEY_SIZE", value_name = "NUMBER")]
    #[arg(default_value = "4096", value_parser = key_size, help_heading = "Keys")]
    pub key_size: KeySize,

    /// How the name of a new key begins; five random characters follow.
    #[arg(long, env = "SEALED_SECRETS_KEY_PREFIX", value_name = "NAME")]
    #[arg(default_value = "sealed-secrets-key", value_parser = key_prefix, help_heading = "Keys")]
    pub key_prefix: String,

    /// The common name in the certificate of a new key.
    #[arg(long, env = "SEALED_SECRETS_MY_CN", value_name = "NAME")]
    #[arg(default_value = "", hide_default_value = true, help_heading = "Keys")]
    pub my_cn: String,

    /// Which of several keys is the newest, and so the one to seal with.
    #[arg(long, env = "SEALED_SECRETS_KEY_ORDER_PRIORITY", value_name = "ORDER")]
    #[arg(value_enum, default_value_t, help_heading = "Keys")]
    pub key_order_priority: KeyOrder,

    /// Make a new key at the start if the newest is older than this time, written as `date -R` does.
    #[arg(long, env = "SEALED_SECRETS_KEY_CUTOFF_TIME", value_name = "TIME")]
    #[arg(default_value = "", value_parser = cutoff, hide_default_value = true)]
    #[arg(help_heading = "Keys")]
    pub key_cutoff_time: Cutoff,

    /// Annotations of new key Secrets: `NAME=VALUE`, parted by commas.
    #[arg(
        long,
        env = "SEALED_SECRETS_PRIVATEKEY_ANNOTATIONS",
        value_name = "ANNOTATIONS"
    )]
    #[arg(default_value = "", value_parser = values::annotations, hide_default_value = true)]
    #[arg(help_heading = "Keys")]
    pub privatekey_annotations: Pairs,

    /// Labels of new key Secrets: `NAME=VALUE`, parted by commas.
    #[arg(long, env = "SEALED_SECRETS_PRIVATEKEY_LABELS", value_name = "LABELS")]
    #[arg(default_value = "", value_parser = labels, hide_default_value = true)]
    #[arg(help_heading = "Keys")]
    pub privatekey_labels: Pairs,

    /// Without effect: key Secrets are always watched.
    #[arg(long, env = "SEALED_SECRETS_WATCH_FOR_SECRETS", help_heading = "Keys")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    pub watch_for_secrets: bool,

    /// Open the deprecated form spec.data as well.
    #[arg(
        long,
        env = "SEALED_SECRETS_ACCEPT_DEPRECATED_V1_DATA",
        help_heading = "Secrets"
    )]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "true")]
    pub accept_deprecated_v1_data: bool,

    /// Make Secrets of types that Kubernetes itself acts on (service account and bootstrap tokens) as well.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    #[arg(help_heading = "Secrets")]
    pub allow_restricted_types: bool,

    /// Render templates whose functions are random or read the clock as well. The Secret of one is rendered when it is not
    /// there and when its SealedSecret changes, and at no other time.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    #[arg(help_heading = "Secrets")]
    pub allow_random_functions: bool,

    /// Set no owner reference on any Secret: each stays when its SealedSecret goes.
    #[arg(long, action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    #[arg(help_heading = "Secrets")]
    pub skip_set_owner_references: bool,

    /// Delete the Secret of a SealedSecret that is gone instead of leaving that to the cluster.
    #[arg(long, env = "SEALED_SECRETS_OLD_GC_BEHAVIOR", help_heading = "Secrets")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    pub old_gc_behavior: bool,

    /// Do not watch Secrets: one that is deleted or changed is made again only when its SealedSecret changes.
    #[arg(long, env = "SEALED_SECRETS_SKIP_RECREATE", help_heading = "Secrets")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "false")]
    pub skip_recreate: bool,

    /// How many private-key operations a minute are spent on those SealedSecrets of a namespace that do not open. When they
    /// are used up, further ones that do not open wait for the next minute; all others go on.
    #[arg(long, value_name = "NUMBER", default_value = "6000", value_parser = positive_number)]
    #[arg(help_heading = "Secrets")]
    pub max_failing_operations: u32,

    /// Write into the status of each SealedSecret what became of it.
    #[arg(long, env = "SEALED_SECRETS_UPDATE_STATUS", help_heading = "Secrets")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "true")]
    pub update_status: bool,

    /// Without effect: what may heal by itself is tried again without end, ever more seldom.
    #[arg(long, env = "SEALED_SECRETS_MAX_UNSEAL_RETRIES", value_name = "NUMBER")]
    #[arg(value_parser = number, help_heading = "Secrets")]
    pub max_unseal_retries: Option<i64>,

    /// The form of the log.
    #[arg(long, env = "SEALED_SECRETS_LOG_FORMAT", value_name = "FORMAT")]
    #[arg(value_enum, default_value_t, help_heading = "Log")]
    pub log_format: LogFormat,

    /// The least level that is logged: DEBUG, INFO, WARN or ERROR.
    #[arg(long, env = "SEALED_SECRETS_LOG_LEVEL", value_name = "LEVEL")]
    #[arg(default_value = "INFO", help_heading = "Log")]
    pub log_level: Threshold,

    /// Log up to INFO on standard output and the rest on standard error, or everything on standard error.
    #[arg(long, env = "SEALED_SECRETS_LOG_INFO_STDOUT", help_heading = "Log")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", default_value = "true")]
    pub log_info_stdout: bool,

    /// Send a span for each look at a SealedSecret to this collector, by OTLP over HTTP: `http://HOST:4318`, without
    /// `/v1/traces`. Only where the program was built with the feature `otlp`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    #[arg(value_parser = values::collector, help_heading = "Log")]
    pub otlp_endpoint: Option<String>,

    /// The name of the installation, as clients know it: that of its Service. The certificate is also offered in the
    /// ConfigMap NAME-certificate.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "sealed-secrets-controller",
        help_heading = "Cluster"
    )]
    pub name: String,

    /// Print the version and end.
    #[arg(long)]
    pub version: bool,

    /// The name of the program, which may be repeated.
    #[arg(hide = true, value_parser = ["controller"])]
    program: Option<String>,

    /// What to say of the command line and the environment once at the start.
    #[arg(skip)]
    pub notices: Vec<String>,
}

/// Namespaces, each once.
pub(crate) type Namespaces = BTreeSet<String>;
/// Names and values of labels or annotations.
pub(crate) type Pairs = BTreeMap<String, String>;
/// A moment, where one is given.
pub(crate) type Cutoff = Option<Timestamp>;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What orders keys by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum KeyOrder {
    /// The time from which the certificate is valid.
    #[default]
    #[value(name = "CertNotBefore")]
    CertNotBefore,
    /// The time at which the Secret was made.
    #[value(name = "SecretCreationTimestamp")]
    SecretCreationTimestamp,
}

impl Args {
    /// The definition of the command line.
    pub fn command() -> Command {
        let command = Command::new("seal-controller").disable_version_flag(true);
        <Self as clap::Args>::augment_args(command)
            // As pflag has it: the last of a flag given twice counts, and what follows a flag is its value.
            .args_override_self(true)
            .mut_args(|arg| {
                let is_boolean = environment::value_name(&arg) == "BOOL";
                let arg = arg.hide_env_values(true);
                if is_boolean {
                    arg.num_args(0..=1)
                        .require_equals(true)
                        .default_missing_value("true")
                        .value_parser(boolean)
                } else if arg.get_action().takes_values() && !arg.is_positional() {
                    arg.allow_hyphen_values(true)
                } else {
                    arg
                }
            })
    }

    /// Reads the command line and the environment of this process.
    ///
    /// # Errors
    ///
    /// Where the command line is wrong, or help is asked for: clap prints it, with the exit code that belongs to it.
    pub fn read() -> Result<Self, clap::Error> {
        let (mut command, notices) = environment::without_unusable(Self::command());
        let matches = command.try_get_matches_from_mut(env::args_os())?;
        let mut args = Self::from_arg_matches(&matches)?;
        args.notices = notices;
        mode::settle(&mut args, &matches)
            .map_err(|(kind, message)| command.error(kind, message))?;
        Ok(args)
    }

    /// The namespaces to work in, `own` being the controller's; none stands for all.
    pub fn namespaces(&self, own: &str) -> Option<BTreeSet<String>> {
        if self.all_namespaces && self.additional_namespaces.is_empty() {
            return None;
        }
        let mut namespaces = self.additional_namespaces.clone();
        namespaces.insert(own.to_owned());
        Some(namespaces)
    }

    /// How many requests to the API server are allowed a second, and at once; none for no limit of ours.
    pub fn client_limit(&self) -> Option<(f32, u32)> {
        let a_second = self.kubeclient_qps.filter(|rate| *rate >= 0.0)?;
        // What the Go library does with the zero value.
        let a_second = if a_second == 0.0 { 5.0 } else { a_second };
        let at_once = u32::try_from(self.kubeclient_burst).unwrap_or(u32::MAX);
        Some((a_second, at_once.max(1)))
    }
}

#[cfg(test)]
mod tests;
