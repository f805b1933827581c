//! `seal create` and `seal raw`: values from every source, checked for their type, never on disk.

use std::fs;

use seal_tests::{keys, scratch::Scratch};
use serde_json::{Value, json};

use crate::samples::{
    MARKER, cert, document, fails_once, nothing_leaked, open, texts, values, with_cert,
};

#[test]
fn values_come_from_every_source() {
    let scratch = Scratch::new();
    scratch.write("binary", b"\x00\xff\r\n");
    scratch.write(
        "env",
        format!("# comment\n\nUSER=admin\n  PASS=a=b {MARKER}\r\nEMPTY=\n"),
    );
    let run = with_cert(
        &scratch,
        ["create", "db", "-n", "prod", "--from-file=binary"],
    )
    .args([
        "--from-file",
        "in=-",
        "--from-env-file",
        "env",
        "--generate=token=40",
    ])
    .args([
        "--from-literal",
        "lit=x=y",
        "--label",
        "app=db",
        "--scope=namespace-wide",
    ])
    .stdin(MARKER)
    .finish()
    .exits(0)
    .never_shows(MARKER)
    .says("warning: values given with --from-literal stay in the shell's history")
    .says("warning: the value of EMPTY is empty");
    let object = document(run.out());
    let secret = open(&object);
    assert_eq!(secret.data["binary"].as_bytes(), b"\x00\xff\r\n");
    assert_eq!(secret.data["in"].as_bytes(), MARKER.as_bytes());
    assert_eq!(secret.data["USER"].as_bytes(), b"admin");
    assert_eq!(
        secret.data["PASS"].as_bytes(),
        format!("a=b {MARKER}").as_bytes()
    );
    assert_eq!(secret.data["EMPTY"].as_bytes(), b"");
    assert_eq!(secret.data["lit"].as_bytes(), b"x=y");
    assert_eq!(secret.data["token"].len(), 40);
    assert_eq!(
        object["spec"]["template"]["metadata"]["labels"],
        json!({"app": "db"})
    );
}

#[test]
fn a_tls_pair_makes_the_type() {
    let run = with_cert(&Scratch::new(), ["create", "web", "-n", "prod", "--tls"])
        .arg(keys::path("rsa-3072.crt"))
        .arg(keys::path("rsa-3072.key"))
        .finish()
        .exits(0);
    let object = document(run.out());
    assert_eq!(object["spec"]["template"]["type"], "kubernetes.io/tls");
    assert_eq!(values(&object)["tls.key"], keys::pem("rsa-3072.key"));
}

#[test]
fn registry_credentials_make_the_type() {
    let scratch = Scratch::new();
    scratch.write("pw", format!("{MARKER}\n"));
    let run = with_cert(&scratch, ["create", "pull", "-n", "prod", "--json"])
        .args([
            "--docker-registry",
            "registry.example.com",
            "robot",
            "--docker-password-file",
            "pw",
        ])
        .finish()
        .exits(0)
        .never_shows(MARKER);
    let object: Value = serde_json::from_str(run.out()).expect("--json writes JSON");
    assert_eq!(
        object["spec"]["template"]["type"],
        "kubernetes.io/dockerconfigjson"
    );
    let config: Value =
        serde_json::from_str(&values(&object)[".dockerconfigjson"]).expect("it is JSON");
    let entry = &config["auths"]["registry.example.com"];
    assert_eq!(
        (&entry["username"], &entry["password"]),
        (&json!("robot"), &json!(MARKER))
    );
}

#[test]
fn an_output_file_is_never_replaced_unasked() {
    let scratch = Scratch::new();
    let run = |flags: &[&str]| {
        with_cert(
            &scratch,
            [
                "create",
                "db",
                "-n",
                "prod",
                "--from-file=p=-",
                "-o",
                "db.yaml",
            ],
        )
        .args(flags)
        .stdin(MARKER)
        .finish()
    };
    assert_eq!(run(&[]).exits(0).out(), "");
    let first = scratch.read("db.yaml");
    assert_eq!(values(&document(&first)), texts([("p", MARKER)]));
    fails_once(run(&[]), "Conflict")
        .says("db.yaml: the file exists already")
        .says("--force");
    assert_eq!(scratch.read("db.yaml"), first);
    run(&["--force"]).exits(0);
    assert_ne!(scratch.read("db.yaml"), first);
    nothing_leaked(&scratch, &[]);
}

#[track_caller]
fn refuses(arguments: &[&str], reason: &str, says: &str) {
    let scratch = Scratch::new();
    scratch.write("marker", MARKER);
    scratch.write("env", format!("A=1\n{MARKER}\n"));
    scratch.write("env2", "A=1\n");
    scratch.write("keyless", format!("{MARKER} b=1\n"));
    let before = scratch.files();
    let run = scratch
        .seal(["create"])
        .args(arguments)
        .args(["-o", "out.yaml"])
        .env("SEAL_CERT", cert())
        .stdin(MARKER)
        .finish();
    let run = fails_once(run, reason).says(says);
    assert_eq!(run.out(), "");
    assert_eq!(scratch.files(), before);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let value = "--from-file=p=-";
    refuses(
        &["db", "-n", "prod", "--from-env-file=/dev/null"],
        "EmptyData",
        "no value is given",
    );
    refuses(&["db", value], "MissingNamespace", "give --namespace");
    refuses(
        &["db", "-n", "prod", "--from-file=nothere"],
        "Unreadable",
        "nothere: cannot be read",
    );
    refuses(
        &["db", "-n", "prod", "--from-file=a=."],
        "Unreadable",
        "is a folder, not a file",
    );
    refuses(
        &["db", "-n", "prod", "--from-env-file=env"],
        "InvalidValue",
        "env:2: the line is not KEY=VALUE",
    );
    refuses(
        &["db", "-n", "prod", "--from-env-file=keyless"],
        "InvalidName",
        "keyless:1: the key of this line",
    );
    refuses(
        &[
            "db",
            "-n",
            "prod",
            value,
            "--type=bootstrap.kubernetes.io/token",
        ],
        "TypeNotAllowed",
        "--allow-restricted-types",
    );
    refuses(
        &["db", "-n", "prod", value, "--type=kubernetes.io/tls"],
        "InvalidContents",
        "needs tls.crt",
    );
    refuses(
        &["db", "-n", "prod", "--tls", "marker", "marker"],
        "InvalidContents",
        "tls.crt is not a certificate",
    );
    refuses(
        &[
            "db",
            "-n",
            "prod",
            "--from-file=.dockerconfigjson=marker",
            "--type=kubernetes.io/dockerconfigjson",
        ],
        "InvalidContents",
        ".dockerconfigjson is not a JSON object",
    );
    refuses(
        &["db", "-n", "prod", "--generate=A=9", "--from-env-file=env2"],
        "Conflict",
        "the key \"A\" is given twice",
    );
    refuses(
        &["db", "-n", "prod", value, "--label", &format!("a={MARKER}")],
        "PlaintextInMetadata",
        "metadata.labels.a",
    );
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let run = with_cert(&Scratch::new(), ["create", "web", "-n", "prod", "--tls"])
        .arg(keys::path("rsa-3072.crt"))
        .arg(keys::path("rsa-4096.key"))
        .finish();
    fails_once(run, "InvalidContents")
        .says("tls.key does not belong to the certificate in tls.crt");
}

#[test]
fn restricted_types_are_made_when_a_flag_allows_them() {
    with_cert(
        &Scratch::new(),
        [
            "create",
            "t",
            "-n",
            "prod",
            "--from-file=a=-",
            "--allow-restricted-types",
        ],
    )
    .args(["--type", "bootstrap.kubernetes.io/token"])
    .stdin(MARKER)
    .finish()
    .exits(0);
}

#[test]
fn quotes_in_an_env_file_are_said_to_stay() {
    let scratch = Scratch::new();
    scratch.write("env", "A='x'\n");
    let run = with_cert(
        &scratch,
        ["create", "db", "-n", "prod", "--from-env-file=env"],
    )
    .finish()
    .exits(0)
    .says("warning: env:1: the quotes around the value of A become part of it");
    assert_eq!(values(&document(run.out())), texts([("A", "'x'")]));
}

#[test]
fn a_key_in_an_env_file_that_is_no_name_is_not_repeated() {
    let scratch = Scratch::new();
    // What stands before the first "=" may be part of a value of several lines.
    scratch.write("env", format!("{MARKER}/part=\"quoted\"\n"));
    let run = with_cert(
        &scratch,
        ["create", "db", "-n", "prod", "--from-env-file=env"],
    )
    .finish();
    fails_once(run, "InvalidName").says("env:1: the key of this line");
}

#[test]
fn raw_prints_one_value_without_a_newline() {
    let scratch = Scratch::new();
    let path = scratch.write("value", format!("{MARKER}\n"));
    let check = |arguments: &[&str], namespace: &str, name: &str, annotation: Option<&str>| {
        let run = with_cert(&scratch, ["raw"])
            .args(arguments)
            .stdin(fs::read(&path).expect("it was just written"))
            .finish()
            .exits(0)
            .never_shows(MARKER);
        assert!(!run.out().contains('\n'));
        let run = run.says("ends with a line break");
        let annotations =
            annotation.map(|scope| json!({format!("sealedsecrets.bitnami.com/{scope}"): "true"}));
        let object = json!({"metadata": {"name": name, "namespace": namespace, "annotations": annotations},
            "spec": {"encryptedData": {"v": run.out()}}, "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"});
        assert_eq!(values(&object), texts([("v", &format!("{MARKER}\n"))]));
    };
    check(&["--name=db", "--namespace=prod"], "prod", "db", None);
    check(
        &["-n", "prod", "--scope=namespace-wide"],
        "prod",
        "any",
        Some("namespace-wide"),
    );
    check(
        &["--scope", "cluster-wide", "--from-file", "value"],
        "any",
        "any",
        Some("cluster-wide"),
    );
}

#[test]
fn an_empty_registry_password_is_refused() {
    let create = |arguments: &[&str]| {
        with_cert(&Scratch::new(), ["create", "db", "-n=prod"])
            .args(arguments)
            .stdin("\n")
            .finish()
    };
    let registry = [
        "--docker-registry",
        "example.com",
        "me",
        "--docker-password-file=-",
    ];
    fails_once(create(&registry), "InvalidValue").says("the registry password is empty");
}

#[test]
fn raw_refuses_what_has_no_place() {
    let check = |arguments: &[&str], reason: &str, says: &str| {
        let run = with_cert(&Scratch::new(), ["raw"])
            .args(arguments)
            .stdin(MARKER)
            .finish();
        assert_eq!(fails_once(run, reason).says(says).out(), "");
    };
    check(&[], "MissingNamespace", "--namespace");
    check(&["-n", "prod"], "MissingName", "--name");
    check(
        &["-n", "prod", "--name=db", "--from-file=nothere"],
        "Unreadable",
        "nothere",
    );
}
