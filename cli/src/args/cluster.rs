//! What may be said of a cluster, and the commands that always need one.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::NonEmptyStringValueParser};

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
