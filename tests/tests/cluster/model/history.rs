//! Everything that happened to the Secrets: what nobody may ever see.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use seal_api::annotations;
use seal_tests::control_plane::Api;
use serde_json::Value;

use super::{
    case::Failed,
    content::{Content, Owner, STALE},
    ground::Ground,
};

/// What became of the Secrets since a sequence began, as a watch tells it.
pub(crate) struct History {
    /// The last version that was looked at.
    secrets: String,
    /// What the Secrets were, by name.
    last: BTreeMap<String, Last>,
    /// The versions that are of our own doing.
    did: BTreeSet<String>,
    /// The uids of SealedSecrets that were deleted.
    pub(crate) dead: BTreeSet<String>,
    /// The uids of the Secrets that we deleted.
    pub(crate) deleted: BTreeSet<String>,
    /// The values that may be in a Secret.
    declared: BTreeSet<(String, String, String)>,
}

struct Last {
    content: Content,
    /// Whether the controller wrote it.
    written: bool,
}

impl History {
    pub(crate) fn begin(ground: &Ground) -> Self {
        Self {
            secrets: version(ground.api(), &secrets(ground)),
            last: BTreeMap::new(),
            did: BTreeSet::new(),
            dead: [STALE.to_owned()].into(),
            deleted: BTreeSet::new(),
            declared: BTreeSet::new(),
        }
    }

    /// This is what came of an action of ours.
    pub(crate) fn did(&mut self, object: &Value) {
        self.did
            .insert(object["metadata"]["resourceVersion"].to_string());
    }

    /// A SealedSecret says this.
    pub(crate) fn declare(&mut self, name: &str, wanted: &Content) {
        for (key, value) in &wanted.data {
            self.declared
                .insert((name.to_owned(), key.clone(), value.clone()));
        }
    }

    /// Somebody put this into a Secret.
    pub(crate) fn declare_edit(&mut self, name: &str, secret: &Value) {
        self.declare(name, &Content::of(secret));
    }

    /// Looks at everything that happened since the last time, and for one second more. Whether nothing is written in that
    /// second.
    pub(crate) fn is_quiet_for_a_second(&mut self, ground: &Ground) -> Result<bool, Failed> {
        let (api, of_secrets, of_sealed) = (ground.api(), secrets(ground), sealed(ground));
        let (now, since) = (version(api, &of_secrets), version(api, &of_sealed));
        let (of_secrets, of_sealed) = thread::scope(|scope| {
            let other = scope.spawn(|| watch(api, &of_sealed, &since));
            let one = watch(api, &of_secrets, &self.secrets);
            (one, other.join().expect("the API server answers"))
        });
        let is_new = |event: &Value| number(&event["object"]) > now.parse().unwrap_or(0);
        let is_quiet = !of_secrets.iter().any(is_new) && of_sealed.is_empty();
        self.follow(of_secrets)?;
        Ok(is_quiet)
    }

    fn follow(&mut self, events: Vec<Value>) -> Result<(), Failed> {
        for event in events {
            let object = &event["object"];
            let metadata = &object["metadata"];
            let name = metadata["name"].as_str().unwrap_or_default().to_owned();
            self.secrets = metadata["resourceVersion"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let content = Content::of(object);
            let ours = self.did.contains(&metadata["resourceVersion"].to_string());
            let before = self.last.remove(&name);
            if event["type"] == "DELETED" {
                let is_dead = match &content.owner {
                    Owner::Sealed(uid) => self.dead.contains(uid),
                    Owner::None | Owner::Other => false,
                };
                if !is_dead && !self.deleted.contains(&metadata["uid"].to_string()) {
                    return Err(format!("{name} was deleted, which was {content:?}"));
                }
                continue;
            }
            let written = before.as_ref().is_some_and(|before| before.written);
            if !ours {
                self.check_write(&name, before.as_ref(), &content)?;
            }
            self.last.insert(
                name,
                Last {
                    content,
                    written: written || !ours,
                },
            );
        }
        Ok(())
    }

    /// What the controller wrote.
    fn check_write(&self, name: &str, before: Option<&Last>, now: &Content) -> Result<(), Failed> {
        if let Some(before) = before {
            let there = &before.content;
            let is_handed = there.is(annotations::MANAGED) || there.is(annotations::PATCH);
            let may = match there.owner {
                Owner::Sealed(_) => true,
                Owner::None => before.written || is_handed,
                Owner::Other => is_handed,
            };
            if !may {
                return Err(format!(
                    "{name} is somebody else's and was changed: {there:?}, then {now:?}"
                ));
            }
        }
        for (key, value) in &now.data {
            let was_there =
                before.is_some_and(|before| before.content.data.get(key) == Some(value));
            let said = (name.to_owned(), key.clone(), value.clone());
            if !was_there && !self.declared.contains(&said) {
                return Err(format!("{name} has a {key} that nobody ever said: {now:?}"));
            }
        }
        Ok(())
    }
}

fn secrets(ground: &Ground) -> String {
    format!("/api/v1/namespaces/{}/secrets", ground.site.apps)
}

fn sealed(ground: &Ground) -> String {
    let path = seal_tests::cluster::sealed_secret(&ground.site.apps, "");
    path.trim_end_matches('/').to_owned()
}

fn number(object: &Value) -> u64 {
    let version = object["metadata"]["resourceVersion"].as_str();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}

fn version(api: &Api, path: &str) -> String {
    let list = api.get(&format!("{path}?limit=1")).body;
    let version = list["metadata"]["resourceVersion"].as_str();
    version.expect("a list has a version").to_owned()
}

/// What happened since a version, up to a second from now.
fn watch(api: &Api, path: &str, since: &str) -> Vec<Value> {
    let path = format!("{path}?watch=1&timeoutSeconds=1&resourceVersion={since}");
    let answer = api.get(&path);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let events = match answer.body {
        Value::String(text) => text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event is JSON"))
            .collect(),
        event => vec![event],
    };
    let is_told = |event: &Value| event["type"] != "ERROR";
    assert!(events.iter().all(is_told), "{events:?}");
    events
}
