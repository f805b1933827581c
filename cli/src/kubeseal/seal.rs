//! The mode without a switch: Secrets in, SealedSecrets out.

use seal_api::{Reason, Scope};
use seal_envelope::Certificate;
use seal_sealing::{Sealed, Secret, cautions, check_contents, seal_with_any_name};

use super::{
    Call,
    objects::{place_of, secrets, stream, written},
};
use crate::{
    documents::{Reader, SealedDocument},
    encrypt::from_failure,
    input::Input,
    parallel,
    problem::{Place, Problem},
    report::Reporter,
};

/// So many Secrets are worth a thread.
const SECRETS_A_THREAD: usize = 2;

/// A Secret that was read, and where it stands.
pub(super) struct Found {
    pub(super) secret: Secret,
    pub(super) scope: Scope,
    pub(super) place: Place,
}

/// All Secrets, or none where one cannot be sealed.
pub(super) fn run(
    call: &Call,
    certificate: &Certificate,
    reporter: &mut Reporter,
) -> Result<(), Problem> {
    let found = call.with_input(|input| read_all(call, input))?;
    let sealed = parallel::map(&found, SECRETS_A_THREAD, |found| {
        seal_with_any_name(&found.secret, found.scope, certificate, call.now)
            .map_err(|failure| from_failure(&failure).at(found.place.clone()))
    });
    let mut text = String::new();
    let mut warnings = Vec::new();
    for (found, sealed) in found.iter().zip(sealed) {
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(problem) => {
                reporter.problem(&problem);
                continue;
            }
        };
        warnings.extend(remarks(found, &sealed));
        text.push_str(&written(sealed.object.into_json(), call.form));
    }
    if reporter.has_problems() {
        return Ok(());
    }
    // Whoever reads the output may take a long time.
    drop(found);
    call.deliver(text.as_bytes(), None)?;
    for (place, warning) in &warnings {
        reporter.warn(place, warning);
    }
    Ok(())
}

/// Reads every Secret and decides for what it is sealed.
pub(super) fn read_all(call: &Call, input: &Input) -> Result<Vec<Found>, Problem> {
    let stream = stream(input)?;
    let read = |found: &SealedDocument<'_>| {
        let place = place_of(input, found);
        let secret = read(input, found)?;
        decide(call, secret)
            .map(|(secret, scope)| Found {
                secret,
                scope,
                place: place.clone(),
            })
            // Some messages are matched on from their start.
            .map_err(|problem| {
                if is_whole(input) {
                    problem
                } else {
                    problem.at(place)
                }
            })
    };
    secrets(input, &stream)?.iter().map(read).collect()
}

/// Whether a message needs no place: standard input has one name only.
fn is_whole(input: &Input) -> bool {
    input.path.is_none()
}

pub(super) fn read(input: &Input, found: &SealedDocument<'_>) -> Result<Secret, Problem> {
    let reader = Reader {
        file: &input.name,
        document: found.document,
    };
    reader.secret(found.node)
}

/// Refuses a Secret without values, unless that is allowed.
pub(super) fn check_data(call: &Call, secret: &Secret) -> Result<(), Problem> {
    if !secret.data.is_empty() || call.values.is_on("allow-empty-data") {
        return Ok(());
    }
    let message = "secret.data is empty in input Secret, assuming this is an error and aborting. To work with empty data, \
        --allow-empty-data can be used";
    Err(Problem::new(Reason::EmptyData, message))
}

/// The Secret under the name and namespace it is sealed for, and the scope.
fn decide(call: &Call, mut secret: Secret) -> Result<(Secret, Scope), Problem> {
    check_data(call, &secret)?;
    if let Some(name) = call.values.text("name") {
        secret.metadata.insert("name".to_owned(), name.into());
    }
    if secret.name().is_empty() {
        return Err(Problem::new(
            Reason::MissingName,
            "missing metadata.name in input Secret",
        ));
    }
    let own = Scope::of(&secret.annotations());
    let scope = call.values.scope().unwrap_or(own);
    if scope != Scope::ClusterWide {
        let namespace = namespace(call, secret.namespace())?;
        secret
            .metadata
            .insert("namespace".to_owned(), namespace.into());
    }
    Ok((secret, scope))
}

/// The namespace to seal for; one that is asked for must be the one in the file.
pub(super) fn namespace(call: &Call, own: &str) -> Result<String, Problem> {
    match call.namespace() {
        Some(asked) if !own.is_empty() && own != asked => {
            let message = format!(
                "namespace mismatch: input secret is in namespace {own:?} but {asked:?} was specified"
            );
            return Err(Problem::new(Reason::Conflict, message));
        }
        _ => {}
    }
    if !own.is_empty() {
        return Ok(own.to_owned());
    }
    call.namespace_or_context().map_err(|problem| {
        Problem::new(Reason::MissingNamespace, "secret must declare a namespace").hint(format!(
            "give it one, or --namespace; the kubeconfig gives none: {}",
            problem.message
        ))
    })
}

/// What is worth a word though it was sealed.
fn remarks(found: &Found, sealed: &Sealed) -> Vec<(Place, String)> {
    let mut remarks = Vec::new();
    if sealed.lines_left_out {
        remarks.push(
            "the item lines are left out, since the object would be too large for kubectl apply"
                .to_owned(),
        );
    }
    if let Err(error) = check_contents(&found.secret) {
        remarks.push(format!("the API server will refuse this Secret: {error}"));
    }
    remarks.extend(cautions(&found.secret).iter().map(ToString::to_string));
    remarks
        .into_iter()
        .map(|remark| (found.place.clone(), remark))
        .collect()
}
