//! The Secret of one SealedSecret: whether it is right by its record, and making it right.

use std::time::Duration;

use jiff::Timestamp;
use seal_api::{Reason, Verdict, annotations};
use seal_sealing::{Opened, Secret};
use serde_json::Value;
use tracing::info;

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    object_name::ObjectName,
    read::{Read, text},
    reconcile::Done,
    records::recorded,
    refusal::refused,
};
use crate::{
    audit,
    contest::Contest,
    plan::{self, Cause, Observed, Owner, Record, Source, Step, Target, is_settled},
    record::{Written, rendering},
};

/// How long to wait after a write that was changed on its way.
const FIRST_CONTEST: Duration = Duration::from_secs(1);

/// What a look at the Secret tells.
pub(super) enum Look {
    /// What is to be said, without opening anything.
    Known(Box<Done>),
    /// The SealedSecret has to be opened.
    ToOpen,
    /// It has to be opened, but not before this time is over.
    Wait(Duration),
}

impl Look {
    fn known(done: Done) -> Self {
        Self::Known(Box::new(done))
    }
}

impl Cluster {
    /// Whether the Secret is right by its record, so that nothing has to be opened.
    pub(super) async fn look_at_secret(
        &self,
        name: &ObjectName,
        read: &Read,
        now: Timestamp,
    ) -> Result<Look, ApiError> {
        let proof = self.proof(name, read).filter(|proof| proof.is_current);
        let Some(proof) = proof else {
            // What was right before is looked at for somebody else's doing.
            let was_right = self
                .objects()
                .get(name)
                .is_some_and(|object| object.was_right(read.seen));
            return Ok(if was_right {
                self.before_opening(name, read, now)
            } else {
                Look::ToOpen
            });
        };
        let object = self.api.get(Kind::Secret, name).await?;
        let version = object
            .as_ref()
            .map(|object| text(object, "resourceVersion"));
        if let Some(object) = &object {
            let secret = content(object)?;
            let record = self.says_of(name, Some(&proof), Some((object, &secret)));
            let owner = owner(name, read);
            if let Some(verdict) = plan::not_ours(&secret, &owner, record) {
                return Ok(Look::known(Done::found(verdict, version)));
            }
            if plan::is_rightly_owned(&secret, &owner, self.sets_no_owner(read), record) {
                if proof.holds(&secret) {
                    let record = self.record_again(name, read, &proof, (object, &secret));
                    self.metrics.found_by_record();
                    return Ok(Look::known(Done {
                        record,
                        ..Done::found(Verdict::unsealed(), version)
                    }));
                }
                // Somebody else changed it.
                if read.leaves_drift() {
                    return Ok(Look::known(Done::found(Verdict::unsealed(), version)));
                }
            }
        }
        if let Some((wait, verdict)) = self.contested(name, read, now) {
            return Ok(Look::known(Done {
                after: Some(wait),
                ..Done::found(verdict, version)
            }));
        }
        Ok(self.before_opening(name, read, now))
    }

    /// Who changes a Secret or a status again and again must not cost an opening each time, as the SealedSecret did not change.
    fn before_opening(&self, name: &ObjectName, read: &Read, now: Timestamp) -> Look {
        let mut objects = self.objects();
        if let Some(object) = objects.get_mut(name) {
            let next = Contest::next(object.openings.as_ref(), read.made_from, now);
            if next > now {
                return Look::Wait(next.duration_since(now).unsigned_abs());
            }
            let openings = Contest::after(object.openings.as_ref(), read.made_from, now);
            object.openings = Some(openings);
        }
        Look::ToOpen
    }

    fn sets_no_owner(&self, read: &Read) -> bool {
        self.args.skip_set_owner_references || read.asks_for_no_owner()
    }

    /// Makes the Secret right.
    pub(super) async fn make_right(
        &self,
        name: &ObjectName,
        read: &mut Read,
        opened: Opened,
        now: Timestamp,
    ) -> Result<Done, ApiError> {
        let proof = self.proof(name, read);
        let object = self.api.get(Kind::Secret, name).await?;
        let version = object
            .as_ref()
            .map(|secret| text(secret, "resourceVersion"));
        let present = object.as_ref().map(content).transpose()?;
        let record = self.says_of(name, proof.as_ref(), object.as_ref().zip(present.as_ref()));
        let without_owner = self.sets_no_owner(read);
        let rendering = rendering(&opened, proof.as_ref(), present.as_ref());
        let made = plan::plan(&Observed {
            owner: owner(name, read),
            source: Source::There {
                opened: Ok(&opened.secret),
                without_owner,
                rendering,
            },
            target: present.as_ref().map_or(Target::Absent, Target::Present),
            record,
            settled: proof.as_ref().map_or_else(
                || is_settled(read.status.as_ref(), read.generation),
                // That it is about to be written does not say that it was right.
                |proof| proof.has_same_source && proof.secret().is_some(),
            ),
        });
        let verdict = made.verdict.unwrap_or_else(Verdict::unsealed);
        let written = Written {
            wanted: &opened.secret,
            keys: &opened.keys,
            without_owner,
            from_legacy: read.is_legacy(),
        };
        let done = match made.step.and_then(Step::into_write) {
            None => Done::found(verdict, version),
            Some((_, Some(Cause::Drifted))) if read.leaves_drift() => {
                return Ok(Done::found(verdict, version));
            }
            Some((secret, cause)) => {
                // From the write on nothing else proves it ours.
                let is_on_record = record == Record::WroteWithoutOwner;
                if without_owner && !is_on_record && !secret.is_annotated(annotations::PATCH) {
                    let intent = |cluster: &Self, read: &Read| {
                        cluster.new_record(name, read, &written, (None, &secret), true)
                    };
                    if !self.write_intent(name, read, intent, now).await? {
                        let message = "the key of the records, which are to prove the Secret ours, cannot be made or read";
                        let verdict = Verdict::failed(Reason::Retrying, message);
                        return Ok(Done::found(verdict, version));
                    }
                }
                let write = (secret, cause, verdict);
                self.write(name, read, write, present.as_ref(), version, now)
                    .await?
            }
        };
        let object = done.stored.as_ref().or(object.as_ref());
        // What a random template gave is known also where a webhook changed it on its way.
        let is_to_record = done.verdict.is_ready() || (opened.is_random && done.stored.is_some());
        let Some(object) = object.filter(|_| is_to_record) else {
            return Ok(done);
        };
        let (stored, place) = (content(object)?, recorded(object));
        let is_news = proof.is_none_or(|proof| {
            !proof.is_current || (!proof.holds(&stored) && proof.secret() != Some(&place))
        });
        let record = self.new_record(name, read, &written, (Some(place), &stored), is_news);
        if let (Some(object), Some(new)) = (self.objects().get_mut(name), &record) {
            object.record = Some(Box::new(new.record.clone()));
        }
        let record = record.filter(|_| done.verdict.is_ready());
        Ok(Done { record, ..done })
    }

    async fn write(
        &self,
        name: &ObjectName,
        read: &Read,
        (secret, cause, verdict): (Secret, Option<Cause>, Verdict),
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
                    ApiError::Failed(_) | ApiError::Busy(..) => Reason::Retrying,
                    ApiError::AlreadyExists => {
                        // Somebody else was faster, and equal content would prove nothing.
                        if let Some(object) = self.objects().get_mut(name) {
                            object.intent_void = true;
                        }
                        return Err(error);
                    }
                    ApiError::NotFound | ApiError::Conflict | ApiError::NotLeading => {
                        return Err(error);
                    }
                };
                if is_drift {
                    audit::repaired(name, false);
                }
                // A webhook sees the Secret that is there as well.
                let secrets = [Some(&secret), present];
                let verdict = refused(reason, &error, secrets.into_iter().flatten());
                return Ok(Done {
                    retry_after: error.retry_after(),
                    ..Done::found(verdict, version)
                });
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
        let mut objects = self.objects();
        if let Some(object) = objects.get_mut(name) {
            let contest = Contest::after(object.contest.as_ref(), read.made_from, now);
            object.contest = Some(contest);
        }
        let version = Some(text(&written, "resourceVersion"));
        if !is_stored {
            let message = "the API server stored something else than was written: a policy or webhook changes the Secret; writes wait ever longer";
            return Ok(Done {
                after: Some(FIRST_CONTEST),
                stored: Some(written),
                ..Done::found(Verdict::failed(Reason::Contested, message), version)
            });
        }
        Ok(Done {
            wrote: true,
            stored: Some(written),
            ..Done::found(verdict, version)
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
        let next = Contest::next(object.contest.as_ref(), read.made_from, now);
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
}

fn owner<'o>(name: &'o ObjectName, read: &'o Read) -> Owner<'o> {
    Owner {
        name: &name.name,
        uid: &read.uid,
    }
}

/// The Secret that the API server answered with.
fn content(object: &Value) -> Result<Secret, ApiError> {
    // No API server stores anything else, so such an answer is not its own.
    Secret::from_json(object).map_err(|_| ApiError::Failed("the answer is not a Secret".to_owned()))
}
