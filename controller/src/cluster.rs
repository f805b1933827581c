//! The cluster shell: SealedSecrets, Secrets and keys are objects of the API server.
//!
//! Watches say what changed, a queue says what to look at, workers look at one SealedSecret each; [`crate::plan`]
//! decides. At rest no request is made for any object.

mod api_server;
mod certificate_map;
mod effort;
mod events;
mod feature;
mod history;
mod in_hand;
mod keys;
mod leader;
mod make_key;
mod mending;
mod object_name;
mod objects;
mod open;
mod openings;
mod pace;
mod pending;
mod place;
mod queue;
mod read;
mod reconcile;
mod record_key;
mod records;
mod refusal;
mod renew;
mod secret;
mod serve;
mod status;
mod tell;
mod watched;
mod watches;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use seal_sealing::{KeyOrder, Secret};
use serde_json::Value;
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, Semaphore, watch},
    time::sleep,
};
use tracing::{info, warn};

use crate::{args, args::Args, audit, cores::Cores, fair::Class, http::Served, metrics::Metrics};

use api_server::{ApiError, ApiServer, Kind};
use effort::Effort;
use feature::Feature;
use history::History;
use in_hand::{InHand, Size};
use keys::Keys;
use leader::Leadership;
use object_name::ObjectName;
use objects::{Objects, Seen};
use openings::Openings;
use queue::Queue;
use read::Read;
use reconcile::{FIRST_RETRY, wait_after};
use record_key::Records;
use refusal::without_values;

pub use serve::run;

/// Of so many namespaces a page of SealedSecrets is in memory at once. Of more than one, so that one that hangs does not hold up the
/// others.
const PAGES_AT_ONCE: usize = 2;
/// How many Secrets of SealedSecrets that are gone are looked after at once.
const DELETIONS_AT_ONCE: usize = 8;

/// The controller in a cluster.
#[derive(Debug)]
struct Cluster {
    args: Args,
    /// The controller's namespace, where its keys are.
    own: String,
    /// The namespaces it works in; none stands for all.
    scope: Option<BTreeSet<String>>,
    api: ApiServer,
    leadership: Leadership,
    keys: Keys,
    objects: Mutex<Objects>,
    queue: Arc<Queue>,
    in_hand: InHand,
    /// Turns to have a page of listed SealedSecrets in memory.
    pages: Arc<Semaphore>,
    records: Records,
    history: History,
    /// In which history it was read whether there is a key of the records.
    record_key: AsyncMutex<Option<u64>>,
    /// What is spent on SealedSecrets that do not open.
    effort: Mutex<Effort>,
    cores: Arc<Cores>,
    openings: Openings,
    /// Turns to delete the Secret of a SealedSecret that is gone.
    deletions: Semaphore,
    served: Arc<Served>,
    metrics: Arc<Metrics>,
    /// Has all SealedSecrets told of once more.
    hear_again: watch::Sender<()>,
    /// Has every watch begun anew.
    watch_anew: watch::Sender<()>,
    /// Wakes those who look after the keys.
    keys_changed: Notify,
    /// Whether the keys are known: before that nothing is said to be sealed with an unknown one.
    keys_listed: watch::Sender<bool>,
    /// Whether it is known which Secrets there are, as far as they are watched: before that none is said to be missing.
    secrets_known: watch::Sender<bool>,
    /// Whether the SealedSecrets were heard of in the history that is known, where it was rewritten: before that nobody knows
    /// which are right by their records, and what the key of those is.
    sealed_secrets_known: watch::Sender<bool>,
    said: Mutex<Said>,
}

/// What is said once.
#[derive(Debug, Default)]
struct Said {
    features_off: BTreeSet<Feature>,
    keys_elsewhere: BTreeSet<ObjectName>,
    /// In which history the next ones were listed.
    listed_in: u64,
    /// The namespaces of which the SealedSecrets were listed, or could not be.
    listed: HashSet<Option<String>>,
    /// Those of which the Secrets were.
    secrets_listed: HashSet<Option<String>>,
}

impl Cluster {
    fn new(
        args: Args,
        own: String,
        api: ApiServer,
        served: Arc<Served>,
        metrics: Arc<Metrics>,
        cores: Arc<Cores>,
        queue: Queue,
    ) -> Self {
        let order = match args.key_order_priority {
            args::KeyOrder::CertNotBefore => KeyOrder::NotBefore,
            args::KeyOrder::SecretCreationTimestamp => KeyOrder::Created,
        };
        for feature in Feature::ALL {
            metrics.feature_off(feature.name(), false);
        }
        let lease = ObjectName::new(&own, &args.name);
        let leadership = Leadership::new(lease, place::identity(), args.lease_duration);
        let effort = Effort::new(args.max_failing_operations.into());
        Self {
            scope: args.namespaces(&own),
            own,
            api,
            leadership,
            keys: Keys::new(order),
            objects: Mutex::default(),
            effort: Mutex::new(effort),
            queue: Arc::new(queue),
            in_hand: InHand::new(),
            pages: Arc::new(Semaphore::new(PAGES_AT_ONCE)),
            cores,
            openings: Openings::default(),
            deletions: Semaphore::new(DELETIONS_AT_ONCE),
            records: Records::new(),
            record_key: AsyncMutex::default(),
            history: History::new(),
            served,
            metrics,
            hear_again: watch::Sender::default(),
            watch_anew: watch::Sender::default(),
            keys_changed: Notify::new(),
            keys_listed: watch::Sender::new(false),
            secrets_known: watch::Sender::new(args.skip_recreate),
            // At the start none is known of that was not heard of.
            sealed_secrets_known: watch::Sender::new(true),
            said: Mutex::default(),
            args,
        }
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watches_secrets(&self) -> bool {
        !self.args.skip_recreate
    }

    fn effort(&self) -> MutexGuard<'_, Effort> {
        self.effort.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flags that change what is made of a SealedSecret, where they are on.
    fn result_flags(&self) -> Vec<&'static str> {
        let args = &self.args;
        let flags = [
            ("accept-deprecated-v1-data", args.accept_deprecated_v1_data),
            ("allow-restricted-types", args.allow_restricted_types),
            ("allow-random-functions", args.allow_random_functions),
            ("skip-set-owner-references", args.skip_set_owner_references),
        ];
        let on = flags.into_iter().filter(|(_, is_on)| *is_on);
        on.map(|(flag, _)| flag).collect()
    }

    fn sealed_secret_seen(&self, name: &ObjectName, object: Value, class: Class) {
        let size = Size::of(&object);
        let Some(read) = Read::of(object, self.result_flags()) else {
            return;
        };
        self.history.sees(&read.version);
        let seen = {
            // Held, as where it is gone.
            let mut objects = self.objects();
            self.metrics.object_there(&name.namespace, &name.name);
            let seen = objects.see(name, &read.uid, &read.version, read.seen);
            if let Some(object) = objects.get_mut(name) {
                object.size = size;
            }
            seen
        };
        if seen == Seen::Older {
            self.history_was_rewritten();
        }
        let is_new = seen != Seen::Same;
        if let Some(record) = read.record() {
            self.records.heard_of(record);
        }
        self.look_at_record(name, &read);
        if is_new {
            self.queue.add(name.clone(), self.class_of(class));
        }
        if is_new {
            self.in_hand.changed(name);
            self.openings.changed(name, read.seen);
        }
    }

    /// A SealedSecret is gone; its Secret goes by its owner reference.
    fn sealed_secret_gone(self: &Arc<Self>, name: &ObjectName) {
        let uid = {
            // Held, so that a look that goes on does not count it again.
            let mut objects = self.objects();
            self.metrics.object_gone(&name.namespace, &name.name);
            objects.forget(name)
        };
        self.openings.gone(name);
        if let Some(uid) = uid.filter(|_| self.args.old_gc_behavior) {
            let (cluster, name) = (Arc::clone(self), name.clone());
            tokio::spawn(async move { cluster.delete_secret_of(&name, &uid).await });
        }
    }

    /// Deletes the Secret of a SealedSecret that is gone, where it is its own; tries until it is known to be done.
    async fn delete_secret_of(&self, name: &ObjectName, uid: &str) {
        let mut lead = self.lead_changes();
        for times in 0.. {
            // Whoever leads does it, and this replica if it leads before that is done.
            let follows = !self.leads();
            if follows && self.is_known_to_lack_secret(name) {
                return;
            }
            let outcome = if follows && times == 0 {
                Err(ApiError::NotLeading)
            } else {
                // It is never closed.
                let _turn = self.deletions.acquire().await;
                self.try_to_delete_secret_of(name, uid).await
            };
            let mut wait = wait_after(FIRST_RETRY, times);
            match outcome {
                Ok(()) => return,
                Err(ApiError::NotLeading) => {}
                Err(ApiError::Forbidden(_)) => {
                    return self.feature_off(Feature::OldGarbageCollection);
                }
                Err(error) => {
                    wait = wait.max(error.retry_after());
                    warn!(secret = %name, "the Secret cannot be deleted, will retry: {error}");
                }
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = lead.changed() => {}
            }
        }
    }

    fn is_known_to_lack_secret(&self, name: &ObjectName) -> bool {
        let are_known = self.watches_secrets() && *self.secrets_known.borrow();
        are_known && !self.objects().has_secret(name)
    }

    async fn try_to_delete_secret_of(&self, name: &ObjectName, uid: &str) -> Result<(), ApiError> {
        // One that only left the selection of labels is not gone.
        let sealed = self.api.get(Kind::SealedSecret, name).await?;
        if sealed.is_some_and(|sealed| read::text(&sealed, "uid") == uid) {
            return Ok(());
        }
        let Some(object) = self.api.get(Kind::Secret, name).await? else {
            return Ok(());
        };
        let owner = crate::plan::Owner {
            name: &name.name,
            uid,
        };
        let Ok(secret) = Secret::from_json(&object) else {
            return Ok(());
        };
        if crate::plan::is_owned_by(&secret, &owner) {
            let deleted = self.api.delete(Kind::Secret, name, &object).await;
            deleted.map_err(|error| match without_values(&error, [&secret]) {
                Ok(_) => error,
                Err(hidden) => ApiError::Failed(format!("the API server refuses, and {hidden}")),
            })?;
            info!(secret = %name, "Secret deleted with its SealedSecret");
        }
        Ok(())
    }

    /// All SealedSecrets of a namespace, or of all, are known, or it is known that they cannot be. A namespace that is
    /// not there does not hold up the others. A list of another history counts no more.
    fn listed(&self, namespace: Option<&str>, history: u64) {
        let mut said = self.said();
        if said.listed_in != history {
            return;
        }
        said.listed.insert(namespace.map(str::to_owned));
        if said.listed.len() >= self.namespaces() {
            self.sealed_secrets_known.send_replace(true);
        }
        drop(said);
        self.look_whether_ready();
    }

    /// The Secrets of a namespace, or of all, are known, or it is known that they cannot be.
    fn secrets_listed(&self, namespace: Option<&str>, history: u64) {
        let mut said = self.said();
        if said.listed_in != history {
            return;
        }
        said.secrets_listed.insert(namespace.map(str::to_owned));
        if said.secrets_listed.len() >= self.namespaces() {
            self.secrets_known.send_replace(true);
        }
    }

    fn namespaces(&self) -> usize {
        self.scope.as_ref().map_or(1, BTreeSet::len)
    }

    fn look_whether_ready(&self) {
        let namespaces = self.namespaces();
        if self.said().listed.len() >= namespaces && self.keys.is_listed() {
            self.served.set_ready(true);
        }
    }

    fn secret_seen(&self, name: &ObjectName, version: String, class: Class) {
        let seen = self.objects().see_secret(name, version);
        match seen {
            Seen::Same => {}
            Seen::New => self.queue.add(name.clone(), self.class_of(class)),
            Seen::Older => self.history_was_rewritten(),
        }
        self.legacy_key_seen(name);
    }

    fn secret_gone(&self, name: &ObjectName) {
        if self.objects().forget_secret(name) {
            self.queue.add(name.clone(), self.class_of(Class::Drift));
        }
        if self.said().keys_elsewhere.remove(name) {
            self.tell_key_problems();
        }
        self.legacy_key_seen(name);
    }

    /// The key Secret of old installations has no label by which it could be watched.
    fn legacy_key_seen(&self, name: &ObjectName) {
        if name.namespace == self.own && name.name == self.args.key_prefix {
            self.keys_changed.notify_one();
        }
    }

    /// The key Secret that is named as old installations named it.
    async fn legacy_key(&self) -> Result<Option<Secret>, ApiError> {
        let name = ObjectName::new(&self.own, &self.args.key_prefix);
        let object = self.api.get(Kind::Secret, &name).await?;
        Ok(object.and_then(|object| Secret::from_json(&object).ok()))
    }

    /// Key Secrets were seen; `changed` where other keys are held now.
    fn keys_seen(&self, changed: bool) {
        if self.keys.is_listed() {
            // Held, so that of two who tell of keys the later one tells of the later keys.
            let _said = self.said();
            let ring = self.keys.ring();
            self.metrics.set_keys(&ring);
            self.served.set_keys(ring);
        }
        self.keys_listed.send_replace(self.keys.is_listed());
        self.tell_key_problems();
        self.look_whether_ready();
        if changed {
            let keys = self.keys.ids();
            let waiting = self.objects().waiting_for_keys(&keys);
            for name in waiting {
                // There may be as many as at a start.
                self.queue.add(name, Class::Backlog);
            }
        }
        self.keys_changed.notify_one();
    }

    /// A Secret elsewhere has the key label. It is no key: whoever may write Secrets there could bring his own.
    fn key_elsewhere(&self, name: &ObjectName) {
        if self.said().keys_elsewhere.insert(name.clone()) {
            let reason = seal_api::Reason::MisplacedKey;
            audit::key_refused(&name.to_string(), reason);
            warn!(secretname = %name, %reason, "a Secret with the key label lies in another namespace than the controller's and is ignored");
            self.tell_key_problems();
        }
    }

    fn tell_key_problems(&self) {
        let mut problems = self.keys.broken();
        let elsewhere = self.said().keys_elsewhere.len();
        if elsewhere > 0 {
            problems.insert(seal_api::Reason::MisplacedKey, elsewhere);
        }
        self.metrics.set_key_problems(&problems);
    }

    fn feature_off(&self, feature: Feature) {
        if self.said().features_off.insert(feature) {
            self.metrics.feature_off(feature.name(), true);
            warn!(feature = feature.name(), "{}", feature.loss());
        }
    }

    /// What the controller did without works after all.
    fn feature_on(&self, feature: Feature) {
        if self.said().features_off.remove(&feature) {
            self.metrics.feature_off(feature.name(), false);
            info!(feature = feature.name(), "it works now");
        }
    }
}
