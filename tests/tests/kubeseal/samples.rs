//! What the modules share: Secrets, and the same command line given to both programs.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use seal_api::annotations;
use seal_manifest::{Limits, read};
use seal_tests::{keys, run::Finished, scratch::Scratch};
use serde_json::Value;

/// A value that must never appear anywhere.
pub(crate) const MARKER: &str = "marker-5f0d2b9c41-correct-horse";

/// A Secret with everything that travels, and some that does not.
pub(crate) const EVERYTHING: &str = r#"
apiVersion: v1
kind: Secret
metadata:
  name: testSecret
  namespace: prod
  uid: 0d8e4a0c-0000-4000-8000-000000000000
  resourceVersion: "12"
  generation: 3
  creationTimestamp: "2026-01-01T00:00:00Z"
  labels:
    b: "2"
    a: "1"
  annotations:
    note: "yes"
    kubectl.kubernetes.io/last-applied-configuration: "{}"
  ownerReferences:
  - apiVersion: v1
    kind: ConfigMap
    name: other
    uid: "1"
type: kubernetes.io/basic-auth
immutable: true
data:
  username: YWRtaW4=
  password: b2xk
stringData:
  password: marker-5f0d2b9c41-correct-horse
"#;

/// A Secret without a namespace, as JSON.
pub(crate) const NO_NAMESPACE: &str =
    r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"},"data":{"user":"YWRtaW4="}}"#;

/// The folder of a test with a certificate and keys, and other files of both.
pub(crate) fn prepared() -> Scratch {
    let scratch = Scratch::new();
    for name in [
        "rsa-2048.crt",
        "rsa-2048.key",
        "rsa-3072.key",
        "expired.crt",
        "ec.crt",
    ] {
        scratch.write(name, keys::pem(name));
    }
    scratch
}

/// A run of ours, called as kubeseal.
pub(crate) fn ours(scratch: &Scratch, line: &str, input: &str) -> Finished {
    let run = scratch.seal(["kubeseal"]).args(line.split_whitespace());
    run.stdin(input).finish()
}

/// A run of the real kubeseal.
pub(crate) fn theirs(scratch: &Scratch, line: &str, input: &str) -> Finished {
    let run = scratch.kubeseal(line.split_whitespace());
    run.stdin(input).finish()
}

/// Every document of a text as JSON, the fields in the order they have there.
#[track_caller]
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let stream = read(text, &Limits::default()).expect("the text is within the limits");
    let json = |document: &Result<seal_manifest::Document, _>| {
        let document = document.as_ref().expect("the text is well-formed");
        document.root.to_json()
    };
    stream.documents.iter().map(json).collect()
}

/// A SealedSecret as far as two sealings are alike: without the ciphertexts and our own annotation.
pub(crate) fn alike(mut object: Value) -> Value {
    for (_, text) in object["spec"]["encryptedData"].as_object_mut().unwrap() {
        *text = text.as_str().map(str::len).into();
    }
    let metadata = object["metadata"].as_object_mut().unwrap();
    if let Some(annotations) = metadata.get_mut("annotations") {
        let annotations = annotations.as_object_mut().unwrap();
        annotations.shift_remove(annotations::ITEMS);
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
    object
}

/// The values in SealedSecrets, opened by the real kubeseal: each Secret's data, base64.
#[track_caller]
pub(crate) fn opened(scratch: &Scratch, sealed: &Value) -> Value {
    let line = "--recovery-unseal --recovery-private-key rsa-2048.key";
    let run = theirs(scratch, line, &sealed.to_string()).exits(0);
    documents(run.out()).remove(0)["data"].take()
}

/// A server that gives the same answer to every request, and its address. It ends with the test.
pub(crate) fn serve(answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection can be accepted");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}
