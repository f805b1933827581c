//! `seal keys`: sealing keys to bring along.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use seal_api::Reason;
use seal_envelope::{GeneratedKey, KeySize, generate_key};
use seal_sealing::{Secret, check_name, check_namespace, key_secret};

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
    check_names(args)?;
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

/// Neither file may be there, nor may they be one.
fn check_files(args: &KeysNewArgs) -> Result<(), Problem> {
    output::check_absent(&args.output, NEVER_OVER)?;
    let Some(certificate) = &args.cert_output else {
        return Ok(());
    };
    output::check_absent(certificate, NEVER_OVER)?;
    if place_of(certificate) == place_of(&args.output) {
        let message = "--output and --cert-output name the same file";
        return Err(Problem::new(Reason::Conflict, message)
            .at(Place::file(&args.output.display().to_string()))
            .hint("the key and the certificate need a file each"));
    }
    Ok(())
}

/// Where a file will stand, however its folder is spelt.
fn place_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(path);
    let folder = Path::new(".").join(folder);
    let folder = fs::canonicalize(&folder).unwrap_or(folder);
    folder.join(path.file_name().unwrap_or_default())
}

/// Writes the certificate, then the key; where the key cannot be written, the certificate goes again.
fn write(args: &KeysNewArgs, secret: &Secret, key: &GeneratedKey) -> Result<(), Problem> {
    let certificate = args.cert_output.as_deref();
    if let Some(path) = certificate {
        let pem = key.certificate.to_pem();
        output::create(path, pem.as_bytes(), None, NEVER_OVER)?;
    }
    let text = output::manifest(secret, false);
    output::create(&args.output, text.as_bytes(), Some(0o600), NEVER_OVER).inspect_err(|_| {
        if let Some(path) = certificate {
            // It was made just now, and is of no use without its key.
            let _ = fs::remove_file(path);
        }
    })
}

fn check_names(args: &KeysNewArgs) -> Result<(), Problem> {
    let invalid = |what: &str, text: &str, error: seal_sealing::NameError| {
        Problem::new(Reason::InvalidName, format!("the {what} {text:?} {error}"))
    };
    if let Some(name) = &args.name {
        check_name(name).map_err(|error| invalid("name", name, error))?;
    }
    match &args.namespace {
        Some(namespace) => {
            check_namespace(namespace).map_err(|error| invalid("namespace", namespace, error))
        }
        None => Ok(()),
    }
}

fn generate(args: &KeysNewArgs) -> Result<GeneratedKey, Problem> {
    let size = KeySize::try_from(args.size)
        .map_err(|error| Problem::new(Reason::UnsupportedKey, format!("--size: {error}")))?;
    let valid_for = SignedDuration::from_hours(24 * i64::from(args.days));
    generate_key(size, "", Timestamp::now(), valid_for)
        .map_err(|error| Problem::new(Reason::Retrying, error.to_string()))
}
