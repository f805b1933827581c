//! Keys and certificates in the forms that pass between the two projects.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::Scope;
use seal_tests::{keys, scratch::Scratch};
use serde_json::{Value, json};

use crate::samples::{EVERYTHING, document, essence, everything, kubeseal, opened_by_us};

/// A key Secret as a cluster has it.
fn key_secret(bits: u32) -> Value {
    let pem = |ending: &str| STANDARD.encode(keys::pem(&format!("rsa-{bits}.{ending}")));
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": format!("sealed-secrets-key{bits}"), "namespace": "kube-system",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "data": {"tls.crt": pem("crt"), "tls.key": pem("key")},
    })
}

/// The same as an item of a list that a Go client made: without `apiVersion` and `kind`.
fn bare(bits: u32) -> Value {
    let mut secret = key_secret(bits);
    let fields = secret.as_object_mut().unwrap();
    fields.remove("apiVersion");
    fields.remove("kind");
    secret
}

/// Checks that both open with the keys in a file what kubeseal sealed.
#[track_caller]
fn check(scratch: &Scratch, key_file: &str, by_kubeseal_too: bool) {
    for bits in [2048, 4096] {
        let run = kubeseal(scratch, &[], bits)
            .stdin(EVERYTHING)
            .finish()
            .exits(0);
        let ours = scratch
            .seal(["unseal", "-", "--key", key_file])
            .stdin(run.out())
            .finish();
        assert_eq!(
            essence(&document(ours.exits(0).out())),
            everything(Scope::Strict)
        );
        if by_kubeseal_too {
            let flags = ["--recovery-unseal", "--recovery-private-key", key_file];
            let theirs = scratch.kubeseal(flags).stdin(run.out()).finish().exits(0);
            assert_eq!(essence(&document(theirs.out())), everything(Scope::Strict));
        }
    }
}

#[test]
fn a_backup_by_kubectl_opens_with_both() {
    let scratch = Scratch::new();
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": [key_secret(2048), key_secret(4096)]});
    scratch.write("list.json", list.to_string());
    scratch.write(
        "list.yaml",
        seal_manifest::write::yaml(&list).unwrap().as_str(),
    );
    check(&scratch, "list.json", true);
    check(&scratch, "list.yaml", true);
}

#[test]
fn a_backup_whose_items_have_no_kind_opens() {
    let scratch = Scratch::new();
    let list = |head: Value| {
        let mut list = head;
        list["items"] = json!([bare(2048), bare(4096)]);
        list
    };
    for (name, head) in [
        (
            "secret-list",
            json!({"apiVersion": "v1", "kind": "SecretList", "metadata": {}}),
        ),
        ("list", json!({"apiVersion": "v1", "kind": "List"})),
        ("nothing", json!({})),
    ] {
        scratch.write(name, list(head).to_string());
        check(&scratch, name, false);
    }
}

#[test]
fn a_key_made_by_us_is_one_for_kubeseal() {
    let scratch = Scratch::new();
    scratch
        .seal([
            "keys",
            "new",
            "--size",
            "2048",
            "--output",
            "key.yaml",
            "--cert-output",
            "cert.pem",
        ])
        .finish()
        .exits(0);
    let flags = ["--cert", "cert.pem"];
    let sealed = scratch.kubeseal(flags).stdin(EVERYTHING).finish().exits(0);
    let flags = ["--recovery-unseal", "--recovery-private-key", "key.yaml"];
    let theirs = scratch
        .kubeseal(flags)
        .stdin(sealed.out())
        .finish()
        .exits(0);
    assert_eq!(essence(&document(theirs.out())), everything(Scope::Strict));
    let ours = scratch
        .seal(["unseal", "-", "--key", "key.yaml"])
        .stdin(sealed.out())
        .finish();
    assert_eq!(
        essence(&document(ours.exits(0).out())),
        everything(Scope::Strict)
    );
}

#[test]
fn kubeseal_seals_with_our_pinned_certificate_file() {
    let scratch = Scratch::new();
    scratch
        .seal(["cert", "pin", "--output", "pinned.pem"])
        .arg(keys::path("rsa-2048.crt"))
        .finish()
        .exits(0);
    let pinned = scratch.read("pinned.pem");
    let (pin, pem) = pinned.split_once("-----BEGIN CERTIFICATE-----").unwrap();
    assert!(pin.contains("seal pin: "), "{pin}");
    assert!(pem.contains("-----END CERTIFICATE-----"));
    let run = scratch
        .kubeseal(["--cert", "pinned.pem"])
        .stdin(EVERYTHING)
        .finish()
        .exits(0);
    let opened = opened_by_us(&scratch, run.out(), 2048);
    assert_eq!(essence(&opened), everything(Scope::Strict));
}

#[test]
fn both_find_the_certificate_in_the_same_variable() {
    let scratch = Scratch::new();
    let certificate = keys::path("rsa-2048.crt");
    let variable = "SEALED_SECRETS_CERT";
    let ours = scratch
        .seal(["encrypt"])
        .env(variable, &certificate)
        .stdin(EVERYTHING);
    let theirs = scratch
        .kubeseal([] as [&str; 0])
        .env(variable, &certificate)
        .stdin(EVERYTHING);
    for run in [ours, theirs] {
        let run = run.finish().exits(0);
        let opened = opened_by_us(&scratch, run.out(), 2048);
        assert_eq!(essence(&opened), everything(Scope::Strict));
    }
}
