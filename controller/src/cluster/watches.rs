//! The watches: SealedSecrets and Secrets as metadata, key Secrets in full.
//!
//! A watch that breaks off is begun again without an end; what it misses is said once, and once more when it works again.

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, TryStream, TryStreamExt, future};
use k8s_openapi::{
    api::core::v1::Secret as ApiSecret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Resource,
    core::{DynamicObject, PartialObjectMeta},
    discovery::ApiResource,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use seal_api::{SealedSecret, annotations};
use seal_sealing::Secret;
use serde::de::DeserializeOwned;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{Cluster, keys::is_key, object_name::ObjectName, objects::Fingerprint};

/// How long until key Secrets are listed again where they cannot be watched.
const LIST_AGAIN: Duration = Duration::from_secs(30);
/// How many objects are listed at a time.
const PAGE: u32 = 500;

/// Watches the SealedSecrets of a namespace, or of all, without an end.
pub(super) async fn sealed_secrets(cluster: Arc<Cluster>, namespace: Option<String>) {
    let api: Api<PartialObjectMeta<SealedSecret>> = api(&cluster, namespace.as_deref());
    let config = config().labels(&cluster.args.label_selector);
    let mut follow = Follow::new("SealedSecrets", namespace);
    let stream = events(api, config, || ());
    let mut listed = HashSet::new();
    futures::pin_mut!(stream);
    while let Some(event) = stream.next().await {
        match event {
            Err(error) => {
                follow.failed(&error);
                listed.clear();
                cluster.listed(follow.namespace());
            }
            Ok(event) => {
                follow.works();
                match event {
                    Event::Init => {}
                    Event::InitApply(object) => {
                        if let Some(name) = name_of(&object.metadata) {
                            cluster.sealed_secret_seen(&name, Fingerprint::of(&object.metadata));
                            listed.insert(name);
                        }
                    }
                    Event::Apply(object) => {
                        if let Some(name) = name_of(&object.metadata) {
                            cluster.sealed_secret_seen(&name, Fingerprint::of(&object.metadata));
                        }
                    }
                    Event::Delete(object) => {
                        if let Some(name) = name_of(&object.metadata) {
                            cluster.sealed_secret_gone(&name, object.metadata.uid);
                        }
                    }
                    Event::InitDone => {
                        for name in cluster.objects().missing(follow.namespace(), &listed) {
                            cluster.sealed_secret_gone(&name, None);
                        }
                        listed.clear();
                        cluster.listed(follow.namespace());
                    }
                }
            }
        }
    }
}

/// Watches the Secrets of a namespace, or of all, without an end.
pub(super) async fn secrets(cluster: Arc<Cluster>, namespace: Option<String>) {
    let api: Api<PartialObjectMeta<ApiSecret>> = api(&cluster, namespace.as_deref());
    let mut follow = Follow::new("Secrets", namespace);
    let stream = events(api, config(), || ());
    let mut listed = HashSet::new();
    futures::pin_mut!(stream);
    while let Some(event) = stream.next().await {
        match event {
            Err(error) => {
                follow.failed(&error);
                listed.clear();
            }
            Ok(event) => {
                follow.works();
                match event {
                    Event::Init => {}
                    Event::InitApply(object) => {
                        if let Some(name) = name_of(&object.metadata) {
                            secret_seen(&cluster, &name, &object);
                            listed.insert(name);
                        }
                    }
                    Event::Apply(object) => {
                        if let Some(name) = name_of(&object.metadata) {
                            secret_seen(&cluster, &name, &object);
                        }
                    }
                    Event::Delete(object) => {
                        if let Some(name) = name_of(&object.metadata) {
                            cluster.secret_gone(&name);
                        }
                    }
                    Event::InitDone => {
                        for name in cluster
                            .objects()
                            .missing_secrets(follow.namespace(), &listed)
                        {
                            cluster.secret_gone(&name);
                        }
                        listed.clear();
                    }
                }
            }
        }
    }
}

fn secret_seen(cluster: &Cluster, name: &ObjectName, object: &PartialObjectMeta<ApiSecret>) {
    let metadata = &object.metadata;
    let version = metadata.resource_version.clone().unwrap_or_default();
    cluster.secret_seen(name, version);
    let label = metadata.labels.as_ref();
    let is_labelled = label.is_some_and(|labels| labels.contains_key(annotations::KEY_LABEL));
    if is_labelled && name.namespace != cluster.own {
        cluster.key_elsewhere(name);
    }
}

/// Watches the key Secrets without an end; where the right to watch them is missing, they are listed now and then.
pub(super) async fn keys(cluster: Arc<Cluster>) {
    let resource = ApiResource::erase::<ApiSecret>(&());
    let mut follow = Follow::new("key Secrets", Some(cluster.own.clone()));
    loop {
        let api: Api<DynamicObject> =
            Api::namespaced_with(cluster.api.client.clone(), &cluster.own, &resource);
        let selector = format!("{}={}", annotations::KEY_LABEL, annotations::KEY_ACTIVE);
        let stream = events(api, config().labels(&selector), || {
            cluster.keys.begin_list();
        });
        let ended = follow_keys(&cluster, stream, &mut follow).await;
        if ended == Ended::NotAllowed {
            cluster.feature_off(Feature::KeyWatch);
        }
        sleep(LIST_AGAIN).await;
    }
}

/// What the controller does without where rights are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Feature {
    /// Key Secrets are listed every half minute instead of watched.
    KeyWatch,
    /// The certificate is not offered as a ConfigMap.
    CertificateConfigMap,
}

impl Feature {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KeyWatch => "key-watch",
            Self::CertificateConfigMap => "certificate-config-map",
        }
    }

    /// What its loss means, for the log.
    pub(super) fn loss(self) -> &'static str {
        match self {
            Self::KeyWatch => {
                "no right to watch the Secrets of the controller's namespace: new keys are found within half a minute"
            }
            Self::CertificateConfigMap => {
                "no right to write ConfigMaps in the controller's namespace: the certificate is offered over HTTP only"
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    NotAllowed,
    Otherwise,
}

async fn follow_keys(
    cluster: &Arc<Cluster>,
    stream: impl TryStream<Ok = Event<DynamicObject>, Error = watcher::Error>,
    follow: &mut Follow,
) -> Ended {
    let mut listed = Vec::new();
    let stream = stream.into_stream();
    futures::pin_mut!(stream);
    while let Some(event) = stream.next().await {
        match event {
            Err(watcher::Error::WatchStartFailed(kube::Error::Api(status)))
                if status.code == 403 =>
            {
                return Ended::NotAllowed;
            }
            Err(error) => {
                follow.failed(&error);
                listed.clear();
            }
            Ok(event) => {
                follow.works();
                match event {
                    Event::Init => {}
                    Event::InitApply(object) => listed.extend(key_secret(object)),
                    Event::InitDone => {
                        let mut all = std::mem::take(&mut listed);
                        match cluster.legacy_key().await {
                            Ok(legacy) => {
                                all.retain(|secret: &Secret| {
                                    secret.name() != cluster.args.key_prefix
                                });
                                all.extend(legacy);
                                let changed = cluster.keys.replace(all);
                                cluster.keys_seen(changed);
                            }
                            Err(error) => {
                                warn!(
                                    "the key Secret named {} cannot be read: {error}",
                                    cluster.args.key_prefix
                                );
                                return Ended::Otherwise;
                            }
                        }
                    }
                    Event::Apply(object) => {
                        let keys = key_secret(object)
                            .filter(|secret| is_key(secret, &cluster.args.key_prefix));
                        if let Some(secret) = keys {
                            let changed = cluster.keys.add(secret);
                            cluster.keys_seen(changed);
                        }
                    }
                    Event::Delete(object) => {
                        let name = object.metadata.name.unwrap_or_default();
                        let changed = cluster.keys.remove(&name);
                        cluster.keys_seen(changed);
                    }
                }
            }
        }
    }
    Ended::Otherwise
}

fn key_secret(object: DynamicObject) -> Option<Secret> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let json = serde_json::to_value(object).ok()?;
    match Secret::from_json(&json) {
        Ok(secret) => Some(secret),
        Err(error) => {
            warn!(
                secretname = name,
                "key Secret is of no use and skipped: {error}"
            );
            None
        }
    }
}

fn api<K>(cluster: &Cluster, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    let client = cluster.api.client.clone();
    match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    }
}

/// What a watch says, with ever longer waits while it fails. That a list begins is told to `begins` only: it is
/// said before the API server is asked, so that every wait would be the first one. What was listed before an error is
/// listed again.
fn events<K>(
    api: Api<K>,
    config: watcher::Config,
    begins: impl Fn(),
) -> impl Stream<Item = Result<Event<K>, watcher::Error>>
where
    K: Resource + Clone + DeserializeOwned + fmt::Debug + Send + 'static,
{
    watcher(api, config)
        .try_filter(move |event| {
            let is_begin = matches!(event, Event::Init);
            if is_begin {
                begins();
            }
            future::ready(!is_begin)
        })
        .default_backoff()
}

fn config() -> watcher::Config {
    watcher::Config::default().page_size(PAGE)
}

fn name_of(metadata: &ObjectMeta) -> Option<ObjectName> {
    Some(ObjectName::new(
        metadata.namespace.clone()?,
        metadata.name.clone()?,
    ))
}

/// Says once that a watch does not work, and once that it does again.
struct Follow {
    what: String,
    namespace: Option<String>,
    is_failing: bool,
}

impl Follow {
    fn new(what: &str, namespace: Option<String>) -> Self {
        let where_ = namespace
            .as_ref()
            .map_or_else(String::new, |namespace| format!(" in {namespace}"));
        let what = format!("{what}{where_}");
        info!("Starting informer for {what}");
        Self {
            what,
            namespace,
            is_failing: false,
        }
    }

    fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    fn failed(&mut self, error: &watcher::Error) {
        if !std::mem::replace(&mut self.is_failing, true) {
            warn!("cannot watch {}: {}; trying again", self.what, cause(error));
        }
    }

    fn works(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            info!("watching {} works again", self.what);
        }
    }
}

/// Why a watch broke off, without a byte of an object.
fn cause(error: &watcher::Error) -> String {
    let of_client = |error: &kube::Error| match error {
        kube::Error::Api(status) => of_status(status.code, &status.reason),
        kube::Error::SerdeError(_) => "the API server's answer cannot be read".to_owned(),
        _ => "the API server cannot be reached, or broke off".to_owned(),
    };
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => of_client(error),
        watcher::Error::WatchError(status) => of_status(status.code, &status.reason),
        watcher::Error::NoResourceVersion => "the API server's answer has no version".to_owned(),
    }
}

fn of_status(code: u16, reason: &str) -> String {
    match code {
        403 => "the ServiceAccount has no right to list and watch them".to_owned(),
        404 => "the API server does not know them; is the CustomResourceDefinition installed?"
            .to_owned(),
        code => format!("the API server answered {code} {reason}"),
    }
}
