//! `seal set`: only the bytes of what changed move, and item lines stay true.

use seal_api::SealedSecret;
use seal_sealing::ItemLines;
use seal_tests::{keys, run::Run, scratch::Scratch};
use serde_json::{Value, json};

use crate::samples::{
    MARKER, SECRET, document, documents, fails_once, nothing_leaked, sealed, sealed_secret, texts,
    values, with_cert,
};

/// A run of `seal set` on `s.yaml`, with a value on standard input.
fn set(scratch: &Scratch, key: &str, value: &str) -> Run {
    with_cert(scratch, ["set", "s.yaml", "--from-file"])
        .arg(format!("{key}=-"))
        .stdin(value)
}

/// Checks that every item has a line, and that each fits its item and its object.
#[track_caller]
fn lines_are_true(object: &Value) {
    let object: SealedSecret =
        serde_json::from_value(object.clone()).expect("it is a SealedSecret");
    let lines = ItemLines::of(&object);
    let keys: Vec<&str> = lines.iter().map(|(key, _)| key).collect();
    let items: Vec<&str> = object
        .spec
        .encrypted_data
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, items);
    let text = &object.metadata.annotations.expect("the lines are there")["seal.internal/items"];
    assert_eq!(text.lines().count(), items.len(), "a line is stale: {text}");
}

/// The lines of one text that the other has not.
fn lines_only_in<'t>(text: &'t str, other: &str) -> Vec<&'t str> {
    let others: Vec<&str> = other.split_inclusive('\n').collect();
    text.split_inclusive('\n')
        .filter(|line| !others.contains(line))
        .collect()
}

/// Checks that setting `password` changes exactly its line and its item line, and nothing else of the text.
#[track_caller]
fn changes_two_lines(text: &str) {
    let scratch = Scratch::new();
    scratch.write("s.yaml", text);
    let run = set(&scratch, "password", MARKER)
        .finish()
        .exits(0)
        .never_shows(MARKER);
    assert_eq!((run.out(), run.err()), ("", ""));
    let changed = scratch.read("s.yaml");
    let (gone, come) = (lines_only_in(text, &changed), lines_only_in(&changed, text));
    assert_eq!(gone.len(), come.len(), "{changed}");
    assert!(come.len() <= 2, "{come:?}");
    assert!(
        come.iter().all(|line| line.contains("password")),
        "{come:?}"
    );
    let ending = |text: &str| text.chars().rev().take(2).collect::<String>();
    assert_eq!(ending(text), ending(&changed));
    nothing_leaked(&scratch, &[]);
}

/// A sealed Secret of two values, with comments and another document around it.
fn commented(scratch: &Scratch) -> String {
    let text = sealed(scratch, format!("{SECRET}  user: admin\n"))
        .out()
        .to_owned();
    let text = text
        .replace("  name: db", "  name:   db # the name")
        .replace("spec:", "\n# the sealed part\nspec:")
        .replace("\n    user:", "\n    # who\n    user:");
    format!("# top\na:   [1,2]\n---\n{text}---\nb: 'x' # last")
}

#[test]
fn comments_line_endings_and_neighbours_stay() {
    let text = commented(&Scratch::new());
    changes_two_lines(&text);
    changes_two_lines(&text.replace('\n', "\r\n"));
    changes_two_lines(&format!("\u{feff}{text}\n"));
}

#[test]
fn a_json_file_keeps_its_formatting() {
    let json = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"prod"},"stringData":{"password":"marker-5f0d2b9c41-correct-horse","user":"admin"}}"#;
    let text = sealed(&Scratch::new(), json).out().to_owned();
    let scratch = Scratch::new();
    scratch.write("s.yaml", &text);
    set(&scratch, "password", "other").finish().exits(0);
    let changed = scratch.read("s.yaml");
    assert_eq!(text.lines().count(), changed.lines().count());
    let object: Value = serde_json::from_str(&changed).expect("it stays JSON");
    lines_are_true(&object);
    assert_eq!(
        values(&object),
        texts([("password", "other"), ("user", "admin")])
    );
}

#[test]
fn a_value_is_set_and_the_others_stay() {
    let scratch = Scratch::new();
    scratch.write("s.yaml", commented(&scratch));
    set(&scratch, "password", MARKER).finish().exits(0);
    let object = documents(&scratch.read("s.yaml")).remove(1);
    lines_are_true(&object);
    assert_eq!(
        values(&object),
        texts([("password", MARKER), ("user", "admin")])
    );
}

#[test]
fn a_new_key_is_added_with_its_line() {
    let scratch = Scratch::new();
    let text = commented(&scratch);
    scratch.write("s.yaml", &text);
    set(&scratch, "token", MARKER).finish().exits(0);
    let changed = scratch.read("s.yaml");
    assert_eq!(lines_only_in(&text, &changed), [""; 0]);
    let object = documents(&changed).remove(1);
    lines_are_true(&object);
    let expected = texts([("password", MARKER), ("token", MARKER), ("user", "admin")]);
    assert_eq!(values(&object), expected);
}

#[test]
fn added_and_removed_again_is_the_file_as_it_was() {
    let scratch = Scratch::new();
    let text = commented(&scratch);
    scratch.write("s.yaml", &text);
    set(&scratch, "token", MARKER).finish().exits(0);
    scratch
        .seal(["set", "s.yaml", "--remove", "token"])
        .finish()
        .exits(0);
    assert_eq!(scratch.read("s.yaml"), text);
}

#[test]
fn removing_needs_no_certificate_and_takes_only_its_lines() {
    let scratch = Scratch::new();
    let text = commented(&scratch);
    scratch.write("s.yaml", &text);
    scratch
        .seal(["set", "s.yaml", "--remove=password"])
        .finish()
        .exits(0);
    let changed = scratch.read("s.yaml");
    assert_eq!(lines_only_in(&changed, &text), [""; 0]);
    let object = documents(&changed).remove(1);
    lines_are_true(&object);
    assert_eq!(values(&object), texts([("user", "admin")]));
}

#[test]
fn several_changes_are_one_edit() {
    let scratch = Scratch::new();
    scratch.write("s.yaml", commented(&scratch));
    scratch.write("env", "A=1\n");
    with_cert(
        &scratch,
        ["set", "s.yaml", "--remove=user", "--from-env-file=env"],
    )
    .args(["--generate", "token=24", "--from-literal", "b=2"])
    .finish()
    .exits(0)
    .says("shell's history");
    let object = documents(&scratch.read("s.yaml")).remove(1);
    lines_are_true(&object);
    let values = values(&object);
    assert_eq!(
        values.keys().collect::<Vec<_>>(),
        ["A", "b", "password", "token"]
    );
    assert_eq!(
        (&*values["A"], &*values["b"], values["token"].len()),
        ("1", "2", 24)
    );
}

#[test]
fn an_item_of_a_list_is_changed_where_it_stands() {
    let scratch = Scratch::new();
    let secret = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "prod"},
        "stringData": {"password": MARKER}})
    };
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": [secret("db"), secret("cache")]});
    for input in [
        list.to_string(),
        seal_manifest::write::yaml(&list)
            .expect("it can be written")
            .to_string(),
    ] {
        let text = sealed(&scratch, input).out().to_owned();
        scratch.write("s.yaml", &text);
        set(&scratch, "password", "other")
            .arg("--name=cache")
            .finish()
            .exits(0);
        let (before, after) = (document(&text), document(&scratch.read("s.yaml")));
        assert_eq!(before["items"][0], after["items"][0]);
        lines_are_true(&after["items"][1]);
        assert_eq!(values(&after["items"][1]), texts([("password", "other")]));
    }
}

#[test]
fn files_of_kubeseal_without_item_lines_get_them() {
    let scratch = Scratch::new();
    let mut object = document(&sealed_secret(&scratch));
    object["metadata"]
        .as_object_mut()
        .expect("it is one")
        .remove("annotations");
    let text = seal_manifest::write::yaml(&object).expect("it can be written");
    scratch.write("s.yaml", text.as_bytes());
    set(&scratch, "token", "x").finish().exits(0);
    let object = document(&scratch.read("s.yaml"));
    let lines = object["metadata"]["annotations"]["seal.internal/items"]
        .as_str()
        .unwrap_or_default();
    assert!(
        lines.starts_with("token ") && lines.lines().count() == 1,
        "{lines}"
    );
    assert_eq!(
        values(&object),
        texts([("password", MARKER), ("token", "x")])
    );
}

#[test]
fn a_value_sealed_for_the_scope_of_the_object_opens() {
    let scratch = Scratch::new();
    let run = with_cert(&scratch, ["encrypt", "--scope=cluster-wide"])
        .stdin(SECRET)
        .finish()
        .exits(0);
    scratch.write("s.yaml", &run.stdout);
    set(&scratch, "token", "x").finish().exits(0);
    let mut object = document(&scratch.read("s.yaml"));
    object["metadata"]["namespace"] = json!("elsewhere");
    assert_eq!(
        values(&object),
        texts([("password", MARKER), ("token", "x")])
    );
}

/// Checks that nothing is changed, for this reason.
#[track_caller]
fn refuses(text: &str, arguments: &[&str], reason: &str, says: &str) {
    let scratch = Scratch::new();
    scratch.write("s.yaml", text);
    let before = scratch.files();
    let run = with_cert(&scratch, ["set", "s.yaml"])
        .args(arguments)
        .stdin(format!("password={MARKER}\n"))
        .finish();
    fails_once(run, reason).says(says);
    assert_eq!(scratch.files(), before);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let scratch = Scratch::new();
    let one = sealed_secret(&scratch);
    let two = format!("{one}---\n{}", one.replace("name: db", "name: cache"));
    let value = "--from-file=password=-";
    refuses(
        &one,
        &["--from-env-file=/dev/null"],
        "NothingToDo",
        "no value is given",
    );
    refuses(
        &one,
        &["--remove=nothere"],
        "NothingToDo",
        "s.yaml:1:1: document 1: has no item \"nothere\" to remove\n  hint: it has password",
    );
    refuses(
        &one,
        &["--name=other", value],
        "NothingToDo",
        "s.yaml: holds no SealedSecret named \"other\"",
    );
    refuses(
        &one,
        &["--from-env-file=-", "--remove=password"],
        "Conflict",
        "password is to be set and to be removed",
    );
    refuses(&two, &[value], "Conflict", "say which with --name");
    refuses(
        &format!("{one}---\n{one}"),
        &[value, "--name=db"],
        "Conflict",
        "several SealedSecrets named \"db\"",
    );
    refuses(SECRET, &[value], "WrongKind", "\"seal encrypt\" makes one");
    refuses("a: 1\n", &[value], "WrongKind", "holds no SealedSecret");
    refuses(
        &format!("{one}---\na: [\n"),
        &[value],
        "InvalidSyntax",
        "document 2",
    );
    refuses(
        &one.replace("  namespace: prod\n", ""),
        &[value],
        "MissingNamespace",
        "has no namespace",
    );
    refuses(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {data: AAAA}\n",
        &[value],
        "ConflictingData",
        "deprecated spec.data",
    );
    refuses(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: 5\n",
        &[value],
        "InvalidObject",
        "s.yaml:1:1",
    );
}

/// [`SECRET`] of another type and with these values, sealed.
fn typed(scratch: &Scratch, type_: &str, values: &str) -> String {
    let text = SECRET.replace("stringData:", &format!("type: {type_}\nstringData:"));
    let start = text.find("  password:").expect("it has a value");
    let text = format!("{}{values}", &text[..start]);
    with_cert(scratch, ["encrypt"])
        .stdin(text)
        .finish()
        .exits(0)
        .out()
        .to_owned()
}

#[test]
fn contents_must_fit_the_type_as_when_creating() {
    let scratch = Scratch::new();
    let typed =
        |type_: &str, values: &str| typed(&scratch, &format!("kubernetes.io/{type_}"), values);
    let check =
        |text: &str, flags: &[&str], says: &str| refuses(text, flags, "InvalidContents", says);
    let docker = typed(
        "dockerconfigjson",
        "  .dockerconfigjson: '{\"auths\":{}}'\n",
    );
    check(
        &docker,
        &["--from-file=.dockerconfigjson=-"],
        "is not a JSON object",
    );
    check(
        &docker,
        &["--remove=.dockerconfigjson"],
        "needs .dockerconfigjson",
    );
    let tls = typed(
        "tls",
        "  tls.crt: -----BEGIN CERTIFICATE-----\n  tls.key: PRIVATE KEY-----\n",
    );
    check(
        &tls,
        &["--from-file=tls.crt=-"],
        "tls.crt is not a certificate in PEM",
    );
    check(
        &tls,
        &["--from-file=tls.key=-"],
        "tls.key is not a private key in PEM",
    );
    check(&tls, &["--remove=tls.key"], "needs tls.key");
    let own = keys::path("rsa-3072.crt").display().to_string();
    let other = keys::path("rsa-4096.key").display().to_string();
    let (own, other) = (
        format!("--from-file=tls.crt={own}"),
        format!("--from-file=tls.key={other}"),
    );
    check(
        &tls,
        &[&own, &other],
        "tls.key does not belong to the certificate",
    );
    let basic = typed("basic-auth", "  username: a\n  password: b\n");
    check(
        &basic,
        &["--remove=username", "--remove=password"],
        "needs username or password",
    );
    let ssh = typed("ssh-auth", "  ssh-privatekey: a\n");
    check(&ssh, &["--remove=ssh-privatekey"], "needs ssh-privatekey");

    let accepts = |text: &str, flags: &[&str]| {
        scratch.write("s.yaml", text);
        let run = with_cert(&scratch, ["set", "s.yaml"]).args(flags);
        run.stdin(MARKER).finish().exits(0);
    };
    accepts(&tls, &[&own]);
    accepts(&tls, &["--from-file=other=-"]);
    accepts(&basic, &["--remove=username"]);
    accepts(&ssh, &["--from-file=ssh-privatekey=-"]);
    // What is missing already is no fault of this change.
    let half = typed("tls", "  tls.crt: x\n  other: z\n");
    accepts(&half, &[&own]);
    accepts(&half, &["--remove=other"]);
}

#[test]
fn values_and_names_are_checked_as_when_creating() {
    let scratch = Scratch::new();
    let text = sealed_secret(&scratch);
    scratch.write("s.yaml", &text);
    set(&scratch, "password", "x\n")
        .finish()
        .exits(0)
        .says("the value of password ends with a line break");
    for (to, reason) in [("name: Db", "InvalidName"), ("name: ''", "MissingName")] {
        scratch.write("s.yaml", text.replace("name: db", to));
        fails_once(set(&scratch, "password", MARKER).finish(), reason);
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    scratch.write("s.yaml", utf16);
    set(&scratch, "password", MARKER)
        .finish()
        .exits(0)
        .says("UTF-16; the output is UTF-8");
}
