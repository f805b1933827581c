//! Opening a SealedSecret: off the threads that wait for the network, on as many as there are cores, and never so that one
//! namespace's broken SealedSecrets keep them busy.
//!
//! Why one does not open is found out at once where nothing else waits, and otherwise when its turn comes. Until then nothing is
//! said of it, so that what is said is said once and is the whole of it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use seal_api::Reason;
use seal_sealing::{Attempt, Failure, Outcome, Purpose, UnsealOptions, unseal_again};
use tokio::{task::spawn_blocking, time::Instant};
use tracing::warn;

use super::{Cluster, object_name::ObjectName, read::Read};
use crate::fair::Class;

/// What came of it.
pub(super) enum Opened {
    All(seal_sealing::Opened),
    Failed(Failure),
    /// It is opened again after this time, for this reason.
    Later(Duration, Class),
}

impl Cluster {
    /// How long a SealedSecret that does not open waits before more is spent on it. With a new key, each gets a try with
    /// that key at once, however many others of its namespace wait.
    pub(super) fn puts_off(&self, name: &ObjectName) -> Option<Duration> {
        let wait = self.effort().wait(&name.namespace, Instant::now())?;
        let is_failing = self.objects().is_failing(name, &self.keys.ids());
        is_failing.then(|| {
            self.metrics.put_off(&name.namespace);
            wait
        })
    }

    /// Opens it, knowing what was found out of it before.
    pub(super) async fn open(&self, name: &ObjectName, read: &Read, class: Class) -> Opened {
        let sealed = match read.sealed() {
            Ok(sealed) => sealed.clone(),
            Err(failure) => return Opened::Failed(failure.clone()),
        };
        let fault = || {
            let message = "opening ended by an internal fault";
            Opened::Failed(Failure::of_object(Reason::Retrying, message))
        };
        let job = self.cores.job(class, &name.namespace);
        let opening = self.openings.begin(name, read.seen, job.handle());
        if !job.begin().await {
            return Opened::Later(Duration::ZERO, class);
        }
        let ring = self.keys.ring();
        let options = UnsealOptions {
            legacy_data: self.args.accept_deprecated_v1_data,
            restricted_types: self.args.allow_restricted_types,
            random_functions: self.args.allow_random_functions.then(Timestamp::now),
        };
        let tried = self.objects().tried(name, read.seen).cloned();
        let allowed = self.effort().left(&name.namespace, Instant::now());
        let queue = Arc::clone(&self.queue);
        let work = spawn_blocking(move || {
            let mut goes_on = |purpose| match purpose {
                Purpose::Opening => job.go_on(Class::Change),
                Purpose::Diagnosis => {
                    let waits = class < Class::Diagnosis && queue.has_more_urgent(Class::Diagnosis);
                    !waits && job.go_on(Class::Diagnosis)
                }
            };
            let tried = tried.unwrap_or_default();
            unseal_again(&sealed, &ring, &options, tried, allowed, &mut goes_on)
        });
        let Ok(Attempt {
            outcome,
            operations,
        }) = work.await
        else {
            return fault();
        };
        self.queue.charge(class, &name.namespace, operations);
        let note = |tried| self.objects().note_tried(name, read.seen, tried);
        let opened = match outcome {
            Outcome::Opened(opened) => {
                note(None);
                let keys = opened.keys.values().copied();
                self.metrics.set_keys_of(&name.namespace, &name.name, keys);
                Opened::All(opened)
            }
            Outcome::Failed(failure, tried) => {
                note(Some(tried));
                self.spend(&name.namespace, operations);
                Opened::Failed(failure)
            }
            Outcome::PutOff(tried) => {
                note(Some(tried));
                self.spend(&name.namespace, operations);
                self.metrics.put_off(&name.namespace);
                let wait = self.effort().wait(&name.namespace, Instant::now());
                Opened::Later(wait.unwrap_or_default(), class)
            }
            Outcome::Unexplained(tried) => {
                note(Some(tried));
                self.spend(&name.namespace, operations);
                Opened::Later(Duration::ZERO, Class::Diagnosis)
            }
            Outcome::BrokenOff => return Opened::Later(Duration::ZERO, class),
        };
        opening.finish();
        opened
    }

    fn spend(&self, namespace: &str, operations: u64) {
        self.metrics.spent_on_failing(namespace, operations);
        if self.effort().spend(namespace, operations, Instant::now()) {
            let most = self.args.max_failing_operations;
            warn!(
                namespace,
                "{most} private-key operations were spent in a minute on SealedSecrets that do not open; others of this namespace that do not open wait for the next minute"
            );
        }
    }
}
