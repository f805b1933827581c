//! Making a key: it is stored as pending, and put into use by a second write.
//!
//! A leader that dies in between leaves a pending key, which the next one puts into use instead of making another.

use jiff::Timestamp;
use seal_api::annotations;
use seal_envelope::generate_key;
use seal_sealing::{KeyOrder, Renewal, Secret, read_key_secret};
use tokio::task::spawn_blocking;
use tracing::{debug, info};

use super::{
    ApiError, Cluster,
    api_server::Kind,
    feature::Feature,
    keys::new_key_secret,
    object_name::ObjectName,
    pending::{Schedule, ring_of, state_of, with_state},
    refusal::without_values,
};
use crate::{
    args,
    audit::{self, Caller},
};

/// How often others may be in the way while a key is made.
const TRIES: usize = 5;

/// Why a key is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It is due.
    Due,
    /// Somebody asked for one.
    AskedFor,
    /// A pending one was left behind; none is made.
    LeftBehind,
}

impl Wanted {
    fn caller(self) -> Caller {
        match self {
            Self::Due => Caller::Timer,
            Self::AskedFor => Caller::Signal,
            Self::LeftBehind => Caller::Lease,
        }
    }
}

/// Why there is no new key.
#[derive(Debug)]
pub(super) enum NotMade {
    /// This replica leads no longer.
    NotLeading,
    /// What went wrong, without a value.
    Problem(String),
}

impl NotMade {
    fn problem(message: impl Into<String>) -> Self {
        Self::Problem(message.into())
    }

    /// What the API server's refusal of a key Secret means.
    fn refused(error: &ApiError, secret: &Secret) -> Self {
        match error {
            ApiError::NotLeading => Self::NotLeading,
            error => Self::Problem(match without_values(error, [secret]) {
                Ok(message) => message,
                Err(hidden) => format!("the API server does not take it, and {hidden}"),
            }),
        }
    }
}

impl Cluster {
    /// By which a key is due.
    pub(super) fn schedule(&self, cutoff: Option<Timestamp>, now: Timestamp) -> Schedule<'_> {
        Schedule {
            prefix: &self.args.key_prefix,
            order: match self.args.key_order_priority {
                args::KeyOrder::CertNotBefore => KeyOrder::NotBefore,
                args::KeyOrder::SecretCreationTimestamp => KeyOrder::Created,
            },
            period: self.args.key_renew_period,
            cutoff,
            now,
            server_now: self.api.time(now),
        }
    }

    /// Puts a new key into use: one that was left pending, else one that it makes. Whether it did; it does not where
    /// somebody else has made one meanwhile.
    pub(super) async fn make_key(
        &self,
        wanted: Wanted,
        cutoff: Option<Timestamp>,
    ) -> Result<bool, NotMade> {
        let made = self.try_to_make_key(wanted, cutoff).await;
        if matches!(made, Err(NotMade::Problem(_))) && wanted != Wanted::LeftBehind {
            audit::key_made(wanted.caller(), "", None, false);
        }
        made
    }

    async fn try_to_make_key(
        &self,
        wanted: Wanted,
        cutoff: Option<Timestamp>,
    ) -> Result<bool, NotMade> {
        if !self.leads() {
            return Err(NotMade::NotLeading);
        }
        let mut own: Option<Secret> = None;
        let mut first = None;
        for _ in 0..TRIES {
            let schedule = self.schedule(cutoff, Timestamp::now());
            let (active, pending) = self.stored_keys().await?;
            let ring = ring_of(&active, schedule.order, schedule.now);
            let current = ring.current().map(|(key, _)| key.id());
            let is_other = *first.get_or_insert(current) != current;
            if is_other || wanted == Wanted::Due && schedule.renewal(&ring) != Renewal::Due {
                self.withdraw(own).await;
                return Ok(false);
            }
            let since = ring.current_since().max(self.keys.ring().current_since());
            let own_name = own.as_ref().map(Secret::name);
            if let Some(chosen) = schedule.choose(&pending, since, own_name) {
                match self.put_into_use(wanted, chosen, own_name).await {
                    Ok(()) => {
                        let lost = own.filter(|own| own.name() != chosen.name());
                        self.withdraw(lost).await;
                        return Ok(true);
                    }
                    Err(PutIntoUse::Changed) => continue,
                    Err(PutIntoUse::NotAllowed) if wanted != Wanted::LeftBehind => {
                        return self.make_at_once(wanted).await.map(|()| true);
                    }
                    Err(PutIntoUse::NotAllowed) => return Ok(false),
                    Err(PutIntoUse::NotMade(why)) => return Err(why),
                }
            }
            if wanted == Wanted::LeftBehind {
                return Ok(false);
            }
            if own.is_some() {
                return Err(NotMade::problem(
                    "the API server stored another Secret than was written, which is of no use as a key",
                ));
            }
            if !self.api.may("update", "secrets", &self.own).await {
                return self.make_at_once(wanted).await.map(|()| true);
            }
            self.feature_on(Feature::PendingKeys);
            own = Some(self.store_key(annotations::KEY_PENDING).await?);
            // Here is the place for what has to be done with a key before it is used.
        }
        Err(NotMade::problem(
            "the key Secrets are changed by others again and again",
        ))
    }

    /// The key Secrets that are in use, and those that are pending, as the API server has them now.
    async fn stored_keys(&self) -> Result<(Vec<Secret>, Vec<Secret>), NotMade> {
        let selector = format!(
            "{}%20in%20({}%2C{})",
            annotations::KEY_LABEL,
            annotations::KEY_ACTIVE,
            annotations::KEY_PENDING
        );
        let list = self.api.list(Kind::Secret, &self.own, &selector).await;
        let list = list.map_err(|error| {
            NotMade::Problem(format!("the key Secrets cannot be listed: {error}"))
        })?;
        let secrets = list.iter().filter_map(|item| Secret::from_json(item).ok());
        let is_pending =
            |secret: &Secret| state_of(secret).as_deref() == Some(annotations::KEY_PENDING);
        let (pending, active) = secrets.partition(is_pending);
        Ok((active, pending))
    }

    /// Where the right to update Secrets is missing: a key is in use as soon as it is stored.
    async fn make_at_once(&self, wanted: Wanted) -> Result<(), NotMade> {
        self.feature_off(Feature::PendingKeys);
        let stored = self.store_key(annotations::KEY_ACTIVE).await?;
        self.is_in_use(wanted, stored)
    }

    /// Makes a key and stores it.
    async fn store_key(&self, state: &str) -> Result<Secret, NotMade> {
        let args = &self.args;
        let (size, name, valid_for) = (args.key_size, args.my_cn.clone(), args.key_ttl);
        let now = Timestamp::now();
        let key = spawn_blocking(move || generate_key(size, &name, now, valid_for))
            .await
            .map_err(|_| NotMade::problem("an internal fault"))?
            .map_err(|error| NotMade::Problem(error.to_string()))?;
        let secret = new_key_secret(
            &key,
            (&args.key_prefix, &self.own),
            state,
            &args.privatekey_labels,
            &args.privatekey_annotations,
        );
        let created = self.api.create(Kind::Secret, &self.own, &secret).await;
        let created = created.map_err(|error| NotMade::refused(&error, &secret))?;
        Secret::from_json(&created).map_err(|error| NotMade::Problem(error.to_string()))
    }

    /// Makes a pending key one that is sealed with.
    async fn put_into_use(
        &self,
        wanted: Wanted,
        pending: &Secret,
        own: Option<&str>,
    ) -> Result<(), PutIntoUse> {
        let name = ObjectName::new(&self.own, pending.name());
        if own != Some(pending.name()) {
            info!(secretname = %name, "a key that was left pending is put into use");
        }
        let active = with_state(pending, annotations::KEY_ACTIVE);
        let written = match self.api.replace(Kind::Secret, &name, &active).await {
            Ok(written) => written,
            Err(ApiError::Conflict | ApiError::NotFound) => return Err(PutIntoUse::Changed),
            Err(ApiError::Forbidden(_)) => return Err(PutIntoUse::NotAllowed),
            Err(error) => return Err(PutIntoUse::NotMade(NotMade::refused(&error, &active))),
        };
        let stored = Secret::from_json(&written)
            .map_err(|error| PutIntoUse::NotMade(NotMade::Problem(error.to_string())))?;
        self.is_in_use(wanted, stored).map_err(PutIntoUse::NotMade)
    }

    /// A new key is in use, as it is stored.
    fn is_in_use(&self, wanted: Wanted, stored: Secret) -> Result<(), NotMade> {
        info!(
            namespace = self.own.as_str(),
            secretname = stored.name(),
            "New key written"
        );
        let key = read_key_secret(&stored, Timestamp::now());
        let certificate = key.ok().and_then(|key| key.certificate);
        let id = certificate.as_ref().map(|certificate| certificate.key_id());
        audit::key_made(wanted.caller(), stored.name(), id, true);
        if let Some(certificate) = certificate {
            info!("Certificate generated\n{}", certificate.to_pem());
        }
        let (changed, is_of_use) = self.keys.add_made(stored);
        self.keys_seen(changed);
        if is_of_use {
            Ok(())
        } else {
            Err(NotMade::problem(
                "the API server stored another Secret than was written, which is of no use as a key",
            ))
        }
    }

    /// Takes a pending key of ours out of the way: another one was put into use instead.
    async fn withdraw(&self, own: Option<Secret>) {
        let Some(own) = own else {
            return;
        };
        let name = ObjectName::new(&self.own, own.name());
        let retired = with_state(&own, annotations::KEY_RETIRED);
        if self
            .api
            .replace(Kind::Secret, &name, &retired)
            .await
            .is_err()
        {
            debug!(secretname = %name, "a key that was not needed stays pending");
        }
    }
}

/// Why a pending key is not in use.
enum PutIntoUse {
    /// Somebody changed it since it was read.
    Changed,
    /// The right to is missing.
    NotAllowed,
    NotMade(NotMade),
}
