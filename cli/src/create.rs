//! `seal create`: a SealedSecret in one step, without cleartext on disk.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use seal_api::{Reason, Scope};
use seal_envelope::Plaintext;
use seal_sealing::{Secret, check_contents, seal};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    args::CreateArgs,
    certificate,
    encrypt::{check_type, from_failure},
    output,
    problem::{Place, Problem},
    report::Reporter,
    settings,
    values::{self, Values},
};

/// What to do where the output file is there.
const EXISTS: &str = "--force replaces it; \"seal set\" changes single values of it";

pub(crate) fn run(args: &CreateArgs, reporter: &Reporter) -> Result<(), Problem> {
    let new = args
        .output
        .as_deref()
        .filter(|path| !args.force && !output::is_stdout(path));
    if let Some(path) = new {
        output::check_absent(path, EXISTS)?;
    }
    let now = Timestamp::now();
    let certificate = certificate::for_sealing(&args.certificate, now, reporter)?;
    let scope = settings::scope_or_strict(args.scope.scope)?;
    // All that can be said without the values comes before anybody is asked for them.
    let mut secret = without_values(args, scope)?;
    check_type(&secret, args.allow_restricted_types)?;
    secret.data = values::gather(&args.values, reporter)?;
    add_helpers(args, &mut secret.data)?;
    check(&secret)?;
    values::warn(&secret.data, &Place::default(), reporter);
    let sealed =
        seal(&secret, scope, &certificate, now).map_err(|failure| from_failure(&failure))?;
    let text = output::manifest(&sealed.object, args.json);
    match new {
        Some(path) => output::create(path, text.as_bytes(), None, EXISTS),
        None => output::deliver(args.output.as_deref(), text.as_bytes()),
    }
}

fn check(secret: &Secret) -> Result<(), Problem> {
    if secret.data.is_empty() {
        return Err(Problem::new(Reason::EmptyData, "no value is given")
            .hint("--from-file, --from-env-file, --generate, --prompt, --tls or --docker-registry give values"));
    }
    check_contents(secret).map_err(|error| Problem::new(Reason::InvalidContents, error.to_string()))
}

fn without_values(args: &CreateArgs, scope: Scope) -> Result<Secret, Problem> {
    let namespace = settings::namespace_in(scope, args.namespace.as_deref())?;
    let mut secret = Secret::new(&args.name, namespace.as_deref());
    let labels = args.label.iter();
    let labels = labels.map(|label| (label.name.clone(), label.value.clone()));
    secret.set_strings("labels", labels.collect());
    secret.type_ = args.secret_type().map(str::to_owned);
    Ok(secret)
}

/// Adds the values of --tls or --docker-registry.
fn add_helpers(args: &CreateArgs, data: &mut Values) -> Result<(), Problem> {
    if let Some([certificate, key]) = args.tls.as_deref() {
        values::add(data, "tls.crt", values::read_value(certificate)?)?;
        values::add(data, "tls.key", values::read_value(key)?)?;
    }
    if let Some([server, user]) = args.docker_registry.as_deref() {
        let config = docker_config(args, server, user)?;
        values::add(data, ".dockerconfigjson", config)?;
    }
    Ok(())
}

fn docker_config(args: &CreateArgs, server: &str, user: &str) -> Result<Plaintext, Problem> {
    let password = match &args.docker_password_file {
        Some(path) => values::read_value(path)?,
        None => values::ask(
            &format!("password of {user} at {server}: "),
            "give the password with --docker-password-file",
        )?,
    };
    let password = std::str::from_utf8(password.as_bytes())
        .map(|text| text.trim_end_matches(['\r', '\n']))
        .map_err(|_| {
            Problem::new(
                Reason::InvalidEncoding,
                "the registry password is not UTF-8",
            )
        })?;
    if password.is_empty() {
        let message = "the registry password is empty";
        return Err(Problem::new(Reason::InvalidValue, message));
    }
    let auth =
        Zeroizing::new(STANDARD.encode(Zeroizing::new(format!("{user}:{password}")).as_bytes()));
    let config =
        json!({"auths": {server: {"username": user, "password": password, "auth": auth.as_str()}}});
    Ok(config.to_string().into_bytes().into())
}
