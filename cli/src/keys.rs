//! `seal keys`: sealing keys to bring along.

use jiff::{SignedDuration, Timestamp};
use seal_api::Reason;
use seal_envelope::{GeneratedKey, KeySize, generate_key};
use seal_sealing::{check_name, check_namespace, key_secret};

use crate::{
    args::KeysNewArgs,
    output,
    problem::{Place, Problem},
    report::Reporter,
};

/// How upstream begins the names of key Secrets.
const PREFIX: &str = "sealed-secrets-key";

pub(crate) fn new(args: &KeysNewArgs, reporter: &Reporter) -> Result<(), Problem> {
    check_names(args)?;
    for path in [Some(&args.output), args.cert_output.as_ref()]
        .into_iter()
        .flatten()
    {
        output::check_absent(
            path,
            "a key is never written over another file; choose another name",
        )?;
    }
    let key = generate(args)?;
    let id = key.certificate.key_id();
    let name = args
        .name
        .clone()
        .unwrap_or_else(|| format!("{PREFIX}{}", &id.short()[..5]));
    let secret = key_secret(&key, &name, args.namespace.as_deref());
    output::replace(
        &args.output,
        output::manifest(&secret, false).as_bytes(),
        Some(0o600),
    )?;
    if let Some(path) = &args.cert_output {
        output::replace(path, key.certificate.to_pem().as_bytes(), Some(0o644))?;
    }
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
