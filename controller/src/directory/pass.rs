//! One pass: look at everything, decide, carry out, remember.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use seal_api::{Reason, Verdict};
use tracing::{info, warn};

use super::{
    absence::{Absence, Missing, judge},
    catalogue::{Catalogue, Sources, duplicate_message},
    contest::Contest,
    keys::Keys,
    layout::Layout,
    memory::{Memory, Remembered},
    object_name::ObjectName,
    problem::Problem,
    reconcile::Known,
    status_files::StatusFiles,
    target::{Content, TargetFile, delete, owned},
};
use crate::{
    args::Args,
    plan::{Observed, Owner, Source, Step, plan},
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
    /// Why nothing is deleted, as far as it was said.
    kept: BTreeMap<ObjectName, String>,
    stopping: Arc<AtomicBool>,
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
    pub(super) fn new(
        args: Args,
        layout: Layout,
        lock: File,
        made_sealed: bool,
        stopping: Arc<AtomicBool>,
    ) -> Self {
        layout.sweep();
        let (status, memory) = StatusFiles::load(&layout.status());
        Self {
            sources: Sources::new(&layout.sealed(), made_sealed),
            layout,
            args,
            keys: Keys::default(),
            memory,
            known: BTreeMap::new(),
            contests: BTreeMap::new(),
            status,
            kept: BTreeMap::new(),
            stopping,
            _lock: lock,
        }
    }

    /// The certificate to seal with, as PEM.
    pub(super) fn certificate(&self) -> Option<String> {
        Some(self.keys.certificate()?.to_pem())
    }

    /// Goes through everything once.
    pub(super) fn pass(&mut self, now: Timestamp) -> Outcome {
        // The status files hold times to the millisecond, and comparing has to come out the same after a restart.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let mut outcome = Outcome::default();
        for (name, error) in self.layout.make() {
            outcome.problem(Problem::of_file(
                name,
                Reason::Unwritable,
                format!("cannot be made: {error}"),
            ));
        }
        self.care_for_keys(&mut outcome, now);
        let catalogue = self.sources.read(&self.layout.sealed());
        outcome.is_blind |= catalogue.files.contains_key("");
        outcome.ignored = catalogue.ignored;
        outcome.objects = catalogue.objects.len() + catalogue.duplicates.len();
        self.memory.see_broken(&catalogue, now);
        for (name, located) in &catalogue.objects {
            if self.stopping.load(Ordering::Acquire) {
                return outcome;
            }
            self.reconcile(name, located, now, &mut outcome);
        }
        let mut of_files = catalogue.problems.clone();
        of_files.extend(self.refuse_duplicates(&catalogue, now));
        self.look_for_missing(&catalogue, now, &mut outcome);
        self.known
            .retain(|name, _| catalogue.objects.contains_key(name));
        self.contests
            .retain(|name, _| catalogue.objects.contains_key(name));
        for problem in self
            .status
            .write(&self.layout.status(), &self.memory, &of_files)
        {
            outcome.problem(problem);
        }
        of_files
            .into_iter()
            .for_each(|problem| outcome.problem(problem));
        outcome
    }

    fn care_for_keys(&mut self, outcome: &mut Outcome, now: Timestamp) {
        let care = self.keys.care(&self.layout, &self.args, now);
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
    fn refuse_duplicates(&mut self, catalogue: &Catalogue, now: Timestamp) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, places) in &catalogue.duplicates {
            let message = duplicate_message(places);
            let remembered = self.memory.objects.entry(name.clone()).or_default();
            // Which of them it is that was remembered is open, so its spec counts as unchanged.
            if remembered.file.is_empty() {
                remembered.see(&places[0]);
            }
            remembered.missing_since = None;
            remembered.conclude(
                &Verdict {
                    reason: Reason::DuplicateObject,
                    message: message.clone(),
                },
                now,
            );
            problems.extend(
                places
                    .iter()
                    .map(|place| place.problem(Reason::DuplicateObject, &message)),
            );
        }
        problems
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
        let missing: Vec<ObjectName> = self
            .memory
            .objects
            .keys()
            .filter(|name| !catalogue.holds(name))
            .cloned()
            .collect();
        let kept = mem::take(&mut self.kept);
        for name in missing {
            match self.let_go(&name, catalogue, now) {
                Ok(None) => {
                    self.memory.objects.remove(&name);
                }
                Ok(Some(Absence::Until(then))) => outcome.look_again(then),
                Ok(Some(Absence::Unproven(why))) => {
                    if kept.get(&name) != Some(&why) {
                        warn!(secret = %name, "SealedSecret is missing, and its Secret is kept: {why}");
                    }
                    self.kept.insert(name, why);
                }
                Ok(Some(Absence::Deleted)) => {}
                Err(problem) => outcome.problem(problem),
            }
        }
    }

    /// Deletes the Secret of a SealedSecret that is gone. `None` where nothing is left to be looked after.
    fn let_go(
        &mut self,
        name: &ObjectName,
        catalogue: &Catalogue,
        now: Timestamp,
    ) -> Result<Option<Absence>, Problem> {
        let file = format!("secrets/{name}.yaml");
        let Ok(path) = self.layout.secret(name) else {
            return Ok(None);
        };
        let target = TargetFile::read(&path)
            .map_err(|unread| Problem::of_file(file.clone(), unread.reason, unread.message))?;
        let content = target.content(name);
        if !self.goes_with_its_owner(name, &content, now) {
            return Ok(None);
        }
        let remembered = self.memory.objects.entry(name.clone()).or_default();
        let since = *remembered.missing_since.get_or_insert(now);
        let known_file = Some(remembered.file.clone()).filter(|file| !file.is_empty());
        let missing = Missing {
            file: known_file.as_deref(),
            since,
        };
        match judge(&missing, &catalogue.files, &self.memory.broken_since(), now) {
            Absence::Deleted => {
                delete(&path).map_err(|error| {
                    Problem::of_file(
                        file,
                        Reason::Unwritable,
                        format!("cannot be deleted: {error}"),
                    )
                })?;
                info!(secret = %name, "Secret deleted with its SealedSecret");
                Ok(None)
            }
            waiting => Ok(Some(waiting)),
        }
    }

    fn goes_with_its_owner(&self, name: &ObjectName, content: &Content, now: Timestamp) -> bool {
        let plan = plan(&Observed {
            owner: Owner {
                name: name.name(),
                uid: &name.uid(),
            },
            source: Source::Gone,
            target: content.as_target(),
            record: self
                .memory
                .objects
                .get(name)
                .map(|remembered: &Remembered| remembered.record)
                .unwrap_or_default(),
            status: None,
            now,
        });
        plan.steps.contains(&Step::DeleteSecret)
    }
}
