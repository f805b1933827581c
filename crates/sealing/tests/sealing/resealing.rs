//! The same values sealed again with another key, for callers that nobody vouches for.

use std::collections::BTreeMap;

use seal_api::{Scope, SealedSecret, SealedSecretSpec, SecretTemplate, annotations};
use seal_envelope::Label;
use seal_sealing::{Binding, ItemLines, NotResealed, check_opens, reseal};
use serde_json::json;

use crate::samples::{
    annotate, certificate, changed, damaged, key_id, moved, noon_of, open, renamed, rescoped, ring,
    seal_with, sealed, sealed_text, secret, without_lines,
};

const ON: fn() -> bool = || true;

fn again(object: &SealedSecret) -> Result<SealedSecret, NotResealed> {
    reseal(object, &ring(0..3), true, &certificate(2), noon_of(2), ON)
}

/// The deprecated form: one text for `prod/db`.
fn legacy(value: &str, key: usize) -> SealedSecret {
    let spec = SealedSecretSpec {
        data: Some(sealed_text(value, &Label::strict("prod", "db"), key)),
        ..Default::default()
    };
    let mut object = SealedSecret::new("db", spec);
    object.metadata.namespace = Some("prod".to_owned());
    object
}

#[test]
fn values_stay_and_the_key_is_the_new_one_alone() {
    for scope in Scope::ALL {
        let old = seal_with(&secret(&[("a", "1"), ("b", "2")]), scope, 0);
        let new = again(&old).unwrap();
        assert_eq!(Binding::of(&new), Binding::of(&old));
        assert_eq!(new.spec.template, old.spec.template);
        assert_ne!(new.spec.encrypted_data, old.spec.encrypted_data);
        let opened = open(&new, &ring([2])).unwrap();
        assert_eq!(opened.secret.data["b"].as_bytes(), b"2");
        let lines = ItemLines::of(&new);
        let line = lines.get("b").unwrap();
        assert_eq!(
            (line.key_id.as_str(), line.sealed_at),
            (key_id(2), noon_of(2))
        );
    }
}

#[test]
fn what_is_sealed_with_the_current_key_is_sealed_again_too() {
    let old = sealed(Scope::Strict, 2);
    assert_ne!(
        again(&old).unwrap().spec.encrypted_data,
        old.spec.encrypted_data
    );
}

#[test]
fn the_template_and_labels_and_annotations_stay_and_what_the_cluster_added_goes() {
    let old = changed(sealed(Scope::NamespaceWide, 0), |object| {
        object.metadata.uid = Some("1-2".into());
        object.metadata.resource_version = Some("7".into());
        object.metadata.generation = Some(3);
        object.metadata.labels = Some([("team".to_owned(), "a".to_owned())].into());
        object.status = Some(Default::default());
        annotate(object, "note", Some("mine"));
        annotate(object, annotations::LAST_APPLIED[0], Some("{}"));
        let metadata = json!({"labels": {"in": "template"}, "annotations": {"x": "y", annotations::ITEMS: "z"}});
        object.spec.template = Some(SecretTemplate {
            metadata: metadata.as_object().cloned(),
            type_: Some("example.com/type".into()),
            immutable: Some(true),
            data: Some([("file".to_owned(), Some("{{ .a }}".to_owned()))].into()),
        });
    });
    let new = again(&old).unwrap();
    let json = new.into_json();
    assert_eq!(json["metadata"]["labels"], json!({"team": "a"}));
    assert_eq!(json["metadata"]["annotations"]["note"], "mine");
    assert!(!json.to_string().contains("last-applied"));
    for gone in ["uid", "resourceVersion", "generation"] {
        assert!(json["metadata"].get(gone).is_none(), "{gone}");
    }
    assert!(json.get("status").is_none());
    assert_eq!(json["apiVersion"], "bitnami.com/v1alpha1");
    let expected = json!({
        "metadata": {"labels": {"in": "template"}, "annotations": {"x": "y"}},
        "type": "example.com/type", "immutable": true, "data": {"file": "{{ .a }}"},
    });
    assert_eq!(json["spec"]["template"], expected);
}

#[test]
fn the_deprecated_form_is_sealed_again_as_a_whole_and_shows_nothing_it_holds() {
    let text = r#"{"metadata":{"labels":{"marker":"correct-horse"}},"data":{"a":"MQ=="}}"#;
    let new = again(&legacy(text, 0)).unwrap();
    assert!(!new.clone().into_json().to_string().contains("marker"));
    let opened = open(&new, &ring([2])).unwrap();
    assert_eq!(opened.secret.data["a"].as_bytes(), b"1");
    // It need not hold a Secret: what it holds is nobody's business here.
    assert!(again(&legacy("no JSON", 0)).is_ok());
}

#[test]
fn a_scope_is_never_made_wider() {
    for (scope, wider) in [
        (Scope::Strict, Scope::NamespaceWide),
        (Scope::Strict, Scope::ClusterWide),
        (Scope::NamespaceWide, Scope::ClusterWide),
    ] {
        let object = rescoped(sealed(scope, 0), wider);
        assert_eq!(again(&object), Err(NotResealed::DoesNotOpen));
        let by_template = changed(moved(sealed(scope, 0)), |object| {
            let metadata = json!({"name": "db", "namespace": "prod"});
            object.spec.template.get_or_insert_default().metadata = metadata.as_object().cloned();
        });
        assert_eq!(again(&by_template), Err(NotResealed::DoesNotOpen));
    }
}

#[test]
fn every_way_of_not_opening_costs_the_same_operations_and_says_the_same() {
    let good = || sealed(Scope::Strict, 1);
    let broken = |at: fn(&mut Vec<u8>)| {
        changed(good(), |object| {
            let text = object.spec.encrypted_data.get_mut("password").unwrap();
            let mut bytes = decode(text);
            at(&mut bytes);
            *text = encode(&bytes);
        })
    };
    let ways: BTreeMap<&str, SealedSecret> = [
        ("another name", renamed(good())),
        ("another namespace", moved(good())),
        ("another scope", rescoped(good(), Scope::ClusterWide)),
        (
            "a narrower scope",
            rescoped(sealed(Scope::ClusterWide, 1), Scope::Strict),
        ),
        ("a key that is not held", sealed(Scope::Strict, 5)),
        (
            "a broken tag",
            broken(|bytes| *bytes.last_mut().unwrap() ^= 1),
        ),
        ("a broken session key", broken(|bytes| bytes[40] ^= 1)),
        ("without lines", without_lines(renamed(good()))),
    ]
    .into();
    for (way, object) in ways {
        let (verifying, resealing) = (ring(0..3), ring(0..3));
        let outcome = check_opens(&object, &verifying, true, ON);
        assert_eq!(outcome, Err(NotResealed::DoesNotOpen), "{way}");
        let outcome = reseal(&object, &resealing, true, &certificate(2), noon_of(2), ON);
        assert_eq!(outcome, Err(NotResealed::DoesNotOpen), "{way}");
        assert_eq!(
            (verifying.operations(), resealing.operations()),
            (3, 3),
            "{way}"
        );
    }
}

#[test]
fn what_is_malformed_or_contradicts_itself_does_not_open_without_an_operation() {
    let both = changed(sealed(Scope::Strict, 0), |object| {
        object.spec.data = Some("AAAA".to_owned());
    });
    let malformed = changed(sealed(Scope::Strict, 0), |object| {
        object
            .spec
            .encrypted_data
            .insert("a".to_owned(), "?".to_owned());
    });
    for object in [both, malformed] {
        let ring = ring(0..3);
        assert_eq!(
            check_opens(&object, &ring, true, ON),
            Err(NotResealed::DoesNotOpen)
        );
        assert_eq!(ring.operations(), 0);
    }
    let off = check_opens(&legacy("{}", 0), &ring(0..3), false, ON);
    assert_eq!(off, Err(NotResealed::DoesNotOpen));
    assert_eq!(check_opens(&legacy("{}", 0), &ring(0..3), true, ON), Ok(()));
}

#[test]
fn an_object_without_items_opens() {
    let empty = SealedSecret::new("db", SealedSecretSpec::default());
    assert_eq!(check_opens(&empty, &ring([0]), true, ON), Ok(()));
    assert_eq!(again(&empty).unwrap().spec.encrypted_data.len(), 0);
}

#[test]
fn it_is_broken_off_between_operations() {
    let object = seal_with(
        &secret(&[("a", "1"), ("b", "2"), ("c", "3")]),
        Scope::Strict,
        0,
    );
    let ring = ring([0]);
    let mut left = 2;
    let outcome = check_opens(&object, &ring, true, || {
        left -= 1;
        left >= 0
    });
    assert_eq!(outcome, Err(NotResealed::BrokenOff));
    assert_eq!(ring.operations(), 2);
}

#[test]
fn errors_say_nothing_of_the_object() {
    let object = changed(sealed(Scope::Strict, 0), |object| {
        let text = object.spec.encrypted_data.get_mut("password").unwrap();
        *text = damaged(text);
    });
    let error = again(&object).unwrap_err();
    assert_eq!(error.to_string(), "the SealedSecret does not open");
}

fn decode(text: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(text).unwrap()
}

fn encode(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
