//! `seal verify --cluster`: whether a cluster's controller can open what lies in files.

use seal_api::Reason;
use seal_shell::SanitisedWord;
use serde_json::{Value, json};

use crate::{
    args::{Format, VerifyArgs},
    cluster::{Access, Cluster, Controller, Opens},
    documents::{Reader, SealedDocument, place, sealed_documents},
    input::{self, Input},
    output,
    problem::{Place, Problem},
    report::Reporter,
};

pub(crate) fn run(args: &VerifyArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    let controller = &args.controller;
    let controller = Controller::of(
        controller.controller_name.as_deref(),
        controller.controller_namespace.as_deref(),
    );
    let cluster = Cluster::connect(&Access::of(&args.context), controller)?;
    let mut asked = 0;
    for input in input::read_all(&args.inputs, reporter) {
        let stream = match input.stream() {
            Ok(stream) => stream,
            Err(problem) => {
                reporter.problem(&problem);
                continue;
            }
        };
        input.report_broken(&stream, reporter);
        for found in sealed_documents(&stream.documents) {
            asked += 1;
            match ask(&cluster, &input, &found, reporter) {
                Ok(Opens::Yes) => {}
                Ok(Opens::No) => reporter.found_problem(),
                // What is wrong with the way to the cluster is so for all that follow.
                Err(problem) if problem.reason == Reason::FetchFailed => return Err(problem),
                Err(problem) => reporter.problem(&problem),
            }
        }
    }
    if asked == 0 && !reporter.has_problems() {
        return Err(Problem::new(
            Reason::NothingToDo,
            "the input holds no SealedSecret",
        ));
    }
    Ok(())
}

/// Asks for one, and prints the answer.
fn ask(
    cluster: &Cluster,
    input: &Input,
    found: &SealedDocument<'_>,
    reporter: &Reporter,
) -> Result<Opens, Problem> {
    let reader = Reader {
        file: &input.name,
        document: found.document,
    };
    let object = reader.sealed_secret(found.node)?;
    let place = place(&input.name, found.document, found.node);
    let name = object.metadata.name.clone().unwrap_or_default();
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    let opens = cluster
        .verify(&object.into_json())
        .map_err(|problem| problem.at(place.clone()))?;
    let line = match reporter.format() {
        Format::Text => {
            let says = match opens {
                Opens::Yes => "opens",
                Opens::No => "does not open",
            };
            let name = format!("{namespace}/{name}");
            format!("{}{} {says}\n", line_of(&place), SanitisedWord(&name))
        }
        Format::Json => format!("{}\n", json_line(&place, &namespace, &name, opens)),
    };
    output::print(line.as_bytes())?;
    Ok(opens)
}

/// `FILE:LINE: `, without the column and the document's number.
fn line_of(place: &Place) -> Place {
    Place {
        column: None,
        document: None,
        ..place.clone()
    }
}

fn json_line(place: &Place, namespace: &str, name: &str, opens: Opens) -> Value {
    json!({
        "file": place.file,
        "document": place.document,
        "line": place.line,
        "namespace": namespace,
        "name": name,
        "opens": opens == Opens::Yes,
    })
}
