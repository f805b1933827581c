//! One SealedSecret: read it, open it, look at its Secret, make it right, and say so.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use seal_api::{Reason, Verdict};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{Instrument, Span, debug, debug_span, field::Empty, warn};

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    events::is_of_the_secret,
    object_name::ObjectName,
    objects::{Known, Object},
    open::Opened,
    read::Read,
    records::NewRecord,
    secret::Look,
    status::Told,
};
use crate::{fair::Class, metrics::UnsealError, plan::is_settled};

/// The first wait before something is tried again that failed outside, doubled up to the last.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(300);
/// The first wait after an object was changed under our hands.
const FIRST_AGAIN: Duration = Duration::from_millis(10);
/// How long a Secret that was right counts as right while something outside fails.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// What a look led to.
enum Outcome {
    /// This replica leads no longer, or the history was rewritten meanwhile, so that nothing came of it.
    Dropped,
    /// Nothing is to be done before something changes.
    Settled(Known),
    /// It is to be looked at again: something changed under our hands.
    Again,
    /// Something outside failed; it is tried again, ever later, and not before this time is over.
    Failed(Duration),
    /// It is to be looked at again after this time, for this reason.
    After(Duration, Class),
}

impl Outcome {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Settled(_) => "settled",
            Self::Again => "again",
            Self::Failed(_) => "failed",
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
    pub(super) secret: Option<String>,
    /// Whether the SealedSecret opened.
    pub(super) opens: bool,
    /// When to look again, where that is known.
    pub(super) after: Option<Duration>,
    /// How long to wait at least where something outside failed.
    pub(super) retry_after: Duration,
    /// The record of the Secret, where it is as it should be.
    pub(super) record: Option<NewRecord>,
    /// The Secret as it was written.
    pub(super) stored: Option<Value>,
}

impl Done {
    pub(super) fn found(verdict: Verdict, secret: Option<String>) -> Self {
        Self {
            verdict,
            wrote: false,
            secret,
            opens: true,
            after: None,
            retry_after: Duration::ZERO,
            record: None,
            stored: None,
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
        loop {
            let may_begin = async {
                for known in self.needed() {
                    // It fails only when the controller is no more.
                    drop(known.subscribe().wait_for(|known| *known).await);
                }
                self.wait_to_lead().await;
            };
            tokio::select! {
                biased;
                () = may_begin => {}
                () = self.queue.closed() => return,
            }
            let Some((name, class)) = self.queue.next().await else {
                return;
            };
            let keys = self.keys.ids();
            if !self.may_look() {
                self.queue.add(name.clone(), class);
            } else if self
                .objects()
                .is_due(&name, &keys, self.watches_secrets(), Instant::now())
            {
                match self.puts_off(&name) {
                    None => self.look_at(&name, class).await,
                    Some(wait) => self.queue.add_after(name.clone(), class, wait),
                }
            }
            self.keep_mending_in_mind(&name);
            self.queue.done(&name);
        }
    }

    /// A wish to look at an object earlier took back the one to mend its status later.
    fn keep_mending_in_mind(&self, name: &ObjectName) {
        let now = Instant::now();
        let from = self.objects().edited(name);
        if let Some(from) = from.filter(|from| *from > now) {
            self.queue.add_after(name.clone(), Class::Drift, from - now);
        }
    }

    /// What has to be known before anything is looked at.
    fn needed(&self) -> [&watch::Sender<bool>; 3] {
        [
            &self.keys_listed,
            &self.secrets_known,
            &self.sealed_secrets_known,
        ]
    }

    fn may_look(&self) -> bool {
        self.needed().iter().all(|known| *known.borrow()) && self.leads()
    }

    async fn look_at(&self, name: &ObjectName, class: Class) {
        let wanted = || {
            let size = self.objects().get(name).map(|object| object.size);
            let again = self.queue.asked_again(name);
            let class = again.map_or(class, |again| again.min(class));
            (class, size.unwrap_or_default())
        };
        let Ok((_room, class)) = self.in_hand.room(name, wanted).await else {
            return;
        };
        if !self.may_look() {
            self.queue.add(name.clone(), class);
            return;
        }
        let begun = Instant::now();
        let history = self.history.number();
        let had_record_key = self.records.key().is_some();
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
        let outcome = match outcome {
            Outcome::Settled(_) if history != self.history.number() => Outcome::Dropped,
            // Its record could not be read when it was asked whose the Secret is.
            Outcome::Settled(_)
                if !had_record_key
                    && self.records.key().is_some()
                    && objects.get(name).is_some_and(Object::is_strangers) =>
            {
                Outcome::Dropped
            }
            outcome => outcome,
        };
        match outcome {
            Outcome::Settled(known) => {
                objects.conclude(name, Some(known));
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
                let times = objects.count_again(name);
                self.queue
                    .add_after(name.clone(), class, wait_after(FIRST_AGAIN, times));
            }
            Outcome::After(wait, class) => {
                objects.conclude(name, None);
                let has_new_keys = objects.waits_for_keys(name, &self.keys.ids());
                let wait = if has_new_keys { Duration::ZERO } else { wait };
                self.queue.add_after(name.clone(), class, wait);
            }
            Outcome::Failed(least) => {
                objects.conclude(name, None);
                let times = objects.count_failure(name, Timestamp::now());
                let wait = wait_after(FIRST_RETRY, times).max(least);
                self.queue.add_after(name.clone(), class, wait);
            }
        }
    }

    async fn reconcile(&self, name: &ObjectName, class: Class) -> Outcome {
        let object = match self.api.get(Kind::SealedSecret, name).await {
            Ok(Some(object)) => object,
            // The watch says whether it is gone. Until then an API server that just begins may not know it yet.
            Ok(None) => return Outcome::Failed(Duration::ZERO),
            Err(error) => {
                debug!(key = %name, "the SealedSecret cannot be read: {error}");
                self.metrics
                    .unseal_failed(UnsealError::Fetch, &name.namespace);
                return Outcome::Failed(error.retry_after());
            }
        };
        let Some(mut read) = Read::of(object, self.result_flags()) else {
            return Outcome::Failed(Duration::ZERO);
        };
        if read.is_being_deleted() {
            return Outcome::Settled(read.known(true, None));
        }
        debug!(key = %name, "Updating");
        if self.records.is_undecided() && read.record().is_some() {
            // Another replica made the key meanwhile.
            self.look_for_record_key().await;
        }
        let now = Timestamp::now();
        let done = match self.look_at_secret(name, &read, now).await {
            Ok(Look::Known(done)) => Ok(*done),
            Ok(Look::Wait(wait)) => return Outcome::After(wait, class),
            Ok(Look::ToOpen) => match self.open(name, &read, class).await {
                Opened::Later(wait, class) => return Outcome::After(wait, class),
                Opened::Failed(failure) => Ok(Done {
                    opens: false,
                    ..Done::found(failure.verdict(), None)
                }),
                Opened::All(opened) => self.make_right(name, &mut read, opened, now).await,
            },
            Err(error) => Err(error),
        };
        let mut done = match done {
            Ok(done) => done,
            Err(ApiError::Conflict | ApiError::AlreadyExists | ApiError::NotFound) => {
                return Outcome::Again;
            }
            Err(ApiError::NotLeading) => return Outcome::Dropped,
            Err(error) => {
                let message = format!("the Secret cannot be read: {error}");
                Done {
                    retry_after: error.retry_after(),
                    ..Done::found(Verdict::failed(Reason::Retrying, message), None)
                }
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
                Outcome::Failed(error.retry_after().max(done.retry_after))
            }
            // Once more, now that the record can be kept.
            Ok(Told::WithoutRecord) => Outcome::After(Duration::ZERO, class),
            Ok(Told::Whole) => match done.after {
                Some(wait) => Outcome::After(wait, class),
                // Nobody tells when the Secret in the way goes, or is annotated.
                None if !self.watches_secrets() && is_of_the_secret(done.verdict.reason) => {
                    Outcome::Failed(done.retry_after)
                }
                None if done.verdict.is_ready() || done.verdict.reason.is_terminal() => {
                    Outcome::Settled(read.known(done.opens, done.secret))
                }
                None => Outcome::Failed(done.retry_after),
            },
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
