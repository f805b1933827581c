//! What may be said of a cluster, and the commands that always need one.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};

use super::value_parsers;

/// The way to a cluster.
#[derive(Debug, Args)]
#[group(skip)]
pub struct ContextArgs {
    /// The kubeconfig; unless given those of KUBECONFIG, or the one at home.
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; the current one unless given.
    #[arg(long, value_name = "CONTEXT", value_parser = NonEmptyStringValueParser::new(), help_heading = "Cluster")]
    pub context: Option<String>,
}

/// The controller in a cluster.
#[derive(Debug, Args)]
#[group(skip)]
pub struct ControllerArgs {
    /// The name of the controller's Service, `sealed-secrets-controller` unless given.
    #[arg(long, value_name = "NAME", value_parser = value_parsers::name, help_heading = "Cluster")]
    pub controller_name: Option<String>,
    /// The namespace of the controller's Service, `kube-system` unless given.
    #[arg(long, value_name = "NAMESPACE", value_parser = value_parsers::namespace, help_heading = "Cluster")]
    pub controller_namespace: Option<String>,
}

/// Check SealedSecrets: ask a cluster's controller whether it can open them.
///
/// One line each. The exit code is 3 where one does not open.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Files, folders, or `-` for standard input.
    #[arg(value_name = "FILE|DIR|-", default_value = "-")]
    pub inputs: Vec<PathBuf>,
    /// Ask the controller in the cluster of the kubeconfig.
    #[arg(long, required = true, help_heading = "Cluster")]
    pub cluster: bool,
    #[command(flatten)]
    pub context: ContextArgs,
    #[command(flatten)]
    pub controller: ControllerArgs,
}

/// Apply SealedSecrets to a cluster, and see whether their Secrets come about.
///
/// Nothing but SealedSecrets is applied: if anything else is among them, nothing is.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Files, folders, or `-` for standard input.
    #[arg(value_name = "FILE|DIR|-", required = true)]
    pub inputs: Vec<PathBuf>,
    /// The namespace of what names none; that of the context unless given.
    #[arg(long, short, value_name = "NAMESPACE", value_parser = value_parsers::namespace)]
    pub namespace: Option<String>,
    /// Wait until each is Ready, or say why it is not.
    #[arg(long)]
    pub wait: bool,
    /// How long to wait, such as 30s or 2m.
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "wait", value_parser = value_parsers::time)]
    pub timeout: Duration,
    /// Take over fields that others have applied.
    #[arg(long)]
    pub force_conflicts: bool,
    #[command(flatten)]
    pub context: ContextArgs,
}

/// From the Go project's controller to this one, and back.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    Check(MigrateCheckArgs),
    Back(MigrateBackArgs),
}

/// List what would be different under this controller, before it takes over.
///
/// One line each: the object, the reason its status would have, and what is behind it. Nothing is changed. It needs the
/// right to read the key Secrets, and to list Secrets and SealedSecrets. The exit code is 3 where something would be
/// different.
#[derive(Debug, Args)]
pub struct MigrateCheckArgs {
    /// Only the SealedSecrets of this namespace.
    #[arg(long, short, value_name = "NAMESPACE", value_parser = value_parsers::namespace)]
    pub namespace: Option<String>,
    #[command(flatten)]
    pub context: ContextArgs,
    #[command(flatten)]
    pub controller: ControllerArgs,
}

/// Take out what the Go project's controller does not write, after it took over again.
///
/// It would leave the conditions Ready, Reconciling and Stalled as they are, and kstatus, Flux and Helm would go on reading
/// them; and the ConfigMap with the certificate, which would grow old. Annotations stay: they come from Git, and no other
/// tool minds them.
#[derive(Debug, Args)]
pub struct MigrateBackArgs {
    /// Only the SealedSecrets of this namespace, and not the ConfigMap.
    #[arg(long, short, value_name = "NAMESPACE", value_parser = value_parsers::namespace)]
    pub namespace: Option<String>,
    /// Print what would be changed, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub context: ContextArgs,
    #[command(flatten)]
    pub controller: ControllerArgs,
}
