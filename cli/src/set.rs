//! `seal set`: values of a SealedSecret changed, added or removed in its file, without opening anything.

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret, annotations};
use seal_envelope::Certificate;
use seal_manifest::{Document, Edits, Node, Stream};
use seal_sealing::{
    Binding, ContentsError, ItemLine, ItemLines, check_known_contents, check_name, check_namespace,
    item_lines_fit, seal_item,
};

use crate::{
    args::SetArgs,
    certificate,
    documents::{Reader, SealedDocument, place, sealed_documents},
    input::{self, Input, from_manifest},
    output,
    problem::{Place, Problem},
    report::Reporter,
    values::{self, Values},
};

/// What is to change in one SealedSecret.
struct Change<'c> {
    values: Values,
    remove: &'c [String],
    certificate: Option<Certificate>,
    now: Timestamp,
}

pub(crate) fn run(args: &SetArgs, reporter: &Reporter) -> Result<(), Problem> {
    check_target(args)?;
    let change = gather(args, reporter)?;
    // Read again after what may take long: the keyboard, standard input, a server.
    let input = input::read(&args.file)?;
    let stream = input.stream()?;
    let target = choose(&input, &stream, args.name.as_deref())?;
    let mut edits = Edits::new(input.text.as_str());
    let place = place(&input.name, target.document, target.node);
    input::note_encoding(&input, reporter);
    values::warn(&change.values, &place, reporter);
    let lines_left_out = edit(&mut edits, &input, &target, &change)?;
    let text = edits
        .apply()
        .map_err(|error| from_manifest(&error, &input.name))?;
    if lines_left_out {
        reporter.warn(
            &place,
            "the item lines are left out, since the object would be too large for kubectl apply",
        );
    }
    output::replace_unchanged(&args.file, input.text.as_str(), text.as_bytes())
}

/// Whether there is a SealedSecret to change at all, before anybody is asked for a value.
fn check_target(args: &SetArgs) -> Result<(), Problem> {
    let input = input::read(&args.file)?;
    choose(&input, &input.stream()?, args.name.as_deref()).map(|_| ())
}

/// What is to change, and the certificate where there are values to seal.
fn gather<'c>(args: &'c SetArgs, reporter: &Reporter) -> Result<Change<'c>, Problem> {
    let now = Timestamp::now();
    let certificate = || certificate::for_sealing(&args.certificate, now, reporter);
    // Before anybody is asked for a value. A file of KEY=VALUE lines may hold none, and then no certificate is needed.
    let has_value = args.values.keys().next().is_some();
    let early = has_value.then(certificate).transpose()?;
    let values = values::gather(&args.values, reporter)?;
    if values.is_empty() && args.remove.is_empty() {
        return Err(Problem::new(
            Reason::NothingToDo,
            "no value is given and none is to be removed",
        )
        .hint("seal set sealed.yaml --prompt KEY"));
    }
    let certificate = match early {
        None if !values.is_empty() => Some(certificate()?),
        early => early,
    };
    Ok(Change {
        values,
        remove: &args.remove,
        certificate,
        now,
    })
}

/// The one SealedSecret that is meant.
fn choose<'s>(
    input: &Input,
    stream: &'s Stream,
    name: Option<&str>,
) -> Result<SealedDocument<'s>, Problem> {
    for document in &stream.documents {
        if let Err(error) = document {
            return Err(from_manifest(error, &input.name));
        }
    }
    let is_meant = |found: &SealedDocument<'_>| {
        name.is_none_or(|name| {
            found.node.at(&["metadata", "name"]).and_then(Node::as_str) == Some(name)
        })
    };
    let mut found: Vec<_> = sealed_documents(&stream.documents)
        .into_iter()
        .filter(is_meant)
        .collect();
    match (found.len(), name) {
        (1, _) => Ok(found.remove(0)),
        (0, Some(name)) => Err(Problem::new(
            Reason::NothingToDo,
            format!("holds no SealedSecret named {name:?}"),
        )),
        (0, None) => Err(Problem::new(Reason::WrongKind, "holds no SealedSecret")
            .hint("\"seal encrypt\" makes one of a Secret")),
        (_, Some(name)) => Err(Problem::new(
            Reason::Conflict,
            format!("holds several SealedSecrets named {name:?}"),
        )),
        (_, None) => Err(
            Problem::new(Reason::Conflict, "holds several SealedSecrets")
                .hint("say which with --name"),
        ),
    }
    .map_err(|problem| problem.at(input.place()))
}

/// An item to be put into a SealedSecret.
pub(crate) struct Item {
    pub(crate) key: String,
    pub(crate) text: String,
    /// What is known of it.
    pub(crate) line: Option<ItemLine>,
}

/// Puts items into a SealedSecret and its text, with what is known of them; true where the item lines had to be left out.
pub(crate) fn put_items(
    edits: &mut Edits<'_>,
    target: &SealedDocument<'_>,
    object: &mut SealedSecret,
    items: Vec<Item>,
) -> Result<bool, seal_manifest::Error> {
    for Item { key, text, .. } in &items {
        edits.set_in(
            target.document,
            target.node,
            &["spec", "encryptedData", key],
            text,
        )?;
        object.spec.encrypted_data.insert(key.clone(), text.clone());
    }
    // Lines of what was replaced or removed are not true any more.
    let mut lines = ItemLines::of(object);
    for Item { key, line, .. } in items {
        if let Some(line) = line {
            lines.insert(&key, line);
        }
    }
    edit_lines(edits, target.document, target.node, object, &lines)
}

/// Makes the edits; true where the item lines had to be left out.
fn edit(
    edits: &mut Edits<'_>,
    input: &Input,
    target: &SealedDocument<'_>,
    change: &Change<'_>,
) -> Result<bool, Problem> {
    let reader = Reader {
        file: &input.name,
        document: target.document,
    };
    let mut object = reader.sealed_secret(target.node)?;
    let place = place(&input.name, target.document, target.node);
    check(&object, change, &place)?;
    let failed = |error: seal_manifest::Error| from_manifest(&error, &input.name);
    for key in change.remove {
        let items = target
            .node
            .at(&["spec", "encryptedData"])
            .expect("the item to remove was found in it");
        edits.remove(target.document, items, key).map_err(failed)?;
        object.spec.encrypted_data.remove(key);
    }
    let binding = Binding::of(&object);
    let mut items = Vec::new();
    for (key, value) in &change.values {
        let certificate = change
            .certificate
            .as_ref()
            .expect("values are sealed with a certificate");
        let item = seal_item(value.as_bytes(), &binding, certificate, change.now)
            .map_err(|error| Problem::new(Reason::Retrying, error.to_string()))?;
        items.push(Item {
            key: key.clone(),
            text: item.text,
            line: Some(item.line),
        });
    }
    put_items(edits, target, &mut object, items).map_err(failed)
}

/// Writes the lines as they are now, or removes the annotation where they do not fit or none is left.
fn edit_lines(
    edits: &mut Edits<'_>,
    document: &Document,
    node: &Node,
    object: &mut SealedSecret,
    lines: &ItemLines,
) -> Result<bool, seal_manifest::Error> {
    if let Some(annotations) = &mut object.metadata.annotations {
        annotations.remove(annotations::ITEMS);
    }
    let text = lines.to_string();
    let fit = item_lines_fit(object, &text);
    if fit && !lines.is_empty() {
        edits.set_in(
            document,
            node,
            &["metadata", "annotations", annotations::ITEMS],
            &text,
        )?;
    } else if let Some(mapping) = node.at(&["metadata", "annotations"]) {
        edits.remove(document, mapping, annotations::ITEMS)?;
    }
    Ok(!fit)
}

fn check(object: &SealedSecret, change: &Change<'_>, place: &Place) -> Result<(), Problem> {
    let problem = |reason, message: String| Err(Problem::new(reason, message).at(place.clone()));
    let binding = Binding::of(object);
    if object.spec.data.is_some() {
        return problem(
            Reason::ConflictingData,
            "has the deprecated spec.data; seal the whole Secret again".to_owned(),
        );
    }
    if binding.namespace.is_empty() && binding.scope != seal_api::Scope::ClusterWide {
        return problem(
            Reason::MissingNamespace,
            format!(
                "has no namespace, and scope {} is bound to one",
                binding.scope
            ),
        );
    }
    let strict = binding.scope == seal_api::Scope::Strict;
    if strict && binding.name.is_empty() {
        let message = "has no name, and scope strict is bound to one".to_owned();
        return problem(Reason::MissingName, message);
    }
    let name = (!binding.name.is_empty()).then(|| check_name(&binding.name));
    if let Some(Err(error)) = name {
        return problem(Reason::InvalidName, format!("the name {error}"));
    }
    let namespace = (!binding.namespace.is_empty()).then(|| check_namespace(&binding.namespace));
    if let Some(Err(error)) = namespace {
        return problem(Reason::InvalidName, format!("the namespace {error}"));
    }
    for key in change.remove {
        // A value from a file of KEY=VALUE lines; the command line was looked at before.
        if change.values.contains_key(key) {
            let message = format!("{key} is to be set and to be removed");
            return problem(Reason::Conflict, message);
        }
        if !object.spec.encrypted_data.contains_key(key) {
            return Err(no_item(object, key).at(place.clone()));
        }
    }
    check_contents(object, change)
        .map_err(|error| Problem::new(Reason::InvalidContents, error.to_string()).at(place.clone()))
}

fn no_item(object: &SealedSecret, key: &str) -> Problem {
    let problem = Problem::new(
        Reason::NothingToDo,
        format!("has no item {key:?} to remove"),
    );
    let keys = object.spec.encrypted_data.keys();
    let keys: Vec<String> = keys.map(|key| key.escape_debug().to_string()).collect();
    if keys.is_empty() {
        problem.hint("it has none at all")
    } else {
        problem.hint(format!("it has {}", keys.join(", ")))
    }
}

/// Checks the new values against the type, and that nothing is removed that the type needs. What is missing already is
/// no fault of this change.
fn check_contents(object: &SealedSecret, change: &Change<'_>) -> Result<(), ContentsError> {
    let template = object.spec.template.as_ref();
    let type_ = template.and_then(|template| template.type_.as_deref());
    let type_ = type_.unwrap_or_default();
    check_known_contents(type_, &change.values, |_| true)?;
    let is_there = |key: &str| {
        let texts = template.and_then(|template| template.data.as_ref());
        match texts.and_then(|texts| texts.get(key)) {
            Some(text) => text.is_some(),
            None => object.spec.encrypted_data.contains_key(key),
        }
    };
    let stays = |key: &str| {
        let is_removed = change.remove.iter().any(|remove| remove == key);
        change.values.contains_key(key) || (is_there(key) && !is_removed)
    };
    let nothing = Values::new();
    match check_known_contents(type_, &nothing, is_there) {
        Ok(()) => check_known_contents(type_, &nothing, stays),
        Err(_) => Ok(()),
    }
}
