//! Which SealedSecrets are being opened, so that what was changed meanwhile is not opened for nothing.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{object_name::ObjectName, objects::Fingerprint};
use crate::{cores::JobHandle, fair::Class};

/// What is being opened.
#[derive(Debug, Default)]
pub(super) struct Openings(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    jobs: HashMap<ObjectName, (Fingerprint, JobHandle)>,
    /// Those whose last opening was broken off. The next one is not, so that something comes of an object that is changed
    /// all the time.
    broken_off: HashSet<ObjectName>,
    is_closed: bool,
}

/// One that is being opened, until this is dropped.
pub(super) struct Opening<'o> {
    openings: &'o Openings,
    name: &'o ObjectName,
}

impl Openings {
    /// This state of a SealedSecret is being opened.
    pub(super) fn begin<'o>(
        &'o self,
        name: &'o ObjectName,
        seen: Fingerprint,
        job: JobHandle,
    ) -> Opening<'o> {
        let mut state = self.state();
        if state.is_closed {
            job.break_off();
        }
        state.jobs.insert(name.clone(), (seen, job));
        Opening {
            openings: self,
            name,
        }
    }

    /// A SealedSecret was seen in this state. Where another one is being opened, that is broken off.
    pub(super) fn changed(&self, name: &ObjectName, seen: Fingerprint) {
        let mut state = self.state();
        let Some((_, job)) = state.jobs.get(name).filter(|(then, _)| *then != seen) else {
            return;
        };
        let job = job.clone();
        if state.broken_off.insert(name.clone()) {
            job.break_off();
        } else {
            // Somebody waits for its end.
            job.raise(Class::Change);
        }
    }

    /// A SealedSecret is gone.
    pub(super) fn gone(&self, name: &ObjectName) {
        let mut state = self.state();
        state.broken_off.remove(name);
        if let Some((_, job)) = state.jobs.get(name) {
            job.break_off();
        }
    }

    /// Breaks all of them off.
    pub(super) fn break_off(&self) {
        for (_, job) in self.state().jobs.values() {
            job.break_off();
        }
    }

    /// Breaks all of them off, also those that begin later.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.break_off();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opening<'_> {
    /// Something came of it.
    pub(super) fn finish(self) {
        self.openings.state().broken_off.remove(self.name);
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.openings.state().jobs.remove(self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;
    use crate::cores::Cores;

    fn fingerprint(generation: i64) -> Fingerprint {
        let metadata = ObjectMeta {
            generation: Some(generation),
            ..Default::default()
        };
        Fingerprint::of(&metadata, "{}")
    }

    #[tokio::test]
    async fn what_was_changed_is_broken_off_but_not_twice_in_a_row() {
        let cores = Arc::new(Cores::new(1));
        let openings = Openings::default();
        let name = ObjectName::new("prod", "db");
        let expected = [(1, true), (2, false), (3, true)];
        for (generation, is_broken_off) in expected {
            let job = cores.job(Class::Change, "prod");
            let opening = openings.begin(&name, fingerprint(generation), job.handle());
            // The state that is being opened was heard of already.
            openings.changed(&name, fingerprint(generation));
            assert!(job.begin().await, "{generation}");
            for later in 1..=3 {
                openings.changed(&name, fingerprint(generation + later));
            }
            assert_eq!(job.go_on(Class::Change), !is_broken_off, "{generation}");
            if !is_broken_off {
                opening.finish();
            }
        }
        assert!(openings.state().jobs.is_empty());
    }

    #[tokio::test]
    async fn what_is_gone_is_broken_off_and_all_are_when_nobody_wants_any() {
        let cores = Arc::new(Cores::new(1));
        let openings = Openings::default();
        let names = ["a", "b", "c"].map(|name| ObjectName::new("prod", name));
        let jobs = [(); 2].map(|()| cores.job(Class::Change, "prod"));
        let begin = |at: usize| openings.begin(&names[at], fingerprint(1), jobs[at].handle());
        let first_two = [begin(0), begin(1)];
        openings.gone(&names[0]);
        assert!(!jobs[0].begin().await);
        assert!(jobs[1].begin().await);
        openings.break_off();
        assert!(!jobs[1].go_on(Class::Change));
        drop(first_two);
        drop(jobs);
        // Those that come later are wanted again, but at the end.
        let job = cores.job(Class::Change, "prod");
        let later = openings.begin(&names[2], fingerprint(1), job.handle());
        assert!(job.begin().await && job.go_on(Class::Change));
        drop((later, job));
        openings.close();
        let job = cores.job(Class::Change, "prod");
        let last = openings.begin(&names[2], fingerprint(1), job.handle());
        assert!(!job.begin().await);
        drop(last);
    }
}
