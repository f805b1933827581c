//! One pass: look at everything, decide, carry out, remember.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use seal_api::{Reason, Verdict};
use seal_sealing::KeyRing;
use tracing::{info, warn};

use super::{
    absence::{Absence, Missing, judge},
    catalogue::{Catalogue, Located, Sources, duplicate_message},
    input::Unread,
    keys::Keys,
    layout::Layout,
    memory::Memory,
    object_name::ObjectName,
    problem::Problem,
    reconcile::{Known, shown},
    records::FolderKey,
    status_files::{StatusFiles, status_file},
    target::{TargetFile, delete, owned},
};
use crate::contest::Contest;
use crate::{
    args::Args,
    metrics::{Metrics, ObjectState, UnsealError},
    plan::{Observed, Owner, Record, Source, Step, plan},
};

/// A folder and everything known of it.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) layout: Layout,
    pub(super) args: Args,
    pub(super) keys: Keys,
    pub(super) memory: Memory,
    /// What was found right or wrong, so that it is not opened again before something changes.
    pub(super) known: BTreeMap<ObjectName, Known>,
    pub(super) contests: BTreeMap<ObjectName, Contest>,
    sources: Sources,
    status: StatusFiles,
    /// What is wrong with the files of `sealed/`.
    file_problems: Vec<Problem>,
    stopping: Arc<AtomicBool>,
    pub(super) metrics: Arc<Metrics>,
    /// The key of the records, where templates may give something else each time.
    pub(super) record_key: Option<FolderKey>,
    /// Held until the end: no other controller works in the folder.
    _lock: File,
}

/// What a pass came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What is not right.
    pub(super) problems: BTreeSet<Problem>,
    /// What works and should be looked at.
    pub(super) warnings: BTreeSet<Problem>,
    /// How many SealedSecrets there are.
    pub(super) objects: usize,
    /// How many of them have their Secret.
    pub(super) in_sync: usize,
    /// How many documents are of other kinds.
    pub(super) ignored: usize,
    /// When to look again, if nothing happens before.
    pub(super) next: Option<Timestamp>,
    /// Whether something failed that may heal by itself.
    pub(super) is_transient: bool,
    /// Whether a folder could not be read at all.
    pub(super) is_blind: bool,
}

impl Outcome {
    pub(super) fn look_again(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.is_transient |= !problem.reason.is_terminal();
        self.problems.insert(problem);
    }
}

impl Directory {
    /// Folders are made only now: while the controller works, one that is missing is one that somebody is replacing.
    pub(super) fn new(args: Args, layout: Layout, lock: File, stopping: Arc<AtomicBool>) -> Self {
        layout.sweep();
        let (status, memory) = StatusFiles::load(&layout.status());
        let is_in_use = !memory.objects.is_empty() || !owned(&layout, |_| false).is_empty();
        for (folder, error) in layout.make(is_in_use) {
            warn!(folder, "the folder cannot be made: {error}");
        }
        Self {
            sources: Sources::new(&layout.sealed()),
            keys: Keys::load(&layout),
            metrics: Arc::new(Metrics::new(args.metrics_omit_secret_labels)),
            record_key: args
                .allow_random_functions
                .then(|| FolderKey::load(&layout))
                .flatten(),
            layout,
            args,
            memory,
            known: BTreeMap::new(),
            contests: BTreeMap::new(),
            status,
            file_problems: Vec::new(),
            stopping,
            _lock: lock,
        }
    }

    /// The keys at hand.
    pub(super) fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.ring)
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Goes through everything once.
    pub(super) fn pass(&mut self, now: Timestamp) -> Outcome {
        // The status files hold times to the millisecond, and comparing has to come out the same after a restart.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let mut outcome = Outcome::default();
        self.care_for_keys(&mut outcome, now);
        let catalogue = self.sources.read(&self.layout.sealed());
        outcome.is_blind |= catalogue.files.contains_key("");
        outcome.ignored = catalogue.ignored;
        outcome.warnings.extend(catalogue.warnings.iter().cloned());
        outcome.objects = catalogue.objects.len() + catalogue.duplicates.len();
        self.memory.see_broken(&catalogue, now);
        self.file_problems.clone_from(&catalogue.problems);
        self.reconcile_all(&catalogue, now, &mut outcome);
        if !self.is_stopping() {
            self.refuse_duplicates(&catalogue, now);
            self.look_for_missing(&catalogue, now, &mut outcome);
            self.known
                .retain(|name, _| catalogue.objects.contains_key(name));
            self.contests
                .retain(|name, _| catalogue.objects.contains_key(name));
        }
        let unsaved = self.save_memory();
        for problem in unsaved
            .into_iter()
            .chain(self.file_problems.iter().cloned())
        {
            outcome.problem(problem);
        }
        outcome
    }

    /// Whether the controller is to stop, so that nothing new is begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Writes the status files; what could not be written.
    pub(super) fn save_memory(&mut self) -> Vec<Problem> {
        let status = self.layout.status();
        let unsaved = self
            .status
            .write(&status, &self.memory, &self.file_problems);
        if !unsaved.is_empty() {
            let failed: BTreeSet<&str> = unsaved.iter().map(|one| one.file.as_str()).collect();
            let objects = self.memory.objects.iter();
            let objects = objects.filter(|(_, one)| failed.contains(&*status_file(&one.file)));
            for (name, _) in objects {
                self.metrics
                    .unseal_failed(UnsealError::Status, name.namespace());
            }
        }
        unsaved
    }

    fn care_for_keys(&mut self, outcome: &mut Outcome, now: Timestamp) {
        let mut care = self.keys.care(&self.layout, &self.args, now);
        let record_key = self.record_key.as_mut();
        care.problems
            .extend(record_key.and_then(|key| key.save(&self.layout)));
        self.metrics.set_keys(&self.keys.ring);
        let mut problems = BTreeMap::new();
        for problem in care.problems.iter().chain(&care.warnings) {
            *problems.entry(problem.reason).or_default() += 1;
        }
        self.metrics.set_key_problems(&problems);
        outcome.is_blind |= care
            .problems
            .iter()
            .any(|problem| problem.file == "keys" && problem.reason == Reason::Unreadable);
        care.problems
            .into_iter()
            .for_each(|problem| outcome.problem(problem));
        outcome.warnings.extend(care.warnings);
        care.next
            .into_iter()
            .for_each(|next| outcome.look_again(next));
    }

    /// Says of each SealedSecret that stands more than once that it does, in its status and for each place.
    fn refuse_duplicates(&mut self, catalogue: &Catalogue, now: Timestamp) {
        for (name, places) in &catalogue.duplicates {
            let message = duplicate_message(places);
            let problem = |place: &Located| place.problem(Reason::DuplicateObject, &message);
            self.file_problems.extend(places.iter().map(problem));
            let remembered = self.memory.objects.entry(name.clone()).or_default();
            // Which of them it is that was remembered is open, so its spec counts as unchanged.
            if remembered.file.is_empty() {
                remembered.see(&places[0]);
            }
            remembered.missing_since = None;
            remembered.conclude(&Verdict::failed(Reason::DuplicateObject, message), now);
            let conditions = &remembered.status.conditions;
            self.metrics.object_seen(&ObjectState {
                namespace: name.namespace(),
                name: name.name(),
                instance: "",
                reason: Reason::DuplicateObject,
                conditions,
            });
        }
    }

    /// Looks after the Secrets of SealedSecrets that are not there.
    fn look_for_missing(&mut self, catalogue: &Catalogue, now: Timestamp, outcome: &mut Outcome) {
        if catalogue.is_blind {
            if !self.memory.objects.is_empty() && !catalogue.files.contains_key("") {
                let message =
                    "is empty and not the folder it was before; no Secret is deleted for that";
                outcome.problem(Problem::of_file("sealed", Reason::Unreadable, message));
            }
            return;
        }
        for name in owned(&self.layout, |name| catalogue.holds(name)) {
            self.memory.objects.entry(name).or_default();
        }
        let remembered = self.memory.objects.keys();
        let missing: Vec<ObjectName> = remembered
            .filter(|name| !catalogue.holds(name))
            .cloned()
            .collect();
        for name in missing {
            match self.absence(&name, catalogue, now) {
                Ok(Absence::Deleted) => self.forget(&name, outcome),
                Ok(Absence::Until(then)) => outcome.look_again(then),
                Ok(Absence::Unproven(why)) => self.keep(&name, &why, now, outcome),
                Err(unread) => outcome.problem(Problem::of_file(
                    shown(&name),
                    unread.reason,
                    unread.message,
                )),
            }
        }
    }

    /// What it means that a SealedSecret is missing. Without a Secret that would go with it, it does not matter.
    fn absence(
        &mut self,
        name: &ObjectName,
        catalogue: &Catalogue,
        now: Timestamp,
    ) -> Result<Absence, Unread> {
        if !self.has_secret_of(name)? {
            return Ok(Absence::Deleted);
        }
        let broken_since = self.memory.broken_since();
        let remembered = self.memory.objects.entry(name.clone()).or_default();
        let since = *remembered.missing_since.get_or_insert(now);
        let file = Some(remembered.file.as_str()).filter(|file| !file.is_empty());
        Ok(judge(
            &Missing {
                file,
                since,
                modified: catalogue.modified,
            },
            &catalogue.files,
            &broken_since,
            now,
        ))
    }

    /// Forgets a SealedSecret that is gone, with its Secret if that goes with it.
    fn forget(&mut self, name: &ObjectName, outcome: &mut Outcome) {
        if let (Ok(true), Ok(path)) = (self.has_secret_of(name), self.layout.secret(name)) {
            if let Err(error) = delete(&self.layout, &path) {
                let message = format!("cannot be deleted: {error}");
                return outcome.problem(Problem::of_file(shown(name), Reason::Unwritable, message));
            }
            info!(secret = %name, "Secret deleted with its SealedSecret");
        }
        self.memory.objects.remove(name);
        self.metrics.object_gone(name.namespace(), name.name());
    }

    /// Says of a SealedSecret that may be somewhere that nobody knows what its Secret should be.
    fn keep(&mut self, name: &ObjectName, why: &str, now: Timestamp, outcome: &mut Outcome) {
        let message = format!("the SealedSecret is missing, and its Secret is kept: {why}");
        let remembered = self.memory.objects.entry(name.clone()).or_default();
        remembered.conclude(&Verdict::failed(Reason::Unreadable, message.clone()), now);
        self.metrics.object_seen(&ObjectState {
            namespace: name.namespace(),
            name: name.name(),
            instance: "",
            reason: Reason::Unreadable,
            conditions: &remembered.status.conditions,
        });
        let file = if remembered.file.is_empty() {
            shown(name)
        } else {
            format!("sealed/{}", remembered.file)
        };
        let problem = Problem::of_file(file, Reason::Unreadable, message);
        outcome.problem(Problem {
            object: Some(name.clone()),
            ..problem
        });
    }

    /// Whether a Secret is there that goes with its SealedSecret.
    fn has_secret_of(&self, name: &ObjectName) -> Result<bool, Unread> {
        // What cannot have a file has none.
        let Ok(path) = self.layout.secret(name) else {
            return Ok(false);
        };
        let content = TargetFile::read(&self.layout, &path)?.content(name);
        let plan = plan(&Observed {
            owner: Owner {
                name: name.name(),
                uid: &name.uid(),
            },
            source: Source::Gone,
            target: content.as_target(),
            record: Record::Nothing,
            settled: false,
        });
        Ok(plan.step == Some(Step::DeleteSecret))
    }
}
