//! Which cluster, and as whom: kubeconfig files and what flags say besides, by the rules of kubectl.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use kube::config::{
    AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, KubeconfigError,
    NamedAuthInfo, NamedCluster, NamedContext,
};
use seal_api::Reason;

use super::{failed, no_proxy};
use crate::{
    args::{ContextArgs, value_parsers},
    fetch::is_loopback,
    problem::Problem,
};

/// The namespace that a pod is in.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// The name of what the flags make of cluster, user and context. A kubeconfig is changed in memory only.
const CHOSEN: &str = "seal";
/// The context's own words where a kubeconfig has none.
const NO_CONFIGURATION: &str = "invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment \
    variable";

/// Every environment variable that leads to a cluster; its proxies are those of every program.
pub const ENVIRONMENT: [&str; 2] = ["KUBECONFIG", "KUBERNETES_MASTER"];

/// What flags say of the way to the cluster; everything may be left open. There is no `Debug`: it holds passwords.
#[derive(Clone, Default)]
pub(crate) struct Access {
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) context: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) certificate_authority: Option<String>,
    pub(crate) insecure_skip_tls_verify: bool,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) proxy_url: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) impersonate: Option<String>,
    pub(crate) impersonate_uid: Option<String>,
    pub(crate) impersonate_groups: Vec<String>,
    pub(crate) request_timeout: Option<String>,
}

impl Access {
    /// The way that the flags of a command say.
    pub(crate) fn of(args: &ContextArgs) -> Self {
        Self {
            kubeconfig: args.kubeconfig.clone(),
            context: args.context.clone(),
            ..Self::default()
        }
    }

    /// How long one request may take: `30s`, `2m`, `500ms` and the like, or whole seconds; `None` is without a limit.
    pub(super) fn request_timeout(&self) -> Result<Option<Duration>, Problem> {
        let text = self.request_timeout.as_deref().unwrap_or("0");
        let limit = value_parsers::time(text).map_err(|_| {
            let message = "--request-timeout is not a time such as 30s, 2m or 0";
            Problem::new(Reason::InvalidValue, message)
        })?;
        Ok(Some(limit).filter(|limit| !limit.is_zero()))
    }
}

/// The namespace of the chosen context, `default` where it has none; within a cluster, without a kubeconfig, the pod's.
///
/// Nothing is reached for it: it is the kubeconfig's word.
pub(crate) fn namespace(access: &Access) -> Result<String, Problem> {
    let kubeconfig = read(access)?;
    let context = chosen_context(&kubeconfig, access)?;
    match context.and_then(|context| context.namespace) {
        Some(namespace) if !namespace.is_empty() => Ok(namespace),
        _ if !is_empty(&kubeconfig) || access.server.is_some() || master().is_some() => {
            Ok("default".to_owned())
        }
        _ => match fs::read_to_string(POD_NAMESPACE) {
            Ok(namespace) if is_in_cluster() => Ok(namespace.trim().to_owned()),
            _ => Err(no_configuration()),
        },
    }
}

/// The configuration of the client.
pub(super) async fn config(access: &Access) -> Result<Config, Problem> {
    let mut kubeconfig = read(access)?;
    let server = access.server.clone().or_else(master);
    if is_empty(&kubeconfig) && server.is_none() {
        if !is_in_cluster() {
            return Err(no_configuration());
        }
        let mut config = Config::incluster().map_err(|error| {
            failed(format!(
                "the configuration of the pod cannot be used: {error}"
            ))
        })?;
        change_user(&mut config.auth_info, access);
        return Ok(config);
    }
    let context = chosen_context(&kubeconfig, access)?.unwrap_or_default();
    let mut cluster = chosen_cluster(&kubeconfig, &context, access)?;
    let mut user = chosen_user(&kubeconfig, &context, access)?;
    if cluster.server.is_none() || access.server.is_some() {
        cluster.server = server;
    }
    change_cluster(&mut cluster, access);
    change_user(&mut user, access);
    let is_here = cluster.server.as_deref().is_some_and(is_loopback);
    let may_use_environment = cluster.proxy_url.is_none();
    choose(&mut kubeconfig, cluster, user);
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(&error, "the kubeconfig"))?;
    // Requests are repeated by us, and those alone that the server puts off.
    config.default_retry = false;
    // A proxy of the environment leads to no cluster on this machine. The client compares NO_PROXY with the proxy itself.
    let host = config.cluster_url.host().unwrap_or_default();
    if may_use_environment && (is_here || no_proxy::excepts(host)) {
        config.proxy_url = None;
    }
    Ok(config)
}

/// The kubeconfig named by flag, or by KUBECONFIG with what is not there left out, or the one at home.
fn read(access: &Access) -> Result<Kubeconfig, Problem> {
    if let Some(path) = &access.kubeconfig {
        return read_file(path);
    }
    let named = env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty());
    let paths: Vec<PathBuf> = match &named {
        Some(paths) => env::split_paths(paths).collect(),
        None => {
            let home = env::var_os("HOME").map(PathBuf::from);
            home.map(|home| home.join(".kube/config"))
                .into_iter()
                .collect()
        }
    };
    let mut merged = Kubeconfig::default();
    for path in paths.iter().filter(|path| path.exists()) {
        let next = read_file(path)?;
        merged = merged
            .merge(next)
            .map_err(|error| unusable(&error, "the kubeconfig"))?;
    }
    Ok(merged)
}

fn read_file(path: &Path) -> Result<Kubeconfig, Problem> {
    let what = format!("the kubeconfig {}", path.display());
    Kubeconfig::read_from(path).map_err(|error| unusable(&error, &what))
}

/// The problem of a kubeconfig. What a parser says of it is not passed on: it may repeat a token.
fn unusable(error: &KubeconfigError, what: &str) -> Problem {
    let (reason, message) = match error {
        KubeconfigError::ReadConfig(error, path) => (
            Reason::Unreadable,
            format!("stat {}: {}", path.display(), cause(error)),
        ),
        KubeconfigError::Parse(_) => (
            Reason::InvalidSyntax,
            format!("{what} is not YAML of the form that kubectl reads"),
        ),
        KubeconfigError::LoadCertificateAuthority(_) => (
            Reason::Unreadable,
            "the certificate authority of the cluster cannot be read".to_owned(),
        ),
        KubeconfigError::ParseClusterUrl(_) | KubeconfigError::ParseProxyUrl(_) => (
            Reason::InvalidValue,
            "the kubeconfig has an address that is no URL".to_owned(),
        ),
        KubeconfigError::ParseNoProxy(_) => (
            Reason::InvalidValue,
            "NO_PROXY is not a list of hosts, addresses and networks with commas between them"
                .to_owned(),
        ),
        error => (Reason::Unreadable, error.to_string()),
    };
    Problem::new(reason, message)
}

/// An error of the operating system as Go writes it, which scripts look for.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn no_configuration() -> Problem {
    Problem::new(Reason::Unreadable, NO_CONFIGURATION).hint(
        "name a kubeconfig with --kubeconfig or KUBECONFIG; sealing needs none with --cert and a namespace in the Secret",
    )
}

fn is_empty(kubeconfig: &Kubeconfig) -> bool {
    kubeconfig.clusters.is_empty() && kubeconfig.contexts.is_empty()
}

/// The server where no kubeconfig names one.
fn master() -> Option<String> {
    env::var("KUBERNETES_MASTER")
        .ok()
        .filter(|server| !server.is_empty())
}

fn is_in_cluster() -> bool {
    env::var_os("KUBERNETES_SERVICE_HOST").is_some_and(|host| !host.is_empty())
}

fn chosen_context(kubeconfig: &Kubeconfig, access: &Access) -> Result<Option<Context>, Problem> {
    let current = kubeconfig
        .current_context
        .as_ref()
        .filter(|name| !name.is_empty());
    let Some(name) = access.context.as_ref().or(current) else {
        return Ok(None);
    };
    let found = kubeconfig
        .contexts
        .iter()
        .find(|context| context.name == *name);
    match found {
        Some(found) => Ok(Some(found.context.clone().unwrap_or_default())),
        None => Err(missing("context", name)),
    }
}

fn chosen_cluster(
    kubeconfig: &Kubeconfig,
    context: &Context,
    access: &Access,
) -> Result<Cluster, Problem> {
    let name = access.cluster.as_ref().unwrap_or(&context.cluster);
    let found = kubeconfig
        .clusters
        .iter()
        .find(|cluster| cluster.name == *name);
    match found {
        Some(found) => Ok(found.cluster.clone().unwrap_or_default()),
        None if name.is_empty() => Ok(Cluster::default()),
        None => Err(missing("cluster", name)),
    }
}

fn chosen_user(
    kubeconfig: &Kubeconfig,
    context: &Context,
    access: &Access,
) -> Result<AuthInfo, Problem> {
    let Some(name) = access.user.as_ref().or(context.user.as_ref()) else {
        return Ok(AuthInfo::default());
    };
    let found = kubeconfig.auth_infos.iter().find(|user| user.name == *name);
    match found {
        Some(found) => Ok(found.auth_info.clone().unwrap_or_default()),
        None if access.user.is_none() => Ok(AuthInfo::default()),
        None => Err(missing("auth info", name)),
    }
}

fn missing(what: &str, name: &str) -> Problem {
    Problem::new(
        Reason::InvalidValue,
        format!("{what} {name:?} does not exist"),
    )
    .hint("\"kubectl config view\" shows what the kubeconfig has")
}

fn change_cluster(cluster: &mut Cluster, access: &Access) {
    if let Some(file) = &access.certificate_authority {
        cluster.certificate_authority = Some(file.clone());
        cluster.certificate_authority_data = None;
    }
    if access.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    let replace = |field: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            field.clone_from(value);
        }
    };
    replace(&mut cluster.tls_server_name, &access.tls_server_name);
    replace(&mut cluster.proxy_url, &access.proxy_url);
}

fn change_user(user: &mut AuthInfo, access: &Access) {
    if let Some(token) = &access.token {
        user.token = Some(token.clone().into());
        user.token_file = None;
    }
    if let Some(file) = &access.client_certificate {
        user.client_certificate = Some(file.clone());
        user.client_certificate_data = None;
    }
    if let Some(file) = &access.client_key {
        user.client_key = Some(file.clone());
        user.client_key_data = None;
    }
    if let Some(name) = &access.username {
        user.username = Some(name.clone());
    }
    if let Some(password) = &access.password {
        user.password = Some(password.clone().into());
    }
    if let Some(name) = &access.impersonate {
        user.impersonate = Some(name.clone());
    }
    if let Some(uid) = &access.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    if !access.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(access.impersonate_groups.clone());
    }
}

/// Makes what was chosen the current context.
fn choose(kubeconfig: &mut Kubeconfig, cluster: Cluster, user: AuthInfo) {
    kubeconfig.clusters = vec![NamedCluster {
        name: CHOSEN.to_owned(),
        cluster: Some(cluster),
        ..NamedCluster::default()
    }];
    kubeconfig.auth_infos = vec![NamedAuthInfo {
        name: CHOSEN.to_owned(),
        auth_info: Some(user),
        ..NamedAuthInfo::default()
    }];
    let context = Context {
        cluster: CHOSEN.to_owned(),
        user: Some(CHOSEN.to_owned()),
        ..Context::default()
    };
    kubeconfig.contexts = vec![NamedContext {
        name: CHOSEN.to_owned(),
        context: Some(context),
        ..NamedContext::default()
    }];
    kubeconfig.current_context = Some(CHOSEN.to_owned());
}
