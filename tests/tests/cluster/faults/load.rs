//! Work for a controller that things go wrong for, and what has to have become of it in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use seal_tests::{
    cluster::{find_condition, seal, sealed_secret},
    control_plane::Api,
};
use serde_json::{Value, json};

use super::{ALL_RIGHT, MARKER};
use crate::site::{Site, base64};

/// So many objects are made, changed, edited and deleted all the time.
const OBJECTS: usize = 20;

/// What happens at random, by a seed, which is what it is printed as.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("it is later");
        let seed = now.as_nanos() % u128::from(u64::MAX);
        Self(u64::try_from(seed).expect("it is small") | 1)
    }

    /// A number below `below`.
    pub(super) fn roll(&mut self, below: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("a pointer has 64 bits") % below
    }
}

/// What a person does, and what follows from it.
#[derive(Debug)]
pub(super) struct Load {
    api: &'static Api,
    apps: String,
    /// Sealed with any of them.
    certificates: Vec<String>,
    dice: Dice,
    count: usize,
    /// The values that there have to be.
    expected: BTreeMap<String, String>,
    /// Those that were edited since they were changed: who edits again and again is not followed at once.
    edited: BTreeSet<String>,
}

impl Load {
    pub(super) fn new(site: &Site, dice: Dice) -> Self {
        Self {
            api: site.api(),
            apps: site.apps.clone(),
            certificates: vec![site.certificate.clone()],
            dice,
            count: 0,
            expected: BTreeMap::new(),
            edited: BTreeSet::new(),
        }
    }

    /// From now on it is sealed with this one as well.
    pub(super) fn add_certificate(&mut self, certificate: String) {
        self.certificates.push(certificate);
    }

    /// Makes or changes one.
    pub(super) fn apply(&mut self, name: &str) {
        self.count += 1;
        let value = format!("{MARKER}-{}", self.count);
        let certificate = self.dice.roll(self.certificates.len());
        let mut sealed = seal(
            &self.certificates[certificate],
            &self.apps,
            name,
            &[("password", &value)],
        );
        sealed["spec"]["template"]["metadata"] = json!({
            "labels": {"count": self.count.to_string()}, "annotations": {"example.com/of": name},
        });
        self.api.apply(&sealed);
        self.expected.insert(name.to_owned(), value);
        self.edited.remove(name);
    }

    /// Edits a Secret by hand, once since it was changed.
    pub(super) fn edit(&mut self, name: &str) {
        let edit = match self.dice.roll(3) {
            0 => json!({"data": {"password": base64("by hand")}}),
            1 => json!({"data": {"password": null, "more": base64("by hand")}}),
            _ => json!({"metadata": {"labels": {"count": "by hand"}}}),
        };
        if self.edited.insert(name.to_owned()) {
            let path = format!("/api/v1/namespaces/{}/secrets/{name}", self.apps);
            match self.dice.roll(4) {
                0 => self.api.delete(&path),
                _ => self.api.patch(&path, &edit),
            };
        }
    }

    /// One thing that a person may do.
    pub(super) fn step(&mut self) {
        let name = format!("db-{}", self.dice.roll(OBJECTS));
        match self.dice.roll(10) {
            0..6 => self.apply(&name),
            6..8 => self.edit(&name),
            _ => {
                self.api.delete(&sealed_secret(&self.apps, &name));
                self.expected.remove(&name);
            }
        }
    }

    /// Waits until there are exactly the Secrets that there have to be, in every respect, and their SealedSecrets say so.
    #[track_caller]
    pub(super) fn ends_right(&self, site: &Site) {
        let deadline = std::time::Instant::now() + ALL_RIGHT;
        while let Some(wrong) = self.wrong() {
            assert!(
                std::time::Instant::now() < deadline,
                "{wrong}\n{}",
                site.controller.tail()
            );
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    }

    fn list(&self, path: &str) -> BTreeMap<String, Value> {
        let items = self.api.get(path).body["items"].take();
        let items = items.as_array().cloned().unwrap_or_default();
        let name = |item: &Value| {
            item["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        items.into_iter().map(|item| (name(&item), item)).collect()
    }

    fn wrong(&self) -> Option<String> {
        let secrets = self.list(&format!("/api/v1/namespaces/{}/secrets", self.apps));
        let sealed = self.list(sealed_secret(&self.apps, "").trim_end_matches('/'));
        let names = |map: &BTreeMap<String, Value>| map.keys().cloned().collect::<Vec<_>>();
        let expected: Vec<_> = self.expected.keys().cloned().collect();
        if names(&secrets) != expected || names(&sealed) != expected {
            return Some(format!(
                "there are {:?} of {:?} instead of {expected:?}",
                names(&secrets),
                names(&sealed)
            ));
        }
        expected.iter().find_map(|name| {
            let (secret, object) = (&secrets[name], &sealed[name]);
            let template = &object["spec"]["template"]["metadata"];
            let ready = find_condition(object, "Ready").map(|ready| &ready["status"]);
            let owner = json!([{
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name,
                "uid": object["metadata"]["uid"], "controller": true,
            }]);
            let is_right = secret["data"] == json!({"password": base64(&self.expected[name])})
                && secret["type"] == "Opaque"
                && secret["metadata"]["labels"] == template["labels"]
                && secret["metadata"]["annotations"] == template["annotations"]
                && secret["metadata"]["ownerReferences"] == owner
                && object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && ready == Some(&json!("True"));
            (!is_right).then(|| format!("{secret}\nof {object}"))
        })
    }
}

impl Site {
    /// The key Secrets whose label has a value.
    pub(super) fn keys(&self, state: &str) -> Vec<Value> {
        let label = "sealedsecrets.bitnami.com/sealed-secrets-key";
        let path = format!(
            "/api/v1/namespaces/{}/secrets?labelSelector={label}%3D{state}",
            self.system
        );
        let items = self.api().get(&path).body["items"].take();
        items.as_array().cloned().unwrap_or_default()
    }
}
