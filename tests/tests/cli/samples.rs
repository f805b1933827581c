//! What the modules share: Secrets to seal, a marker to look for, and a look at what came of them.

use std::{collections::BTreeMap, path::PathBuf, sync::OnceLock};

use jiff::Timestamp;
use seal_api::SealedSecret;
use seal_envelope::OpeningKey;
use seal_manifest::{Limits, read};
use seal_sealing::{HeldKey, KeyRing, UnsealOptions, unseal};
use seal_tests::{
    keys,
    run::{Finished, Run},
    scratch::Scratch,
};
use serde_json::Value;

/// A value that must never appear anywhere.
pub(crate) const MARKER: &str = "marker-5f0d2b9c41-correct-horse";

/// An Opaque Secret of one value, the marker.
pub(crate) const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: prod
stringData:
  password: marker-5f0d2b9c41-correct-horse
";

/// The certificate most tests seal with.
pub(crate) fn cert() -> PathBuf {
    keys::path("rsa-2048.crt")
}

/// The private key of [`cert`].
pub(crate) fn key() -> PathBuf {
    keys::path("rsa-2048.key")
}

/// A run of a subcommand of `seal` with `--cert`.
pub(crate) fn with_cert<const N: usize>(scratch: &Scratch, arguments: [&str; N]) -> Run {
    let (subcommand, rest) = arguments.split_at(1);
    scratch
        .seal(subcommand)
        .arg("--cert")
        .arg(cert())
        .args(rest)
}

/// Seals what is on standard input and returns the run, which succeeded.
#[track_caller]
pub(crate) fn sealed(scratch: &Scratch, input: impl Into<Vec<u8>>) -> Finished {
    with_cert(scratch, ["encrypt"])
        .stdin(input)
        .finish()
        .exits(0)
        .never_shows(MARKER)
}

/// [`SECRET`], sealed.
#[track_caller]
pub(crate) fn sealed_secret(scratch: &Scratch) -> String {
    sealed(scratch, SECRET).out().to_owned()
}

/// Every document of a text as JSON.
#[track_caller]
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let stream = read(text, &Limits::default()).expect("the text is within the limits");
    let json = |document: &Result<seal_manifest::Document, _>| {
        document
            .as_ref()
            .map(|document| document.root.to_json())
            .expect("the text is well-formed")
    };
    stream.documents.iter().map(json).collect()
}

/// The only document of a text as JSON.
#[track_caller]
pub(crate) fn document(text: &str) -> Value {
    let mut all = documents(text);
    assert_eq!(all.len(), 1, "one document is expected:\n{text}");
    all.remove(0)
}

/// The values in a SealedSecret, opened with [`key`] by the library, as text.
#[track_caller]
pub(crate) fn values(object: &Value) -> BTreeMap<String, String> {
    let secret = open(object);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the value is text");
    let entries = secret.data.iter();
    entries
        .map(|(key, value)| (key.clone(), text(value.as_bytes())))
        .collect()
}

/// The Secret in a SealedSecret, opened with [`key`] by the library.
#[track_caller]
pub(crate) fn open(object: &Value) -> seal_sealing::Secret {
    let object: SealedSecret =
        serde_json::from_value(object.clone()).expect("it is a SealedSecret");
    unseal(&object, ring(), &UnsealOptions::default())
        .expect("it opens with the test key")
        .secret
}

fn ring() -> &'static KeyRing {
    static RING: OnceLock<KeyRing> = OnceLock::new();
    RING.get_or_init(|| {
        let opening_key = OpeningKey::from_pem(keys::pem("rsa-2048.key").as_bytes())
            .expect("the test key is a key");
        let held = HeldKey {
            opening_key,
            certificate: None,
            created: Timestamp::UNIX_EPOCH,
        };
        KeyRing::new(vec![held])
    })
}

/// Texts by key, for comparisons.
pub(crate) fn texts<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
    entries
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Indents a document as an item of a list.
pub(crate) fn item(document: &str) -> String {
    let lines: Vec<&str> = document.lines().collect();
    format!("- {}\n", lines.join("\n  "))
}

/// Checks that a run failed with exactly one error, of this reason, and showed no marker.
#[track_caller]
pub(crate) fn fails_once(run: Finished, reason: &str) -> Finished {
    let run = run
        .exits(1)
        .says(&format!("error[{reason}]"))
        .never_shows(MARKER);
    assert_eq!(run.err().matches("error[").count(), 1, "{}", run.err());
    run
}

/// Checks that no file in the test's folder but those named holds the marker or its base64, and no temporary file is left.
#[track_caller]
pub(crate) fn nothing_leaked(scratch: &Scratch, sources: &[&str]) {
    let forms = seal_tests::memory::forms(MARKER.as_bytes());
    for (path, content) in scratch.files() {
        let name = path.to_string_lossy();
        assert!(!name.ends_with(".tmp"), "{name} was left behind");
        if sources.contains(&&*name) {
            continue;
        }
        for form in &forms {
            let found = content
                .windows(form.bytes.len())
                .any(|window| window == form.bytes);
            assert!(!found, "{name} holds the marker ({})", form.name);
        }
    }
}
