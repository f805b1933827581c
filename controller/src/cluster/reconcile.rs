//! One SealedSecret: read it, open it, look at its Secret, make it right, and say so.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use seal_api::{Reason, Verdict};
use seal_sealing::{Failure, Secret};
use serde_json::Value;
use tracing::{Instrument, Span, debug, debug_span, field::Empty, info, warn};

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    events::is_of_the_secret,
    object_name::ObjectName,
    objects::Known,
    open::Opened,
    read::{Read, text},
    refusal::refused,
};
use crate::{
    audit,
    contest::Contest,
    fair::Class,
    metrics::UnsealError,
    plan::{self, Cause, Observed, Owner, Record, Source, Step, Target, is_settled},
};

/// The first wait before something is tried again that failed outside, doubled up to the last.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(300);
/// How long to wait after a write that was changed on its way.
const FIRST_CONTEST: Duration = Duration::from_secs(1);
/// The first wait after an object was changed under our hands.
const FIRST_AGAIN: Duration = Duration::from_millis(10);
/// How long a Secret that was right counts as right while something outside fails.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// What a look led to.
enum Outcome {
    /// This replica leads no longer, so that nothing came of it.
    Dropped,
    /// Nothing is to be done before something changes.
    Settled(Known),
    /// It is to be looked at again: something changed under our hands.
    Again,
    /// Something outside failed; it is tried again, ever later.
    Failed,
    /// It is to be looked at again after this time, for this reason.
    After(Duration, Class),
}

impl Outcome {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Settled(_) => "settled",
            Self::Again => "again",
            Self::Failed => "failed",
            Self::After(..) => "put-off",
        }
    }
}

/// What was done, and what is to be said of it.
pub(super) struct Done {
    pub(super) verdict: Verdict,
    /// Whether the Secret was written.
    pub(super) wrote: bool,
    /// The Secret as it is left, by its `resourceVersion`.
    secret: Option<String>,
    /// Whether the SealedSecret opened.
    opens: bool,
    /// When to look again, where that is known.
    after: Option<Duration>,
}

impl Done {
    fn found(verdict: Verdict, secret: Option<String>) -> Self {
        Self {
            verdict,
            wrote: false,
            secret,
            opens: true,
            after: None,
        }
    }

    /// The step that failed, where one did.
    fn error(&self) -> Option<UnsealError> {
        match self.verdict.reason {
            Reason::Unsealed => None,
            _ if !self.opens => Some(UnsealError::Unseal),
            Reason::NotManaged => Some(UnsealError::Unmanaged),
            _ => Some(UnsealError::Update),
        }
    }
}

impl Cluster {
    /// Looks at one SealedSecret after the other until the queue is closed.
    pub(super) async fn work(self: Arc<Self>) {
        // It fails only when the controller is no more.
        drop(
            self.keys_listed
                .subscribe()
                .wait_for(|listed| *listed)
                .await,
        );
        loop {
            self.wait_to_lead().await;
            let Some((name, class)) = self.queue.next().await else {
                return;
            };
            if !self.leads() {
                self.queue.add(name.clone(), class);
            } else if self
                .objects()
                .is_due(&name, &self.keys.ids(), self.watches_secrets())
            {
                match self.puts_off(&name) {
                    None => self.look_at(&name, class).await,
                    Some(wait) => self.queue.add_after(name.clone(), class, wait),
                }
            }
            self.queue.done(&name);
        }
    }

    async fn look_at(&self, name: &ObjectName, class: Class) {
        let begun = Instant::now();
        self.metrics.unseal_requested();
        let span = debug_span!(
            "reconcile",
            object = %name,
            class = class.as_str(),
            outcome = Empty,
            reason = Empty,
        );
        let outcome = self.reconcile(name, class).instrument(span.clone()).await;
        self.metrics.reconciled(begun.elapsed());
        span.record("outcome", outcome.as_str());
        span.in_scope(|| debug!("looked at"));
        drop(span);
        let mut objects = self.objects();
        match outcome {
            Outcome::Settled(known) => {
                objects.conclude(name, Some(known));
                if let Some(object) = objects.get_mut(name) {
                    object.failing = None;
                }
                // What is heard of the objects meanwhile waits in the queue; of other keys the queue knows nothing. What
                // was read may be newer than what was heard, which is no reason to look again.
                if objects.waits_for_keys(name, &self.keys.ids()) {
                    self.queue.add(name.clone(), Class::Backlog);
                }
            }
            Outcome::Dropped => {
                objects.conclude(name, None);
                self.queue.add(name.clone(), class);
            }
            Outcome::Again => {
                objects.conclude(name, None);
                let times = objects.count_failure(name, Timestamp::now());
                self.queue
                    .add_after(name.clone(), class, wait_after(FIRST_AGAIN, times));
            }
            Outcome::After(wait, class) => {
                objects.conclude(name, None);
                let has_new_keys = objects.waits_for_keys(name, &self.keys.ids());
                let wait = if has_new_keys { Duration::ZERO } else { wait };
                self.queue.add_after(name.clone(), class, wait);
            }
            Outcome::Failed => {
                objects.conclude(name, None);
                let times = objects.count_failure(name, Timestamp::now());
                self.queue
                    .add_after(name.clone(), class, wait_after(FIRST_RETRY, times));
            }
        }
    }

    async fn reconcile(&self, name: &ObjectName, class: Class) -> Outcome {
        let object = match self.api.get(Kind::SealedSecret, name).await {
            Ok(Some(object)) => object,
            // The watch says whether it is gone. Until then an API server that just begins may not know it yet.
            Ok(None) => return Outcome::Failed,
            Err(error) => {
                debug!(key = %name, "the SealedSecret cannot be read: {error}");
                self.metrics
                    .unseal_failed(UnsealError::Fetch, &name.namespace);
                return Outcome::Failed;
            }
        };
        let Some(read) = Read::of(object) else {
            return Outcome::Failed;
        };
        if read.is_being_deleted() {
            return Outcome::Settled(read.known(true, None));
        }
        debug!(key = %name, "Updating");
        let opened = match self.open(name, &read, class).await {
            Opened::Secret(secret) => Ok(secret),
            Opened::Failed(failure) => Err(failure),
            Opened::Later(wait, class) => return Outcome::After(wait, class),
        };
        let now = Timestamp::now();
        let mut done = match self.make_right(name, &read, opened, now).await {
            Ok(done) => done,
            Err(ApiError::Conflict | ApiError::AlreadyExists | ApiError::NotFound) => {
                return Outcome::Again;
            }
            Err(ApiError::NotLeading) => return Outcome::Dropped,
            Err(error) => {
                let message = format!("the Secret cannot be read: {error}");
                Done::found(Verdict::failed(Reason::Retrying, message), None)
            }
        };
        if self.was_right_just_now(name, &read, now) {
            done.verdict = done.verdict.keeping_synced();
        }
        if let Some(error) = done.error() {
            self.metrics.unseal_failed(error, &name.namespace);
        }
        Span::current().record("reason", done.verdict.reason.as_str());
        let told = self.tell(name, &read, &done, now).await;
        match told {
            Err(ApiError::Conflict) => Outcome::Again,
            Err(ApiError::NotLeading) => Outcome::Dropped,
            Err(error) => {
                // Not found means that the SealedSecret was just deleted, or that the CRD has no status.
                if error != ApiError::NotFound {
                    warn!(key = %name, "the status cannot be written, will retry: {error}");
                }
                self.metrics
                    .unseal_failed(UnsealError::Status, &name.namespace);
                Outcome::Failed
            }
            Ok(()) => match done.after {
                Some(wait) => Outcome::After(wait, class),
                // Nobody tells when the Secret in the way goes, or is annotated.
                None if !self.watches_secrets() && is_of_the_secret(done.verdict.reason) => {
                    Outcome::Failed
                }
                None if done.verdict.is_ready() || done.verdict.reason.is_terminal() => {
                    Outcome::Settled(read.known(done.opens, done.secret))
                }
                None => Outcome::Failed,
            },
        }
    }

    /// Makes the Secret right.
    async fn make_right(
        &self,
        name: &ObjectName,
        read: &Read,
        opened: Result<Secret, Failure>,
        now: Timestamp,
    ) -> Result<Done, ApiError> {
        if let Err(failure) = &opened {
            return Ok(Done {
                opens: false,
                ..Done::found(failure.verdict(), None)
            });
        }
        let present = self.api.get(Kind::Secret, name).await?;
        let version = present
            .as_ref()
            .map(|secret| text(secret, "resourceVersion"));
        let content = present.as_ref().map(Secret::from_json);
        let target = match &content {
            None => Target::Absent,
            Some(Ok(secret)) => Target::Present(secret),
            // No API server stores such a thing, so this answer is not its own.
            Some(Err(_)) => {
                return Err(ApiError::Failed("the answer is not a Secret".to_owned()));
            }
        };
        let record = self.record(name, present.as_ref());
        let without_owner = self.args.skip_set_owner_references || read.asks_for_no_owner();
        let made = plan::plan(&Observed {
            owner: Owner {
                name: &name.name,
                uid: &read.uid,
            },
            source: Source::There {
                opened: opened.as_ref(),
                without_owner,
                generation: read.generation,
            },
            target,
            record,
            status: read.status.as_ref(),
        });
        let verdict = made.verdict.unwrap_or_else(Verdict::unsealed);
        match made.step.and_then(Step::into_write) {
            None => Ok(Done::found(verdict, version)),
            Some((_, Some(Cause::Drifted))) if read.leaves_drift() => {
                Ok(Done::found(verdict, version))
            }
            Some(write) => {
                let present = content.as_ref().and_then(|content| content.as_ref().ok());
                self.write(name, read, write, present, version, now).await
            }
        }
    }

    async fn write(
        &self,
        name: &ObjectName,
        read: &Read,
        (secret, cause): (Secret, Option<Cause>),
        present: Option<&Secret>,
        version: Option<String>,
        now: Timestamp,
    ) -> Result<Done, ApiError> {
        if let Some((wait, verdict)) = self.contested(name, read, now) {
            return Ok(Done {
                after: Some(wait),
                ..Done::found(verdict, version)
            });
        }
        // One that was right and is not there was deleted.
        let was_right = || is_settled(read.status.as_ref(), read.generation);
        let is_drift = cause.map_or_else(was_right, |cause| cause == Cause::Drifted);
        let written = match cause {
            None => {
                self.api
                    .create(Kind::Secret, &name.namespace, &secret)
                    .await
            }
            Some(_) => self.api.replace(Kind::Secret, name, &secret).await,
        };
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                let reason = match &error {
                    ApiError::Refused(_) | ApiError::TooLarge(_) => Reason::SecretRefused,
                    ApiError::Forbidden(_) | ApiError::Denied(_) => Reason::WriteForbidden,
                    ApiError::Failed(_) => Reason::Retrying,
                    ApiError::NotFound
                    | ApiError::AlreadyExists
                    | ApiError::Conflict
                    | ApiError::NotLeading => {
                        return Err(error);
                    }
                };
                if is_drift {
                    audit::repaired(name, false);
                }
                // A webhook sees the Secret that is there as well.
                let secrets = [Some(&secret), present];
                let verdict = refused(reason, &error, secrets.into_iter().flatten());
                return Ok(Done::found(verdict, version));
            }
        };
        match cause {
            None => info!(secret = %name, "Secret made"),
            Some(cause) => info!(secret = %name, cause = cause.as_str(), "Secret updated"),
        }
        if is_drift {
            self.metrics.drift_repaired(&name.namespace);
            audit::repaired(name, true);
        }
        let is_stored =
            Secret::from_json(&written).is_ok_and(|stored| plan::is_stored(&secret, &stored));
        let has_owner = secret.metadata.contains_key("ownerReferences");
        let mut objects = self.objects();
        if let Some(object) = objects.get_mut(name) {
            let contest = Contest::after(object.contest.as_ref(), read.made_from, now);
            object.contest = Some(contest);
            if cause.is_none() {
                object.made = (!has_owner).then(|| text(&written, "uid"));
            }
        }
        let version = Some(text(&written, "resourceVersion"));
        if !is_stored {
            let message = "the API server stored something else than was written: a policy or webhook changes the Secret; writes wait ever longer";
            return Ok(Done {
                after: Some(FIRST_CONTEST),
                ..Done::found(Verdict::failed(Reason::Contested, message), version)
            });
        }
        Ok(Done {
            wrote: true,
            ..Done::found(Verdict::unsealed(), version)
        })
    }

    /// How long to wait before the same thing is written again, where somebody undoes it, and what is to be said.
    fn contested(
        &self,
        name: &ObjectName,
        read: &Read,
        now: Timestamp,
    ) -> Option<(Duration, Verdict)> {
        let objects = self.objects();
        let object = objects.get(name)?;
        let next = Contest::next(object.contest.as_ref(), read.made_from);
        if next <= now {
            return None;
        }
        let wait = next.duration_since(now).unsigned_abs();
        // What was said of it stays said, so that the status is written once.
        let said = object
            .verdict
            .as_ref()
            .filter(|verdict| verdict.reason == Reason::Contested);
        let message = "the Secret is changed or deleted again as soon as it is repaired; repairs wait ever longer";
        let verdict = || Verdict::failed(Reason::Contested, message);
        Some((wait, said.cloned().unwrap_or_else(verdict)))
    }

    /// What this process knows of the Secret that is there.
    fn record(&self, name: &ObjectName, present: Option<&Value>) -> Record {
        let uid = present.map(|secret| text(secret, "uid"));
        let objects = self.objects();
        let made = objects.get(name).and_then(|object| object.made.as_ref());
        if uid.is_some() && uid.as_ref() == made {
            Record::WroteWithoutOwner
        } else {
            Record::Nothing
        }
    }

    /// Whether the Secret was right until something outside began to fail, less than a minute ago.
    fn was_right_just_now(&self, name: &ObjectName, read: &Read, now: Timestamp) -> bool {
        let objects = self.objects();
        let since = objects.get(name).and_then(|object| object.failing);
        let is_new = since.is_none_or(|(_, since)| now.duration_since(since) < GRACE);
        is_new && is_settled(read.status.as_ref(), read.generation)
    }
}

/// How long to wait after something failed so often: `first`, then ever longer.
pub(super) fn wait_after(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(LAST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_ever_later_and_never_end() {
        let waits: Vec<u64> = (0..12)
            .map(|times| wait_after(FIRST_RETRY, times).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(wait_after(FIRST_AGAIN, u32::MAX), LAST_RETRY);
    }
}
