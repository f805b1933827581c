//! A folder of the controller, with what tests put into it and read from it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use seal_api::{Scope, annotations};
use seal_envelope::Certificate;
use seal_manifest::{Limits, Text, read, write};
use seal_sealing::{Secret, seal};
use seal_tests::{
    keys,
    run::{Finished, Run, Running},
    scratch::Scratch,
};
use serde_json::{Value, json};

/// In every value that is sealed, so that no output may hold it.
pub(crate) const MARKER: &str = "marker-81c3e0f27a";

/// The key that [`Store::new`] puts into `keys/`.
pub(crate) const KEY: &str = "rsa-2048";

/// A folder `store` with the fixed key in it.
pub(crate) struct Store {
    pub(crate) scratch: Scratch,
}

impl Store {
    /// A store with one key.
    pub(crate) fn new() -> Self {
        let store = Self::without_key();
        store.put("keys/fixed.yaml", key_secret(KEY, Some("active")));
        store
    }

    /// A store with nothing in it.
    pub(crate) fn without_key() -> Self {
        let store = Self {
            scratch: Scratch::new(),
        };
        fs::create_dir(store.path("")).expect("the scratch folder is ours");
        store
    }

    /// The path of something in the store.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join("store").join(name)
    }

    /// Writes a file.
    pub(crate) fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        self.scratch.write(Path::new("store").join(name), text);
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("the file is there");
    }

    /// Reads a file; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Puts a SealedSecret `app/db` with one value into `sealed/app/db.yaml`.
    pub(crate) fn put_db(&self, value: &str) {
        self.put("sealed/app/db.yaml", sealed("app", "db", value));
    }

    /// The value in `secrets/app/db.yaml`, without the marker; empty where there is none.
    pub(crate) fn db(&self) -> String {
        value(&self.text("secrets/app/db.yaml"))
    }

    /// One pass.
    pub(crate) fn once(&self) -> Finished {
        self.run(["--once"]).finish().never_shows(MARKER)
    }

    /// The controller in the store, not started; it makes no second key and listens where it likes.
    pub(crate) fn run<const N: usize>(&self, flags: [&str; N]) -> Run {
        let listens_itself = flags.contains(&"--listen-addr");
        let address = ["--listen-addr", "127.0.0.1:0"]
            .into_iter()
            .filter(|_| !listens_itself);
        let renews_itself = flags.contains(&"--key-renew-period");
        let period = ["--key-renew-period", "0"]
            .into_iter()
            .filter(|_| !renews_itself);
        let flags = flags.into_iter().chain(address).chain(period);
        let run = self
            .scratch
            .controller(["--directory", "store"])
            .args(flags);
        run.limit(Duration::from_secs(30))
    }

    /// Starts the controller and waits for the first pass.
    pub(crate) fn start(&self) -> Running {
        let mut controller = self.run([]).start();
        controller.wait_for("looked at all SealedSecrets");
        controller
    }

    /// A status file as JSON; null where there is none.
    pub(crate) fn status(&self, name: &str) -> Value {
        document(&self.text(name))
    }

    /// The reason of the condition `Synced` of the first SealedSecret in `status/app/status.yaml`; empty where there is
    /// none.
    pub(crate) fn db_reason(&self) -> String {
        let status = self.status("status/app/status.yaml");
        let reason = &status["items"][0]["status"]["conditions"][0]["reason"];
        reason.as_str().unwrap_or_default().to_owned()
    }

    /// Asserts that nothing but `secrets/` holds a sealed value.
    #[track_caller]
    pub(crate) fn hides_the_marker(&self) {
        for (name, content) in self.scratch.files() {
            let is_secret = name.starts_with("store/secrets");
            let text = String::from_utf8_lossy(&content);
            assert!(
                is_secret || !text.contains(MARKER),
                "{} holds the marker",
                name.display()
            );
        }
    }
}

/// The first document of a text as JSON.
pub(crate) fn document(text: &str) -> Value {
    let text = Text::decode(text.as_bytes()).expect("it is UTF-8");
    let stream = read(text.as_str(), &Limits::default()).expect("it is small");
    let document = stream.documents.into_iter().next();
    document.map_or(Value::Null, |document| {
        document.expect("it is YAML").root.to_json()
    })
}

/// The value of the key `password` of a Secret, without the marker.
pub(crate) fn value(secret: &str) -> String {
    let secret = Secret::from_json(&document(secret)).expect("it is a Secret");
    let Some(value) = secret.data.get("password") else {
        return String::new();
    };
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    text.trim_end_matches(MARKER).to_owned()
}

/// A SealedSecret with one value, as YAML.
pub(crate) fn sealed(namespace: &str, name: &str, value: &str) -> String {
    sealed_as(namespace, name, value, |_| {})
}

/// The same, of a Secret that is changed before.
pub(crate) fn sealed_as(
    namespace: &str,
    name: &str,
    value: &str,
    change: impl FnOnce(&mut Secret),
) -> String {
    let mut secret = Secret::new(name, Some(namespace));
    let value = format!("{value}{MARKER}");
    secret
        .data
        .insert("password".into(), value.as_bytes().into());
    change(&mut secret);
    to_yaml(&seal_with(&secret, KEY))
}

/// Seals with one of the fixed keys.
pub(crate) fn seal_with(secret: &Secret, key: &str) -> Value {
    let pem = keys::pem(&format!("{key}.crt"));
    let certificate = Certificate::from_pem(pem.as_bytes()).expect("the certificate is one");
    let now = "2026-01-01T00:00:00Z".parse().expect("it is a time");
    let sealed = seal(secret, Scope::Strict, &certificate, now).expect("it can be sealed");
    serde_json::to_value(sealed.object).expect("it serialises")
}

pub(crate) fn to_yaml(object: &Value) -> String {
    write::yaml(object).expect("it can be written").to_string()
}

/// A key Secret of one of the fixed keys.
pub(crate) fn key_secret(key: &str, label: Option<&str>) -> String {
    key_secret_of(
        &keys::pem(&format!("{key}.key")),
        &keys::pem(&format!("{key}.crt")),
        label,
    )
}

pub(crate) fn key_secret_of(key: &str, certificate: &str, label: Option<&str>) -> String {
    let labels = label.map(|label| json!({annotations::KEY_LABEL: label}));
    to_yaml(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "fixed", "labels": labels},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.key": key, "tls.crt": certificate},
    }))
}
