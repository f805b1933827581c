//! The peer that the other tests stand on renders as the real `kubeseal` does.

use seal_tests::{
    keys,
    scratch::Scratch,
    templates::{Case, by_go},
};
use serde_json::{Value, json};

use crate::{cases, samples::values};

#[test]
fn the_peer_renders_as_kubeseal_does() {
    let scratch = Scratch::new();
    let sealed = seal(&scratch);
    // Templates see each other, so each of them is given all.
    let all: Vec<Case> = cases::all().into_iter().map(|(_, case)| case).collect();
    let whole: Vec<Case> = all
        .iter()
        .zip(by_go(&all))
        // A template is called as its item is, which has another name here.
        .filter(|(case, rendered)| rendered.is_ok() && !case.template.contains("\"item\""))
        .map(|(case, _)| case.clone())
        .collect();
    let names: Vec<String> = (0..whole.len())
        .map(|index| format!("case-{index}"))
        .collect();
    let mut given = values();
    let mut data = serde_json::Map::new();
    for (name, case) in names.iter().zip(&whole) {
        given.insert(name.clone(), case.template.clone().into());
        data.insert(name.clone(), case.template.clone().into());
    }
    let mut sealed = sealed;
    sealed["spec"]["template"]["data"] = data.into();
    let key = keys::path("rsa-2048.key");
    let run = scratch
        .kubeseal(["--recovery-unseal", "--recovery-private-key"])
        .arg(key)
        .stdin(sealed.to_string())
        .finish()
        .exits(0);
    let secret: Value = serde_json::from_str(run.out()).unwrap();
    let again: Vec<Case> = whole
        .iter()
        .map(|case| Case {
            values: given.clone(),
            ..case.clone()
        })
        .collect();
    for ((name, case), rendered) in names.iter().zip(&whole).zip(by_go(&again)) {
        let theirs = secret["data"][name.as_str()].as_str().unwrap_or_default();
        assert_eq!(theirs, base64(&rendered.unwrap()), "{}", case.template);
    }
}

/// A SealedSecret that holds the values.
fn seal(scratch: &Scratch) -> Value {
    let data: serde_json::Map<String, Value> = values()
        .into_iter()
        .map(|(name, value)| (name, base64(&value).into()))
        .collect();
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "shop"},
        "data": data,
    });
    let run = scratch
        .kubeseal(["--format", "json", "--cert"])
        .arg(keys::path("rsa-2048.crt"))
        .stdin(secret.to_string())
        .finish()
        .exits(0);
    serde_json::from_str(run.out()).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
