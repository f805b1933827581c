//! What the Secret gets beside its opened items: the template's metadata, type and texts, the SealedSecret's name.

use jiff::Timestamp;
use seal_api::{Reason, Scope, SealedSecret, SecretTemplate, annotations};
use seal_envelope::Label;
use seal_sealing::{Secret, UnsealOptions, render, unseal};
use serde_json::{Value, json};

use crate::samples::{
    changed, open, renamed, ring, seal_with, sealed, sealed_text, secret, without_template,
};

fn opened(object: &SealedSecret) -> Secret {
    open(object, &ring([0])).unwrap().secret
}

/// `prod/db` with the item `password` and this template.
fn with_template(template: Value) -> SealedSecret {
    let template: SecretTemplate = serde_json::from_value(template).unwrap();
    changed(sealed(Scope::Strict, 0), |object| {
        object.spec.template = Some(template);
    })
}

#[track_caller]
fn check_items(object: &SealedSecret, expected: &[(&str, &str)]) {
    let secret = opened(object);
    let found: Vec<_> = secret
        .data
        .iter()
        .map(|(key, value)| (key.as_str(), std::str::from_utf8(value.as_bytes()).unwrap()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn template_texts_are_taken_literally_beside_the_sealed_items() {
    let texts = json!({"data": {"url": "https://db:5432\n", "brace": "{ }} %s $(x)", "empty": ""}});
    check_items(
        &with_template(texts),
        &[
            ("brace", "{ }} %s $(x)"),
            ("empty", ""),
            ("password", "correct horse"),
            ("url", "https://db:5432\n"),
        ],
    );
}

#[test]
fn a_sealed_item_wins_over_a_text_of_the_same_key() {
    let texts = json!({"data": {"password": "from the template"}});
    check_items(&with_template(texts), &[("password", "correct horse")]);
}

#[test]
fn null_removes_the_item_of_that_key_and_no_other() {
    let texts = json!({"data": {"password": null, "absent": null, "url": "x"}});
    check_items(&with_template(texts), &[("url", "x")]);
}

#[test]
fn template_texts_are_rendered_with_the_sealed_items_and_the_texts_as_they_stand() {
    let texts = json!({"data": {
        "url": "db://{{ .password | urlquery }}@{{ .host }}",
        "host": "{{ `db.example` }}",
        "missing": "{{ .absent }}|{{ index . `absent` }}",
    }});
    check_items(
        &with_template(texts),
        &[
            ("host", "db.example"),
            ("missing", "<no value>|"),
            ("password", "correct horse"),
            ("url", "db://correct+horse@{{ `db.example` }}"),
        ],
    );
}

#[test]
fn an_item_that_is_removed_is_a_value_for_templates_all_the_same() {
    let texts = json!({"data": {"password": null, "line": "p={{ .password }}", "null": null}});
    check_items(&with_template(texts), &[("line", "p=correct horse")]);
}

#[test]
fn a_text_that_cannot_be_rendered_fails_the_object_also_where_a_sealed_item_wins_over_it() {
    let texts = json!({"data": {"password": "{{ fail `no` }}", "fine": "{{ .password }}"}});
    let failure = open(&with_template(texts), &ring([0])).unwrap_err();
    assert_eq!(failure.reason(), Reason::TemplateFailed);
    assert_eq!(
        failure.to_string(),
        "the template is wrong at 1:4: fail: the template gave up (password)"
    );
}

#[test]
fn all_texts_of_an_object_share_what_rendering_may_take() {
    let half = "{{ repeat 50000 .password }}";
    let object = with_template(json!({"data": {"a": half}}));
    assert_eq!(opened(&object).data["a"].len(), 650_000);
    let object = with_template(json!({"data": {"a": half, "b": half}}));
    let failure = open(&object, &ring([0])).unwrap_err();
    assert_eq!(failure.reason(), Reason::TemplateTooCostly);
}

#[test]
fn templates_are_rendered_with_values_that_stand_in_for_the_sealed_ones() {
    let object = with_template(json!({"data": {"line": "p={{ .password }}"}}));
    let values = [("password".to_owned(), b"stand-in"[..].into())];
    let secret = render(&object, values.into(), None).unwrap();
    assert_eq!(secret.data["line"].as_bytes(), b"p=stand-in");
    assert_eq!(secret.data["password"].as_bytes(), b"stand-in");
}

#[test]
fn random_functions_and_the_clock_are_rendered_where_they_are_allowed_and_the_object_says_so() {
    let options = |now| UnsealOptions {
        random_functions: now,
        ..UnsealOptions::default()
    };
    let now = Timestamp::from_second(1_790_000_000).unwrap();
    let texts = json!({"data": {"token": "{{ randAlphaNum 20 }}{{ now | unixEpoch }}"}});
    let object = with_template(texts);
    let failure = unseal(&object, &ring([0]), &options(None)).unwrap_err();
    assert_eq!(failure.reason(), Reason::TemplateFunctionMissing);
    let open = || unseal(&object, &ring([0]), &options(Some(now))).unwrap();
    let (one, other) = (open(), open());
    assert!(one.is_random);
    assert!(one.secret.data["token"].as_bytes().ends_with(b"1790000000"));
    assert!(one.secret.data["token"] != other.secret.data["token"]);
    let plain = with_template(json!({"data": {"line": "p={{ .password }}"}}));
    assert!(
        !unseal(&plain, &ring([0]), &options(Some(now)))
            .unwrap()
            .is_random
    );
    for still_off in ["{{ genPrivateKey `rsa` }}", "{{ bcrypt `x` }}"] {
        let object = with_template(json!({"data": {"key": still_off}}));
        let failure = unseal(&object, &ring([0]), &options(Some(now))).unwrap_err();
        assert_eq!(failure.reason(), Reason::TemplateFunctionMissing);
    }
}

#[test]
fn a_template_alone_needs_no_key() {
    let object = changed(with_template(json!({"data": {"url": "x"}})), |object| {
        object.spec.encrypted_data.clear();
    });
    let none = ring([]);
    let secret = open(&object, &none).unwrap().secret;
    assert_eq!(secret.data["url"].as_bytes(), b"x");
}

#[test]
fn every_field_of_the_templates_metadata_is_copied_and_the_name_is_forced() {
    let metadata = json!({
        "name": "another", "namespace": "elsewhere", "generateName": "x-",
        "labels": {"app": "db"}, "annotations": {"note": "1.10"}, "finalizers": ["example.com/f"],
    });
    let secret = opened(&with_template(json!({"metadata": metadata})));
    let mut expected = metadata;
    expected["name"] = "db".into();
    expected["namespace"] = "prod".into();
    assert_eq!(Value::Object(secret.metadata), expected);
}

#[test]
fn what_stands_on_the_sealed_secret_itself_does_not_reach_the_secret() {
    let object = changed(
        without_template(sealed(Scope::NamespaceWide, 0)),
        |object| {
            object.metadata.labels = Some([("of".to_owned(), "the sealed one".to_owned())].into());
        },
    );
    let secret = opened(&object);
    assert_eq!(
        Value::Object(secret.metadata),
        json!({"name": "db", "namespace": "prod"})
    );
}

#[test]
fn item_lines_never_reach_the_secret() {
    let mut secret = secret(&[("password", "x")]);
    secret.set_strings(
        "annotations",
        [(annotations::ITEMS.to_owned(), "old".to_owned())].into(),
    );
    let object = seal_with(&secret, Scope::Strict, 0);
    assert!(
        object
            .metadata
            .annotations
            .as_ref()
            .unwrap()
            .contains_key(annotations::ITEMS)
    );
    assert!(opened(&object).annotations().is_empty());
}

#[test]
fn type_and_immutable_come_from_the_template() {
    let secret = opened(&with_template(
        json!({"type": "example.com/own", "immutable": true}),
    ));
    assert_eq!(secret.type_or_opaque(), "example.com/own");
    assert_eq!(secret.immutable, Some(true));
    for template in [json!({}), json!({"type": ""})] {
        let secret = opened(&with_template(template));
        assert_eq!(secret.type_or_opaque(), "Opaque");
        assert_eq!(secret.immutable, None);
    }
}

#[test]
fn the_label_comes_from_the_objects_own_metadata_and_never_from_the_template() {
    let elsewhere = json!({"metadata": {
        "name": "another", "namespace": "elsewhere", "annotations": {annotations::CLUSTER_WIDE: "true"},
    }});
    check_items(&with_template(elsewhere), &[("password", "correct horse")]);
    // Nor does a template that names the right place let a moved object open.
    let object = renamed(sealed(Scope::Strict, 0));
    let names = object
        .spec
        .template
        .as_ref()
        .unwrap()
        .metadata
        .as_ref()
        .unwrap();
    assert_eq!(names["name"], "db");
    assert!(open(&object, &ring([0])).is_err());
}

#[test]
fn the_deprecated_form_brings_its_own_metadata_and_only_the_name_is_forced() {
    let inner = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "example.com/own",
        "metadata": {"name": "another", "labels": {"app": "db"}},
        "data": {"password": "eA=="}, "stringData": {"plain": "y"},
    });
    let template =
        json!({"type": "example.com/ignored", "metadata": {"labels": {"ignored": "yes"}}});
    let object = changed(with_template(template), |object| {
        object.spec.encrypted_data.clear();
        let text = sealed_text(&inner.to_string(), &Label::strict("prod", "db"), 0);
        object.spec.data = Some(text);
    });
    check_items(&object, &[("password", "x"), ("plain", "y")]);
    let secret = opened(&object);
    assert_eq!(secret.type_or_opaque(), "example.com/own");
    assert_eq!(
        Value::Object(secret.metadata),
        json!({"name": "db", "namespace": "prod", "labels": {"app": "db"}})
    );
}
