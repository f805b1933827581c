//! `seal render`: what the templates of SealedSecrets make, with the values in them or with stand-ins.

use std::{collections::BTreeMap, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use seal_api::{Reason, SealedSecret};
use seal_envelope::Plaintext;
use seal_manifest::Format;
use seal_sealing::{Failure, KeyRing, Secret, UnsealOptions, render, unseal};
use serde::{Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

use crate::{
    args::RenderArgs,
    documents::{Reader, place, sealed_documents_of},
    input, key_files, output,
    problem::Problem,
    report::Reporter,
};

/// Where the values of sealed items come from.
enum Values {
    Sealed(KeyRing),
    StandIns(BTreeMap<String, Plaintext>),
}

pub(crate) fn run(args: &RenderArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    let now = Timestamp::now();
    let random_functions = args.allow_random_functions.then_some(now);
    let values = match &args.values {
        Some(path) => Values::StandIns(stand_ins(path)?),
        None => {
            let ring = key_files::read_ring(&args.key, now, reporter);
            if ring.is_empty() {
                return Ok(());
            }
            Values::Sealed(ring)
        }
    };
    let input = input::read(&args.file)?;
    let stream = input.stream()?;
    let found = sealed_documents_of(&input, &stream, reporter)?;
    let mut rendered = Vec::new();
    for found in &found {
        let reader = Reader {
            file: &input.name,
            document: found.document,
        };
        let place = || place(&input.name, found.document, found.node);
        let secret = reader.sealed_secret(found.node).and_then(|sealed| {
            values
                .render(&sealed, random_functions)
                .map_err(|failure| Problem::new(failure.reason(), failure.to_string()).at(place()))
        });
        match secret {
            Ok(secret) => rendered.push(secret),
            Err(problem) => reporter.problem(&problem),
        }
    }
    let text = match &args.item {
        Some(item) => text_of(&rendered, item, reporter)?,
        None => manifests(&rendered, stream.format == Format::Json),
    };
    output::print(&text)
}

impl Values {
    fn render(
        &self,
        sealed: &SealedSecret,
        random_functions: Option<Timestamp>,
    ) -> Result<Secret, Failure> {
        match self {
            Self::Sealed(ring) => {
                let options = UnsealOptions {
                    restricted_types: true,
                    random_functions,
                    ..UnsealOptions::default()
                };
                unseal(sealed, ring, &options).map(|opened| opened.secret)
            }
            Self::StandIns(values) => {
                let keys = sealed.spec.encrypted_data.keys();
                let items = keys.map(|key| {
                    let value = values.get(key).cloned();
                    (
                        key.clone(),
                        value.unwrap_or_else(|| format!("<{key}>").into_bytes().into()),
                    )
                });
                render(sealed, items.collect(), random_functions)
            }
        }
    }
}

/// The values of a file: a mapping from items to texts; an empty file has none.
fn stand_ins(path: &Path) -> Result<BTreeMap<String, Plaintext>, Problem> {
    let input = input::read(path)?;
    let stream = input.stream()?;
    let wrong = |message: &str| {
        Problem::new(Reason::InvalidValue, message)
            .at(input.place())
            .hint("write a mapping, such as \"password: stand-in\"")
    };
    let mut values = BTreeMap::new();
    for document in &stream.documents {
        let document = document
            .as_ref()
            .map_err(|error| input::from_manifest(error, &input.name))?;
        if document.root.is_null() {
            continue;
        }
        let entries = document.root.entries();
        for entry in entries.ok_or_else(|| wrong("the values are no mapping"))? {
            let (Some(key), Some(value)) = (entry.key.as_str(), entry.value.as_str()) else {
                return Err(wrong("a value is not a string; put it in quotes").at(place(
                    &input.name,
                    document,
                    &entry.value,
                )));
            };
            values.insert(key.to_owned(), value.as_bytes().into());
        }
    }
    Ok(values)
}

fn text_of(
    rendered: &[Secret],
    item: &str,
    reporter: &Reporter,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut found = rendered.iter().filter_map(|secret| secret.data.get(item));
    match (found.next(), found.next()) {
        (Some(value), None) => Ok(value.as_bytes().to_vec().into()),
        (None, _) if reporter.has_problems() => Ok(Zeroizing::default()),
        (None, _) => Err(Problem::new(
            Reason::NothingToDo,
            format!("no Secret has an item {item}"),
        )),
        (Some(_), Some(_)) => Err(Problem::new(
            Reason::Conflict,
            format!("several Secrets have an item {item}; give a file with one SealedSecret"),
        )),
    }
}

/// The Secrets with their values as texts, where they are any.
fn manifests(secrets: &[Secret], json: bool) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::new());
    for secret in secrets {
        if !json && !text.is_empty() {
            text.extend_from_slice(b"---\n");
        }
        text.extend_from_slice(output::manifest(&Readable(secret), json).as_bytes());
    }
    text
}

/// A Secret with its values in `stringData` where they are texts, so that people can read them.
struct Readable<'s>(&'s Secret);

impl Serialize for Readable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(secret) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", "v1")?;
        map.serialize_entry("kind", "Secret")?;
        map.serialize_entry("metadata", &secret.metadata)?;
        map.serialize_entry("type", secret.type_or_opaque())?;
        if let Some(immutable) = secret.immutable {
            map.serialize_entry("immutable", &immutable)?;
        }
        let (mut texts, mut others) = (BTreeMap::new(), BTreeMap::new());
        for (key, value) in &secret.data {
            match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => drop(texts.insert(key, text)),
                Err(_) => {
                    drop(others.insert(key, Zeroizing::new(STANDARD.encode(value.as_bytes()))))
                }
            }
        }
        let others: BTreeMap<_, &str> = others
            .iter()
            .map(|(key, text)| (key, text.as_str()))
            .collect();
        if !others.is_empty() {
            map.serialize_entry("data", &others)?;
        }
        if !texts.is_empty() {
            map.serialize_entry("stringData", &texts)?;
        }
        map.end()
    }
}
