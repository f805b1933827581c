//! What kubeseal seals opens with our program and our library.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::{Scope, SealedSecret};
use seal_sealing::ItemLines;
use seal_tests::scratch::Scratch;
use serde_json::{Value, json};

use crate::samples::{
    EVERYTHING, document, essence, everything, kubeseal, opened_by_library, opened_by_us, unsealed,
};

/// [`EVERYTHING`], sealed by kubeseal.
fn sealed(scratch: &Scratch, scope: Scope, format: &str, bits: u32) -> String {
    let flags = ["--scope", scope.as_str(), "--format", format];
    let run = kubeseal(scratch, &flags, bits).stdin(EVERYTHING).finish();
    run.exits(0).out().to_owned()
}

#[track_caller]
fn check(format: &str, bits: u32) {
    let scratch = Scratch::new();
    for scope in Scope::ALL {
        let sealed = sealed(&scratch, scope, format, bits);
        let opened = opened_by_us(&scratch, &sealed, bits);
        assert_eq!(essence(&opened), everything(scope));
        assert_eq!(opened_by_library(&sealed, bits), opened);
    }
}

#[test]
fn its_json_of_every_scope_opens() {
    check("json", 2048);
}

#[test]
fn its_yaml_of_every_scope_opens() {
    check("yaml", 2048);
}

#[test]
fn its_yaml_and_json_for_a_key_of_4096_bits_open() {
    check("yaml", 4096);
    check("json", 4096);
}

#[test]
fn several_documents_of_one_file_open() {
    let scratch = Scratch::new();
    let input = format!(
        "{EVERYTHING}---\n{}",
        EVERYTHING.replace("name: db", "name: db2")
    );
    let run = kubeseal(&scratch, &["--format", "yaml"], 2048)
        .stdin(input)
        .finish()
        .exits(0);
    let opened = unsealed(&scratch, run.out(), 2048).exits(0);
    for name in ["name: db\n", "name: db2\n"] {
        assert!(opened.out().contains(name), "{}", opened.out());
    }
}

#[test]
fn its_raw_values_open_in_an_object() {
    for bits in [2048, 4096] {
        let scratch = Scratch::new();
        for scope in Scope::ALL {
            let flags = [
                "--raw",
                "--scope",
                scope.as_str(),
                "--namespace",
                "prod",
                "--name",
                "db",
            ];
            let run = kubeseal(&scratch, &flags, bits)
                .args(["--from-file", "/dev/stdin"])
                .stdin(&b"\x00binary\xff\n"[..])
                .finish()
                .exits(0);
            let object = json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
                "metadata": {
                    "name": "db", "namespace": "prod",
                    "annotations": scope.annotation().map(|name| json!({name: "true"})),
                },
                "spec": {"encryptedData": {"value": run.out()}},
            });
            let opened = opened_by_us(&scratch, &object.to_string(), bits);
            assert_eq!(
                opened["data"],
                json!({"value": STANDARD.encode(b"\x00binary\xff\n")})
            );
        }
    }
}

#[test]
fn a_file_of_its_own_that_was_renamed_is_refused_with_the_name_it_was_sealed_for() {
    let scratch = Scratch::new();
    let sealed = sealed(&scratch, Scope::Strict, "json", 2048);
    let mut object: Value = document(&sealed);
    object["metadata"]["name"] = "other".into();
    unsealed(&scratch, &object.to_string(), 2048)
        .exits(1)
        .says("SealedForAnotherName")
        .says("sealed for prod/db, found in prod/other")
        .never_shows("correct horse battery");
}

#[test]
fn a_value_set_in_a_file_of_its_own_gets_the_only_line() {
    let scratch = Scratch::new();
    for format in ["json", "yaml"] {
        let name = format!("sealed.{format}");
        scratch.write(&name, sealed(&scratch, Scope::Strict, format, 2048));
        crate::samples::seal(&scratch, &["set", &name, "--from-file", "password=-"], 2048)
            .stdin("new value")
            .finish()
            .exits(0);
        let text = scratch.read(&name);
        let opened = opened_by_us(&scratch, &text, 2048);
        let mut expected = everything(Scope::Strict);
        expected["data"]["password"] = STANDARD.encode("new value").into();
        assert_eq!(essence(&opened), expected);
        let object: SealedSecret = serde_json::from_value(document(&text)).unwrap();
        let lines = ItemLines::of(&object);
        assert_eq!(
            lines.iter().map(|(item, _)| item).collect::<Vec<_>>(),
            ["password"]
        );
    }
}

#[test]
fn inspecting_a_file_of_its_own_finds_every_item_and_no_problem() {
    let scratch = Scratch::new();
    scratch.write(
        "sealed.yaml",
        sealed(&scratch, Scope::NamespaceWide, "yaml", 2048),
    );
    let run = scratch.seal(["inspect", "sealed.yaml"]).finish().exits(0);
    for item in ["binary", "both", "empty", "lines", "password", "unicode"] {
        assert!(run.out().contains(item), "{}", run.out());
    }
}
