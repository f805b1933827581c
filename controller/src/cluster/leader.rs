//! Which replica leads: the one that holds the Lease of the installation. It alone writes; the others keep their watches
//! and serve HTTP.
//!
//! [`election`] has the rules, [`gate`] is what every write passes, [`lease`] is the object. Why no crate does this here
//! stands in `docs/decisions/`.

mod election;
mod gate;
mod lease;

use std::{future::Future, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::{
    sync::{Mutex, watch},
    time::{sleep, timeout},
};
use tracing::{debug, info, warn};

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    feature::Feature,
    object_name::ObjectName,
    read::text,
};
use crate::{
    audit::{self, Takeover},
    fair::Class,
};

use election::{Election, Step, Times};
use lease::Lease;

pub(super) use election::Standing;
pub(super) use gate::{Gate, now};

/// How soon it is looked again whether a lead that has run out is over or goes on.
const GLANCE: Duration = Duration::from_millis(100);
/// A watch may have ended without a word when the API server was not heard of for so long, or for as long as the Lease lasts.
const LONG_SILENCE: Duration = Duration::from_secs(30);
/// How soon it is seen whether the history was rewritten where a watch broke off.
const IN_DOUBT: Duration = Duration::from_secs(1);

/// This replica's part in the election.
#[derive(Debug)]
pub(super) struct Leadership {
    lease: ObjectName,
    candidate: Mutex<Candidate>,
    leads: watch::Sender<bool>,
}

#[derive(Debug)]
struct Candidate {
    election: Election,
    /// The Lease as it was written last, where this replica holds it.
    held: Option<Lease>,
    /// Whom it follows, so that this is said once.
    follows: Option<String>,
}

impl Leadership {
    /// `me` names this process and no other.
    pub(super) fn new(lease: ObjectName, me: String, duration: SignedDuration) -> Self {
        let times = Times {
            lease: duration.unsigned_abs(),
        };
        Self {
            lease,
            candidate: Mutex::new(Candidate {
                election: Election::new(me, times),
                held: None,
                follows: None,
            }),
            leads: watch::Sender::new(false),
        }
    }
}

/// Stands for election without an end.
pub(super) async fn stand_for_election(cluster: Arc<Cluster>) {
    // When an answer is due.
    let mut due = now();
    loop {
        let (standing, wait) = {
            let mut candidate = cluster.leadership.candidate.lock().await;
            let is_answered = cluster.look_at_lease(&mut candidate).await;
            let now = now();
            let standing = candidate.election.standing(now);
            cluster.settle(standing);
            let wait = candidate.election.wait(now);
            if is_answered {
                let silence = now.saturating_sub(due);
                due = now + wait;
                if silence >= candidate.election.times().lease.min(LONG_SILENCE) {
                    info!(
                        "the API server was not heard of for {} s: every watch is begun anew",
                        silence.as_secs()
                    );
                    cluster.watch_anew.send_replace(());
                }
            }
            (standing, wait)
        };
        if standing != Standing::Alone {
            sleep(wait).await;
            continue;
        }
        // No Lease tells how far the history has come.
        if cluster.look_at_history().await {
            due = now() + wait;
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = cluster.history.doubted() => sleep(IN_DOUBT).await,
        }
    }
}

impl Cluster {
    /// Whether this replica leads at this moment.
    pub(super) fn leads(&self) -> bool {
        *self.leadership.leads.borrow() && self.api.gate.is_open(now())
    }

    /// Of which class is what a replica hears. What is heard while another one leads is mostly done by that, and no
    /// news any more when this one takes over.
    pub(super) fn class_of(&self, class: Class) -> Class {
        if *self.leadership.leads.borrow() {
            class
        } else {
            class.max(Class::Backlog)
        }
    }

    /// Waits until this replica leads.
    pub(super) async fn wait_to_lead(&self) {
        let mut leads = self.lead_changes();
        // It fails only when the controller is no more.
        while leads.wait_for(|leads| *leads).await.is_ok() {
            if self.api.gate.is_open(now()) {
                return;
            }
            sleep(GLANCE).await;
        }
    }

    /// Tells when this replica begins to lead, and when it ends to.
    pub(super) fn lead_changes(&self) -> watch::Receiver<bool> {
        self.leadership.leads.subscribe()
    }

    /// Lets nothing be written any more, and the next one take the lead.
    pub(super) async fn give_back_lead(&self) {
        self.api.gate.close();
        let mut candidate = self.leadership.candidate.lock().await;
        let leads = matches!(candidate.election.standing(now()), Standing::Leads(_));
        candidate.election.gives_up();
        self.leadership.leads.send_replace(false);
        self.metrics.set_leader(false);
        if !leads {
            return;
        }
        loop {
            let held = match candidate.held.take() {
                Some(held) => Some(held),
                None => match self.read_lease().await {
                    Ok(lease) => lease,
                    Err(error) => return debug!("the Lease cannot be given back: {error}"),
                },
            };
            let me = candidate.election.me();
            let Some(held) = held.filter(|held| held.holder() == me) else {
                return;
            };
            let free = held.given_back(Timestamp::now());
            match self.write_lease(&free).await {
                Ok(_) => {
                    info!(lease = %self.leadership.lease, "the lead was given back");
                    return audit::takeover(&self.leadership.lease, Takeover::GivenBack);
                }
                Err(ApiError::Conflict) => {}
                Err(error) => return debug!("the Lease cannot be given back: {error}"),
            }
        }
    }

    /// Gives a sign of life, or looks for one of whoever leads. Whether the API server answered.
    async fn look_at_lease(&self, candidate: &mut Candidate) -> bool {
        let mut limit = candidate.election.times().request();
        if let Standing::Leads(until) = candidate.election.standing(now()) {
            // When the lead is over, that is to be said.
            limit = limit.min(until.saturating_sub(now()));
        }
        let outcome = timeout(limit, self.try_to_hold(candidate)).await;
        match outcome {
            Ok(Ok(())) => true,
            Ok(Err(error)) if is_barred(&error) => {
                debug!("Leases cannot be used: {error}");
                candidate.election.is_barred(now());
                true
            }
            // The next look tells more.
            Ok(Err(error)) => {
                debug!("the Lease cannot be held: {error}");
                !error.is_failure()
            }
            Err(_) => {
                debug!("the Lease cannot be held: the API server does not answer");
                false
            }
        }
    }

    async fn try_to_hold(&self, candidate: &mut Candidate) -> Result<(), ApiError> {
        let duration = candidate.election.times().lease;
        if matches!(candidate.election.standing(now()), Standing::Leads(_))
            && let Some(held) = candidate.held.take()
        {
            let me = candidate.election.me();
            let next = held.held_by(me, duration, Timestamp::now());
            let written = self.hold(candidate, self.write_lease(&next)).await;
            match written {
                Err(ApiError::Conflict | ApiError::NotFound) => {}
                Err(error) => {
                    // It may be as it was.
                    candidate.held = Some(held);
                    return Err(error);
                }
                written => return written,
            }
        }
        let lease = self.read_lease().await?;
        let step = candidate.election.sees(lease.as_ref(), now());
        let me = candidate.election.me().to_owned();
        match (step, lease) {
            (Step::Wait, lease) => {
                let holder = lease.as_ref().map(Lease::holder).unwrap_or_default();
                if candidate.follows.as_deref() != Some(holder) {
                    info!(lease = %self.leadership.lease, leader = holder, "another replica leads");
                    candidate.follows = Some(holder.to_owned());
                }
                Ok(())
            }
            (Step::Hold, Some(lease)) => {
                let next = lease.held_by(&me, duration, Timestamp::now());
                self.hold(candidate, self.write_lease(&next)).await
            }
            (Step::Create | Step::Hold, _) => {
                let name = &self.leadership.lease;
                let place = (name.namespace.as_str(), name.name.as_str());
                let lease = Lease::new(place, &me, duration, Timestamp::now());
                self.hold(candidate, self.create_lease(&lease)).await
            }
        }
    }

    /// Does `write`, by which this replica holds the Lease from now on.
    async fn hold(
        &self,
        candidate: &mut Candidate,
        write: impl Future<Output = Result<Lease, ApiError>>,
    ) -> Result<(), ApiError> {
        let sent = now();
        let held = write.await?;
        candidate.election.holds(sent);
        if let Standing::Leads(until) = candidate.election.standing(now()) {
            // At once, as the next one may need it.
            self.api.gate.open_until(until);
        }
        candidate.held = Some(held);
        candidate.follows = None;
        Ok(())
    }

    async fn read_lease(&self) -> Result<Option<Lease>, ApiError> {
        let found = self.api.get(Kind::Lease, &self.leadership.lease).await?;
        Ok(found.map(|lease| self.stored_lease(lease)))
    }

    async fn create_lease(&self, lease: &Lease) -> Result<Lease, ApiError> {
        let namespace = &self.leadership.lease.namespace;
        let created = self
            .api
            .create(Kind::Lease, namespace, lease.object())
            .await;
        created.map(|lease| self.stored_lease(lease))
    }

    async fn write_lease(&self, lease: &Lease) -> Result<Lease, ApiError> {
        let name = &self.leadership.lease;
        let written = self.api.replace(Kind::Lease, name, lease.object()).await;
        written.map(|lease| self.stored_lease(lease))
    }

    fn stored_lease(&self, object: Value) -> Lease {
        self.lease_seen(&text(&object, "resourceVersion"));
        Lease::stored(object)
    }

    /// Lets writes out, or not, and says what changed.
    pub(super) fn settle(&self, standing: Standing) {
        let gate = &self.api.gate;
        match standing {
            Standing::Follows => gate.close(),
            Standing::Leads(until) => gate.open_until(until),
            Standing::Alone => gate.open(),
        }
        match standing {
            Standing::Alone => self.feature_off(Feature::LeaderElection),
            Standing::Follows | Standing::Leads(_) => self.feature_on(Feature::LeaderElection),
        }
        let leads = standing != Standing::Follows;
        self.metrics.set_leader(leads);
        // Who waits for a change is not woken by each renewal.
        let mut led = leads;
        self.leadership.leads.send_if_modified(|now| {
            led = std::mem::replace(now, leads);
            led != leads
        });
        if leads && !led && standing != Standing::Alone {
            info!(lease = %self.leadership.lease, "this replica leads");
            audit::takeover(&self.leadership.lease, Takeover::Done);
        }
        if led && !leads {
            warn!(lease = %self.leadership.lease, "this replica leads no longer, and writes nothing any more");
            audit::takeover(&self.leadership.lease, Takeover::Lost);
            self.start_over();
        }
    }

    /// Forgets what came of the SealedSecrets: another replica looks after them now. Where this one leads again, it looks
    /// at all of them, as after a start.
    fn start_over(&self) {
        self.openings.break_off();
        let names = self.objects().forget_outcomes();
        self.metrics.forget_objects();
        for name in names {
            self.queue.add(name, Class::Backlog);
        }
        // What is right by its record need not be read then.
        self.hear_again.send_replace(());
    }
}

/// Whether an error says that Leases are not to be used here, now or ever.
fn is_barred(error: &ApiError) -> bool {
    match error {
        ApiError::Forbidden(_)
        | ApiError::Denied(_)
        | ApiError::Refused(_)
        | ApiError::TooLarge(_)
        | ApiError::NotFound => true,
        ApiError::AlreadyExists
        | ApiError::Conflict
        | ApiError::NotLeading
        | ApiError::Failed(_)
        | ApiError::Busy(..) => false,
    }
}
