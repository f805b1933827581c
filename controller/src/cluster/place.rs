//! Where the controller runs: which API server it works with, and which namespace is its own.

use std::{env, fs, path::Path};

use anyhow::{Context, anyhow, bail};
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::watches::SILENCE;

const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The API server's address and the credentials: of the pod's ServiceAccount, or of a kubeconfig where one is given.
pub(super) async fn config(kubeconfig: Option<&Path>) -> anyhow::Result<Config> {
    let mut config = found(kubeconfig).await?;
    // What is put off, by a webhook as well, is tried again by the queue, where it holds up nothing else.
    config.default_retry = false;
    // What is lost without a word is noticed; the time that a connection waits for its next request does not count.
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    Ok(config)
}

async fn found(kubeconfig: Option<&Path>) -> anyhow::Result<Config> {
    let Some(path) = kubeconfig else {
        return Config::incluster().context(
            "this is no pod with a ServiceAccount; use --kubeconfig FILE to work with a cluster from outside, or --directory DIR without a cluster",
        );
    };
    let file = Kubeconfig::read_from(path).map_err(|error| unreadable(path, &error))?;
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("the kubeconfig {} cannot be used", path.display()))
}

/// Why a kubeconfig cannot be read; its parser would show a line of it, and a token may stand there.
fn unreadable(path: &Path, error: &KubeconfigError) -> anyhow::Error {
    let why = match error {
        KubeconfigError::Parse(_) => "it is not YAML of the form that kubectl reads".to_owned(),
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        other => other.to_string(),
    };
    anyhow!("the kubeconfig {} cannot be read: {why}", path.display())
}

/// A name for this process that no other one has: that of its pod, with the pod's uid where it is known, which the next
/// process of the same pod has as well, or with something random.
pub(super) fn identity() -> String {
    let variable = |name| env::var(name).ok().filter(|text: &String| !text.is_empty());
    let host = variable("HOSTNAME").unwrap_or_else(|| {
        let system = rustix::system::uname();
        system.nodename().to_string_lossy().into_owned()
    });
    let own = variable("POD_UID").unwrap_or_else(|| {
        let mut bytes = [0; 8];
        // It does not fail; if it did, so would every connection.
        let _ = aws_lc_rs::rand::fill(&mut bytes);
        format!("{:016x}", u64::from_be_bytes(bytes))
    });
    format!("{host}_{own}")
}

/// The controller's namespace, as upstream finds it.
pub(super) fn own_namespace() -> anyhow::Result<String> {
    let from_environment = env::var("POD_NAMESPACE").ok();
    let from_file = || fs::read_to_string(NAMESPACE_FILE).ok();
    let namespace = from_environment
        .filter(|namespace| !namespace.is_empty())
        .or_else(from_file)
        .map(|namespace| namespace.trim().to_owned())
        .filter(|namespace| !namespace.is_empty())
        .unwrap_or_else(|| "default".to_owned());
    if let Err(error) = seal_sealing::check_namespace(&namespace) {
        bail!("the controller's namespace {namespace:?} {error}; see POD_NAMESPACE");
    }
    Ok(namespace)
}
