//! What the user may type. The doc comments are the help text.

#![allow(
    missing_docs,
    reason = "variants and flattened groups are documented at their types, whose text clap takes"
)]

mod cluster;
mod render;
pub(crate) mod value_parsers;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use clap_complete::Shell;
use seal_api::Scope;
use seal_envelope::{KeyId, KeySize};

pub use cluster::{
    ApplyArgs, ContextArgs, ControllerArgs, MigrateBackArgs, MigrateCheckArgs, MigrateCommand,
    VerifyArgs,
};
pub use render::RenderArgs;
pub use value_parsers::{FileValue, Generated, Label, Literal};

/// Seal Kubernetes Secrets before they are committed.
///
/// Without a command, Secrets are read from standard input and SealedSecrets written to standard output:
///
///     seal --cert cert.pem < secret.yaml > sealed.yaml
///
/// Sealing works offline, with the certificate named by --cert or SEAL_CERT, and never looks at a kube
/// context. Values are never shown; only "seal unseal" and "seal render" print cleartext, with private keys.
#[derive(Debug, Parser)]
#[command(
    name = "seal",
    verbatim_doc_comment,
    version,
    disable_help_subcommand = true,
    override_usage = "seal [OPTIONS]\n       seal <COMMAND>"
)]
pub struct Cli {
    /// What to do; without it, as `seal encrypt -`.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub encrypt: SealArgs,
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// How results and errors are reported; `json` is one JSON object a line.
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        help_heading = "Output"
    )]
    pub format: Format,
}

/// How a command reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Encrypt(EncryptArgs),
    Create(CreateArgs),
    Raw(RawArgs),
    Set(SetArgs),
    #[command(subcommand)]
    Cert(CertCommand),
    Inspect(InspectArgs),
    Verify(VerifyArgs),
    Apply(ApplyArgs),
    #[command(subcommand)]
    Migrate(MigrateCommand),
    Unseal(UnsealArgs),
    Render(RenderArgs),
    #[command(subcommand)]
    Keys(KeysCommand),
    Completions(CompletionsArgs),
    Kubeseal(KubesealArgs),
}

/// Seal Secrets in files, folders or standard input.
///
/// Every Secret becomes a SealedSecret; every other document passes through byte for byte. YAML stays YAML, JSON stays
/// JSON. A Secret that cannot be sealed is reported and never written; the others are.
#[derive(Debug, Args)]
pub struct EncryptArgs {
    /// Files, folders (all .yaml, .yml and .json below), or `-` for standard input.
    #[arg(value_name = "FILE|DIR|-", default_value = "-")]
    pub inputs: Vec<PathBuf>,
    /// Replace each file by its sealed form.
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub in_place: bool,
    /// Write to this file instead of standard output; only if every Secret could be sealed.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub seal: SealArgs,
}

/// Options of sealing.
#[derive(Debug, Args)]
pub struct SealArgs {
    #[command(flatten)]
    pub certificate: CertificateArgs,
    #[command(flatten)]
    pub scope: ScopeArgs,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Seal a Secret without a value as well.
    #[arg(long, help_heading = "Sealing")]
    pub allow_empty_data: bool,
    /// Seal types that Kubernetes itself acts on (service account and bootstrap tokens) as well.
    #[arg(long, help_heading = "Sealing")]
    pub allow_restricted_types: bool,
}

/// Which certificate is used.
#[derive(Debug, Args)]
#[group(skip)]
pub struct CertificateArgs {
    /// The certificate: a file, or a URL of a certificate or a controller; redirects are not followed. Also SEAL_CERT or
    /// SEALED_SECRETS_CERT.
    #[arg(long, value_name = "FILE|URL", value_parser = NonEmptyStringValueParser::new(), help_heading = "Sealing")]
    pub cert: Option<String>,
    /// The full id (64 digits) the certificate's key must have. Also SEAL_PIN.
    #[arg(long, value_name = "KEY-ID", value_parser = value_parsers::pin, help_heading = "Sealing")]
    pub pin: Option<KeyId>,
}

/// How far the sealed value may travel.
#[derive(Debug, Args)]
#[group(skip)]
pub struct ScopeArgs {
    /// Where the value may be unsealed: strict (this name and namespace), namespace-wide or cluster-wide. Also SEAL_SCOPE or
    /// SEALED_SECRETS_SCOPE.
    #[arg(long, value_name = "SCOPE", value_parser = value_parsers::scope, help_heading = "Sealing")]
    pub scope: Option<Scope>,
}

/// Where the Secret will live.
#[derive(Debug, Args)]
#[group(skip)]
pub struct PlaceArgs {
    /// The namespace of Secrets that name none. Also SEAL_NAMESPACE or SEALED_SECRETS_NAMESPACE.
    #[arg(long, short, value_name = "NAMESPACE", value_parser = value_parsers::namespace, help_heading = "Sealing")]
    pub namespace: Option<String>,
    /// The name of a Secret that has none.
    #[arg(long, value_name = "NAME", value_parser = value_parsers::name, help_heading = "Sealing")]
    pub name: Option<String>,
}

/// Make a SealedSecret in one step, without cleartext on disk.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The name of the Secret.
    #[arg(value_name = "NAME", value_parser = value_parsers::name)]
    pub name: String,
    /// The namespace of the Secret. Also SEAL_NAMESPACE or SEALED_SECRETS_NAMESPACE.
    #[arg(long, short, value_name = "NAMESPACE", value_parser = value_parsers::namespace, help_heading = "Sealing")]
    pub namespace: Option<String>,
    #[command(flatten)]
    pub certificate: CertificateArgs,
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Create types that Kubernetes itself acts on (service account and bootstrap tokens) as well.
    #[arg(long, help_heading = "Sealing")]
    pub allow_restricted_types: bool,
    /// The type of the Secret, such as `kubernetes.io/basic-auth`.
    #[arg(long = "type", value_name = "TYPE", value_parser = value_parsers::secret_type, help_heading = "Contents")]
    pub type_: Option<String>,
    #[command(flatten)]
    pub values: ValueArgs,
    /// A certificate and its private key, both PEM files; sets the type `kubernetes.io/tls`.
    #[arg(
        long,
        num_args = 2,
        value_names = ["CERT", "KEY"],
        conflicts_with = "docker_registry",
        help_heading = "Contents"
    )]
    pub tls: Option<Vec<PathBuf>>,
    /// Credentials for an image registry; the password is read from --docker-password-file, or asked for. Sets the type
    /// `kubernetes.io/dockerconfigjson`.
    #[arg(
        long,
        num_args = 2,
        value_names = ["SERVER", "USER"],
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = "Contents"
    )]
    pub docker_registry: Option<Vec<String>>,
    /// The file with the password for --docker-registry, `-` for standard input.
    #[arg(
        long,
        value_name = "PATH",
        requires = "docker_registry",
        help_heading = "Contents"
    )]
    pub docker_password_file: Option<PathBuf>,
    /// A label of the Secret.
    #[arg(long, value_name = "NAME=VALUE", value_parser = value_parsers::label, help_heading = "Contents")]
    pub label: Vec<Label>,
    /// Write to this file instead of standard output. An existing file is not replaced unless --force is given.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace an existing output file.
    #[arg(long, requires = "output", help_heading = "Output")]
    pub force: bool,
    /// Write JSON instead of YAML.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Where values come from.
#[derive(Debug, Args, Default)]
pub struct ValueArgs {
    /// A value given here. It stays in the shell's history and is seen by other users: prefer the other ways.
    #[arg(long, value_name = "KEY=VALUE", value_parser = value_parsers::literal, help_heading = "Contents")]
    pub from_literal: Vec<Literal>,
    /// A value from a file, byte for byte; the key is the file's name unless given. `-` is standard input.
    #[arg(long, value_name = "[KEY=]PATH", value_parser = value_parsers::file_value, help_heading = "Contents")]
    pub from_file: Vec<FileValue>,
    /// Values from a file of KEY=VALUE lines; `#` begins a comment line.
    #[arg(long, value_name = "PATH", help_heading = "Contents")]
    pub from_env_file: Vec<PathBuf>,
    /// A random value of letters and digits, 4096 at most, never shown.
    #[arg(long, value_name = "KEY=LENGTH", value_parser = value_parsers::generated, help_heading = "Contents")]
    pub generate: Vec<Generated>,
    /// Ask for a value on the terminal, without showing it.
    #[arg(long, value_name = "KEY", value_parser = value_parsers::item_key, help_heading = "Contents")]
    pub prompt: Vec<String>,
}

/// Seal one value and print it as base64, without a newline, for Helm values and templates.
#[derive(Debug, Args)]
pub struct RawArgs {
    /// The file with the value, byte for byte; `-` or nothing is standard input.
    #[arg(long, value_name = "PATH")]
    pub from_file: Option<PathBuf>,
    #[command(flatten)]
    pub certificate: CertificateArgs,
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The namespace it is sealed for. Also SEAL_NAMESPACE or SEALED_SECRETS_NAMESPACE.
    #[arg(long, short, value_name = "NAMESPACE", value_parser = value_parsers::namespace, help_heading = "Sealing")]
    pub namespace: Option<String>,
    /// The name of the Secret it is sealed for.
    #[arg(long, value_name = "NAME", value_parser = value_parsers::name, help_heading = "Sealing")]
    pub name: Option<String>,
}

/// Change or add values of a SealedSecret in its file; every other byte stays as it is.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The file with the SealedSecret.
    #[arg(value_name = "FILE", value_parser = value_parsers::file_only())]
    pub file: PathBuf,
    /// The SealedSecret's name, where the file holds more than one.
    #[arg(long, value_name = "NAME", value_parser = value_parsers::name)]
    pub name: Option<String>,
    /// Remove an item.
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new(), help_heading = "Contents")]
    pub remove: Vec<String>,
    #[command(flatten)]
    pub values: ValueArgs,
    #[command(flatten)]
    pub certificate: CertificateArgs,
}

/// Fetch, look at and pin certificates.
#[derive(Debug, Subcommand)]
pub enum CertCommand {
    Fetch(CertFetchArgs),
    Show(CertShowArgs),
    Pin(CertPinArgs),
}

/// Fetch a certificate from a cluster, a controller's URL or a file.
///
/// Of a cluster the ConfigMap is read that the controller keeps for every user, then the controller asked through the API
/// server, then the URL or file, where one is named as well. What failed is said.
#[derive(Debug, Args)]
pub struct CertFetchArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Ask the cluster of the kubeconfig; any other flag about the cluster means the same.
    #[arg(long, help_heading = "Cluster")]
    pub cluster: bool,
    #[command(flatten)]
    pub context: ContextArgs,
    #[command(flatten)]
    pub controller: ControllerArgs,
    /// Write to this file instead of standard output. What it replaces is shown; a pin to the same key stays.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file with the certificate of another key, or with a pin that is wrong.
    #[arg(long, requires = "output")]
    pub replace: bool,
}

/// Show a certificate's key id, size and validity.
#[derive(Debug, Args)]
pub struct CertShowArgs {
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Write a certificate to a file together with its full key id; sealing with the file then checks the one against the
/// other.
#[derive(Debug, Args)]
pub struct CertPinArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// The file to commit.
    #[arg(
        long,
        short,
        value_name = "FILE",
        value_parser = value_parsers::file_only(),
        default_value = "seal-cert.pem"
    )]
    pub output: PathBuf,
    /// Replace a file with the certificate of another key, or with a pin that is wrong.
    #[arg(long)]
    pub replace: bool,
}

/// Where a certificate comes from.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// A file, or a URL of a certificate or a controller. Without it, SEAL_CERT or SEALED_SECRETS_CERT.
    #[arg(value_name = "FILE|URL", value_parser = NonEmptyStringValueParser::new())]
    pub source: Option<String>,
    /// The full id (64 digits) the certificate's key must have. Also SEAL_PIN.
    #[arg(long, value_name = "KEY-ID", value_parser = value_parsers::pin)]
    pub pin: Option<KeyId>,
}

/// Show what a SealedSecret says of itself, offline: scope, items, sizes, sealing keys and dates, problems.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Files, folders, or `-` for standard input.
    #[arg(value_name = "FILE|DIR|-", default_value = "-")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub certificate: CertificateArgs,
}

/// Open SealedSecrets offline with private keys, for recovery.
///
/// Prints Secrets in cleartext to standard output.
#[derive(Debug, Args)]
pub struct UnsealArgs {
    /// The file with the SealedSecrets, `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A file with private keys: PEM (PKCS#1 or PKCS#8), or exported key Secrets, also as a List.
    #[arg(long, value_name = "FILE", required = true)]
    pub key: Vec<PathBuf>,
    /// Unseal types that Kubernetes itself acts on (service account and bootstrap tokens) as well.
    #[arg(long)]
    pub allow_restricted_types: bool,
    /// Render functions that are random or read the clock as well; what they give is not what they gave in the cluster.
    #[arg(long)]
    pub allow_random_functions: bool,
}

/// Make sealing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    New(KeysNewArgs),
}

/// Make a sealing key as a Secret, to bring to a cluster or a folder.
#[derive(Debug, Args)]
pub struct KeysNewArgs {
    /// The file for the key Secret, readable only by its owner; it must not exist.
    #[arg(long, short, value_name = "FILE", value_parser = value_parsers::file_only())]
    pub output: PathBuf,
    /// The name of the key Secret; made from the key's id unless given.
    #[arg(long, value_name = "NAME", value_parser = value_parsers::name)]
    pub name: Option<String>,
    /// The namespace of the key Secret, the controller's.
    #[arg(long, short, value_name = "NAMESPACE", value_parser = value_parsers::namespace)]
    pub namespace: Option<String>,
    /// The size of the RSA key in bits.
    #[arg(long, value_name = "BITS", default_value = "4096", value_parser = value_parsers::key_size())]
    pub size: KeySize,
    /// How many days the certificate is valid, 36500 at most.
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = value_parsers::days)]
    pub days: u32,
    /// Write the certificate to this file as well.
    #[arg(long, value_name = "FILE", value_parser = value_parsers::file_only())]
    pub cert_output: Option<PathBuf>,
}

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}

/// Answer as kubeseal does, to its flags; so does this program when it is called by the name kubeseal.
///
/// "seal kubeseal --help" lists the flags. What differs from kubeseal, and why, stands in docs/migration.md.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct KubesealArgs {
    /// What kubeseal takes.
    #[arg(
        value_name = "FLAGS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub arguments: Vec<OsString>,
}

impl ValueArgs {
    pub(crate) fn are_given(&self) -> bool {
        self.keys().next().is_some() || !self.from_env_file.is_empty()
    }

    /// The keys that are named; those in files of KEY=VALUE lines are not known yet.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let literals = self.from_literal.iter().map(|literal| &*literal.key);
        let files = self.from_file.iter().map(|file| &*file.key);
        let generated = self.generate.iter().map(|generated| &*generated.key);
        let prompted = self.prompt.iter().map(String::as_str);
        literals.chain(files).chain(generated).chain(prompted)
    }
}

impl CertFetchArgs {
    /// Whether a cluster is to be asked.
    pub(crate) fn asks_cluster(&self) -> bool {
        let named = [&self.context.context, &self.controller.controller_name];
        self.cluster
            || self.context.kubeconfig.is_some()
            || self.controller.controller_namespace.is_some()
            || named.iter().any(|name| name.is_some())
    }
}

impl CreateArgs {
    /// The type asked for, or the one that a helper makes.
    pub(crate) fn secret_type(&self) -> Option<&str> {
        self.type_.as_deref().or_else(|| self.helper_type())
    }

    pub(crate) fn helper_type(&self) -> Option<&'static str> {
        if self.tls.is_some() {
            return Some("kubernetes.io/tls");
        }
        self.docker_registry
            .as_ref()
            .map(|_| "kubernetes.io/dockerconfigjson")
    }

    pub(crate) fn helper_keys(&self) -> &'static [&'static str] {
        if self.tls.is_some() {
            &["tls.crt", "tls.key"]
        } else if self.docker_registry.is_some() {
            &[".dockerconfigjson"]
        } else {
            &[]
        }
    }
}
