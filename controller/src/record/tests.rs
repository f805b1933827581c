use super::*;

const WHOSE: Whose<'_> = Whose {
    namespace: "prod",
    name: "db",
    uid: "uid-1",
};

fn key(byte: u8) -> Arc<RecordKey> {
    Arc::new(RecordKey::new(&[byte; KEY_LENGTH]).expect("it is as long as a key"))
}

fn basis() -> Basis {
    Basis {
        flags: vec!["accept-deprecated-v1-data"],
        scope: Scope::Strict,
        spec: r#"{"encryptedData":{"password":"AgB"}}"#.to_owned(),
    }
}

fn secret() -> Secret {
    let mut secret = Secret::new("db", Some("prod"));
    for (key, value) in [("password", "marker-one"), ("user", "marker-two")] {
        secret.data.insert(key.to_owned(), value.as_bytes().into());
    }
    secret.set_strings("labels", [("tier".to_owned(), "db".to_owned())].into());
    secret.set_strings("annotations", [("note".to_owned(), "x".to_owned())].into());
    secret
}

fn place() -> RecordedSecret {
    RecordedSecret {
        uid: "uid-2".to_owned(),
        resource_version: "7".to_owned(),
    }
}

fn record_of(secret: &Secret) -> SecretRecord {
    let id = KeyId::of_spki(b"a key");
    let keys = [("password", id), ("user", id)];
    let keys = keys.map(|(item, id)| (item.to_owned(), id)).into();
    let written = Written {
        wanted: secret,
        keys: &keys,
        without_owner: false,
        from_legacy: false,
    };
    key(1).record(WHOSE, &basis(), &written, (Some(place()), secret))
}

fn prove(record: &SecretRecord) -> Option<Proof> {
    key(1).prove(WHOSE, &basis(), record)
}

#[test]
fn a_record_proves_what_was_written_and_holds_names_but_no_value() {
    let record = record_of(&secret());
    let proof = prove(&record).expect("it is ours");
    assert!(proof.is_current && proof.has_same_source);
    assert!(proof.holds(&secret()));
    assert_eq!(proof.secret(), Some(&place()));
    let text = serde_json::to_string(&record).expect("it serialises");
    assert!(
        text.contains("password") && !text.contains("marker"),
        "{text}"
    );
    assert_eq!(record.sealing_keys.len(), 1);
    assert_eq!(record.sealing_keys[0].items, ["password", "user"]);
    assert_eq!(
        format!("{:?}", key(1)),
        format!("RecordKey({})", key(1).id())
    );
}

#[test]
fn a_record_of_another_object_key_or_content_proves_nothing() {
    let record = record_of(&secret());
    for whose in [
        Whose {
            namespace: "test",
            ..WHOSE
        },
        Whose {
            name: "db2",
            ..WHOSE
        },
        Whose {
            uid: "uid-9",
            ..WHOSE
        },
        // The borders between the parts count.
        Whose {
            namespace: "prodd",
            name: "b",
            ..WHOSE
        },
    ] {
        assert!(
            key(1).prove(whose, &basis(), &record).is_none(),
            "{whose:?}"
        );
    }
    assert!(key(2).prove(WHOSE, &basis(), &record).is_none());
    assert!(RecordKey::new(&[1; 31]).is_none());
}

#[test]
fn every_field_of_a_record_is_covered_by_it() {
    let whole = serde_json::to_value(SecretRecord {
        without_owner: true,
        ..record_of(&secret())
    })
    .expect("it serialises");
    let fields = whole.as_object().expect("it is an object");
    for (field, value) in fields {
        for other in others(value) {
            let mut edited = serde_json::to_value(record_of(&secret())).expect("it serialises");
            edited[field] = other;
            if let Ok(edited) = serde_json::from_value(edited)
                && edited != record_of(&secret())
            {
                assert!(prove(&edited).is_none(), "{field}");
            }
        }
    }
    let mut intent = record_of(&secret());
    intent.secret = None;
    assert!(prove(&intent).is_none());
}

/// Other values of the same type.
fn others(value: &serde_json::Value) -> Vec<serde_json::Value> {
    use serde_json::{Value, json};
    match value {
        Value::Bool(_) => vec![json!(true)],
        Value::Number(_) => vec![json!(2)],
        Value::String(_) => vec![json!("patch"), json!("0123456789abcdef")],
        Value::Array(list) => {
            let mut longer = list.clone();
            longer.extend(list.first().cloned().or(Some(json!("x"))));
            vec![json!([]), Value::Array(longer)]
        }
        Value::Object(fields) => fields
            .keys()
            .map(|key| {
                let mut other = value.clone();
                other[key] = json!("other");
                other
            })
            .collect(),
        Value::Null => Vec::new(),
    }
}

#[test]
fn another_spec_scope_or_flag_makes_work_due_and_only_the_first_two_are_changes_of_the_sealed_secret()
 {
    let record = record_of(&secret());
    let mut spec = basis();
    spec.spec.push(' ');
    let mut scope = basis();
    scope.scope = Scope::ClusterWide;
    for changed in [spec, scope] {
        let proof = key(1).prove(WHOSE, &changed, &record).expect("it is ours");
        assert!(!proof.is_current && !proof.has_same_source);
    }
    let mut flags = basis();
    flags.flags.push("allow-restricted-types");
    let proof = key(1).prove(WHOSE, &flags, &record).expect("it is ours");
    assert!(!proof.is_current && proof.has_same_source);
    // Rules of another version, by a controller of that version.
    let mut older = record;
    older.rules = RULES + 1;
    key(1).sign(WHOSE, &basis(), &secret(), &mut older);
    let proof = prove(&older).expect("it is ours");
    assert!(!proof.is_current && proof.has_same_source);
}

#[test]
fn a_change_of_what_is_ours_is_noticed_and_what_others_added_is_not() {
    let proof = prove(&record_of(&secret())).expect("it is ours");
    let edited = |edit: &dyn Fn(&mut Secret)| {
        let mut secret = secret();
        edit(&mut secret);
        proof.holds(&secret)
    };
    let strings = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    };
    assert!(edited(&|secret| secret.set_strings(
        "labels",
        strings(&[("tier", "db"), ("by", "others")])
    )));
    assert!(!edited(
        &|secret| secret.set_strings("labels", strings(&[("tier", "web")]))
    ));
    assert!(!edited(&|secret| secret.set_strings("labels", strings(&[]))));
    assert!(!edited(
        &|secret| secret.set_strings("annotations", strings(&[]))
    ));
    assert!(!edited(
        &|secret| secret.type_ = Some("kubernetes.io/tls".to_owned())
    ));
    assert!(!edited(&|secret| secret.immutable = Some(true)));
    assert!(!edited(&|secret| drop(secret.data.remove("user"))));
    assert!(!edited(&|secret| drop(
        secret
            .data
            .insert("more".to_owned(), b"x".as_slice().into())
    )));
    assert!(!edited(&|secret| drop(
        secret
            .data
            .insert("user".to_owned(), b"x".as_slice().into())
    )));
    // What one key loses, another one gains.
    assert!(!edited(&|secret| {
        secret
            .data
            .insert("password".to_owned(), b"marker-onem".as_slice().into());
        secret
            .data
            .insert("user".to_owned(), b"arker-two".as_slice().into());
    }));
    let patched = |secret: &mut Secret| {
        secret.set_strings(
            "annotations",
            strings(&[("note", "x"), (annotations::PATCH, "true")]),
        );
    };
    assert!(!edited(&patched), "another part of it is ours now");
}

#[test]
fn of_a_patched_secret_only_our_items_count() {
    let mut stored = secret();
    stored.set_strings(
        "annotations",
        [(annotations::PATCH.to_owned(), "true".to_owned())].into(),
    );
    stored
        .data
        .insert("theirs".to_owned(), b"x".as_slice().into());
    let written = Written {
        wanted: &Secret {
            metadata: serde_json::Map::new(),
            ..secret()
        },
        keys: &BTreeMap::new(),
        without_owner: false,
        from_legacy: false,
    };
    let record = key(1).record(WHOSE, &basis(), &written, (Some(place()), &stored));
    let proof = prove(&record).expect("it is ours");
    assert!(proof.holds(&stored));
    stored
        .data
        .insert("theirs".to_owned(), b"y".as_slice().into());
    assert!(proof.holds(&stored));
    stored
        .data
        .insert("user".to_owned(), b"y".as_slice().into());
    assert!(!proof.holds(&stored));
}

#[test]
fn the_record_of_the_deprecated_form_names_nothing_and_proves_nothing_of_a_changed_secret() {
    let written = Written {
        wanted: &secret(),
        keys: &BTreeMap::new(),
        without_owner: false,
        from_legacy: true,
    };
    let record = key(1).record(WHOSE, &basis(), &written, (Some(place()), &secret()));
    let text = serde_json::to_string(&record).expect("it serialises");
    assert!(
        !text.contains("password") && !text.contains("tier"),
        "{text}"
    );
    let proof = prove(&record).expect("it is ours");
    assert!(proof.is_current && !proof.holds(&secret()));
}

#[test]
fn a_record_made_again_with_another_key_says_the_same() {
    let proof = prove(&record_of(&secret())).expect("it is ours");
    let place = RecordedSecret {
        resource_version: "9".to_owned(),
        ..place()
    };
    let again = key(2).record_again(WHOSE, &basis(), &proof, (place.clone(), &secret()));
    assert!(prove(&again).is_none());
    let proof = key(2)
        .prove(WHOSE, &basis(), &again)
        .expect("it is the other key's");
    assert!(proof.is_current && proof.holds(&secret()));
    assert_eq!(proof.secret(), Some(&place));
}

#[test]
fn data_is_told_from_labels_that_somebody_changed() {
    let proof = prove(&record_of(&secret())).expect("it is ours");
    let mut relabelled = secret();
    relabelled.set_strings("labels", BTreeMap::new());
    relabelled.immutable = Some(true);
    assert!(!proof.holds(&relabelled) && proof.holds_data(&relabelled, &secret()));
    relabelled
        .data
        .insert("user".to_owned(), b"x".as_slice().into());
    assert!(!proof.holds_data(&relabelled, &secret()));
}
