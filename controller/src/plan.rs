//! The decision: from what is, to what is to be done.
//!
//! One pure function, [`plan`], holds nearly every rule of the controller, whichever shell it runs in; the table in its
//! tests is the specification. It knows no file, no API server and no clock: the shell observes, plans, carries the
//! step out, and says with [`next_status`] or [`status_after_write`] what became of it.

mod content;
mod ownership;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::Timestamp;
use seal_api::{
    ConditionStatus, ConditionType, Reason, SealedSecretStatus, Verdict, conditions, transition,
};
use seal_sealing::{Failure, Secret};

pub use content::is_stored;
pub use ownership::{Owner, is_owned_by};

use ownership::Claim;

/// Everything a decision depends on.
#[derive(Debug)]
pub struct Observed<'o> {
    /// The SealedSecret as an owner: its name and uid.
    pub owner: Owner<'o>,
    /// The SealedSecret itself.
    pub source: Source<'o>,
    /// The Secret as it is.
    pub target: Target<'o>,
    /// What our own record says of the Secret.
    pub record: Record,
    /// Whether the Secret was right for the SealedSecret as it is now, so that what differs was changed by somebody else.
    pub settled: bool,
}

/// The SealedSecret, as far as a decision needs it.
#[derive(Debug)]
pub enum Source<'o> {
    /// There is none any more.
    Gone,
    /// It is there.
    There {
        /// The Secret it opens to, or why it does not open.
        opened: Result<&'o Secret, &'o Failure>,
        /// Whether its template asks for a Secret without owner reference.
        without_owner: bool,
        /// What is to become of data that is there.
        rendering: Rendering,
    },
}

/// What is to become of the data of a Secret that is there and ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rendering {
    /// It is made again: the same SealedSecret always opens to the same data.
    #[default]
    Repeatable,
    /// It is made anew, because the SealedSecret changed. Its template gives something else each time.
    Due,
    /// It stays as it is: its template gives something else each time, and nothing says that the SealedSecret changed.
    Stays {
        /// Whether somebody else changed it.
        drifted: bool,
    },
}

/// The Secret under the name of the SealedSecret.
#[derive(Debug)]
pub enum Target<'o> {
    /// There is none.
    Absent,
    /// Something is there that is not a readable Secret of that name.
    Unreadable,
    /// It is there.
    Present(&'o Secret),
}

/// What our own record says of the Secret that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Record {
    /// That we never wrote it, or nothing.
    #[default]
    Nothing,
    /// That we wrote it, with an owner reference or as a merge.
    Wrote,
    /// That we wrote it without owner reference, so that only this record proves it ours.
    WroteWithoutOwner,
}

/// What is to be done, and what is to be said of the object.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// The step; none where everything is as it should be, or has to be left alone.
    pub step: Option<Step>,
    /// What was found; none for a SealedSecret that is gone.
    pub verdict: Option<Verdict>,
}

/// One thing to do.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Make the Secret, which is not there.
    CreateSecret(Secret),
    /// Replace the Secret that was observed, and no other one.
    UpdateSecret {
        /// The Secret as it is to be.
        secret: Secret,
        /// Why, for the log.
        cause: Cause,
    },
    /// Delete the Secret that was observed.
    DeleteSecret,
}

impl Step {
    /// The Secret that is to be written, and why one that is there is.
    pub fn into_write(self) -> Option<(Secret, Option<Cause>)> {
        match self {
            Self::CreateSecret(secret) => Some((secret, None)),
            Self::UpdateSecret { secret, cause } => Some((secret, Some(cause))),
            Self::DeleteSecret => None,
        }
    }
}

/// Why a Secret is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The SealedSecret says something else than before.
    Changed,
    /// The Secret was handed to us, or carries a stale owner reference of ours.
    TakenOver,
    /// Nothing changed but the Secret: somebody else wrote it.
    Drifted,
}

impl Cause {
    /// The word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::TakenOver => "taken over",
            Self::Drifted => "drifted",
        }
    }
}

/// Decides what is to be done.
pub fn plan(observed: &Observed<'_>) -> Plan {
    let opened = match &observed.source {
        Source::Gone => return after_the_owner(observed),
        Source::There { opened, .. } => opened,
    };
    let (step, verdict) = match opened {
        Err(failure) => (None, failure.verdict()),
        Ok(wanted) => reach(observed, wanted),
    };
    Plan {
        step,
        verdict: Some(verdict),
    }
}

/// The status after a verdict, or `None` where the present one already says it and nothing is to be written.
pub fn next_status(
    present: Option<&SealedSecretStatus>,
    verdict: &Verdict,
    generation: Option<i64>,
    now: Timestamp,
) -> Option<SealedSecretStatus> {
    let said = present.map_or(&[][..], |status| &status.conditions);
    let is_observed = present.is_some_and(|status| status.observed_generation == generation);
    let conditions = match transition(said, verdict, generation, now) {
        Some(conditions) => conditions,
        None if is_observed => return None,
        None => conditions(said, verdict, generation, now),
    };
    Some(SealedSecretStatus {
        conditions,
        observed_generation: generation,
        record: present.and_then(|status| status.record.clone()),
    })
}

/// The status after the Secret was written, which is always worth a word: when it was.
pub fn status_after_write(
    present: Option<&SealedSecretStatus>,
    verdict: &Verdict,
    generation: Option<i64>,
    now: Timestamp,
) -> SealedSecretStatus {
    let said = present.map_or(&[][..], |status| &status.conditions);
    SealedSecretStatus {
        conditions: conditions(said, verdict, generation, now),
        observed_generation: generation,
        record: present.and_then(|status| status.record.clone()),
    }
}

/// What is to be said where a Secret is somebody else's.
pub fn not_ours(existing: &Secret, owner: &Owner<'_>, record: Record) -> Option<Verdict> {
    let is_foreign = ownership::claim(existing, owner, record) == Claim::Foreign;
    is_foreign.then(|| not_managed(existing))
}

/// Whether a Secret is written by right, and with an owner reference where it is to have one: all that can be wrong with one
/// that holds what we wrote.
pub fn is_rightly_owned(
    existing: &Secret,
    owner: &Owner<'_>,
    without_owner: bool,
    record: Record,
) -> bool {
    match ownership::claim(existing, owner, record) {
        Claim::Ours => without_owner != is_owned_by(existing, owner),
        Claim::Merge { takes_owner } => {
            !takes_owner || without_owner || is_owned_by(existing, owner)
        }
        Claim::Restored | Claim::Handed | Claim::Foreign => false,
    }
}

/// Whether a status says that the Secret was right, for this generation of the SealedSecret.
pub fn is_settled(status: Option<&SealedSecretStatus>, generation: Option<i64>) -> bool {
    let in_sync = |status: &SealedSecretStatus| {
        status.observed_generation == generation
            && status.conditions.iter().any(|condition| {
                condition.type_ == ConditionType::Synced.as_str()
                    && condition.status == ConditionStatus::True.as_str()
            })
    };
    status.is_some_and(in_sync)
}

/// A SealedSecret that is gone takes its Secret with it, where an owner reference names exactly this SealedSecret.
fn after_the_owner(observed: &Observed<'_>) -> Plan {
    let ours = match observed.target {
        Target::Present(existing) => is_owned_by(existing, &observed.owner),
        Target::Absent | Target::Unreadable => false,
    };
    Plan {
        step: ours.then_some(Step::DeleteSecret),
        verdict: None,
    }
}

/// The step that makes the Secret what it should be, if one is needed and allowed.
fn reach(observed: &Observed<'_>, opened: &Secret) -> (Option<Step>, Verdict) {
    let wanted = content::wanted(opened, &observed.source, &observed.owner);
    match observed.target {
        Target::Absent => (Some(Step::CreateSecret(wanted)), Verdict::unsealed()),
        Target::Unreadable if observed.record == Record::Nothing => (None, unreadable_target()),
        Target::Unreadable => {
            let step = Step::UpdateSecret {
                secret: wanted,
                cause: Cause::Drifted,
            };
            (Some(step), Verdict::unsealed())
        }
        Target::Present(existing) => {
            let claim = ownership::claim(existing, &observed.owner, observed.record);
            match claim {
                Claim::Foreign => (None, not_managed(existing)),
                Claim::Ours | Claim::Restored | Claim::Handed | Claim::Merge { .. } => {
                    update(observed, existing, &wanted, claim)
                }
            }
        }
    }
}

fn update(
    observed: &Observed<'_>,
    existing: &Secret,
    wanted: &Secret,
    claim: Claim,
) -> (Option<Step>, Verdict) {
    let settled = observed.settled;
    let merges = matches!(claim, Claim::Merge { .. });
    let (wanted, verdict) = match rendering(observed, existing, wanted, claim) {
        Rendering::Repeatable | Rendering::Due => (Cow::Borrowed(wanted), Verdict::unsealed()),
        Rendering::Stays { drifted } => {
            let is_whole = merges || content::has_all_keys(existing, wanted);
            let verdict = if drifted || !is_whole {
                drift_kept(existing)
            } else {
                Verdict::unsealed()
            };
            let kept = content::keeping_data(existing, wanted, merges);
            (Cow::Owned(kept), verdict)
        }
    };
    let wanted = wanted.as_ref();
    let next = match claim {
        Claim::Merge { takes_owner } => {
            // What the template annotates counts as soon as it is written.
            let is_managed = wanted.is_annotated(seal_api::annotations::MANAGED);
            content::merged(existing, wanted, takes_owner || is_managed)
        }
        Claim::Ours if settled => content::repaired(existing, wanted),
        Claim::Ours | Claim::Restored | Claim::Handed | Claim::Foreign => {
            content::replaced(existing, wanted)
        }
    };
    if !content::differs(existing, &next, wanted, settled) {
        return (None, verdict);
    }
    if existing.immutable == Some(true) && content::values_differ(existing, &next) {
        return (None, immutable(existing));
    }
    let cause = match claim {
        _ if settled => Cause::Drifted,
        Claim::Ours => Cause::Changed,
        Claim::Restored | Claim::Handed | Claim::Merge { .. } | Claim::Foreign => Cause::TakenOver,
    };
    (
        Some(Step::UpdateSecret {
            secret: next,
            cause,
        }),
        verdict,
    )
}

/// What is to become of the data that is there. That of a Secret which is only now handed over, or patched, is replaced, unless
/// the template itself has it handed over, so that it may be ours for long.
fn rendering(
    observed: &Observed<'_>,
    existing: &Secret,
    wanted: &Secret,
    claim: Claim,
) -> Rendering {
    let Source::There {
        rendering,
        without_owner,
        ..
    } = observed.source
    else {
        return Rendering::Repeatable;
    };
    let may_be_ours = observed.record != Record::Nothing
        || (without_owner
            && wanted.is_annotated(seal_api::annotations::MANAGED)
            && content::has_all_keys(existing, wanted));
    let is_new_to_us = match claim {
        Claim::Handed => !may_be_ours,
        Claim::Merge { .. } => observed.record == Record::Nothing && !observed.settled,
        Claim::Ours | Claim::Restored | Claim::Foreign => false,
    };
    if is_new_to_us {
        Rendering::Repeatable
    } else {
        rendering
    }
}

fn drift_kept(existing: &Secret) -> Verdict {
    let message = format!(
        "the data of {}/{} is not what belongs there, and its template has functions that give something else each time, so \
         it is left as it is; delete the Secret, and it is made anew",
        existing.namespace(),
        existing.name()
    );
    Verdict::failed(Reason::DriftKept, message)
}

fn not_managed(existing: &Secret) -> Verdict {
    let name = existing.name();
    let message = format!(
        "failed update: Resource \"{name}\" already exists and is not managed by SealedSecret; to hand it over, \
         annotate the Secret with {}: \"true\", or delete it",
        seal_api::annotations::MANAGED
    );
    Verdict::failed(Reason::NotManaged, message)
}

fn unreadable_target() -> Verdict {
    Verdict::failed(
        Reason::NotManaged,
        "what stands in place of the Secret is not a readable Secret of that name and was not written by us; it is \
         left alone until it is removed",
    )
}

fn immutable(existing: &Secret) -> Verdict {
    let message = format!(
        "Error updating {}/{}: the target Secret is immutable; delete it, and it is made anew",
        existing.namespace(),
        existing.name()
    );
    Verdict::failed(Reason::ImmutableSecret, message)
}
