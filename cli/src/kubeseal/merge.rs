//! `--merge-into`: items sealed and put into a SealedSecret in its file, where everything else keeps its bytes.

use std::path::Path;

use seal_api::{KIND, Reason, Scope, SealedSecret, annotations};
use seal_envelope::Certificate;
use seal_manifest::{Edits, Stream};
use seal_sealing::{Binding, Cleartext, Secret, cautions, seal_item};

use super::{
    Call, files,
    objects::{place_of, read_sealed, secrets, stream},
    seal::{check_data, namespace, read},
};
use crate::{
    documents::{SealedDocument, sealed_documents},
    input::{self, Input, from_manifest},
    output,
    problem::{Place, Problem},
    report::Reporter,
    set::{Item, put_items},
};

pub(super) fn run(
    call: &Call,
    path: &Path,
    certificate: &Certificate,
    reporter: &Reporter,
) -> Result<(), Problem> {
    if call.output().is_some() {
        let message =
            "--merge-into changes its file in place; it does not go with --sealed-secret-file";
        return Err(Problem::new(Reason::InvalidCommandLine, message));
    }
    let file = files::read(path)?;
    let sources = call.with_input(|input| read_all(call, input))?;
    let parsed = stream(&file)?;
    let target = choose(&file, &parsed, &sources)?;
    let mut object = read_sealed(&file, &target)?;
    let binding = binding(call, &object, &sources)?;
    let failed = |error: seal_manifest::Error| from_manifest(&error, &file.name);
    let mut edits = Edits::of(file.text.as_str(), &parsed);
    let mut items = Vec::new();
    for secret in &sources {
        for (key, value) in &secret.data {
            let sealed = seal_item(value.as_bytes(), &binding, certificate, call.now)
                .map_err(|error| Problem::new(Reason::Retrying, error.to_string()))?;
            items.push(Item {
                key: key.clone(),
                text: sealed.text,
                line: Some(sealed.line),
            });
        }
        for (field, texts) in travelling(secret)? {
            for (key, text) in texts {
                let path = ["spec", "template", "metadata", field, &key];
                edits
                    .set_in(target.document, target.node, &path, &text)
                    .map_err(failed)?;
            }
        }
    }
    put_items(&mut edits, &target, &mut object, items).map_err(failed)?;
    let text = edits.apply().map_err(failed)?;
    output::replace_unchanged(path, file.text.as_str(), text.as_bytes())?;
    input::note_encoding(&file, reporter);
    for caution in sources.iter().flat_map(cautions) {
        reporter.warn(&Place::default(), &caution.to_string());
    }
    Ok(())
}

fn read_all(call: &Call, input: &Input) -> Result<Vec<Secret>, Problem> {
    let stream = stream(input)?;
    let read = |found: &SealedDocument<'_>| {
        let secret = read(input, found)?;
        check_data(call, &secret).map_err(|problem| problem.at(place_of(input, found)))?;
        Ok(secret)
    };
    secrets(input, &stream)?.iter().map(read).collect()
}

/// The SealedSecret of the file; where there are several, the one that is named as the input.
fn choose<'s>(
    file: &Input,
    stream: &'s Stream,
    sources: &[Secret],
) -> Result<SealedDocument<'s>, Problem> {
    let mut found = sealed_documents(&stream.documents);
    if found.len() > 1 {
        let text = |found: &SealedDocument<'_>, field| {
            let node = found.node.at(&["metadata", field]);
            node.and_then(|node| node.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        found.retain(|found| {
            sources.iter().all(|secret| {
                let namespace = secret.namespace();
                secret.name() == text(found, "name")
                    && (namespace.is_empty() || namespace == text(found, "namespace"))
            })
        });
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Problem::new(
            Reason::WrongKind,
            format!("holds no {KIND} to merge into"),
        )),
        _ => Err(Problem::new(
            Reason::Conflict,
            format!("holds several of that {KIND}"),
        )),
    }
    .map_err(|problem: Problem| problem.at(file.place()))
}

/// What the items are sealed for: what the file says, and only where it is silent what the input says.
fn binding(call: &Call, object: &SealedSecret, sources: &[Secret]) -> Result<Binding, Problem> {
    let mut binding = Binding::of(object);
    if let Some(asked) = call.values.scope().filter(|asked| *asked != binding.scope) {
        let message = format!(
            "the file's SealedSecret has scope {} and --scope says {asked}; its items would not open together",
            binding.scope
        );
        return Err(Problem::new(Reason::Conflict, message));
    }
    let first = sources.first();
    if binding.name.is_empty() {
        binding.name = first.map(Secret::name).unwrap_or_default().to_owned();
    }
    if binding.name.is_empty() && binding.scope == Scope::Strict {
        let message = "missing metadata.name in input Secret";
        return Err(Problem::new(Reason::MissingName, message));
    }
    if binding.scope != Scope::ClusterWide {
        let own = if binding.namespace.is_empty() {
            first.map(Secret::namespace).unwrap_or_default()
        } else {
            &binding.namespace
        };
        binding.namespace = namespace(call, own)?;
    }
    Ok(binding)
}

type Texts = Vec<(String, String)>;

/// The labels and annotations that go into the template. Those of the scope are the file's to say.
fn travelling(secret: &Secret) -> Result<[(&'static str, Texts); 2], Problem> {
    let mut annotations = secret.annotations();
    annotations.retain(|name, _| {
        !annotations::LAST_APPLIED.contains(&name.as_str())
            && name != annotations::ITEMS
            && !Scope::ALL
                .iter()
                .any(|scope| scope.annotation() == Some(name.as_str()))
    });
    let found = [
        ("annotations", annotations.into_iter().collect::<Texts>()),
        ("labels", secret.labels().into_iter().collect()),
    ];
    let cleartext = Cleartext::of(secret);
    let texts = found.iter().flat_map(|(_, texts)| texts);
    if texts.clone().any(|(_, text)| cleartext.is_in(text)) {
        let message = "a label or annotation holds a value of the Secret in cleartext and would be committed; remove it";
        return Err(Problem::new(Reason::PlaintextInMetadata, message));
    }
    Ok(found)
}
