//! The watches: SealedSecrets and key Secrets in full, Secrets as metadata.
//!
//! A watch that breaks off is begun again without an end; what it misses is said once, and once more when it works again.

mod page;
mod resource_watch;

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use k8s_openapi::{
    api::core::v1::Secret as ApiSecret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Resource, core::DynamicObject, discovery::ApiResource};
use seal_api::annotations;
use seal_sealing::Secret;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::{
    ApiError, Cluster,
    feature::Feature,
    keys::is_key,
    object_name::ObjectName,
    reconcile::{FIRST_RETRY, wait_after},
    watched::{SecretMetadata, WholeSealedSecret},
};
use crate::fair::Class;

use resource_watch::{Event, ResourceWatch, WatchError};

pub(super) use resource_watch::SILENCE;

/// How long until key Secrets are listed again where they cannot be watched.
const LIST_AGAIN: Duration = Duration::from_secs(30);
/// For how long what fails for a reason that passes is waited for, before the rest goes on without it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Watches the SealedSecrets of a namespace, or of all, without an end.
pub(super) async fn sealed_secrets(cluster: Arc<Cluster>, namespace: Option<String>) {
    let client = cluster.api.client.clone();
    let api: Api<WholeSealedSecret> = match &namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let mut again = cluster.hear_again.subscribe();
    let mut anew = cluster.watch_anew.subscribe();
    let mut follow = Follow::new("SealedSecrets", namespace);
    let hear = |heard: Heard<'_, WholeSealedSecret>| match heard {
        Heard::Seen(name, sealed, since) => {
            let _one = cluster.in_hand.heard(sealed.length());
            cluster.sealed_secret_seen(&name, sealed.object(), since.class(Class::Change));
        }
        Heard::Gone(name) => cluster.sealed_secret_gone(&name),
        Heard::Listed(list, listed) => {
            let missing = cluster.objects().missing(list.namespace, listed);
            for name in missing {
                cluster.sealed_secret_gone(&name);
            }
            cluster.listed(list.namespace, list.history);
        }
        Heard::BrokeOff => cluster.history.doubt(),
        Heard::Failed(list) => cluster.listed(list.namespace, list.history),
    };
    let labels = Some(cluster.args.label_selector.clone());
    loop {
        let history = cluster.history.number();
        // What is heard of them is judged by their records.
        cluster.know_record_key().await;
        again.mark_unchanged();
        follow.begins(history);
        let watch = ResourceWatch::new(api.clone(), labels.clone());
        let watch = watch.in_turn(&cluster.pages);
        tokio::select! {
            () = follow_all(watch, &mut follow, hear) => {}
            _ = again.changed() => {}
            _ = anew.changed() => {}
        }
    }
}

/// Watches the Secrets of a namespace, or of all, without an end.
pub(super) async fn secrets(cluster: Arc<Cluster>, namespace: Option<String>) {
    let client = cluster.api.client.clone();
    let api: Api<SecretMetadata> = match &namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let mut follow = Follow::new("Secrets", namespace);
    let mut anew = cluster.watch_anew.subscribe();
    let hear = |heard: Heard<'_, SecretMetadata>| match heard {
        Heard::Seen(name, secret, since) => {
            secret_seen(&cluster, &name, &secret, since.class(Class::Drift));
        }
        Heard::Gone(name) => cluster.secret_gone(&name),
        Heard::Listed(list, listed) => {
            let missing = cluster.objects().missing_secrets(list.namespace, listed);
            for name in missing {
                cluster.secret_gone(&name);
            }
            cluster.secrets_listed(list.namespace, list.history);
        }
        Heard::BrokeOff => cluster.history.doubt(),
        Heard::Failed(list) => cluster.secrets_listed(list.namespace, list.history),
    };
    loop {
        follow.begins(cluster.history.number());
        let watch = ResourceWatch::new(api.clone(), None);
        tokio::select! {
            () = follow_all(watch, &mut follow, hear) => {}
            _ = anew.changed() => {}
        }
    }
}

/// What a watch tells.
enum Heard<'h, K> {
    /// An object is there, or was changed.
    Seen(ObjectName, K, Since),
    /// An object is gone.
    Gone(ObjectName),
    /// All objects of a list were told of: these.
    Listed(List<'h>, &'h HashSet<ObjectName>),
    /// The list or the watch broke off, or could not be begun.
    BrokeOff,
    /// Nothing is likely to be heard for a while: the rest goes on without it.
    Failed(List<'h>),
}

/// What is listed: the objects of a namespace, or of all, in a history.
#[derive(Debug, Clone, Copy)]
struct List<'l> {
    namespace: Option<&'l str>,
    history: u64,
}

/// Since when something is as it is.
#[derive(Debug, Clone, Copy)]
enum Since {
    /// Since before the first list.
    Start,
    /// It came later; also what a watch that broke off had missed.
    Later,
}

impl Since {
    fn class(self, later: Class) -> Class {
        match self {
            Self::Start => Class::Backlog,
            Self::Later => later,
        }
    }
}

/// Watches all objects of a kind without an end, and tells what is heard of them.
async fn follow_all<K>(
    mut watch: ResourceWatch<K>,
    follow: &mut Follow,
    hear: impl Fn(Heard<'_, K>),
) where
    K: Resource + Clone + DeserializeOwned + fmt::Debug + Send + 'static,
{
    let mut listed = HashSet::new();
    loop {
        let event = match watch.next(|| ()).await {
            Ok(event) => event,
            Err(error) => {
                let is_patient = follow.failed(&error);
                listed.clear();
                hear(Heard::BrokeOff);
                if !is_patient {
                    hear(Heard::Failed(follow.list()));
                }
                continue;
            }
        };
        // One that is begun may end at once.
        if !matches!(event, Event::Listed(_) | Event::Begun) {
            follow.works();
        }
        match event {
            Event::Begun => {}
            Event::Listed(object) => {
                if let Some(name) = name_of(object.meta()) {
                    listed.insert(name.clone());
                    hear(Heard::Seen(name, object, follow.since));
                }
            }
            Event::Changed(object) => {
                if let Some(name) = name_of(object.meta()) {
                    hear(Heard::Seen(name, object, follow.since));
                }
            }
            Event::Gone(object) => {
                if let Some(name) = name_of(object.meta()) {
                    hear(Heard::Gone(name));
                }
            }
            Event::AllListed => {
                follow.since = Since::Later;
                hear(Heard::Listed(follow.list(), &listed));
                listed.clear();
            }
        }
    }
}

fn secret_seen(cluster: &Cluster, name: &ObjectName, secret: &SecretMetadata, class: Class) {
    cluster.secret_seen(name, secret.version().to_owned(), class);
    if secret.is_labelled_as_key() && name.namespace != cluster.own {
        cluster.key_elsewhere(name);
    }
}

/// Watches the key Secrets without an end; where the right to watch them is missing, they are listed now and then.
pub(super) async fn keys(cluster: Arc<Cluster>) {
    let resource = ApiResource::erase::<ApiSecret>(&());
    let mut follow = Follow::new("key Secrets", Some(cluster.own.clone()));
    let mut anew = cluster.watch_anew.subscribe();
    loop {
        let api: Api<DynamicObject> =
            Api::namespaced_with(cluster.api.client.clone(), &cluster.own, &resource);
        let selector = format!("{}={}", annotations::KEY_LABEL, annotations::KEY_ACTIVE);
        let watch = ResourceWatch::new(api, Some(selector));
        let until_the_next = async {
            follow_keys(&cluster, watch, &mut follow).await;
            cluster.feature_off(Feature::KeyWatch);
            sleep(LIST_AGAIN).await;
        };
        tokio::select! {
            () = until_the_next => {}
            _ = anew.changed() => {}
        }
    }
}

/// Follows the key Secrets until it shows that they may not be watched.
async fn follow_keys(
    cluster: &Arc<Cluster>,
    mut watch: ResourceWatch<DynamicObject>,
    follow: &mut Follow,
) {
    let mut listed = Vec::new();
    loop {
        let event = match watch.next(|| cluster.keys.begin_list()).await {
            Ok(event) => event,
            Err(error) if error.is_not_allowed_to_watch() => return,
            Err(error) => {
                follow.failed(&error);
                listed.clear();
                continue;
            }
        };
        if !matches!(event, Event::Listed(_) | Event::Begun) {
            follow.works();
        }
        let changed = match event {
            Event::Begun => {
                cluster.feature_on(Feature::KeyWatch);
                None
            }
            Event::Listed(object) => {
                listed.extend(key_secret(object));
                None
            }
            Event::AllListed => {
                let mut all = std::mem::take(&mut listed);
                all.retain(|secret: &Secret| secret.name() != cluster.args.key_prefix);
                all.extend(legacy_key(cluster).await);
                Some(cluster.keys.replace(all))
            }
            Event::Changed(object) => key_secret(object)
                .filter(|secret| is_key(secret, &cluster.args.key_prefix))
                .map(|secret| cluster.keys.add(secret)),
            Event::Gone(object) => {
                let name = object.metadata.name.unwrap_or_default();
                Some(cluster.keys.remove(&name))
            }
        };
        if let Some(changed) = changed {
            cluster.keys_seen(changed);
        }
    }
}

/// The key Secret that is named as old installations named it. Where it may not be read, the others do without it.
async fn legacy_key(cluster: &Cluster) -> Option<Secret> {
    for times in 0.. {
        let error = match cluster.legacy_key().await {
            Ok(legacy) => return legacy,
            Err(error) => error,
        };
        let prefix = &cluster.args.key_prefix;
        let is_forbidden = matches!(error, ApiError::Forbidden(_));
        if is_forbidden || times == 0 {
            warn!("the key Secret named {prefix} cannot be read: {error}");
        }
        if is_forbidden {
            return None;
        }
        sleep(wait_after(FIRST_RETRY, times).min(LIST_AGAIN)).await;
    }
    None
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
    failing_since: Option<Instant>,
    /// Since when what is heard next is as it is.
    since: Since,
    /// In which history.
    history: u64,
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
            failing_since: None,
            since: Since::Start,
            history: 0,
        }
    }

    /// A list begins. The first one of a history says how everything is from the start.
    fn begins(&mut self, history: u64) {
        if std::mem::replace(&mut self.history, history) != history {
            self.since = Since::Start;
        }
    }

    fn list(&self) -> List<'_> {
        List {
            namespace: self.namespace.as_deref(),
            history: self.history,
        }
    }

    /// Whether it is likely to work again soon, so that nothing is to be done yet without it.
    fn failed(&mut self, error: &WatchError) -> bool {
        let since = self.failing_since.get_or_insert_with(|| {
            warn!("cannot watch {}: {error}; trying again", self.what);
            Instant::now()
        });
        !error.lasts() && since.elapsed() < PATIENCE
    }

    fn works(&mut self) {
        if self.failing_since.take().is_some() {
            info!("watching {} works again", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use http::Response;
    use kube::{Client, client::Body};
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_list_whose_second_page_never_comes_is_given_up_in_the_end() {
        let service = tower::service_fn(|request: http::Request<Body>| {
            let query = request.uri().query().unwrap_or_default();
            let is_first = !query.contains("continue=");
            let (code, body) = if is_first {
                let items = json!([{"metadata": {"name": "db", "namespace": "prod"}}]);
                let metadata = json!({"resourceVersion": "7", "continue": "next"});
                (200, json!({"metadata": metadata, "items": items}))
            } else {
                (
                    500,
                    json!({"kind": "Status", "status": "Failure", "code": 500}),
                )
            };
            let body = Body::from(body.to_string().into_bytes());
            let response = Response::builder().status(code).body(body);
            async move { Ok::<_, &'static str>(response.expect("it is a response")) }
        });
        let api: Api<SecretMetadata> = Api::all(Client::new(service, "default"));
        let watch = ResourceWatch::new(api, None);
        let mut follow = Follow::new("Secrets", None);
        let failed = Cell::new(0);
        let hear = |heard: Heard<'_, SecretMetadata>| {
            if matches!(heard, Heard::Failed(_)) {
                failed.set(failed.get() + 1);
            }
        };
        let ten_minutes = Duration::from_secs(600);
        let ended = tokio::time::timeout(ten_minutes, follow_all(watch, &mut follow, hear)).await;
        assert!(ended.is_err());
        assert!(failed.get() > 0, "it is waited for for ever");
    }
}
