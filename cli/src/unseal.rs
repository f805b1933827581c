//! `seal unseal`: offline recovery with private keys. Prints cleartext, because that is what it was asked for.

use jiff::Timestamp;
use seal_manifest::Format;
use seal_sealing::{UnsealOptions, unseal};
use zeroize::Zeroizing;

use crate::{
    args::UnsealArgs,
    documents::{Reader, SealedDocument, place, sealed_documents_of},
    input::{self, Input},
    key_files, output,
    problem::Problem,
    report::Reporter,
};

pub(crate) fn run(args: &UnsealArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    let now = Timestamp::now();
    let ring = key_files::read_ring(&args.key, now, reporter);
    if ring.is_empty() {
        return Ok(());
    }
    let input = input::read(&args.file)?;
    let stream = input.stream()?;
    let found = sealed_documents_of(&input, &stream, reporter)?;
    let options = UnsealOptions {
        restricted_types: args.allow_restricted_types,
        random_functions: args.allow_random_functions.then_some(now),
        ..UnsealOptions::default()
    };
    let json = stream.format == Format::Json;
    // All of it before any of it is written: cleartext goes out in one piece.
    let mut text = Zeroizing::new(String::new());
    for found in &found {
        let opened = read_object(&input, found).and_then(|object| {
            unseal(&object, &ring, &options).map_err(|failure| failed(&input, found, &failure))
        });
        match opened {
            Ok(opened) => {
                if !json && !text.is_empty() {
                    text.push_str("---\n");
                }
                text.push_str(&output::manifest(&opened.secret, json));
            }
            Err(problem) => reporter.problem(&problem),
        }
    }
    output::print(text.as_bytes())
}

fn read_object(
    input: &Input,
    found: &SealedDocument<'_>,
) -> Result<seal_api::SealedSecret, Problem> {
    Reader {
        file: &input.name,
        document: found.document,
    }
    .sealed_secret(found.node)
}

fn failed(input: &Input, found: &SealedDocument<'_>, failure: &seal_sealing::Failure) -> Problem {
    Problem::new(failure.reason(), failure.to_string()).at(place(
        &input.name,
        found.document,
        found.node,
    ))
}
