//! One sequence, carried out in reality and in the model at the same time.

mod rest;

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use seal_tests::cluster::sealed_secret;
use serde_json::{Value, json};

use super::{
    action::{Action, Change, Edit, Item, Key, Lie, Name},
    content::{ANNOTATION, Content, LABEL, patch_of},
    ground::Ground,
    history::History,
    truth::{Keys, Said, State, may_become},
};

/// Why reality is not as the model.
pub(crate) type Failed = String;

/// After so many edits of a Secret or a status its repairs come seconds later, and ever later.
const PATIENCE: usize = 4;

/// One SealedSecret and its Secret, in the model.
struct Object {
    /// The SealedSecret as it may have been read since everything was at rest, the last as it is.
    said: Vec<Option<Said>>,
    states: BTreeSet<State>,
    /// How often somebody else changed something since the SealedSecret changed.
    edits: usize,
    /// The keys that were known when it may have been looked at last. That a key goes is no reason to look.
    looked_with: Vec<Keys>,
    /// How often the status was edited. The second time it may stay so for an hour.
    lies: usize,
}

impl Object {
    fn now(&self) -> Option<&Said> {
        self.said.last().and_then(Option::as_ref)
    }
}

pub(crate) struct Case<'g> {
    ground: &'g mut Ground,
    /// How long everything may take to come to rest.
    limit: Duration,
    objects: BTreeMap<Name, Object>,
    /// The keys as they may have been known since everything was at rest, the last as they are.
    keys: Vec<Keys>,
    /// Whether all keys were gone, so that one was made.
    made_key: bool,
    record_key_is_gone: bool,
    history: History,
}

/// Carries a sequence out.
pub(crate) fn run(ground: &mut Ground, actions: &[Action], limit: Duration) -> Result<(), Failed> {
    ground.begin();
    let history = History::begin(ground);
    // The sequence before may have deleted it, and the controller makes another at its next start.
    let record_key_is_gone = ground.lacks_record_key();
    let objects = Name::ALL.map(|name| {
        let object = Object {
            said: vec![None],
            states: [State::absent()].into(),
            looked_with: Vec::new(),
            edits: 0,
            lies: 0,
        };
        (name, object)
    });
    let all = Keys::from([Key::Older, Key::Given, Key::Newer]);
    let mut case = Case {
        ground,
        limit,
        objects: objects.into(),
        keys: vec![all, [Key::Older, Key::Given].into()],
        made_key: false,
        record_key_is_gone,
        history,
    };
    for (number, &action) in actions.iter().enumerate() {
        case.act(action)
            .map_err(|problem| format!("at action {number}, {action:?}: {problem}"))?;
    }
    case.rest()
        .map_err(|problem| format!("in the end: {problem}"))?;
    case.stay()
}

impl Case<'_> {
    fn act(&mut self, action: Action) -> Result<(), Failed> {
        match action {
            Action::Create(name, seal) => {
                if self.objects[&name].now().is_none() {
                    let sealed = self.ground.seal(name, Item::User, seal);
                    self.create(name, Said::new(Item::User, sealed));
                }
            }
            Action::Change(name, change) => {
                let Some(mut said) = self.objects[&name].now().cloned() else {
                    return Ok(());
                };
                if self.change(name, &mut said, change) {
                    self.put(name, said);
                }
            }
            Action::Delete(name) => {
                if let Some(said) = self.objects[&name].now() {
                    self.history.dead.insert(said.uid.clone());
                    let path = self.sealed_path(name);
                    let deleted = self.ground.api().delete(&path);
                    assert_eq!(deleted.status, 200, "{}", deleted.body);
                    self.says(name, None);
                }
            }
            Action::Edit(name, edit) => return self.edit(name, edit),
            Action::DeleteSecret(name) => {
                if self.may_edit(name) {
                    let path = self.secret_path(name);
                    let deleted = self.ground.api().delete(&path);
                    if deleted.status == 200 {
                        let uid = &deleted.body["details"]["uid"];
                        self.history.deleted.insert(uid.to_string());
                        self.becomes(name, |state| {
                            state.secret.as_ref().map(|_| state.with(None))
                        })?;
                    }
                }
            }
            Action::PutSecret(name, foreign) => {
                let mut object = json!({
                    "apiVersion": "v1", "kind": "Secret",
                    "metadata": {"name": self.ground.name(name), "namespace": self.ground.site.apps},
                });
                let content = Content::foreign(foreign);
                object["data"] = json!(content.data);
                object["type"] = json!(content.type_);
                object["immutable"] = json!(content.immutable);
                object["metadata"]["labels"] = json!(content.labels);
                object["metadata"]["annotations"] = json!(content.annotations);
                if foreign.owned {
                    object["metadata"]["ownerReferences"] = json!([self.somebody()]);
                }
                let path = format!("/api/v1/namespaces/{}/secrets", self.ground.site.apps);
                let created = self.ground.api().create(&path, &object);
                if created.status == 201 {
                    self.history.did(&created.body);
                    self.becomes(name, |state| {
                        state.secret.is_none().then(|| State::left(content.clone()))
                    })?;
                    // Whether that is drift, where there was one before, is anybody's guess.
                    let said = self.objects[&name].now().cloned();
                    if let Some(said) = said.filter(|said| said.ignores_drift) {
                        self.also(name, |state| state.taken_for_drift(&said));
                    }
                } else {
                    self.filter(name, |state| state.secret.is_some())?;
                }
            }
            Action::EditStatus(name, lie) => self.lie(name, lie),
            Action::DeleteRecordKey => {
                self.ground.delete_record_key();
                self.record_key_is_gone = true;
            }
            Action::BringKey(key) => {
                self.ground.put_key(key);
                self.holds(|keys| keys.insert(key));
            }
            Action::RetireKey(key) => {
                self.ground.retire_key(key);
                self.holds(|keys| keys.remove(&key));
            }
            Action::DeleteKey(key) => {
                self.ground.delete_key(key);
                self.holds(|keys| keys.remove(&key));
            }
            Action::Restart => {
                self.ground.stop();
                self.start();
            }
            Action::Kill => {
                self.ground.kill();
                self.start();
            }
            Action::Stop => self.ground.stop(),
            Action::Start => self.start(),
            Action::Hold(time) => self.ground.hold(time),
            Action::Fail(fails) => self.ground.fail(fails),
            Action::Behave => self.ground.proxy.behave(),
            Action::CutWatches => {
                self.ground.proxy.cut(seal_tests::cluster::Asked::is_watch);
            }
            Action::Pause(time) => thread::sleep(Duration::from_millis(time.into())),
            Action::Rest => return self.rest(),
            Action::Recall => return self.recall(),
        }
        Ok(())
    }

    fn start(&mut self) {
        if self.ground.is_up {
            return;
        }
        if self.record_key_is_gone {
            for name in Name::ALL {
                self.also(name, State::forgotten);
            }
        }
        self.ground.start();
    }

    fn create(&mut self, name: Name, mut said: Said) {
        let object = said.object(&self.ground.site.apps, &self.ground.name(name));
        let path = sealed_secret(&self.ground.site.apps, "");
        let created = self
            .ground
            .api()
            .create(path.trim_end_matches('/'), &object);
        assert_eq!(created.status, 201, "{}", created.body);
        said.uid = text(&created.body["metadata"]["uid"]);
        self.says(name, Some(said));
    }

    /// Replaces the SealedSecret.
    fn put(&mut self, name: Name, said: Said) {
        let mut object = said.object(&self.ground.site.apps, &self.ground.name(name));
        let path = self.sealed_path(name);
        loop {
            let there = self.ground.api().get(&path).body;
            object["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"].clone();
            let put = self.ground.api().replace(&path, &object);
            if put.status != 409 {
                assert_eq!(put.status, 200, "{}", put.body);
                break;
            }
        }
        self.says(name, Some(said));
    }

    fn says(&mut self, name: Name, said: Option<Said>) {
        if let Some(said) = &said {
            self.history
                .declare(&self.ground.name(name), &said.wanted());
        }
        self.spread(name);
        let object = self.objects.get_mut(&name).expect("all are there");
        object.said.push(said);
        object.edits = 0;
    }

    fn change(&self, name: Name, said: &mut Said, change: Change) -> bool {
        let switch = |annotations: &mut BTreeMap<String, String>, key: &str, on: bool| {
            if on {
                annotations.insert(key.to_owned(), "true".to_owned());
            } else {
                annotations.remove(key);
            }
        };
        let choose = |strings: &mut BTreeMap<String, String>, key: &str, value: Option<u8>| {
            match value {
                Some(value) => strings.insert(key.to_owned(), format!("v{value}")),
                None => strings.remove(key),
            };
        };
        match change {
            Change::Seal(item, seal) => {
                let sealed = self.ground.seal(name, item, seal);
                said.items.insert(item, sealed);
            }
            Change::Remove(item) => {
                if said.items.len() == 1 || said.items.remove(&item).is_none() {
                    return false;
                }
            }
            Change::Rename(from, to) => {
                let Some(mut sealed) = said.items.remove(&from) else {
                    return false;
                };
                // The line names the item.
                sealed.line = None;
                said.items.insert(to, sealed);
            }
            Change::Label(value) => choose(&mut said.labels, LABEL, value),
            Change::Annotation(value) => choose(&mut said.annotations, ANNOTATION, value),
            Change::Text(text) => said.text = text,
            Change::Typed(typed) => said.typed = typed,
            Change::Immutable(immutable) => said.immutable = immutable,
            Change::SkipOwner(on) => switch(
                &mut said.annotations,
                seal_api::annotations::SKIP_SET_OWNER_REFERENCES,
                on,
            ),
            Change::Managed(on) => {
                switch(&mut said.annotations, seal_api::annotations::MANAGED, on);
            }
            Change::Patch(on) => switch(&mut said.annotations, seal_api::annotations::PATCH, on),
            Change::Scope(scope) => said.scope = scope,
            Change::IgnoreDrift(on) => said.ignores_drift = on,
            Change::Note(note) => said.note = Some(note),
        }
        true
    }

    /// Whether one more edit would be followed soon.
    fn may_edit(&mut self, name: Name) -> bool {
        let object = self.objects.get_mut(&name).expect("all are there");
        object.edits += 1;
        object.edits <= PATIENCE
    }

    fn edit(&mut self, name: Name, edit: Edit) -> Result<(), Failed> {
        if !self.may_edit(name) {
            return Ok(());
        }
        let path = self.secret_path(name);
        let mut patch = patch_of(edit, &self.ground.name(name));
        // Of what it was read as, so that it is known whether the edit changed anything.
        let (before, answer) = loop {
            let before = self.ground.api().get(&path).body["metadata"]["resourceVersion"].take();
            patch["metadata"]["resourceVersion"] = before.clone();
            let answer = self.ground.api().patch(&path, &patch);
            if answer.status != 409 {
                break (before, answer);
            }
        };
        match answer.status {
            200 => {
                if answer.body["metadata"]["resourceVersion"] != before {
                    self.history.did(&answer.body);
                }
                self.history
                    .declare_edit(&self.ground.name(name), &answer.body);
                let found = Content::of(&answer.body);
                self.becomes(name, |state| {
                    let secret = state.secret.as_ref()?.edited(edit);
                    (secret == found).then(|| state.with(Some(secret)))
                })
                .map_err(|problem| format!("{problem}\nit is now {found:?}"))
            }
            404 => self.filter(name, |state| state.secret.is_none()),
            // It is immutable.
            422 => self.filter(name, |state| {
                state.secret.as_ref().is_some_and(|secret| secret.immutable)
            }),
            _ => panic!("{}", answer.body),
        }
    }

    fn lie(&mut self, name: Name, lie: Lie) {
        if self.objects[&name].now().is_none() || !self.may_edit(name) {
            return;
        }
        let path = self.sealed_path(name);
        loop {
            let mut object = self.ground.api().get(&path).body;
            let other = self.ground.api().get(&self.sealed_path(name.other())).body;
            let status = &mut object["status"];
            match lie {
                Lie::NoStatus => *status = json!({}),
                Lie::NoRecord => {
                    status.as_object_mut().map(|status| status.remove("record"));
                }
                Lie::RecordOfTheOther => {
                    let record = &other["status"]["record"];
                    if record.is_object() {
                        status["record"] = record.clone();
                    }
                }
                Lie::EditedRecord => {
                    if status["record"].is_object() {
                        status["record"]["data"] = json!(["user", "password", "token", "more"]);
                    }
                }
                Lie::NotSynced => {
                    if status["conditions"][0].is_object() {
                        status["conditions"][0]["status"] = "False".into();
                        status["conditions"][0]["reason"] = "Lies".into();
                    }
                }
            }
            let put = self
                .ground
                .api()
                .replace(&format!("{path}/status"), &object);
            if put.status != 409 {
                assert_eq!(put.status, 200, "{}", put.body);
                break;
            }
        }
        self.objects.get_mut(&name).expect("all are there").lies += 1;
        self.also(name, State::forgotten);
    }

    /// An object that is there and is nobody's business.
    fn somebody(&self) -> Value {
        let path = format!(
            "/api/v1/namespaces/{}/configmaps/kube-root-ca.crt",
            self.ground.site.apps
        );
        let found = self.ground.api().get(&path).body;
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt",
            "uid": found["metadata"]["uid"], "controller": true,
        })
    }

    fn holds(&mut self, change: impl FnOnce(&mut Keys) -> bool) {
        for name in Name::ALL {
            self.spread(name);
        }
        let mut keys = self.keys.last().cloned().unwrap_or_default();
        change(&mut keys);
        self.made_key |= keys.is_empty();
        self.keys.push(keys);
    }

    /// What the controller may have done by now.
    fn spread(&mut self, name: Name) {
        let object = self.objects.get_mut(&name).expect("all are there");
        let uid = object.now().map(|said| said.uid.clone());
        object.states = may_become(&object.states, &object.said, &self.keys, uid.as_deref());
    }

    /// What somebody did to the Secret; nothing for a state in which that cannot be.
    fn becomes(
        &mut self,
        name: Name,
        change: impl Fn(&State) -> Option<State>,
    ) -> Result<(), Failed> {
        self.spread(name);
        let object = self.objects.get_mut(&name).expect("all are there");
        let next: BTreeSet<State> = object.states.iter().filter_map(change).collect();
        if next.is_empty() {
            return Err(format!(
                "the Secret was in no state that can be explained:\n{}",
                list(&object.states)
            ));
        }
        object.states = next;
        Ok(())
    }

    fn filter(&mut self, name: Name, is: impl Fn(&State) -> bool) -> Result<(), Failed> {
        self.becomes(name, |state| is(state).then(|| state.clone()))
    }

    /// What may be the case as well.
    fn also(&mut self, name: Name, change: impl Fn(&State) -> State) {
        self.spread(name);
        let object = self.objects.get_mut(&name).expect("all are there");
        let more: Vec<State> = object.states.iter().map(change).collect();
        object.states.extend(more);
    }

    fn sealed_path(&self, name: Name) -> String {
        sealed_secret(&self.ground.site.apps, &self.ground.name(name))
    }

    fn secret_path(&self, name: Name) -> String {
        let apps = &self.ground.site.apps;
        format!(
            "/api/v1/namespaces/{apps}/secrets/{}",
            self.ground.name(name)
        )
    }
}

fn list(states: &BTreeSet<State>) -> String {
    states
        .iter()
        .map(|state| format!("  {state:?}\n"))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
