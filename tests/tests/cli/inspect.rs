//! `seal inspect`: what a SealedSecret says of itself, and what is wrong with it.

use seal_tests::{keys, scratch::Scratch};
use serde_json::{Value, json};

use crate::samples::{MARKER, SECRET, cert, document, fails_once, key, sealed, sealed_secret};

/// Inspects an object that was changed, and returns the reasons of the problems found.
#[track_caller]
fn problems(change: impl FnOnce(&mut Value), certificate: Option<&str>) -> Vec<String> {
    let scratch = Scratch::new();
    let mut object = document(&sealed_secret(&scratch));
    change(&mut object);
    scratch.write("s.json", object.to_string());
    let mut run = scratch.seal(["inspect", "s.json", "--format=json"]);
    if let Some(name) = certificate {
        run = run.arg("--cert").arg(keys::path(name));
    }
    let run = run.finish();
    let shown: Value = serde_json::from_str(run.out()).expect("it is one line of JSON");
    let problems = shown["problems"].as_array().expect("it is a list").clone();
    assert_eq!(run.code, Some(if problems.is_empty() { 0 } else { 3 }));
    let reason = |problem: &Value| problem["reason"].as_str().expect("it has one").to_owned();
    problems.iter().map(reason).collect()
}

#[test]
fn the_facts_are_shown() {
    let scratch = Scratch::new();
    scratch.write(
        "s.yaml",
        format!(
            "a: 1\n---\n{}",
            sealed(&scratch, format!("{SECRET}  user: admin\n")).out()
        ),
    );
    let run = scratch.seal(["inspect", "s.yaml"]).finish().exits(0);
    let out = run.out();
    for part in [
        "s.yaml:3:1: document 2: SealedSecret\n",
        "name       db\n",
        "namespace  prod\n",
        "scope      strict\n",
        "type       Opaque\n",
        "items      2\n",
        "user: 5 bytes, key e378cdde6ddcabda sealed 2",
    ] {
        assert!(out.contains(part), "{part:?} is not in {out}");
    }
}

#[test]
fn json_is_one_line_an_object() {
    let scratch = Scratch::new();
    let text = sealed_secret(&scratch);
    let run = scratch
        .seal(["inspect", "--format", "json"])
        .stdin(format!("{text}---\n{text}"))
        .finish()
        .exits(0);
    assert_eq!(run.out().lines().count(), 2);
    for (number, line) in run.out().lines().enumerate() {
        let shown: Value = serde_json::from_str(line).expect("it is JSON");
        assert_eq!(shown["document"], number + 1);
        assert_eq!(shown["items"][0]["bytes"], MARKER.len());
        assert_eq!(
            shown["items"][0]["sealedFor"],
            json!({"scope": "strict", "namespace": "prod", "name": "db"})
        );
    }
}

#[test]
fn problems_are_found_without_a_key() {
    let check =
        |change: fn(&mut Value), expected: &str| assert_eq!(problems(change, None), [expected]);
    assert!(problems(|_| {}, None).is_empty());
    check(
        |object| object["metadata"]["name"] = json!("other"),
        "SealedForAnotherName",
    );
    check(
        |object| object["metadata"]["namespace"] = json!("other"),
        "SealedForAnotherNamespace",
    );
    check(
        |object| {
            object["metadata"]["annotations"]["sealedsecrets.bitnami.com/cluster-wide"] =
                json!("true")
        },
        "SealedForAnotherScope",
    );
    check(
        |object| object["spec"]["encryptedData"] = json!({"password": "AAAA"}),
        "MalformedItem",
    );
    check(
        |object| object["spec"]["encryptedData"] = json!({"password": "no base64!"}),
        "MalformedItem",
    );
    check(
        |object| object["spec"]["encryptedData"]["a b"] = json!("AAAA"),
        "InvalidName",
    );
    check(
        |object| object["spec"]["data"] = json!("AAAA"),
        "ConflictingData",
    );
    check(
        |object| object["spec"]["template"]["data"] = json!({"t": "{{ now }}"}),
        "TemplateFunctionMissing",
    );
    check(
        |object| object["spec"]["template"]["type"] = json!("bootstrap.kubernetes.io/token"),
        "TypeNotAllowed",
    );
}

#[test]
fn names_from_outside_cannot_steer_a_terminal_or_begin_a_line() {
    let scratch = Scratch::new();
    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "db\u{1b}[2J", "namespace": "prod\n  problem    [Unsealed]"},
        "spec": {
            "encryptedData": {"a\u{1b}[31m\n  problem    [Unsealed]": "AAAA"},
            "template": {"type": "x\ny\u{1b}", "data": {"t\u{1b}]0;": "{{"}},
        },
    });
    scratch.write("s.json", object.to_string());
    let shown = scratch.seal(["inspect", "s.json"]).finish().exits(3);
    let is_steering = |c: char| c.is_control() && c != '\n';
    assert!(!shown.out().contains(is_steering), "{}", shown.out());
    assert!(
        !shown.out().contains("\n  problem    [Unsealed]"),
        "{}",
        shown.out()
    );
    let unsealed = scratch
        .seal(["unseal", "s.json", "--key"])
        .arg(key())
        .finish();
    assert!(!unsealed.err().contains(is_steering), "{}", unsealed.err());
    assert!(
        !unsealed.err().contains("\n  problem"),
        "{}",
        unsealed.err()
    );
}

#[test]
fn missing_names_are_found() {
    let nameless = |object: &mut Value| {
        object["metadata"] = json!({});
    };
    assert_eq!(
        problems(nameless, None),
        ["MissingName", "MissingNamespace"]
    );
}

#[test]
fn with_a_certificate_items_of_other_keys_are_told() {
    assert!(problems(|_| {}, Some("rsa-2048.crt")).is_empty());
    assert_eq!(problems(|_| {}, Some("rsa-3072.crt")), ["UnknownKey"]);
}

#[test]
fn what_cannot_be_read_hides_nothing_else() {
    let scratch = Scratch::new();
    scratch.write("k/a.yaml", sealed_secret(&scratch));
    scratch.write("k/b.yaml", "a: [\n");
    let run = scratch
        .seal(["inspect", "k"])
        .env("SEALED_SECRETS_CERT", cert())
        .finish();
    let run = fails_once(run, "InvalidSyntax").says("k/b.yaml:");
    assert!(run.out().contains("k/a.yaml:1:1"));
}

#[test]
fn nothing_to_inspect_is_said() {
    let run = Scratch::new().seal(["inspect"]).stdin(SECRET).finish();
    fails_once(run, "NothingToDo").says("the input holds no SealedSecret");
}
