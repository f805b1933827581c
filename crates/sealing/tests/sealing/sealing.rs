//! What travels into a SealedSecret, what is stripped on the way, and what is refused.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::{Reason, Scope, SealedSecret, annotations};
use seal_sealing::{Binding, Cleartext, ItemLine, ItemLines, Secret, seal};
use serde_json::{Value, json};

use crate::samples::{certificate, key_id, noon_of, seal_with, secret};

/// A Secret `prod/db` with more metadata and the item `password`.
fn with_metadata(more: Value) -> Secret {
    let mut secret = secret(&[("password", "correct horse battery")]);
    let Value::Object(more) = more else {
        panic!("metadata is an object");
    };
    secret.metadata.extend(more);
    secret
}

fn template_metadata(object: &SealedSecret) -> Value {
    let template = object.spec.template.as_ref().unwrap();
    Value::Object(template.metadata.clone().unwrap())
}

#[track_caller]
fn check_refused(secret: &Secret, scope: Scope, reason: Reason, message: &str) {
    let failure = seal(secret, scope, &certificate(0), noon_of(0)).unwrap_err();
    assert_eq!(
        (failure.reason(), failure.to_string().as_str()),
        (reason, message)
    );
}

// What travels

#[test]
fn labels_annotations_and_what_users_set_travel_in_the_template() {
    let metadata = json!({
        "labels": {"app": "db"}, "annotations": {"note": "1.10"},
        "finalizers": ["example.com/f"], "generateName": "x-",
    });
    let object = seal_with(&with_metadata(metadata.clone()), Scope::Strict, 0);
    let mut expected = json!({"name": "db", "namespace": "prod"});
    for (field, value) in metadata.as_object().unwrap() {
        expected[field] = value.clone();
    }
    assert_eq!(template_metadata(&object), expected);
}

#[test]
fn what_belongs_to_one_object_in_one_cluster_is_stripped() {
    let object = with_metadata(json!({
        "ownerReferences": [{"name": "x"}], "selfLink": "/x", "uid": "1", "resourceVersion": "2",
        "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 4,
        "managedFields": [{"manager": "kubectl"}],
    }));
    let object = seal_with(&object, Scope::Strict, 0);
    assert_eq!(
        template_metadata(&object),
        json!({"name": "db", "namespace": "prod"})
    );
}

#[test]
fn the_copies_that_kubectl_and_kubecfg_leave_are_stripped() {
    let copy = json!({"kind": "Secret", "data": {"password": "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"}});
    for name in annotations::LAST_APPLIED {
        let secret = with_metadata(json!({"annotations": {name: copy.to_string(), "kept": "yes"}}));
        let object = seal_with(&secret, Scope::Strict, 0);
        assert_eq!(
            template_metadata(&object)["annotations"],
            json!({"kept": "yes"})
        );
    }
}

#[test]
fn the_sealed_secret_itself_has_its_name_its_scope_and_its_lines_only() {
    let secret = with_metadata(json!({"labels": {"app": "db"}, "annotations": {"note": "1"}}));
    for scope in Scope::ALL {
        let object = seal_with(&secret, scope, 0);
        let metadata = serde_json::to_value(&object.metadata).unwrap();
        let mut annotations = json!({annotations::ITEMS: ItemLines::of(&object).to_string()});
        if let Some(name) = scope.annotation() {
            annotations[name] = "true".into();
        }
        assert_eq!(
            metadata,
            json!({"name": "db", "namespace": "prod", "annotations": annotations})
        );
    }
}

#[test]
fn the_scope_annotation_is_that_of_the_chosen_scope_whatever_stood_there() {
    let before = json!({"annotations": {
        annotations::CLUSTER_WIDE: "TRUE", annotations::NAMESPACE_WIDE: "false",
    }});
    for scope in Scope::ALL {
        let object = seal_with(&with_metadata(before.clone()), scope, 0);
        let expected = scope
            .annotation()
            .map_or(Value::Null, |name| json!({name: "true"}));
        assert_eq!(template_metadata(&object)["annotations"], expected);
        assert_eq!(Binding::of(&object).scope, scope);
    }
}

#[test]
fn type_and_immutable_travel_and_texts_do_not_appear() {
    let mut secret = secret(&[("password", "x")]);
    secret.type_ = Some("example.com/own".to_owned());
    secret.immutable = Some(true);
    let template = seal_with(&secret, Scope::Strict, 0).spec.template.unwrap();
    assert_eq!(template.type_.as_deref(), Some("example.com/own"));
    assert_eq!(template.immutable, Some(true));
    assert_eq!(template.data, None);
}

#[test]
fn no_value_is_in_the_sealed_object_in_any_form() {
    let value = "correct horse battery staple";
    let secret = secret(&[("a", value), ("b", value)]);
    for scope in Scope::ALL {
        let text = serde_json::to_string(&seal_with(&secret, scope, 0)).unwrap();
        assert!(!Cleartext::of(&secret).is_in(&text));
        let object: Value = serde_json::from_str(&text).unwrap();
        let items = &object["spec"]["encryptedData"];
        assert_ne!(items["a"], items["b"], "equal values are sealed alike");
    }
}

// Item lines

#[test]
fn each_item_has_a_line_that_says_key_time_and_place() {
    let secret = secret(&[("a", "x"), ("b", "y")]);
    for scope in Scope::ALL {
        let object = seal_with(&secret, scope, 3);
        let lines = ItemLines::of(&object);
        for (item, text) in &object.spec.encrypted_data {
            let binding = Binding::of(&object);
            let expected = ItemLine::new(key_id(3).to_owned(), noon_of(3), binding, text);
            assert_eq!(lines.get(item), Some(&expected));
        }
        assert_eq!(lines.iter().count(), 2);
    }
}

#[test]
fn an_edit_of_one_item_leaves_the_other_lines_true() {
    let mut object = seal_with(
        &secret(&[("a", "x"), ("b", "y"), ("c", "z")]),
        Scope::Strict,
        0,
    );
    let other = seal_with(&secret(&[("b", "new")]), Scope::Strict, 1);
    let text = other.spec.encrypted_data["b"].clone();
    object.spec.encrypted_data.insert("b".to_owned(), text);
    object.spec.encrypted_data.remove("c");
    let lines = ItemLines::of(&object);
    let left: Vec<&str> = lines.iter().map(|(item, _)| item).collect();
    assert_eq!(left, ["a"]);
}

#[test]
fn an_empty_secret_has_no_annotation_for_lines() {
    let object = seal_with(&secret(&[]), Scope::Strict, 0);
    assert_eq!(object.metadata.annotations, None);
    assert_eq!(
        serde_json::to_value(&object).unwrap()["spec"]["encryptedData"],
        json!({})
    );
}

#[test]
fn lines_that_would_break_kubectl_apply_are_left_out_and_it_is_said() {
    let value = "x".repeat(90 * 1024);
    let mut items = secret(&[("a", &value), ("b", &value)]);
    let sealed = seal(&items, Scope::Strict, &certificate(0), noon_of(0)).unwrap();
    assert!(!sealed.lines_left_out);
    // More items now, so that the object itself fits and a copy with its lines does not.
    for number in 0..16 {
        items.data.insert(
            format!("{}{number}", "k".repeat(200)),
            b"".as_slice().into(),
        );
    }
    let sealed = seal(&items, Scope::Strict, &certificate(0), noon_of(0)).unwrap();
    assert!(sealed.lines_left_out);
    assert_eq!(sealed.object.metadata.annotations, None);
}

// What is refused

#[test]
fn a_secret_without_name_or_namespace_is_refused_where_its_scope_needs_them() {
    let nameless = Secret::new("", Some("prod"));
    for scope in Scope::ALL {
        let message = "the Secret has no metadata.name";
        check_refused(&nameless, scope, Reason::MissingName, message);
    }
    let homeless = Secret::new("db", None);
    for scope in [Scope::Strict, Scope::NamespaceWide] {
        let message = format!("the Secret has no namespace, and scope {scope} is bound to one");
        check_refused(&homeless, scope, Reason::MissingNamespace, &message);
    }
    let object = seal_with(&homeless, Scope::ClusterWide, 0);
    assert_eq!(object.metadata.namespace, None);
}

#[test]
fn names_that_kubernetes_refuses_are_refused() {
    for secret in [
        Secret::new("Db", Some("prod")),
        Secret::new("a/b", Some("prod")),
        Secret::new("db", Some("a.b")),
        Secret::new("db", Some("prod/db")),
        {
            let mut secret = secret(&[]);
            secret.data.insert("a b".to_owned(), b"x".as_slice().into());
            secret
        },
    ] {
        let failure = seal(&secret, Scope::Strict, &certificate(0), noon_of(0)).unwrap_err();
        assert_eq!(failure.reason(), Reason::InvalidName, "{secret:?}");
    }
}

#[test]
fn a_value_in_an_annotation_or_label_is_refused_by_the_fields_name() {
    let encoded = STANDARD.encode("correct horse battery");
    let copy = json!({"kind": "Secret", "data": {"other": "eA=="}}).to_string();
    for (metadata, field) in [
        (
            json!({"annotations": {"note": "it is correct horse battery."}}),
            "metadata.annotations.note",
        ),
        (
            json!({"annotations": {"note": format!("x{encoded}x")}}),
            "metadata.annotations.note",
        ),
        (
            json!({"annotations": {"backup": copy}}),
            "metadata.annotations.backup",
        ),
        (
            json!({"labels": {"note": encoded.trim_end_matches('=')}}),
            "metadata.labels.note",
        ),
    ] {
        let message = format!(
            "{field} holds a value of the Secret in cleartext and would be committed; remove it"
        );
        let secret = with_metadata(metadata);
        check_refused(
            &secret,
            Scope::Strict,
            Reason::PlaintextInMetadata,
            &message,
        );
    }
}

#[test]
fn ordinary_words_in_metadata_are_left_in_peace() {
    let mut secret = with_metadata(json!({
        "labels": {"app": "postgres"},
        "annotations": {"note": "user postgres, port 5432", "empty": ""},
    }));
    for (item, value) in [("user", "postgres"), ("port", "5432"), ("empty", "")] {
        secret.data.insert(item.to_owned(), value.as_bytes().into());
    }
    seal_with(&secret, Scope::Strict, 0);
}

#[test]
fn a_value_indented_below_the_metadata_is_refused_and_not_committed() {
    for metadata in [
        json!({"stringData": {"password": "marker"}}),
        json!({"data": {"password": "bWFya2Vy"}}),
        json!({"finalizers": ["x"], "password": "marker"}),
    ] {
        let failure = seal(
            &with_metadata(metadata),
            Scope::Strict,
            &certificate(0),
            noon_of(0),
        )
        .unwrap_err();
        assert_eq!(failure.reason(), Reason::InvalidObject);
        assert!(!failure.to_string().contains("marker"));
    }
    let mut secret = secret(&[("password", "Hunter2Hunter2")]);
    secret.type_ = Some("Hunter2Hunter2".to_owned());
    check_refused(
        &secret,
        Scope::Strict,
        Reason::PlaintextInMetadata,
        "type holds a value of the Secret in cleartext and would be committed; remove it",
    );
}
