//! Where sequences happen: the real controller in a real cluster, with a proxy between them that misbehaves when told to.

use std::{
    collections::BTreeMap,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use seal_api::{Scope, annotations};
use seal_envelope::{KeySize, generate_key};
use seal_tests::{
    cluster::{Asked, Broken, Fault, Manifests, Proxy, sealed_secret, shared},
    control_plane::Api,
};
use serde_json::{Value, json};

use super::{
    action::{Fails, Flaw, Item, Key, Name, Seal},
    truth::Sealed,
};
use crate::site::{Site, key_secret_of};

const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
const RECORD_KEY: &str = "sealed-secrets-controller-record-key";
/// Made once for all sequences: making one is slow.
static KEYS: LazyLock<BTreeMap<Key, Made>> = LazyLock::new(|| {
    let days = |days: i64| Timestamp::now() - SignedDuration::from_hours(24 * days);
    let made = |key: Key, since| (key, Made::new(key, since));
    [
        made(Key::Older, days(300)),
        made(Key::Given, days(200)),
        made(Key::Newer, days(1)),
        made(Key::Stranger, days(2)),
    ]
    .into()
});

struct Made {
    certificate: String,
    /// Its Secret, without a namespace.
    secret: Value,
}

impl Made {
    fn new(key: Key, since: Timestamp) -> Self {
        let validity = SignedDuration::from_hours(24 * 3650);
        let made = generate_key(KeySize::Rsa2048, "", since, validity).expect("keys can be made");
        let secret = key_secret_of(&made, "namespace", key.secret());
        Self {
            certificate: certificate_in(&secret),
            secret,
        }
    }
}

/// The certificate in a key Secret.
fn certificate_in(secret: &Value) -> String {
    let text = secret["data"]["tls.crt"].as_str().unwrap_or_default();
    let pem = seal_envelope::decode_base64(text).expect("it is base64");
    String::from_utf8(pem.to_vec()).expect("it is PEM")
}

/// A key Secret as it is.
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) is_active: bool,
    pub(crate) certificate: String,
}

/// One controller and what it minds.
pub(crate) struct Ground {
    pub(crate) site: Site,
    pub(crate) proxy: Proxy,
    /// How often an object was named so far: the names of each sequence are its own.
    round: usize,
    /// Whether the garbage collector was seen to work.
    pub(crate) collects: bool,
    pub(crate) is_up: bool,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let proxy = Proxy::start(shared(Manifests::Ours));
        let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
        let site = Site::with(Manifests::Ours, |setup| {
            setup.args([
                kubeconfig.as_str(),
                "--key-size=2048",
                "--lease-duration=3s",
            ])
        });
        let mut ground = Self {
            site,
            proxy,
            round: 0,
            collects: false,
            is_up: true,
        };
        ground.begin();
        ground
    }

    pub(crate) fn api(&self) -> &'static Api {
        self.site.api()
    }

    /// Takes everything away that the sequence before left behind.
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        let api = self.api();
        let apps = &self.site.apps;
        let sealed = sealed_secret(apps, "");
        api.delete(sealed.trim_end_matches('/'));
        api.delete(&format!("/api/v1/namespaces/{apps}/secrets"));
        self.put_key(Key::Given);
        self.put_key(Key::Older);
        for held in self.held() {
            if held.name != Key::Given.secret() && held.name != Key::Older.secret() {
                api.delete(&self.key_path(&held.name));
            }
        }
        let given = self.certificate_of(Key::Given).to_owned();
        self.site
            .controller
            .wait_for("it has the keys of the start", |controller| {
                (controller.certificate() == given).then_some(())
            });
    }

    /// Waits until the garbage collector knows of SealedSecrets, for which it looks twice a minute.
    pub(crate) fn wait_for_collection(&mut self) {
        let site = &self.site;
        site.api()
            .apply(&site.sealed_with(self.certificate_of(Key::Given)));
        site.synced("collected");
        site.api().delete(&site.sealed_path("collected"));
        site.controller
            .wait_for_within(Duration::from_secs(120), "garbage is collected", |_| {
                (site.secret("collected").status == 404).then_some(())
            });
        self.collects = true;
    }

    /// The name of an object in this sequence.
    pub(crate) fn name(&self, name: Name) -> String {
        let color = match name {
            Name::Red => "red",
            Name::Blue => "blue",
        };
        format!("{color}-{}", self.round)
    }

    pub(crate) fn certificate_of(&self, key: Key) -> &'static str {
        &KEYS[&key].certificate
    }

    pub(crate) fn put_key(&self, key: Key) {
        let mut secret = KEYS[&key].secret.clone();
        secret["metadata"]["namespace"] = self.site.system.as_str().into();
        // One that was there before has another label, and may be another key.
        let path = self.key_path(key.secret());
        let there = self.api().get(&path);
        if there.status == 200 {
            secret["metadata"]["resourceVersion"] =
                there.body["metadata"]["resourceVersion"].clone();
            let put = self.api().replace(&path, &secret);
            assert_eq!(put.status, 200, "{}", put.body);
        } else {
            let path = format!("/api/v1/namespaces/{}/secrets", self.site.system);
            let made = self.api().create(&path, &secret);
            assert_eq!(made.status, 201, "{}", made.body);
        }
    }

    pub(crate) fn retire_key(&self, key: Key) {
        let label = json!({"metadata": {"labels": {KEY_LABEL: "retired"}}});
        self.api().patch(&self.key_path(key.secret()), &label);
    }

    pub(crate) fn delete_key(&self, key: Key) {
        self.api().delete(&self.key_path(key.secret()));
    }

    pub(crate) fn delete_record_key(&self) {
        self.api().delete(&self.key_path(RECORD_KEY));
    }

    pub(crate) fn lacks_record_key(&self) -> bool {
        self.api().get(&self.key_path(RECORD_KEY)).status == 404
    }

    fn key_path(&self, name: &str) -> String {
        format!("/api/v1/namespaces/{}/secrets/{name}", self.site.system)
    }

    /// The key Secrets.
    pub(crate) fn held(&self) -> Vec<Held> {
        let path = format!(
            "/api/v1/namespaces/{}/secrets?labelSelector={KEY_LABEL}",
            self.site.system
        );
        let list = self.api().get(&path).body;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let held = items.iter().map(|secret| {
            let metadata = &secret["metadata"];
            Held {
                name: metadata["name"].as_str().unwrap_or_default().to_owned(),
                is_active: metadata["labels"][KEY_LABEL] == "active",
                certificate: certificate_in(secret),
            }
        });
        held.collect()
    }

    /// Seals a value.
    pub(crate) fn seal(&self, name: Name, item: Item, seal: Seal) -> Sealed {
        let value = format!("{}-{}", item.key(), seal.value);
        let for_name = seal.flaw != Flaw::OtherName;
        let for_namespace = seal.flaw != Flaw::OtherNamespace;
        let garbage = seal.flaw == Flaw::Garbage;
        let object = seal_tests::cluster::seal_for(
            self.certificate_of(seal.key),
            seal.scope,
            if for_namespace {
                &self.site.apps
            } else {
                "elsewhere"
            },
            &if for_name {
                self.name(name)
            } else {
                "else".to_owned()
            },
            &[(item.key(), &value)],
        );
        let text = object["spec"]["encryptedData"][item.key()].as_str();
        let line = object["metadata"]["annotations"][annotations::ITEMS].as_str();
        Sealed {
            text: if garbage {
                "no base64!".to_owned()
            } else {
                text.expect("it is sealed").to_owned()
            },
            line: line.filter(|_| seal.lined && !garbage).map(str::to_owned),
            value,
            key: seal.key,
            scope: seal.scope,
            for_name,
            for_namespace,
            garbage,
        }
    }

    /// Lets the API server misbehave from now on.
    pub(crate) fn fail(&self, fails: Fails) {
        let unavailable = || Fault::status(503, "ServiceUnavailable");
        let count = AtomicUsize::new(0);
        self.proxy.misbehave(move |asked: &Asked| match fails {
            Fails::All => Some(Fault::Reset),
            Fails::Writes => asked
                .is_write()
                .then(|| Fault::status(500, "InternalError")),
            Fails::StatusWrites => asked.path.ends_with("/status").then(unavailable),
            Fails::LostAnswers => asked.is_write().then(|| Fault::Close.once_carried_out()),
            Fails::LostSecrets => (asked.is_write() && asked.is_about("secrets"))
                .then(|| Fault::Reset.once_carried_out()),
            Fails::Half => (!asked.is_write()).then_some(Fault::Half(Broken::Length)),
            Fails::Conflicts => (asked.method == "PUT").then(|| Fault::status(409, "Conflict")),
            Fails::Lists => asked
                .path
                .contains('?')
                .then(|| Fault::status(410, "Expired")),
            Fails::Gone => asked.is_watch().then(|| Fault::error_event(410, "Expired")),
            Fails::Late => Some(Fault::Delay(Duration::from_millis(80))),
            Fails::LateEvents => asked
                .is_watch()
                .then_some(Fault::LateEvents(Duration::from_millis(300))),
            Fails::EveryThird => {
                let count = count.fetch_add(1, Ordering::Relaxed);
                count.is_multiple_of(3).then_some(Fault::Close)
            }
        });
        let is_of_watches = matches!(
            fails,
            Fails::All | Fails::Lists | Fails::Gone | Fails::LateEvents | Fails::Half
        );
        if is_of_watches {
            self.proxy.cut(Asked::is_watch);
        }
    }

    /// How many private-key operations this process made.
    pub(crate) fn operations(&self) -> f64 {
        let series = "seal_controller_private_key_operations_total";
        let counted = self.site.controller.metric(series);
        counted.expect("it is counted")
    }

    pub(crate) fn stop(&mut self) {
        if self.is_up {
            let ended = self.site.controller.stop();
            // The signal may come before it knows of signals.
            assert!(ended.code.is_none_or(|code| code == 0), "{}", ended.log);
            self.is_up = false;
        }
    }

    pub(crate) fn kill(&mut self) {
        if self.is_up {
            self.site.controller.kill();
            self.is_up = false;
        }
    }

    pub(crate) fn start(&mut self) {
        if !self.is_up {
            self.site.controller.start_again();
            self.is_up = true;
        }
    }

    pub(crate) fn hold(&self, time: u16) {
        if self.is_up {
            self.site.controller.hold();
            thread::sleep(Duration::from_millis(time.into()));
            self.site.controller.go_on();
        }
    }

    /// Ends all faults.
    pub(crate) fn mend(&mut self) {
        self.proxy.behave();
        self.start();
        self.site.controller.wait_until_ready();
    }
}

impl Site {
    fn sealed_with(&self, certificate: &str) -> Value {
        let items = [("password", "x")];
        seal_tests::cluster::seal_for(certificate, Scope::Strict, &self.apps, "collected", &items)
    }
}
