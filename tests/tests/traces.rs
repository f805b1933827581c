//! Spans to a collector: the controller built with the feature `otlp`, and a collector that speaks the real protocol (OTLP
//! over HTTP, protobuf), read by the types of the OpenTelemetry project.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message;
use seal_api::Scope;
use seal_envelope::Certificate;
use seal_sealing::{Secret, seal};
use seal_tests::{keys, memory::forms, programs::Program, run::Run, scratch::Scratch};
use serde_json::json;

const MARKER: &str = "marker-otlp-5d20c7f1";

/// What a collector was sent.
struct Delivery {
    head: String,
    body: Vec<u8>,
}

/// A collector on loopback that answers every delivery; its address.
fn collector() -> (String, Receiver<Delivery>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let (told, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = told.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                loop {
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if reader.read_line(&mut head).unwrap_or_default() == 0 {
                            return;
                        }
                    }
                    let head = head.to_lowercase();
                    let length = head
                        .lines()
                        .find_map(|line| line.strip_prefix("content-length:"));
                    let length = length.and_then(|length| length.trim().parse().ok());
                    let mut body = vec![0; length.expect("it says how long it is")];
                    reader.read_exact(&mut body).expect("it all comes");
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
                    reader
                        .get_mut()
                        .write_all(answer.as_bytes())
                        .expect("it listens");
                    if told.send(Delivery { head, body }).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (format!("http://{address}"), heard)
}

fn sealed(name: &str) -> String {
    let mut secret = Secret::new(name, Some("app"));
    secret
        .data
        .insert("password".into(), MARKER.as_bytes().into());
    let certificate = Certificate::from_pem(keys::pem("rsa-2048.crt").as_bytes());
    let certificate = certificate.expect("it is one");
    let now = jiff::Timestamp::now();
    let sealed = seal(&secret, Scope::Strict, &certificate, now).expect("it can be sealed");
    sealed.object.into_json().to_string()
}

/// A folder with a key, a SealedSecret that opens and one that does not.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    let key = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "k", "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}},
        "stringData": {"tls.crt": keys::pem("rsa-2048.crt"), "tls.key": keys::pem("rsa-2048.key")},
    });
    scratch.write("store/keys/k.json", key.to_string());
    scratch.write("store/sealed/good.json", sealed("good"));
    let bad = sealed("bad").replace("\"bad\"", "\"worse\"");
    scratch.write("store/sealed/bad.json", bad);
    scratch
}

fn run(scratch: &Scratch, program: Program) -> Run {
    let run = Run::new(scratch, program).args(["--directory", "store"]);
    run.args(["--key-renew-period=0", "--once"])
}

/// The texts of a span's attributes.
fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|pair| pair.key == name);
    let value = found.and_then(|pair| pair.value.as_ref()?.value.as_ref());
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

#[test]
fn each_look_at_a_sealed_secret_is_a_span_that_a_collector_reads_and_no_value_is_in_it() {
    let (address, heard) = collector();
    let scratch = scratch();
    let run = run(&scratch, Program::ControllerWithTraces);
    run.arg("--otlp-endpoint")
        .arg(format!("{address}/"))
        .finish()
        .exits(3)
        .never_shows(MARKER);
    // The last ones are sent before it ends.
    let deliveries: Vec<Delivery> = heard.try_iter().collect();
    let mut spans = Vec::new();
    for Delivery { head, body } in &deliveries {
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(
            head.contains("content-type: application/x-protobuf\r\n"),
            "{head}"
        );
        for form in forms(MARKER.as_bytes()) {
            let shows = body
                .windows(form.bytes.len())
                .any(|part| part == form.bytes);
            assert!(!shows, "a span has the value ({})", form.name);
        }
        let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("it is OTLP");
        for resource in request.resource_spans {
            let attributes = resource.resource.expect("it says who sends").attributes;
            let name = attributes.iter().find(|pair| pair.key == "service.name");
            let name = name.and_then(|pair| pair.value.as_ref()?.value.clone());
            assert_eq!(name, Some(Value::StringValue("seal-controller".to_owned())));
            spans.extend(
                resource
                    .scope_spans
                    .into_iter()
                    .flat_map(|scope| scope.spans),
            );
        }
    }
    let mut told: Vec<_> = spans
        .iter()
        .map(|span| {
            assert_eq!(span.name, "reconcile");
            assert!(
                span.trace_id.len() == 16 && span.span_id.len() == 8,
                "{span:?}"
            );
            assert!(
                span.end_time_unix_nano > span.start_time_unix_nano,
                "{span:?}"
            );
            assert!(span.events.is_empty(), "{span:?}");
            (attribute(span, "object"), attribute(span, "reason"))
        })
        .collect();
    told.sort();
    let expected = [
        ("app/good", "Unsealed"),
        ("app/worse", "SealedForAnotherName"),
    ];
    let expected = expected.map(|(object, reason)| (object.to_owned(), reason.to_owned()));
    assert_eq!(told, expected);
}

#[test]
fn the_address_is_taken_from_the_environment_and_a_collector_that_is_not_there_holds_nothing_up() {
    let scratch = scratch();
    let variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let (address, heard) = collector();
    let with_traces = || run(&scratch, Program::ControllerWithTraces);
    with_traces().env(variable, &address).finish().exits(3);
    assert!(heard.try_recv().is_ok());
    // Nobody takes the connection, and nobody answers it.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = silent.local_addr().expect("it is bound");
    let begun = Instant::now();
    with_traces()
        .env(variable, format!("http://{address}"))
        .finish()
        .exits(3);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    // What can be no address is ignored in the environment, and an error as a flag.
    with_traces()
        .env(variable, "collector:4317")
        .finish()
        .exits(3)
        .says("OTEL_EXPORTER_OTLP_ENDPOINT is ignored: its value must be a URL of http or https");
    with_traces()
        .arg("--otlp-endpoint=collector:4317")
        .finish()
        .exits(2);
}

#[test]
fn a_controller_that_is_built_without_traces_says_so() {
    let scratch = scratch();
    let without = || run(&scratch, Program::Controller);
    without()
        .arg("--otlp-endpoint=http://127.0.0.1:4318")
        .finish()
        .exits(2)
        .says("built without the feature otlp");
    without()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
        .finish()
        .exits(3)
        .says("OTEL_EXPORTER_OTLP_ENDPOINT has no effect");
}
