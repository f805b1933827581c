//! `--recovery-unseal`, beside the real kubeseal.

use serde_json::{Value, json};

use crate::samples::{EVERYTHING, NO_NAMESPACE, documents, ours, prepared, theirs};

/// A Secret without the reference to an owner without a UID, which the API server refuses.
fn without_owner(mut secret: Value) -> Value {
    let metadata = secret["metadata"].as_object_mut().unwrap();
    metadata.remove("ownerReferences");
    secret
}

#[test]
fn keys_of_every_form_open_what_either_sealed() {
    let scratch = prepared();
    let pem = scratch.read("rsa-2048.key");
    let data = json!({"metadata": {"name": "k"}, "data": {"tls.key": base64(&pem), "tls.crt": base64(&scratch.read("rsa-2048.crt"))}});
    scratch.write("secret.json", data.to_string());
    // As client-go encodes a list of Secrets: neither it nor its items say what they are.
    scratch.write(
        "list.json",
        json!({"metadata": {}, "items": [data]}).to_string(),
    );
    let mut typed = data;
    typed["apiVersion"] = "v1".into();
    typed["kind"] = "Secret".into();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [typed]});
    scratch.write("v1-list.json", list.to_string());
    let by_ours = ours(&scratch, "--cert rsa-2048.crt", EVERYTHING).exits(0);
    let by_theirs = theirs(&scratch, "--cert rsa-2048.crt", EVERYTHING).exits(0);
    for sealed in [by_ours.out(), by_theirs.out()] {
        let line = "--recovery-unseal --recovery-private-key rsa-2048.key";
        let expected = theirs(&scratch, line, sealed).exits(0);
        let expected = without_owner(documents(expected.out()).remove(0)).to_string();
        for keys in [
            "rsa-3072.key,rsa-2048.key",
            "secret.json",
            "list.json",
            "v1-list.json",
        ] {
            for format in ["json", "yaml"] {
                let line = format!(
                    "--recovery-unseal --recovery-private-key {keys} -o {format} --kubeconfig /not/here"
                );
                let run = ours(&scratch, &line, sealed).exits(0);
                let opened = documents(run.out()).remove(0);
                if format == "json" {
                    assert_eq!(opened.to_string(), expected, "{line}");
                } else {
                    assert_eq!(opened, serde_json::from_str::<Value>(&expected).unwrap());
                }
            }
        }
    }
}

fn base64(text: &str) -> String {
    use ::base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

#[test]
fn without_the_right_key_the_items_are_named_as_the_real_one_names_them() {
    let scratch = prepared();
    // The real one names several in no order of theirs.
    let sealed = theirs(&scratch, "--cert rsa-2048.crt -n prod", NO_NAMESPACE).exits(0);
    for keys in ["", "--recovery-private-key rsa-3072.key"] {
        let line = format!("--recovery-unseal {keys}");
        let expected = theirs(&scratch, &line, sealed.out()).exits(1);
        let run = ours(&scratch, &line, sealed.out()).exits(1);
        assert_eq!(run.err().lines().next(), expected.err().lines().next());
    }
    let line = "--recovery-unseal --recovery-private-key gone";
    let expected = theirs(&scratch, line, sealed.out()).exits(1);
    assert_eq!(
        ours(&scratch, line, sealed.out()).exits(1).err(),
        expected.err()
    );
}

#[test]
fn a_file_with_cleartext_is_its_owners_alone_and_every_document_is_opened() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = prepared();
    let sealed = ours(&scratch, "--cert rsa-2048.crt -o yaml", EVERYTHING).exits(0);
    let twice = sealed.out().repeat(2);
    let line = "--recovery-unseal --recovery-private-key rsa-2048.key -w opened.yaml";
    ours(&scratch, line, &twice).exits(0);
    assert_eq!(documents(&scratch.read("opened.yaml")).len(), 2);
    let metadata = std::fs::metadata(scratch.path().join("opened.yaml")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}
