//! Whether reality is what the model says, once everything is at rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

use seal_tests::cluster::find_condition;
use serde_json::Value;

use super::{Case, Failed, text};
use crate::model::{
    action::{Key, Name},
    content::Content,
    truth::{Keys, Reasons, State, ends_in, may_become, step, still_said},
};

const GLANCE: Duration = Duration::from_millis(25);

impl Case<'_> {
    /// Ends all faults, and waits until reality is what the model says.
    pub(super) fn rest(&mut self) -> Result<(), Failed> {
        self.start();
        self.ground.mend();
        let deadline = Instant::now() + self.limit;
        let mut before = String::new();
        let mut calm = 0;
        loop {
            let seen = self.look();
            // A glance may meet it between two steps that it has still to make.
            calm = match seen.is_right() && seen.versions == before {
                true => calm + 1,
                false => 0,
            };
            if calm >= 4 {
                self.settle(&seen);
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.explain(&seen));
            }
            before = seen.versions;
            thread::sleep(GLANCE);
        }
    }

    /// After a restart nothing is opened and nothing written where everything is right and on record.
    pub(super) fn recall(&mut self) -> Result<(), Failed> {
        self.rest()?;
        self.stay()?;
        let seen = self.look();
        let is_known = self.objects.iter().all(|(name, object)| {
            let says = seen.says[name].as_deref();
            object.lies == 0 && says.is_none_or(|says| says == "Unsealed")
        });
        if !is_known || self.record_key_is_gone {
            return Ok(());
        }
        self.ground.stop();
        self.start();
        self.rest()?;
        let after = self.look();
        let operations = self.ground.operations();
        if after.versions != seen.versions || operations != 0.0 {
            let problem = self.explain(&after);
            return Err(format!(
                "a restart made {operations} operations, and of {} came {}\n{problem}",
                seen.versions, after.versions
            ));
        }
        Ok(())
    }

    fn look(&self) -> Seen {
        let mut seen = Seen::default();
        for name in Name::ALL {
            let sealed = self.ground.api().get(&self.sealed_path(name));
            let secret = self.ground.api().get(&self.secret_path(name));
            for answer in [&sealed, &secret] {
                let metadata = &answer.body["metadata"];
                let _ = write!(
                    seen.versions,
                    "{} {} ",
                    metadata["uid"], metadata["resourceVersion"]
                );
            }
            let content = (secret.status == 200).then(|| Content::of(&secret.body));
            let object = &self.objects[&name];
            let keys = self.keys.last().expect("there is one");
            let uid = object.now().map(|said| said.uid.as_str());
            let all = may_become(&object.states, &object.said, &self.keys, uid);
            let ends: Vec<(State, Reasons)> = all
                .iter()
                .flat_map(|state| ends_in(state, object.now(), keys, self.ground.collects))
                .map(|(state, mut reasons)| {
                    for earlier in object.looked_with.iter().chain(&self.keys) {
                        reasons.extend(still_said(&state, object.now(), earlier, keys));
                    }
                    (state, reasons)
                })
                .collect();
            let says = said_of(&sealed.body);
            let fits = ends.iter().filter(|(state, reasons)| {
                state.secret == content
                    && (object.lies > 1
                        || match &says {
                            None => object.now().is_none(),
                            Some(says) => reasons.contains(says.as_str()),
                        })
            });
            let fits: BTreeSet<State> = fits.map(|(state, _)| state.clone()).collect();
            if fits.is_empty() {
                seen.wrong.push(format!(
                    "{name:?} is {content:?}\n and says {says:?}, status {}\n but one of these is right:\n{}",
                    sealed.body["status"],
                    ends.iter().map(|(state, reasons)| format!("  {reasons:?} {state:?}\n")).collect::<BTreeSet<_>>().into_iter().collect::<String>(),
                ));
            }
            seen.fits.insert(name, fits);
            seen.says.insert(name, says);
        }
        let certificate = self.ground.site.controller.certificate();
        if !self.may_be_served(&certificate) {
            seen.wrong.push("another certificate is served".to_owned());
        }
        seen
    }

    /// The newest key that is held, or one that the controller made.
    fn may_be_served(&self, certificate: &str) -> bool {
        let held = self.ground.held();
        let is_of_pool = |name: &str| Key::POOL.iter().any(|key| key.secret() == name);
        let mut made = held
            .iter()
            .filter(|held| held.is_active && !is_of_pool(&held.name))
            .peekable();
        if made.peek().is_some() {
            return self.made_key && made.any(|held| held.certificate == certificate);
        }
        let keys = self.keys.last().expect("there is one");
        let newest = Key::POOL.iter().rev().find(|key| keys.contains(key));
        newest.is_some_and(|key| self.ground.certificate_of(*key) == certificate)
    }

    fn settle(&mut self, seen: &Seen) {
        for (name, object) in &mut self.objects {
            object.states = seen.fits[name].clone();
            let explains = |keys: &Keys| {
                object.now().is_some_and(|said| {
                    let mut reasons = object.states.iter().map(|state| step(state, said, keys).1);
                    reasons.any(|reasons| {
                        seen.says[name]
                            .as_ref()
                            .is_some_and(|says| reasons.contains(says.as_str()))
                    })
                })
            };
            let looked = object.looked_with.iter().chain(&self.keys);
            object.looked_with = looked.filter(|keys| explains(keys)).cloned().collect();
            let last = object.said.pop();
            object.said = last.into_iter().collect();
        }
        let last = self.keys.pop();
        self.keys = last.into_iter().collect();
    }

    /// Nothing is written any more.
    pub(super) fn stay(&mut self) -> Result<(), Failed> {
        let deadline = Instant::now() + self.limit;
        loop {
            let before = self.look();
            let is_quiet = self.history.is_quiet_for_a_second(self.ground)?;
            let after = self.look();
            if is_quiet && before.is_right() && after.is_right() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let problem = self.explain(&after);
                return Err(format!("it does not come to rest, {is_quiet}: {problem}"));
            }
        }
    }

    fn explain(&self, seen: &Seen) -> Failed {
        let controller = &self.ground.site.controller;
        format!("{}\n{}", seen.wrong.join("\n"), controller.tail())
    }
}

#[derive(Default)]
struct Seen {
    versions: String,
    wrong: Vec<String>,
    fits: BTreeMap<Name, BTreeSet<State>>,
    says: BTreeMap<Name, Option<String>>,
}

impl Seen {
    fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// The reason that a status gives, where its conditions agree with it and it is of the object as it is.
fn said_of(object: &Value) -> Option<String> {
    let condition = |name: &str| find_condition(object, name);
    let ready = condition("Ready")?;
    let reason = text(&ready["reason"]);
    let (synced, stalled) = match reason.as_str() {
        "Unsealed" => ("True", "False"),
        _ => ("False", "True"),
    };
    let status = |name: &str| {
        condition(name).map_or("False", |found| {
            found["status"].as_str().unwrap_or_default()
        })
    };
    let agree = ready["status"] == synced
        && status("Synced") == synced
        && status("Stalled") == stalled
        && object["status"]["observedGeneration"] == object["metadata"]["generation"];
    Some(if agree {
        reason
    } else {
        format!("{reason}, in contradiction")
    })
}
