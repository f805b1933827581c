//! `seal unseal` and `seal keys`: recovery with keys in every form, and the exact reason where one does not open.

use std::{fs, os::unix::fs::PermissionsExt};

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_tests::{keys, run::Finished, scratch::Scratch};
use serde_json::{Value, json};

use crate::samples::{
    MARKER, SECRET, cert, document, documents, fails_once, key, nothing_leaked, sealed,
    sealed_secret, values,
};

/// Unseals what is on standard input with these key files.
fn unseal(scratch: &Scratch, input: &str, key_files: &[&str]) -> Finished {
    let keys = key_files.iter().flat_map(|file| ["--key", file]);
    scratch
        .seal(["unseal", "-"])
        .args(keys)
        .stdin(input)
        .finish()
}

/// Checks that standard output is the Secret with the marker.
#[track_caller]
fn opened(run: Finished) {
    let run = run.exits(0);
    let secret = document(run.out());
    assert_eq!(secret["kind"], "Secret");
    assert_eq!(secret["data"]["password"], STANDARD.encode(MARKER));
}

/// A key Secret of a pair in `tests/keys/`, as JSON.
fn key_secret(key: &str, certificate: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "k"}, "type": "kubernetes.io/tls", "data": {
        "tls.key": STANDARD.encode(keys::pem(key)), "tls.crt": STANDARD.encode(keys::pem(certificate))}})
}

#[test]
fn keys_are_read_in_every_form() {
    let scratch = Scratch::new();
    let text = sealed_secret(&scratch);
    let own = key_secret("rsa-2048.key", "rsa-2048.crt");
    let mut bare = own.clone();
    for field in ["apiVersion", "kind"] {
        bare.as_object_mut().expect("it is one").remove(field);
    }
    let yaml = seal_manifest::write::yaml(&own).expect("it can be written");
    let pems = keys::pem("rsa-3072.key") + &keys::pem("rsa-2048.key");
    let others = format!(
        "{}\n---\n{}",
        yaml.as_str(),
        seal_manifest::write::yaml(&key_secret("rsa-4096.key", "rsa-4096.crt"))
            .expect("it can be written")
            .as_str()
    );
    for (name, content) in [
        ("pkcs8", keys::pem("rsa-2048.key")),
        ("pkcs1", keys::pem("rsa-2048.pkcs1.key")),
        ("several", pems),
        ("secret.yaml", yaml.to_string()),
        ("secret.json", own.to_string()),
        ("stream.yaml", others),
        ("list", json!({"apiVersion": "v1", "kind": "List", "items": [key_secret("rsa-3072.key", "rsa-3072.crt"), own]}).to_string()),
        ("backup", json!({"items": [bare]}).to_string()),
    ] {
        scratch.write(name, content);
        opened(unseal(&scratch, &text, &[name]));
    }
    scratch.write("other", keys::pem("rsa-3072.key"));
    opened(unseal(&scratch, &text, &["other", "pkcs1", "secret.yaml"]));
    nothing_leaked(&scratch, &[]);
}

#[test]
fn a_bad_key_beside_a_good_one_is_told_and_does_not_hinder() {
    let scratch = Scratch::new();
    let text = sealed_secret(&scratch);
    let run = scratch
        .seal(["unseal", "-", "--key", "nothere", "--key"])
        .arg(key())
        .stdin(text)
        .finish()
        .exits(1)
        .says("error[Unreadable]: nothere");
    assert!(run.out().contains("kind: Secret"));
}

#[test]
fn templates_and_formats_are_kept() {
    let scratch = Scratch::new();
    let input = SECRET.replace(
        "  namespace: prod\n",
        "  namespace: prod\n  labels: {a: b}\n",
    ) + "type: example.com/own\nimmutable: true\n";
    let text = sealed(&scratch, input).out().to_owned();
    scratch.write("s.json", document(&text).to_string());
    let run = scratch
        .seal(["unseal", "s.json", "--key"])
        .arg(key())
        .finish()
        .exits(0);
    let secret: Value = serde_json::from_str(run.out()).expect("JSON stays JSON");
    assert_eq!(secret["type"], "example.com/own");
    assert_eq!(secret["immutable"], true);
    assert_eq!(
        secret["metadata"],
        json!({"name": "db", "namespace": "prod", "labels": {"a": "b"}})
    );
}

#[test]
fn every_sealed_secret_of_a_file_is_opened_and_the_file_stays() {
    let scratch = Scratch::new();
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": [document(SECRET), document(SECRET)]});
    let text = format!(
        "a: 1\n---\n{}---\n{}",
        sealed_secret(&scratch),
        sealed(
            &scratch,
            seal_manifest::write::yaml(&list)
                .expect("it can be written")
                .as_bytes()
        )
        .out()
    );
    let path = scratch.write("s.yaml", &text);
    let run = scratch
        .seal(["unseal", "s.yaml", "--key"])
        .arg(key())
        .finish()
        .exits(0);
    assert_eq!(documents(run.out()).len(), 3);
    assert_eq!(fs::read(path).expect("it is there"), text.as_bytes());
}

/// Checks that a changed object does not open, with exactly this reason and words.
#[track_caller]
fn fails(change: impl FnOnce(&mut Value), key: &str, reason: &str, says: &str) {
    let scratch = Scratch::new();
    let mut object = document(&sealed_secret(&scratch));
    change(&mut object);
    let run = scratch
        .seal(["unseal", "-", "--key"])
        .arg(keys::path(key))
        .stdin(object.to_string())
        .finish();
    let run = fails_once(run, reason)
        .says(says)
        .says("standard input:1:")
        .says(": document 1: ");
    assert_eq!(run.out(), "");
}

fn without_lines(object: &mut Value) {
    object["metadata"]
        .as_object_mut()
        .expect("it is one")
        .remove("annotations");
}

fn cluster_wide(object: &mut Value) {
    object["metadata"]["annotations"]["sealedsecrets.bitnami.com/cluster-wide"] = json!("true");
}

#[test]
fn the_reason_is_exact_where_the_item_line_is_there() {
    let own = "rsa-2048.key";
    fails(
        |_| {},
        "rsa-3072.key",
        "UnknownKey",
        "key e378cdde6ddcabda, which is not held here (held: ",
    );
    fails(
        |object| object["metadata"]["name"] = json!("x"),
        own,
        "SealedForAnotherName",
        "sealed for prod/db, found in prod/x",
    );
    fails(
        |object| object["metadata"]["namespace"] = json!("x"),
        own,
        "SealedForAnotherNamespace",
        "sealed for prod/db, found in x/db",
    );
    fails(cluster_wide, own, "SealedForAnotherScope", "(scope strict)");
}

#[test]
fn the_reason_is_proven_where_the_template_still_tells() {
    let own = "rsa-2048.key";
    let moved = |field: &'static str| {
        move |object: &mut Value| {
            without_lines(object);
            object["metadata"][field] = json!("x");
        }
    };
    fails(
        moved("name"),
        own,
        "SealedForAnotherName",
        "sealed for prod/db, found in prod/x",
    );
    fails(
        moved("namespace"),
        own,
        "SealedForAnotherNamespace",
        "sealed for prod/db, found in x/db",
    );
    let scope = |object: &mut Value| {
        without_lines(object);
        object["metadata"]["annotations"] =
            json!({"sealedsecrets.bitnami.com/namespace-wide": "true"});
    };
    fails(scope, own, "SealedForAnotherScope", "(scope strict)");
}

#[test]
fn nothing_is_claimed_where_nothing_is_known() {
    fails(
        without_lines,
        "rsa-3072.key",
        "CannotOpen",
        "no key could decrypt",
    );
    let damaged = |object: &mut Value| {
        let text = object["spec"]["encryptedData"]["password"]
            .as_str()
            .expect("it is a text");
        let mut bytes = STANDARD.decode(text).expect("it is base64");
        *bytes.last_mut().expect("it is not empty") ^= 1;
        object["spec"]["encryptedData"]["password"] = json!(STANDARD.encode(bytes));
    };
    fails(
        damaged,
        "rsa-2048.key",
        "CannotOpen",
        "no key could decrypt",
    );
    let copied = |object: &mut Value| {
        without_lines(object);
        object["metadata"]["name"] = json!("x");
        object["spec"]["template"] = json!(null);
    };
    fails(copied, "rsa-2048.key", "CannotOpen", "no key could decrypt");
}

#[test]
fn objects_that_are_wrong_in_themselves_are_told() {
    let own = "rsa-2048.key";
    fails(
        |object| object["spec"]["encryptedData"]["password"] = json!("AAAA"),
        own,
        "MalformedItem",
        "(password)",
    );
    fails(
        |object| object["spec"]["data"] = json!("AAAA"),
        own,
        "ConflictingData",
        "at the same time",
    );
    fails(
        |object| object["spec"]["template"]["data"] = json!({"t": "{{x}}"}),
        own,
        "TemplateInvalid",
        "1:3: x: there is no such function (t)",
    );
    fails(
        |object| object["spec"] = json!(5),
        own,
        "InvalidObject",
        "is not a well-formed SealedSecret: spec is not a mapping",
    );
}

#[test]
fn the_deprecated_form_opens_or_is_told_to_hold_no_secret() {
    let scratch = Scratch::new();
    let seal = |text: String| {
        let run = scratch
            .seal(["raw", "--name=db", "-n=prod", "--cert"])
            .arg(cert())
            .stdin(text)
            .finish()
            .exits(0);
        json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db", "namespace": "prod"},
            "spec": {"data": run.out()}}).to_string()
    };
    let own = key().display().to_string();
    let whole = seal(
        json!({"kind": "Secret", "metadata": {}, "data": {"password": STANDARD.encode(MARKER)}})
            .to_string(),
    );
    opened(unseal(&scratch, &whole, &[&own]));
    let run = unseal(&scratch, &seal(MARKER.to_owned()), &[&own]);
    fails_once(run, "InvalidLegacyData").says("does not hold a Secret");
}

#[test]
fn restricted_types_are_opened_when_a_flag_allows_them() {
    let scratch = Scratch::new();
    let run = scratch
        .seal(["encrypt", "--allow-restricted-types", "--cert"])
        .arg(cert())
        .stdin(format!("{SECRET}type: bootstrap.kubernetes.io/token\n"))
        .finish()
        .exits(0);
    let own = key().display().to_string();
    fails_once(unseal(&scratch, run.out(), &[&own]), "TypeNotAllowed");
    opened(
        scratch
            .seal(["unseal", "-", "--allow-restricted-types", "--key", &own])
            .stdin(run.out())
            .finish(),
    );
}

#[test]
fn one_object_that_fails_hides_no_other() {
    let scratch = Scratch::new();
    let good = sealed_secret(&scratch);
    let input = format!(
        "{}---\na: [\n---\n{good}",
        good.replace("name: db", "name: x")
    );
    let own = key().display().to_string();
    let run = unseal(&scratch, &input, &[&own])
        .exits(1)
        .says("error[SealedForAnotherName]: standard input:1:1")
        .says("error[InvalidSyntax]");
    assert_eq!(documents(run.out()).len(), 1);
}

#[test]
fn an_input_without_sealed_secrets_is_told() {
    let own = key().display().to_string();
    let run = unseal(&Scratch::new(), SECRET, &[&own]);
    fails_once(run, "WrongKind").says("holds no SealedSecret");
}

#[test]
fn a_new_key_seals_and_opens_and_is_never_written_over_a_file() {
    let scratch = Scratch::new();
    let new = |flags: &[&str]| {
        scratch
            .seal(["keys", "new", "-o", "key.yaml"])
            .args(flags)
            .finish()
    };
    let run = new(&[
        "--size=2048",
        "--name=own",
        "-n",
        "kube-system",
        "--days",
        "10",
        "--cert-output=cert.pem",
    ])
    .exits(0)
    .says("keep it out of Git");
    assert_eq!(run.out(), "");
    let mode = fs::metadata(scratch.path().join("key.yaml"))
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let secret = document(&scratch.read("key.yaml"));
    assert_eq!(secret["metadata"]["name"], "own");
    assert_eq!(secret["metadata"]["namespace"], "kube-system");
    assert_eq!(
        secret["metadata"]["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"],
        "active"
    );

    let run = scratch
        .seal(["--cert=cert.pem"])
        .stdin(SECRET)
        .finish()
        .exits(0);
    opened(unseal(&scratch, run.out(), &["key.yaml"]));

    let before = scratch.files();
    fails_once(new(&[]), "Conflict").says("key.yaml: the file exists already");
    let run = scratch
        .seal([
            "keys",
            "new",
            "--output=new.yaml",
            "--cert-output",
            "cert.pem",
        ])
        .finish();
    fails_once(run, "Conflict").says("cert.pem: the file exists already");
    assert_eq!(scratch.files(), before);
}

#[test]
fn a_key_is_named_after_its_id() {
    let scratch = Scratch::new();
    let run = scratch
        .seal(["keys", "new", "-o=k.yaml", "--size", "2048"])
        .finish()
        .exits(0);
    let name = document(&scratch.read("k.yaml"))["metadata"]["name"].to_string();
    let id = name
        .trim_matches('"')
        .strip_prefix("sealed-secrets-key")
        .expect("upstream's prefix");
    assert!(
        run.err().contains(&format!("private key {id}")),
        "{}",
        run.err()
    );
}

#[test]
fn a_sealed_secret_holds_what_unseal_prints() {
    let scratch = Scratch::new();
    let text = sealed_secret(&scratch);
    let own = key().display().to_string();
    let run = unseal(&scratch, &text, &[&own]).exits(0);
    let again = document(sealed(&scratch, run.stdout).out());
    assert_eq!(values(&again), values(&document(&text)));
}

#[test]
fn a_file_without_a_sealed_secret_is_said_beside_a_bad_key() {
    let scratch = Scratch::new();
    scratch.write("bad", "a: b\n");
    scratch.write("good", keys::pem("rsa-2048.key"));
    unseal(&scratch, SECRET, &["good", "bad"])
        .exits(1)
        .says("error[UnreadableKey]: bad:1:1")
        .says("error[WrongKind]: standard input: holds no SealedSecret")
        .never_shows(MARKER);
}
