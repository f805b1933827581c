//! What our program seals opens with `kubeseal --recovery-unseal`, and becomes the same Secret there as here.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::{Scope, annotations};
use seal_tests::scratch::Scratch;
use serde_json::{Value, json};

use crate::samples::{
    EVERYTHING, document, essence, everything, opened_by_kubeseal, opened_by_us, recovered, seal,
};

/// The Secret that both make of a sealed text.
#[track_caller]
fn opened_alike(scratch: &Scratch, sealed: &str, bits: u32) -> Value {
    let theirs = essence(&opened_by_kubeseal(scratch, sealed, bits));
    assert_eq!(essence(&opened_by_us(scratch, sealed, bits)), theirs);
    theirs
}

#[track_caller]
fn check_encrypt(input: &str, bits: u32) {
    let scratch = Scratch::new();
    for scope in Scope::ALL {
        let run = seal(&scratch, &["encrypt", "--scope", scope.as_str()], bits);
        let run = run.stdin(input).finish().exits(0);
        let has_lines =
            document(run.out())["metadata"]["annotations"][annotations::ITEMS].is_string();
        assert!(has_lines, "{}", run.out());
        assert_eq!(opened_alike(&scratch, run.out(), bits), everything(scope));
    }
}

#[test]
fn encrypted_yaml_of_every_scope_opens() {
    check_encrypt(EVERYTHING, 2048);
}

#[test]
fn encrypted_json_of_every_scope_opens() {
    check_encrypt(&document(EVERYTHING).to_string(), 2048);
}

#[test]
fn what_was_encrypted_for_a_key_of_4096_bits_opens() {
    check_encrypt(EVERYTHING, 4096);
}

#[test]
fn a_secret_made_by_create_opens() {
    let scratch = Scratch::new();
    scratch.write("binary", b"\x00\xff\r\n");
    scratch.write("env", "USER=admin\nEMPTY=\n");
    for (format, bits) in [(&[][..], 2048), (&["--json"], 4096)] {
        let flags = [
            "create",
            "db",
            "-n",
            "prod",
            "--label",
            "app=db",
            "--type",
            "example.com/own",
        ];
        let run = seal(&scratch, &flags, bits)
            .args([
                "--from-file",
                "binary",
                "--from-file",
                "in=-",
                "--from-env-file",
                "env",
            ])
            .args(format)
            .stdin("correct horse battery")
            .finish()
            .exits(0);
        let expected = json!({
            "name": "db", "namespace": "prod", "labels": {"app": "db"}, "annotations": null,
            "type": "example.com/own", "immutable": null,
            "data": {
                "EMPTY": "", "USER": STANDARD.encode("admin"), "binary": "AP8NCg==",
                "in": STANDARD.encode("correct horse battery"),
            },
        });
        assert_eq!(opened_alike(&scratch, run.out(), bits), expected);
    }
}

#[test]
fn raw_values_put_into_an_object_open() {
    let scratch = Scratch::new();
    for bits in [2048, 4096] {
        for scope in Scope::ALL {
            // Each scope is given what it is bound to, and no more.
            let place: &[&str] = match scope {
                Scope::Strict => &["--namespace", "prod", "--name", "db"],
                Scope::NamespaceWide => &["--namespace", "prod"],
                Scope::ClusterWide => &[],
            };
            let run = seal(&scratch, &["raw", "--scope", scope.as_str()], bits)
                .args(place)
                .stdin(&b"\x00binary\xff\n"[..])
                .finish()
                .exits(0);
            let object = json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
                "metadata": {
                    "name": "db", "namespace": "prod",
                    "annotations": scope.annotation().map(|name| json!({name: "true"})),
                },
                "spec": {"encryptedData": {"value": run.out()}, "template": {"type": "Opaque"}},
            });
            let opened = opened_alike(&scratch, &object.to_string(), bits);
            assert_eq!(
                opened["data"],
                json!({"value": STANDARD.encode(b"\x00binary\xff\n")})
            );
        }
    }
}

#[test]
fn a_file_changed_by_set_opens() {
    let scratch = Scratch::new();
    for (name, input) in [
        ("sealed.yaml", EVERYTHING.to_owned()),
        ("sealed.json", document(EVERYTHING).to_string()),
    ] {
        for scope in Scope::ALL {
            let run = seal(&scratch, &["encrypt", "--scope", scope.as_str()], 2048);
            scratch.write(name, run.stdin(input.as_str()).finish().exits(0).out());
            seal(
                &scratch,
                &["set", name, "--from-file", "added=-", "--remove", "both"],
                2048,
            )
            .stdin("new value")
            .finish()
            .exits(0);
            let mut expected = everything(scope);
            expected["data"]["added"] = STANDARD.encode("new value").into();
            expected["data"].as_object_mut().unwrap().remove("both");
            assert_eq!(opened_alike(&scratch, &scratch.read(name), 2048), expected);
        }
    }
}

#[test]
fn registry_credentials_and_a_certificate_with_its_key_open() {
    let scratch = Scratch::new();
    scratch.write("token", "correct horse battery");
    let registry = ["--docker-registry", "registry.example.com", "robot"];
    let run = seal(&scratch, &["create", "pull", "-n", "prod"], 2048)
        .args(registry)
        .args(["--docker-password-file", "token"])
        .finish()
        .exits(0);
    let opened = opened_alike(&scratch, run.out(), 2048);
    assert_eq!(opened["type"], "kubernetes.io/dockerconfigjson");

    let pair = ["rsa-3072.crt", "rsa-3072.key"].map(seal_tests::keys::path);
    let run = seal(&scratch, &["create", "web", "-n", "prod"], 2048);
    let run = run.arg("--tls").args(pair).finish().exits(0);
    let opened = opened_alike(&scratch, run.out(), 2048);
    assert_eq!(opened["type"], "kubernetes.io/tls");
    let key = seal_tests::keys::pem("rsa-3072.key");
    assert_eq!(opened["data"]["tls.key"], STANDARD.encode(key));
}

#[test]
fn template_texts_and_nulls_mean_the_same_to_both() {
    let scratch = Scratch::new();
    let run = seal(&scratch, &["encrypt"], 2048)
        .stdin(EVERYTHING)
        .finish()
        .exits(0);
    let mut object = document(run.out());
    object["spec"]["template"]["data"] =
        json!({"url": "https://db:5432/\n", "password": "loses", "unicode": null});
    let mut expected = everything(Scope::Strict);
    expected["data"]["url"] = STANDARD.encode("https://db:5432/\n").into();
    expected["data"].as_object_mut().unwrap().remove("unicode");
    assert_eq!(opened_alike(&scratch, &object.to_string(), 2048), expected);
}

#[test]
fn a_renamed_or_moved_file_of_ours_is_refused_by_both() {
    let scratch = Scratch::new();
    let run = seal(&scratch, &["encrypt"], 2048)
        .stdin(EVERYTHING)
        .finish()
        .exits(0);
    for (field, value) in [("name", "other"), ("namespace", "test")] {
        let mut object = document(run.out());
        object["metadata"][field] = value.into();
        let text = object.to_string();
        recovered(&scratch, &text, 2048)
            .exits(1)
            .says("no key could decrypt secret");
        crate::samples::unsealed(&scratch, &text, 2048)
            .exits(1)
            .says("sealed for prod/db");
    }
}
