//! Looking after the keys: a new one when it is due, the certificate offered, its validity watched.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use jiff::Timestamp;
use seal_envelope::Validity;
use seal_sealing::Renewal;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};
use tracing::{error, warn};

use super::{
    Cluster,
    certificate_map::Offered,
    make_key::{NotMade, Wanted},
};

/// How often it is looked whether something is due, whatever a clock said before.
const GLANCE: Duration = Duration::from_secs(3600);
/// The first wait after a key could not be made, doubled up to [`GLANCE`].
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// How long until a key that is due is looked after by one that leads again.
const LEAD_AGAIN: Duration = Duration::from_secs(30);

/// When a key may be made: never twice at once, and ever later while none can be made.
#[derive(Debug)]
struct Tries {
    next: Option<Instant>,
    wait: Duration,
}

impl Tries {
    fn new() -> Self {
        Self {
            next: None,
            wait: FIRST_RETRY,
        }
    }

    /// How long until one may be made.
    fn wait(&self, now: Instant) -> Duration {
        self.next
            .map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }

    fn succeeded(&mut self, now: Instant) {
        self.wait = FIRST_RETRY;
        self.next = Some(now + FIRST_RETRY);
    }

    /// How long until the next try.
    fn failed(&mut self, now: Instant) -> Duration {
        let wait = self.wait;
        self.next = Some(now + wait);
        self.wait = (wait * 2).min(GLANCE);
        wait
    }
}

/// Looks after the keys without an end, and makes some where this replica leads. SIGUSR1 makes a key at once.
pub(super) async fn look_after_keys(cluster: Arc<Cluster>) -> anyhow::Result<()> {
    let mut now_please =
        signal(SignalKind::user_defined1()).map_err(|_| anyhow!("cannot wait for signals"))?;
    let mut cutoff = cluster.args.key_cutoff_time;
    let mut tries = Tries::new();
    let mut offered = Offered::default();
    let mut told = None;
    let mut lead = cluster.lead_changes();
    // Whether what an earlier leader left was looked for since this one leads.
    let mut looked = false;
    let mut history = cluster.history.number();
    loop {
        let then = std::mem::replace(&mut history, cluster.history.number());
        if then != history {
            // What was written may be as it was before.
            offered = Offered::default();
            looked = false;
        }
        if cluster.keys.is_listed() {
            cluster.refresh_legacy_key().await;
        }
        let leads = cluster.leads();
        let wait = if leads && cluster.keys.is_listed() {
            cluster.api.ask_time().await;
            if !looked {
                match cluster.make_key(Wanted::LeftBehind, cutoff).await {
                    Ok(is_made) => {
                        looked = true;
                        cutoff = cutoff.filter(|_| !is_made);
                    }
                    // It is looked for again with the next look at the keys.
                    Err(NotMade::NotLeading) => {}
                    Err(NotMade::Problem(problem)) => {
                        warn!("whether an earlier leader left a key cannot be seen: {problem}");
                    }
                }
            }
            let now = Timestamp::now();
            let wait = match cluster.schedule(cutoff, now).renewal(&cluster.keys.ring()) {
                Renewal::Never => GLANCE,
                Renewal::At(at) => at
                    .duration_since(now)
                    .unsigned_abs()
                    .clamp(Duration::from_secs(1), GLANCE),
                // Whatever wakes us, keys are not made in quick succession.
                Renewal::Due if !tries.wait(Instant::now()).is_zero() => tries.wait(Instant::now()),
                Renewal::Due => match cluster.make_key(Wanted::Due, cutoff).await {
                    Ok(_) => {
                        // One key is enough, also where the cutoff lies in the future.
                        cutoff = None;
                        tries.succeeded(Instant::now());
                        Duration::ZERO
                    }
                    Err(NotMade::NotLeading) => LEAD_AGAIN,
                    Err(NotMade::Problem(problem)) => {
                        error!("a new key is due and cannot be made: {problem}");
                        tries.failed(Instant::now())
                    }
                },
            };
            if looked { wait } else { wait.min(LEAD_AGAIN) }
        } else if *lead.borrow() {
            // The lead may have run out for a moment, of which nobody tells.
            LEAD_AGAIN
        } else {
            GLANCE
        };
        if leads {
            cluster.offer_certificate(&mut offered).await;
        } else {
            // Another one may offer another.
            offered = Offered::default();
            looked = false;
        }
        cluster.look_at_validity(&mut told);
        tokio::select! {
            () = sleep(wait) => {}
            () = cluster.keep_certificate_offered(&mut offered), if leads => {}
            () = cluster.keys_changed.notified() => {}
            _ = lead.changed() => {}
            _ = now_please.recv() => {
                match cluster.make_key(Wanted::AskedFor, None).await {
                    Ok(_) => {}
                    Err(NotMade::NotLeading) => {
                        warn!("a new key was asked for of a replica that does not lead, and only the one that does makes keys");
                    }
                    Err(NotMade::Problem(problem)) => {
                        error!("the new key that was asked for cannot be made: {problem}");
                    }
                }
            }
        }
    }
}

impl Cluster {
    /// Reads the key Secret that is named as old installations named it.
    async fn refresh_legacy_key(&self) {
        if let Ok(found) = self.legacy_key().await {
            let changed = match found {
                Some(secret) => self.keys.add_if_other(secret),
                None => self.keys.remove(&self.args.key_prefix),
            };
            if changed {
                self.keys_seen(true);
            }
        }
    }

    /// Says once of a certificate that it is not valid.
    fn look_at_validity(&self, told: &mut Option<(seal_envelope::KeyId, Validity)>) {
        let ring = self.keys.ring();
        let Some((key, certificate)) = ring.current() else {
            return;
        };
        let validity = certificate.validity_at(Timestamp::now());
        let state = (key.id(), validity);
        if told.as_ref() == Some(&state) {
            return;
        }
        match validity {
            Validity::Valid => {}
            Validity::Expired => {
                warn!(key = %key.id(), reason = %seal_api::Reason::CertificateExpired,
                "the certificate that is sealed with expired at {}", certificate.not_after())
            }
            Validity::NotYetValid => {
                warn!(key = %key.id(), reason = %seal_api::Reason::CertificateNotYetValid,
                "the certificate that is sealed with is valid from {} on", certificate.not_before())
            }
        }
        *told = Some(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_made_in_quick_succession_and_tries_come_ever_later() {
        let mut tries = Tries::new();
        let now = Instant::now();
        assert!(tries.wait(now).is_zero());
        let waits: Vec<u64> = (0..13).map(|_| tries.failed(now).as_secs()).collect();
        assert_eq!(
            waits,
            [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
        );
        assert_eq!(tries.wait(now), GLANCE);
        tries.succeeded(now);
        assert_eq!(tries.wait(now), FIRST_RETRY);
        assert!(tries.wait(now + FIRST_RETRY).is_zero());
    }
}
