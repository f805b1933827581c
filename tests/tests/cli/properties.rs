//! Whatever is sealed opens to the same: many cases through the library, some through processes, some against the second
//! implementation.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use proptest::{collection::btree_map, prelude::*, sample::select, test_runner::TestCaseResult};
use seal_api::Scope;
use seal_envelope::Certificate;
use seal_manifest::write;
use seal_sealing::{Secret, seal};
use seal_tests::{keys, scratch::Scratch, second};
use serde_json::{Value, json};

use crate::samples::{document, key, open, with_cert};

type Data = BTreeMap<String, Vec<u8>>;

fn data() -> impl Strategy<Value = Data> {
    let key = "[-._a-zA-Z0-9]{1,20}".prop_filter("a key of a Secret", |key| {
        seal_sealing::check_item_key(key).is_ok()
    });
    let bytes = prop_oneof![any::<Vec<u8>>(), ".*".prop_map(String::into_bytes)];
    btree_map(key, bytes, 1..6)
}

fn scope() -> impl Strategy<Value = Scope> {
    select(Scope::ALL.to_vec())
}

fn secret(data: &Data) -> Secret {
    let mut secret = Secret::new("db", Some("prod"));
    let items = data
        .iter()
        .map(|(key, value)| (key.clone(), value.as_slice().into()));
    secret.data = items.collect();
    secret
}

fn sealed(data: &Data, scope: Scope) -> Value {
    let certificate =
        Certificate::from_pem(keys::pem("rsa-2048.crt").as_bytes()).expect("it is a certificate");
    let sealed =
        seal(&secret(data), scope, &certificate, Timestamp::UNIX_EPOCH).expect("it can be sealed");
    serde_json::to_value(sealed.object).expect("it has text keys only")
}

/// A Secret as a document; texts go to `stringData` where asked.
fn manifest(data: &Data, as_json: bool, as_strings: bool) -> String {
    let (mut encoded, mut strings) = (BTreeMap::new(), BTreeMap::new());
    for (key, value) in data {
        match std::str::from_utf8(value) {
            Ok(text) if as_strings => strings.insert(key, text.to_owned()),
            _ => encoded.insert(key, STANDARD.encode(value)),
        };
    }
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"},
        "data": encoded, "stringData": strings});
    let text = if as_json {
        write::json(&object)
    } else {
        write::yaml(&object)
    };
    text.expect("it can be written").to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_library_opens_what_it_sealed(data in data(), scope in scope()) {
        prop_assert_eq!(open(&sealed(&data, scope)).data, secret(&data).data);
    }

    #[test]
    fn the_second_implementation_opens_what_the_library_sealed(data in data(), scope in scope()) {
        let object = sealed(&data, scope);
        let label = match scope {
            Scope::Strict => "prod/db",
            Scope::NamespaceWide => "prod",
            Scope::ClusterWide => "",
        };
        let key = second::private_key(&keys::pem("rsa-2048.key"));
        for (item, value) in &data {
            let text = object["spec"]["encryptedData"][item].as_str().expect("it is a text");
            prop_assert_eq!(second::open(text, label, &key), Some(value.clone()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_program_opens_what_it_sealed(data in data(), scope in scope(), as_json: bool, as_strings: bool) {
        round_trip(&data, scope, &manifest(&data, as_json, as_strings))?;
    }

    #[test]
    fn a_value_set_opens_and_set_back_leaves_the_rest(data in data(), value: Vec<u8>) {
        let scratch = Scratch::new();
        let run = with_cert(&scratch, ["encrypt"]).stdin(manifest(&data, false, true)).finish().exits(0);
        let before = run.out().to_owned();
        scratch.write("s.yaml", &before);
        with_cert(&scratch, ["set", "s.yaml", "--from-file=zz-new=-"]).stdin(value.clone()).finish().exits(0);
        let changed = open(&document(&scratch.read("s.yaml"))).data;
        prop_assert_eq!(changed["zz-new"].as_bytes(), value.as_slice());
        prop_assert_eq!(changed.len(), data.len() + usize::from(!data.contains_key("zz-new")));
        scratch.seal(["set", "s.yaml", "--remove=zz-new"]).finish().exits(0);
        prop_assert_eq!(scratch.read("s.yaml"), before);
    }
}

fn round_trip(data: &Data, scope: Scope, manifest: &str) -> TestCaseResult {
    let scratch = Scratch::new();
    let run = with_cert(&scratch, ["encrypt", "--scope", scope.as_str()])
        .stdin(manifest)
        .finish()
        .exits(0);
    let run = scratch
        .seal(["unseal", "-", "--key"])
        .arg(key())
        .stdin(run.stdout)
        .finish()
        .exits(0);
    let opened = document(run.out());
    let encoded: BTreeMap<_, _> = data
        .iter()
        .map(|(key, value)| (key, STANDARD.encode(value)))
        .collect();
    prop_assert_eq!(&opened["data"], &json!(encoded));
    Ok(())
}
