//! `seal keys`: sealing keys to bring along.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use seal_api::Reason;
use seal_envelope::{GeneratedKey, generate_key};
use seal_sealing::{Secret, key_secret};

use crate::{
    args::KeysNewArgs,
    output,
    problem::{Place, Problem},
    report::Reporter,
};

/// How upstream begins the names of key Secrets.
const PREFIX: &str = "sealed-secrets-key";
const NEVER_OVER: &str = "a key is never written over another file; choose another name";

pub(crate) fn new(args: &KeysNewArgs, reporter: &Reporter) -> Result<(), Problem> {
    check_files(args)?;
    let key = generate(args)?;
    let id = key.certificate.key_id();
    let name = args
        .name
        .clone()
        .unwrap_or_else(|| format!("{PREFIX}{}", &id.short()[..5]));
    let secret = key_secret(&key, &name, args.namespace.as_deref());
    write(args, &secret, &key)?;
    let place = Place::file(&args.output.display().to_string());
    reporter.note(
        &place,
        &format!(
            "holds the private key {}; keep it out of Git, and keep a copy",
            id.full()
        ),
    );
    Ok(())
}

/// Neither file may be there.
fn check_files(args: &KeysNewArgs) -> Result<(), Problem> {
    output::check_absent(&args.output, NEVER_OVER)?;
    match &args.cert_output {
        Some(certificate) => output::check_absent(certificate, NEVER_OVER),
        None => Ok(()),
    }
}

/// Writes the certificate, then the key; where the key is not written, the certificate goes again.
fn write(args: &KeysNewArgs, secret: &Secret, key: &GeneratedKey) -> Result<(), Problem> {
    let certificate = args.cert_output.as_deref();
    if let Some(path) = certificate {
        let pem = key.certificate.to_pem();
        output::create(path, pem.as_bytes(), None, NEVER_OVER)?;
    }
    let text = output::manifest(secret, false);
    output::create(&args.output, text.as_bytes(), Some(0o600), NEVER_OVER).inspect_err(|problem| {
        // What is there is ours, unless somebody else was faster.
        let is_written = problem.reason != Reason::Conflict && args.output.exists();
        if let Some(path) = certificate.filter(|_| !is_written) {
            // It was made just now, and is of no use without its key.
            let _ = fs::remove_file(path);
        }
    })
}

fn generate(args: &KeysNewArgs) -> Result<GeneratedKey, Problem> {
    let valid_for = SignedDuration::from_hours(24 * i64::from(args.days));
    generate_key(args.size, "", Timestamp::now(), valid_for)
        .map_err(|error| Problem::new(Reason::Retrying, error.to_string()))
}
