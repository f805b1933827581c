//! What to seal with and for, decided from flags, environment and the Secret itself.

use jiff::Timestamp;
use seal_api::{Reason, Scope, annotations};
use seal_envelope::Certificate;
use seal_sealing::{Failure, Sealed, Secret, is_restricted_type, read_key_secret, seal};

use crate::{
    args::SealArgs,
    problem::Problem,
    settings::{self, Setting},
};

/// The decisions that hold for every Secret of one run.
pub(super) struct Request {
    certificate: Certificate,
    now: Timestamp,
    scope: Option<Setting<Scope>>,
    namespace: Option<Setting>,
    name: Option<Setting>,
    allow_empty_data: bool,
    allow_restricted_types: bool,
}

impl Request {
    pub(super) fn new(
        args: &SealArgs,
        certificate: Certificate,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let name = args.place.name.clone().map(|value| Setting {
            value,
            source: "--name",
        });
        Ok(Self {
            certificate,
            now,
            scope: settings::scope(args.scope.scope)?,
            namespace: settings::namespace(args.place.namespace.as_deref())?,
            name,
            allow_empty_data: args.allow_empty_data,
            allow_restricted_types: args.allow_restricted_types,
        })
    }

    /// Seals one Secret; the problem has no place yet.
    pub(super) fn seal(&self, mut secret: Secret) -> Result<Sealed, Problem> {
        self.fill(&mut secret, "namespace", self.namespace.as_ref())?;
        self.fill(&mut secret, "name", self.name.as_ref())?;
        self.check(&secret)?;
        let scope = self.scope_of(&secret)?;
        seal(&secret, scope, &self.certificate, self.now).map_err(|failure| from_failure(&failure))
    }

    /// Sets a field of the metadata that the Secret leaves open; a different one is a conflict.
    fn fill(
        &self,
        secret: &mut Secret,
        field: &str,
        setting: Option<&Setting>,
    ) -> Result<(), Problem> {
        let Some(Setting { value, source }) = setting else {
            return Ok(());
        };
        let own = secret
            .metadata
            .get(field)
            .and_then(serde_json::Value::as_str)
            .filter(|own| !own.is_empty());
        match own {
            Some(own) if own != value => Err(Problem::new(
                Reason::Conflict,
                format!("the Secret's {field} is {own:?} and {source} says {value:?}"),
            )
            .hint("correct one of them")),
            Some(_) => Ok(()),
            None => {
                secret
                    .metadata
                    .insert(field.to_owned(), value.clone().into());
                Ok(())
            }
        }
    }

    fn scope_of(&self, secret: &Secret) -> Result<Scope, Problem> {
        let own = Scope::of(&secret.annotations());
        match &self.scope {
            Some(Setting { value, source }) if own != Scope::Strict && own != *value => {
                Err(Problem::new(
                    Reason::Conflict,
                    format!("the Secret's annotation says scope {own} and {source} says {value}"),
                )
                .hint("correct one of them"))
            }
            Some(asked) => Ok(asked.value),
            None => Ok(own),
        }
    }

    fn check(&self, secret: &Secret) -> Result<(), Problem> {
        if secret.data.is_empty() && !self.allow_empty_data {
            return Err(Problem::new(
                Reason::EmptyData,
                "the Secret holds no value in data or stringData",
            )
            .hint("--allow-empty-data seals it all the same"));
        }
        self.check_not_own_key(secret)?;
        check_type(secret, self.allow_restricted_types)
    }

    /// Refuses the sealing key that would open what it is sealed to: in place of its file it would be lost.
    fn check_not_own_key(&self, secret: &Secret) -> Result<(), Problem> {
        let is_key = secret.labels().contains_key(annotations::KEY_LABEL);
        let own = self.certificate.key_id();
        let opens_itself =
            || read_key_secret(secret, self.now).is_ok_and(|held| held.opening_key.key_id() == own);
        if !is_key || !opens_itself() {
            return Ok(());
        }
        let message = "the Secret is the sealing key itself, and sealed with its own certificate nothing but it would open it";
        Err(Problem::new(Reason::Conflict, message).hint("keep it out of Git, and keep a copy"))
    }
}

/// Refuses types that Kubernetes acts on by itself, unless allowed.
pub(crate) fn check_type(secret: &Secret, allowed: bool) -> Result<(), Problem> {
    let type_ = secret.type_or_opaque();
    if allowed || !is_restricted_type(type_) {
        return Ok(());
    }
    let message = format!(
        "Kubernetes acts on Secrets of type {type_} by itself, so they are not sealed unasked"
    );
    Err(Problem::new(Reason::TypeNotAllowed, message)
        .hint("--allow-restricted-types allows it, here and in the controller"))
}

/// The problem of a Secret that could not be sealed.
pub(crate) fn from_failure(failure: &Failure) -> Problem {
    let problem = Problem::new(failure.reason(), failure.to_string());
    match failure.reason() {
        Reason::MissingNamespace => problem.hint("set metadata.namespace, or give --namespace"),
        Reason::MissingName => problem.hint("set metadata.name, or give --name"),
        _ => problem,
    }
}
