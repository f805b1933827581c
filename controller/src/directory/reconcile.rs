//! One SealedSecret that is there: open it, decide, write its Secret.

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret, Verdict, annotations};
use seal_sealing::{Failure, Secret, UnsealOptions, check_item_key, unseal};
use tracing::info;

use super::{
    catalogue::Located,
    contest::Contest,
    digest::Digest,
    input::Unread,
    object_name::ObjectName,
    pass::{Directory, Outcome},
    target::{TargetFile, write_secret},
};
use crate::plan::{Cause, Observed, Owner, Record, Source, Step, plan};

/// What was found of an object, and what it was found from. While that stays the same, it holds.
#[derive(Debug)]
pub(super) struct Known {
    /// The digest of the spec and the annotations.
    made_from: Digest,
    /// The keys, where it did not open: only another key changes that.
    failed_with: Option<Digest>,
    /// The file of the Secret, where it opened.
    target: Option<Digest>,
    verdict: Verdict,
}

/// What a reconciliation found.
struct Finding {
    verdict: Verdict,
    /// What to keep, where it will hold until something changes.
    known: Option<Known>,
    /// What is true of the Secret now, where that changed.
    record: Option<Record>,
    /// When to look again.
    again: Option<Timestamp>,
}

impl Finding {
    fn passing(verdict: Verdict, again: Option<Timestamp>) -> Self {
        Self {
            verdict,
            known: None,
            record: None,
            again,
        }
    }
}

impl Directory {
    /// Makes the Secret of one SealedSecret what it should be, and remembers what was found.
    pub(super) fn reconcile(
        &mut self,
        name: &ObjectName,
        located: &Located,
        now: Timestamp,
        outcome: &mut Outcome,
    ) {
        self.memory
            .objects
            .entry(name.clone())
            .or_default()
            .see(located);
        let finding = self.find(name, &located.found().sealed, now);
        let Finding {
            verdict,
            known,
            record,
            again,
        } = finding;
        if let Some(remembered) = self.memory.objects.get_mut(name) {
            remembered.conclude(&verdict, now);
            remembered.record = record.unwrap_or(remembered.record);
        }
        match known {
            Some(known) => self.known.insert(name.clone(), known),
            None => self.known.remove(name),
        };
        again
            .into_iter()
            .for_each(|again| outcome.look_again(again));
        if verdict.is_ready() {
            outcome.in_sync += 1;
        } else {
            outcome.problem(located.problem(verdict.reason, &verdict.message));
        }
    }

    fn find(&mut self, name: &ObjectName, sealed: &SealedSecret, now: Timestamp) -> Finding {
        let made_from = made_from(sealed);
        let path = match self.layout.secret(name) {
            Ok(path) => path,
            Err(message) => {
                return Finding::passing(
                    Verdict {
                        reason: Reason::InvalidName,
                        message,
                    },
                    None,
                );
            }
        };
        let target = match TargetFile::read(&path) {
            Ok(target) => target,
            Err(Unread { reason, message }) => {
                let message = format!("{} {message}", shown(name));
                return Finding::passing(Verdict { reason, message }, None);
            }
        };
        if let Some(known) = self
            .known
            .remove(name)
            .filter(|known| self.still_holds(known, made_from, &target))
        {
            return Finding {
                verdict: known.verdict.clone(),
                known: Some(known),
                record: None,
                again: None,
            };
        }
        let opened = self.open(sealed);
        let content = target.content(name);
        let uid = name.uid();
        let remembered = self.memory.objects.get(name);
        let without_owner = asks_for_no_owner(sealed);
        let plan = plan(&Observed {
            owner: Owner {
                name: name.name(),
                uid: &uid,
            },
            source: Source::There {
                opened: opened.as_ref(),
                without_owner,
                generation: remembered.map(|remembered| remembered.generation),
            },
            target: content.as_target(),
            record: remembered
                .map(|remembered| remembered.record)
                .unwrap_or_default(),
            status: remembered.map(|remembered| &remembered.status),
            now,
        });
        let verdict = plan.verdict.unwrap_or_else(Verdict::unsealed);
        let known = Known {
            made_from,
            failed_with: opened.is_err().then(|| self.keys.id()),
            target: target.digest(),
            verdict: verdict.clone(),
        };
        let write = plan.steps.into_iter().find_map(|step| match step {
            Step::CreateSecret(secret) => Some((secret, None)),
            Step::UpdateSecret { secret, cause } => Some((secret, Some(cause))),
            Step::DeleteSecret | Step::SetStatus(_) => None,
        });
        match write {
            None => Finding {
                verdict,
                known: Some(known),
                record: None,
                again: None,
            },
            Some((secret, cause)) => self.write(name, &secret, cause, known, now),
        }
    }

    /// Whether nothing changed that could change what was found.
    fn still_holds(&self, known: &Known, made_from: Digest, target: &TargetFile) -> bool {
        known.made_from == made_from
            && match known.failed_with {
                Some(keys) => keys == self.keys.id(),
                None => known.target == target.digest(),
            }
    }

    fn open(&self, sealed: &SealedSecret) -> Result<Secret, Failure> {
        let options = UnsealOptions {
            legacy_data: self.args.accept_deprecated_v1_data,
            restricted_types: self.args.allow_restricted_types,
        };
        let secret = unseal(sealed, &self.keys.ring, &options)?.secret;
        // No server stands behind a folder that would refuse what is no key.
        let invalid = secret
            .data
            .keys()
            .find_map(|key| Some((key, check_item_key(key).err()?)));
        match invalid {
            Some((key, error)) => Err(Failure::of_object(
                Reason::InvalidName,
                format!("key {key:?} {error}"),
            )),
            None => Ok(secret),
        }
    }

    fn write(
        &mut self,
        name: &ObjectName,
        secret: &Secret,
        cause: Option<Cause>,
        known: Known,
        now: Timestamp,
    ) -> Finding {
        let contest = self.contests.get(name);
        let next = Contest::next(contest, known.made_from);
        if next > now {
            let message = "the Secret is changed or deleted again as soon as it is repaired; repairs wait ever longer";
            let verdict = Verdict {
                reason: Reason::Retrying,
                message: message.to_owned(),
            };
            return Finding::passing(verdict, Some(next));
        }
        let written = self
            .layout
            .secret(name)
            .map_err(std::io::Error::other)
            .and_then(|path| write_secret(&path, secret));
        let digest = match written {
            Ok(digest) => digest,
            Err(error) => {
                let message = format!("{} cannot be written: {error}", shown(name));
                return Finding::passing(
                    Verdict {
                        reason: Reason::Unwritable,
                        message,
                    },
                    None,
                );
            }
        };
        let contest = Contest::after(contest, known.made_from, now);
        self.contests.insert(name.clone(), contest);
        let record = if secret.metadata.contains_key("ownerReferences")
            || secret.is_annotated(annotations::PATCH)
        {
            Record::Wrote
        } else {
            Record::WroteWithoutOwner
        };
        match cause {
            None => info!(secret = %name, "Secret made"),
            Some(cause) => info!(secret = %name, cause = cause.as_str(), "Secret updated"),
        }
        let known = Known {
            target: Some(digest),
            ..known
        };
        Finding {
            verdict: known.verdict.clone(),
            known: Some(known),
            record: Some(record),
            again: None,
        }
    }
}

/// Tells whether the SealedSecret still says the same. Its labels do not matter, its annotations hold the scope.
fn made_from(sealed: &SealedSecret) -> Digest {
    let json = |value: serde_json::Result<Vec<u8>>| value.unwrap_or_default();
    Digest::of(&[
        &json(serde_json::to_vec(&sealed.spec)),
        &json(serde_json::to_vec(&sealed.metadata.annotations)),
    ])
}

fn asks_for_no_owner(sealed: &SealedSecret) -> bool {
    annotations::is_set(
        &sealed.template_strings("annotations"),
        annotations::SKIP_SET_OWNER_REFERENCES,
    )
}

/// The file of a Secret as people are told of it.
fn shown(name: &ObjectName) -> String {
    format!("secrets/{name}.yaml")
}
