//! SealedSecrets that are there: open them, decide, write their Secrets.
//!
//! Opening is all the work, so it is done for many at once, by all processors; everything else in order. Cleartext is in
//! memory for one batch at a time.

use std::{
    io,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret, SecretRecord, Verdict, annotations};
use seal_sealing::{Secret, UnsealOptions};
use seal_shell::is_unsynced;
use tracing::{Span, debug, debug_span, field::Empty, info};

use super::{
    catalogue::{Catalogue, Located},
    input::Unread,
    object_name::ObjectName,
    opening::{Opened, open_all},
    pass::{Directory, Outcome},
    problem::Problem,
    target::{Content, TargetFile, write_secret},
};
use crate::audit;
use crate::contest::Contest;
use crate::digest::Digest;
use crate::metrics::{ObjectState, UnsealError};
use crate::plan::{
    Cause, Observed, Owner, Plan, Record, Rendering, Source, Step, is_settled, plan,
};
use crate::record::rendering;

/// How many SealedSecrets are opened before their Secrets are written.
const BATCH: usize = 64;

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
    /// What is to be recorded of it, where its template gives something else each time.
    record: Option<SecretRecord>,
}

/// What a reconciliation found.
pub(super) struct Finding {
    verdict: Verdict,
    /// What to keep, where it holds until something changes.
    known: Option<Known>,
    /// When to look again.
    again: Option<Timestamp>,
    /// Whether others than its owner may read the file of the Secret.
    is_open_to_others: bool,
}

/// How far an object has come.
pub(super) enum Stage {
    /// It has to be opened; this is its Secret as it is.
    ToOpen(TargetFile),
    /// Its Secret has to be written.
    ToWrite(Write),
    /// To the end.
    Found(Finding),
    /// What is to be done is seen only when its file has been quiet until then.
    Unsettled(Timestamp),
}

/// A look at an object that had to be opened.
pub(super) struct Look {
    /// How long opening took.
    took: Duration,
    span: Span,
}

/// A Secret that is to be written.
pub(super) struct Write {
    pub(super) secret: Secret,
    /// Why, where it is there already.
    cause: Option<Cause>,
    /// What is known when it is written.
    known: Known,
    /// What was recorded of it before.
    pub(super) before: Record,
}

impl Finding {
    pub(super) fn passing(reason: Reason, message: String) -> Self {
        Self {
            verdict: Verdict::failed(reason, message),
            known: None,
            again: None,
            is_open_to_others: false,
        }
    }
}

impl Directory {
    /// Makes the Secrets of all SealedSecrets what they should be, and remembers what was found. Breaks off when the
    /// controller is to stop.
    pub(super) fn reconcile_all(
        &mut self,
        catalogue: &Catalogue,
        now: Timestamp,
        outcome: &mut Outcome,
    ) {
        let objects: Vec<(&ObjectName, &Located)> = catalogue.objects.iter().collect();
        for batch in objects.chunks(BATCH) {
            if self.is_stopping() {
                return;
            }
            let prepared = batch
                .iter()
                .map(|(name, located)| self.prepare(name, located))
                .collect();
            let (mut decided, looks) = self.open_and_decide(batch, prepared, now);
            self.record_intents(batch, &mut decided);
            for (((name, located), stage), look) in batch.iter().zip(decided).zip(looks) {
                let begun = Instant::now();
                let finding = match stage {
                    Stage::Found(finding) => finding,
                    Stage::ToWrite(write) => self.write(name, write, now),
                    Stage::ToOpen(_) => continue,
                    Stage::Unsettled(until) => {
                        outcome.in_sync += usize::from(self.was_in_sync(name));
                        outcome.look_again(until);
                        continue;
                    }
                };
                if finding.is_open_to_others && finding.verdict.is_ready() {
                    outcome.warnings.extend(self.close_to_others(name));
                }
                let reason = finding.verdict.reason;
                self.conclude(name, located, finding, now, outcome);
                if let Some(Look { took, span }) = look {
                    self.metrics.reconciled(took + begun.elapsed());
                    span.record("reason", reason.as_str());
                    span.in_scope(|| debug!("looked at"));
                }
            }
        }
    }

    /// Whether the Secret was right at the last look.
    fn was_in_sync(&self, name: &ObjectName) -> bool {
        let remembered = self.memory.objects.get(name);
        remembered.is_some_and(|remembered| {
            let observed = remembered.status.observed_generation;
            is_settled(Some(&remembered.status), observed)
        })
    }

    /// Takes from the file of a Secret what others may do with it; what has to be said where that cannot be done.
    fn close_to_others(&self, name: &ObjectName) -> Option<Problem> {
        match self.layout.close_to_others(name) {
            Ok(()) => {
                info!(secret = %name, "Secret closed to others than its owner");
                None
            }
            Err(error) => {
                let message = format!("others may read it, and that cannot be changed: {error}");
                Some(Problem::of_file(shown(name), Reason::Unwritable, message))
            }
        }
    }

    /// How far each has come, and of those that had to be opened how it went.
    fn open_and_decide(
        &self,
        batch: &[(&ObjectName, &Located)],
        prepared: Vec<Stage>,
        now: Timestamp,
    ) -> (Vec<Stage>, Vec<Option<Look>>) {
        let to_open = batch
            .iter()
            .zip(&prepared)
            .filter(|(_, stage)| matches!(stage, Stage::ToOpen(_)));
        let to_open: Vec<&SealedSecret> = to_open
            .map(|((_, located), _)| &located.found().sealed)
            .collect();
        let to_look_at = batch
            .iter()
            .zip(&prepared)
            .filter(|(_, stage)| matches!(stage, Stage::ToOpen(_)));
        let spans: Vec<Span> = to_look_at
            .map(|((name, _), _)| {
                debug_span!("reconcile", object = %name, class = "pass", reason = Empty)
            })
            .collect();
        let mut spans = spans.into_iter();
        let mut opened = open_all(&to_open, &self.keys.ring, &self.options()).into_iter();
        let decide = |((name, located), stage): (&(&ObjectName, &Located), Stage)| match stage {
            Stage::ToOpen(target) => match opened.next() {
                Some(opened) => {
                    let stage = self.decide(name, located, &target, &opened, now);
                    let took = opened.took;
                    (stage, spans.next().map(|span| Look { took, span }))
                }
                None => (Stage::ToOpen(target), None),
            },
            Stage::ToWrite(_) | Stage::Found(_) | Stage::Unsettled(_) => (stage, None),
        };
        batch.iter().zip(prepared).map(decide).unzip()
    }

    fn options(&self) -> UnsealOptions {
        UnsealOptions {
            legacy_data: self.args.accept_deprecated_v1_data,
            restricted_types: self.args.allow_restricted_types,
            random_functions: self.args.allow_random_functions.then(Timestamp::now),
        }
    }

    /// Does what can be done without opening.
    fn prepare(&mut self, name: &ObjectName, located: &Located) -> Stage {
        self.metrics.object_there(name.namespace(), name.name());
        self.memory
            .objects
            .entry(name.clone())
            .or_default()
            .see(located);
        let path = match self.layout.secret(name) {
            Ok(path) => path,
            Err(message) => return Stage::Found(Finding::passing(Reason::InvalidName, message)),
        };
        let target = match TargetFile::read(&self.layout, &path) {
            Ok(target) => target,
            Err(Unread { reason, message }) => {
                return Stage::Found(Finding::passing(
                    reason,
                    format!("{} {message}", shown(name)),
                ));
            }
        };
        match self
            .known
            .remove(name)
            .filter(|known| self.still_holds(known, located, &target))
        {
            Some(known) => {
                let verdict = known.verdict.clone();
                Stage::Found(Finding {
                    verdict,
                    known: Some(known),
                    again: None,
                    is_open_to_others: target.is_open_to_others(),
                })
            }
            None => Stage::ToOpen(target),
        }
    }

    /// Whether nothing changed that could change what was found.
    fn still_holds(&self, known: &Known, located: &Located, target: &TargetFile) -> bool {
        known.made_from == located.found().made_from
            && match known.failed_with {
                Some(keys) => keys == self.keys.id(),
                None => known.target == target.digest(),
            }
    }

    fn decide(
        &self,
        name: &ObjectName,
        located: &Located,
        target: &TargetFile,
        opened: &Opened,
        now: Timestamp,
    ) -> Stage {
        let remembered = self.memory.objects.get(name).cloned().unwrap_or_default();
        let content = target.content(name);
        let secret = opened.all.as_ref().map(|opened| &opened.secret);
        let proof = self.proof(name, located, &remembered);
        let rendering = opened.all.as_ref().map_or(Rendering::Repeatable, |opened| {
            rendering(opened, proof.as_ref(), content.secret())
        });
        let Plan { step, verdict } = plan(&Observed {
            owner: Owner {
                name: name.name(),
                uid: &name.uid(),
            },
            source: Source::There {
                opened: secret,
                without_owner: asks_for_no_owner(&located.found().sealed),
                rendering,
            },
            target: content.as_target(),
            record: remembered.record,
            settled: is_settled(Some(&remembered.status), Some(remembered.generation)),
        });
        let verdict = verdict.unwrap_or_else(Verdict::unsealed);
        self.metrics.unseal_requested();
        if let Ok(opened) = &opened.all {
            let keys = opened.keys.values().copied();
            self.metrics
                .set_keys_of(name.namespace(), name.name(), keys);
        }
        let failed = match (&opened.all, verdict.reason) {
            (Err(_), _) => Some(UnsealError::Unseal),
            (Ok(_), Reason::NotManaged) => Some(UnsealError::Unmanaged),
            (Ok(_), _) => Some(UnsealError::Update).filter(|_| !verdict.is_ready()),
        };
        if let Some(failed) = failed {
            self.metrics.unseal_failed(failed, name.namespace());
        }
        let known = Known {
            made_from: located.found().made_from,
            failed_with: opened.all.is_err().then(|| self.keys.id()),
            target: target.digest(),
            verdict: verdict.clone(),
            record: None,
        };
        let write = step.and_then(Step::into_write);
        let stored = match (&write, &content) {
            (Some((secret, _)), _) => Some(secret),
            (None, content) => content.secret(),
        };
        let random = opened.all.as_ref().ok().filter(|opened| opened.is_random);
        let record = random
            .zip(stored.filter(|_| verdict.is_ready()))
            .and_then(|(opened, stored)| self.new_record(name, located, opened, stored));
        let known = Known { record, ..known };
        let Some((secret, cause)) = write else {
            return Stage::Found(Finding {
                verdict,
                known: Some(known),
                again: None,
                is_open_to_others: target.is_open_to_others(),
            });
        };
        // A file that is being written in place may end between two items, and read well.
        let unsettled = located
            .unsettled_until(now)
            .filter(|_| loses_items(&content, &secret));
        match unsettled {
            Some(until) => Stage::Unsettled(until),
            None => Stage::ToWrite(Write {
                secret,
                cause,
                known,
                before: remembered.record,
            }),
        }
    }

    fn write(&mut self, name: &ObjectName, write: Write, now: Timestamp) -> Finding {
        let Write {
            secret,
            cause,
            known,
            before,
        } = write;
        let next = Contest::next(self.contests.get(name), known.made_from, now);
        if next > now {
            let message = "the Secret is changed or deleted again as soon as it is repaired; repairs wait ever longer";
            let finding = Finding::passing(Reason::Contested, message.to_owned());
            return Finding {
                again: Some(next),
                ..finding
            };
        }
        // One that was right and is not there was deleted.
        let is_drift =
            cause.map_or_else(|| self.was_in_sync(name), |cause| cause == Cause::Drifted);
        let digest = match self.write_file(name, &secret, known.target) {
            Ok(Some(digest)) => digest,
            Ok(None) => {
                self.memory.objects.entry(name.clone()).or_default().record = before;
                let message =
                    "the Secret was changed when it was to be written; it is looked at again";
                let finding = Finding::passing(Reason::Retrying, message.to_owned());
                return Finding {
                    again: Some(now),
                    ..finding
                };
            }
            Err(error) => {
                self.metrics
                    .unseal_failed(UnsealError::Update, name.namespace());
                if is_drift {
                    audit::repaired(name, false);
                }
                // What is written is ours, even where it is not known to last.
                if !is_unsynced(&error) {
                    self.memory.objects.entry(name.clone()).or_default().record = before;
                }
                return Finding::passing(
                    Reason::Unwritable,
                    format!("{} cannot be written: {error}", shown(name)),
                );
            }
        };
        let contest = Contest::after(self.contests.get(name), known.made_from, now);
        self.contests.insert(name.clone(), contest);
        match cause {
            None => info!(secret = %name, "Secret made"),
            Some(cause) => info!(secret = %name, cause = cause.as_str(), "Secret updated"),
        }
        if is_drift {
            self.metrics.drift_repaired(name.namespace());
            audit::repaired(name, true);
        }
        let known = Known {
            target: Some(digest),
            ..known
        };
        Finding {
            verdict: known.verdict.clone(),
            known: Some(known),
            again: None,
            is_open_to_others: false,
        }
    }

    fn write_file(
        &self,
        name: &ObjectName,
        secret: &Secret,
        observed: Option<Digest>,
    ) -> io::Result<Option<Digest>> {
        let path = self.layout.secret(name).map_err(io::Error::other)?;
        write_secret(&self.layout, &path, secret, observed)
    }

    fn conclude(
        &mut self,
        name: &ObjectName,
        located: &Located,
        finding: Finding,
        now: Timestamp,
        outcome: &mut Outcome,
    ) {
        let Finding {
            verdict,
            known,
            again,
            is_open_to_others: _,
        } = finding;
        if let Some(remembered) = self.memory.objects.get_mut(name) {
            remembered.conclude(&verdict, now);
            if let Some(known) = known.as_ref().filter(|_| verdict.is_ready()) {
                remembered.status.record.clone_from(&known.record);
            }
            let labels = located.found().sealed.metadata.labels.as_ref();
            let instance = labels.and_then(|labels| labels.get("app.kubernetes.io/instance"));
            self.metrics.object_seen(&ObjectState {
                namespace: name.namespace(),
                name: name.name(),
                instance: instance.map_or("", String::as_str),
                reason: verdict.reason,
                conditions: &remembered.status.conditions,
            });
        }
        self.known.extend(known.map(|known| (name.clone(), known)));
        again
            .into_iter()
            .for_each(|again| outcome.look_again(again));
        if verdict.is_ready() {
            outcome.in_sync += 1;
        } else {
            outcome.problem(located.problem(verdict.reason, &verdict.message));
        }
    }
}

/// Whether a write takes items away.
fn loses_items(content: &Content, next: &Secret) -> bool {
    match content {
        Content::Absent | Content::Rubbish => false,
        Content::Secret(existing) => existing
            .data
            .keys()
            .any(|item| !next.data.contains_key(item)),
    }
}

pub(super) fn asks_for_no_owner(sealed: &SealedSecret) -> bool {
    annotations::is_set(
        &sealed.template_strings("annotations"),
        annotations::SKIP_SET_OWNER_REFERENCES,
    )
}

/// The file of a Secret as people are told of it.
pub(super) fn shown(name: &ObjectName) -> String {
    format!("secrets/{name}.yaml")
}
