//! `--re-encrypt`: the controller seals the items again with its newest key.
//!
//! Of its answer only the items are taken, so that nothing else of an object is lost on the way: labels, annotations and
//! texts of the template, and in a file comments and layout.

use seal_api::{Reason, SealedSecret, remove_server_fields};
use seal_manifest::{Edits, Stream};
use seal_sealing::ItemLines;

use super::{
    Call,
    objects::{read_sealed, sealed_secrets, stream, written},
};
use crate::{
    cluster::Cluster,
    documents::SealedDocument,
    input::{Input, from_manifest},
    output,
    problem::Problem,
    report::Reporter,
    set::{Item, put_items},
};

pub(super) fn run(call: &Call, reporter: &Reporter) -> Result<(), Problem> {
    let cluster = call.cluster()?;
    call.with_input(|input| {
        let stream = stream(input)?;
        let found = sealed_secrets(input, &stream)?;
        match (&call.file, call.output()) {
            (Some(_), None) => in_place(input, &stream, &found, &cluster, reporter),
            _ => {
                let mut text = String::new();
                for found in &found {
                    let object = read_sealed(input, found)?;
                    let rotated = rotated(&cluster, object)?;
                    let mut object = rotated.into_json();
                    remove_server_fields(&mut object);
                    text.push_str(&written(object, call.form));
                }
                call.deliver(text.as_bytes(), None)
            }
        }
    })
}

/// Changes the items in the file and nothing else.
fn in_place(
    input: &Input,
    stream: &Stream,
    found: &[SealedDocument<'_>],
    cluster: &Cluster,
    reporter: &Reporter,
) -> Result<(), Problem> {
    let mut edits = Edits::of(input.text.as_str(), stream);
    for found in found {
        let mut object = read_sealed(input, found)?;
        if object.spec.data.is_some() {
            let answer = rotated(cluster, object)?;
            edits
                .replace_node(found.document, found.node, answer.into_json())
                .map_err(|error| from_manifest(&error, &input.name))?;
            continue;
        }
        let answer = rotated(cluster, object.clone())?;
        let lines = ItemLines::of(&answer);
        let items = answer.spec.encrypted_data.iter().map(|(key, text)| Item {
            key: key.clone(),
            text: text.clone(),
            line: lines.get(key).cloned(),
        });
        put_items(&mut edits, found, &mut object, items.collect())
            .map_err(|error| from_manifest(&error, &input.name))?;
    }
    let text = edits
        .apply()
        .map_err(|error| from_manifest(&error, &input.name))?;
    crate::input::note_encoding(input, reporter);
    let path = input.path.as_deref().expect("the input is a file");
    output::replace_unchanged(path, input.text.as_str(), text.as_bytes())
}

/// The object with its items sealed again; one of the deprecated form as the controller answers it.
fn rotated(cluster: &Cluster, mut object: SealedSecret) -> Result<SealedSecret, Problem> {
    let answer = cluster.rotate(&object.clone().into_json())?;
    let answer: SealedSecret = serde_json::from_value(answer).map_err(|_| {
        let message = "cannot re-encrypt secret: the answer of the controller is no SealedSecret";
        Problem::new(Reason::FetchFailed, message)
    })?;
    if object.spec.data.is_some() {
        return Ok(answer);
    }
    if !answer
        .spec
        .encrypted_data
        .keys()
        .eq(object.spec.encrypted_data.keys())
    {
        let message = "cannot re-encrypt secret: the answer of the controller has other items";
        return Err(Problem::new(Reason::FetchFailed, message));
    }
    let lines = ItemLines::of(&answer).to_string();
    object.spec.encrypted_data = answer.spec.encrypted_data;
    let annotations = object.metadata.annotations.get_or_insert_default();
    annotations.remove(seal_api::annotations::ITEMS);
    if !lines.is_empty() {
        annotations.insert(seal_api::annotations::ITEMS.to_owned(), lines);
    }
    if annotations.is_empty() {
        object.metadata.annotations = None;
    }
    Ok(object)
}
