//! `seal inspect`: what a SealedSecret says of itself, offline.

mod findings;

use std::fmt::Write;

use seal_api::{Reason, SealedSecret};
use seal_envelope::Ciphertext;
use seal_sealing::{Binding, ItemLines};
use seal_shell::SanitisedWord;
use serde_json::{Value, json};

use crate::{
    args::{Format, InspectArgs},
    certificate::{self, Loaded},
    documents::{Reader, place, sealed_documents},
    input::{self, Input},
    output,
    problem::{Place, Problem},
    report::Reporter,
};
use findings::{Finding, findings};

/// One SealedSecret and what was found.
struct Inspected {
    place: Place,
    object: SealedSecret,
    lines: ItemLines,
    findings: Vec<Finding>,
}

pub(crate) fn run(args: &InspectArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    let certificate = certificate::if_named(&args.certificate)?;
    let mut inspected = Vec::new();
    for input in input::read_all(&args.inputs, reporter) {
        inspect(&input, certificate.as_ref(), &mut inspected, reporter);
    }
    if inspected.is_empty() && !reporter.has_problems() {
        return Err(Problem::new(
            Reason::NothingToDo,
            "the input holds no SealedSecret",
        ));
    }
    if inspected.iter().any(|object| !object.findings.is_empty()) {
        reporter.found_problem();
    }
    let text = match reporter.format() {
        Format::Text => inspected
            .iter()
            .map(describe)
            .collect::<Vec<_>>()
            .join("\n"),
        Format::Json => inspected
            .iter()
            .map(|object| format!("{}\n", to_json(object)))
            .collect(),
    };
    output::print(text.as_bytes())
}

fn inspect(
    input: &Input,
    certificate: Option<&Loaded>,
    inspected: &mut Vec<Inspected>,
    reporter: &mut Reporter,
) {
    let stream = match input.stream() {
        Ok(stream) => stream,
        Err(problem) => return reporter.problem(&problem),
    };
    input.report_broken(&stream, reporter);
    for found in sealed_documents(&stream.documents) {
        let reader = Reader {
            file: &input.name,
            document: found.document,
        };
        match reader.sealed_secret(found.node) {
            Ok(object) => {
                let findings = findings(&object, certificate.map(|loaded| &loaded.certificate));
                let lines = ItemLines::of(&object);
                inspected.push(Inspected {
                    place: place(&input.name, found.document, found.node),
                    object,
                    lines,
                    findings,
                });
            }
            Err(problem) => reporter.problem(&problem),
        }
    }
}

/// The length of the value in an item, where its text can be read.
fn value_length(text: &str) -> Option<usize> {
    Ciphertext::parse(text)
        .ok()
        .map(|ciphertext| ciphertext.plaintext_len())
}

/// The type of the Secret that is made; none and an empty one mean `Opaque`.
fn type_of(object: &SealedSecret) -> &str {
    let template = object.spec.template.as_ref();
    let type_ = template.and_then(|template| template.type_.as_deref());
    type_.filter(|type_| !type_.is_empty()).unwrap_or("Opaque")
}

fn describe(inspected: &Inspected) -> String {
    let Inspected {
        place,
        object,
        lines,
        findings,
    } = inspected;
    let binding = Binding::of(object);
    let template = object.spec.template.clone().unwrap_or_default();
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<10} {}", SanitisedWord(value));
    };
    line("name", &binding.name);
    line(
        "namespace",
        if binding.namespace.is_empty() {
            "-"
        } else {
            &binding.namespace
        },
    );
    line("scope", binding.scope.as_str());
    line("type", type_of(object));
    line("items", &object.spec.encrypted_data.len().to_string());
    for (key, item) in &object.spec.encrypted_data {
        let length = value_length(item).map_or_else(
            || "unreadable".to_owned(),
            |length| format!("{length} bytes"),
        );
        let known = lines.get(key).map_or_else(
            || "key and date unknown".to_owned(),
            |line| format!("key {} sealed {}", line.key_id, line.sealed_at),
        );
        line("", &format!("{key}: {length}, {known}"));
    }
    for key in template.data.iter().flatten().map(|(key, _)| key) {
        line("", &format!("{key}: from the template"));
    }
    for finding in findings {
        line("problem", &finding.to_string());
        finding.excerpt().for_each(|excerpt| line("", excerpt));
    }
    format!("{}{}\n{text}", place, "SealedSecret")
}

fn to_json(inspected: &Inspected) -> Value {
    let Inspected {
        place,
        object,
        lines,
        findings,
    } = inspected;
    let binding = Binding::of(object);
    let item = |(key, text): (&String, &String)| {
        let line = lines.get(key);
        json!({
            "key": key,
            "bytes": value_length(text),
            "keyId": line.map(|line| &line.key_id),
            "sealedAt": line.map(|line| line.sealed_at),
            "sealedFor": line.map(|line| json!({
                "scope": line.binding.scope.as_str(),
                "namespace": line.binding.namespace,
                "name": line.binding.name,
            })),
        })
    };
    json!({
        "file": place.file, "document": place.document, "line": place.line,
        "name": binding.name, "namespace": binding.namespace, "scope": binding.scope.as_str(),
        "type": type_of(object),
        "items": object.spec.encrypted_data.iter().map(item).collect::<Vec<_>>(),
        "problems": findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
    })
}
