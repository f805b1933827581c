//! Settings that a flag or the environment may give: a conflict between the two names both.

use std::env;

use seal_api::{Reason, Scope};
use seal_envelope::KeyId;

use crate::{args::value_parsers, fetch::shown, problem::Problem};

const CERT: [&str; 2] = ["SEAL_CERT", "SEALED_SECRETS_CERT"];
const PIN: [&str; 1] = ["SEAL_PIN"];
const NAMESPACE: [&str; 2] = ["SEAL_NAMESPACE", "SEALED_SECRETS_NAMESPACE"];
const SCOPE: [&str; 2] = ["SEAL_SCOPE", "SEALED_SECRETS_SCOPE"];

/// Every environment variable that `seal` reads as a setting.
pub const ENVIRONMENT: &[&str] = &[
    CERT[0],
    CERT[1],
    PIN[0],
    NAMESPACE[0],
    NAMESPACE[1],
    SCOPE[0],
    SCOPE[1],
];

/// A value and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting<T = String> {
    pub(crate) value: T,
    /// `--flag` or the variable's name.
    pub(crate) source: &'static str,
}

/// Where a setting may come from, and what it may be.
struct Origin<T> {
    flag: &'static str,
    variables: &'static [&'static str],
    /// Reads a variable as the flag's value is read.
    parse: fn(&str) -> Result<T, String>,
    shown: fn(&T) -> String,
}

pub(crate) fn cert(flag: Option<&str>) -> Result<Option<Setting>, Problem> {
    resolve(
        flag.map(str::to_owned),
        &Origin {
            flag: "--cert",
            variables: &CERT,
            parse: |text| Ok(text.to_owned()),
            shown: |source| shown(source),
        },
    )
}

pub(crate) fn pin(flag: Option<KeyId>) -> Result<Option<Setting<KeyId>>, Problem> {
    resolve(
        flag,
        &Origin {
            flag: "--pin",
            variables: &PIN,
            parse: value_parsers::pin,
            shown: KeyId::full,
        },
    )
}

pub(crate) fn namespace(flag: Option<&str>) -> Result<Option<Setting>, Problem> {
    resolve(
        flag.map(str::to_owned),
        &Origin {
            flag: "--namespace",
            variables: &NAMESPACE,
            parse: value_parsers::namespace,
            shown: String::clone,
        },
    )
}

pub(crate) fn scope(flag: Option<Scope>) -> Result<Option<Setting<Scope>>, Problem> {
    resolve(
        flag,
        &Origin {
            flag: "--scope",
            variables: &SCOPE,
            parse: value_parsers::scope,
            shown: Scope::to_string,
        },
    )
}

/// The scope of a value that says nothing of it itself.
pub(crate) fn scope_or_strict(flag: Option<Scope>) -> Result<Scope, Problem> {
    Ok(scope(flag)?.map_or(Scope::Strict, |scope| scope.value))
}

/// The namespace of a value that says nothing of it itself; there must be one where the scope is bound to it.
pub(crate) fn namespace_in(scope: Scope, flag: Option<&str>) -> Result<Option<String>, Problem> {
    let namespace = namespace(flag)?.map(|setting| setting.value);
    if scope != Scope::ClusterWide && namespace.is_none() {
        let message = format!("scope {scope} is bound to a namespace");
        return Err(Problem::new(Reason::MissingNamespace, message).hint("give --namespace"));
    }
    Ok(namespace)
}

/// All that is given must agree; an empty variable counts as not set.
fn resolve<T: PartialEq>(
    flag: Option<T>,
    origin: &Origin<T>,
) -> Result<Option<Setting<T>>, Problem> {
    let mut given = flag.map(|value| Setting {
        value,
        source: origin.flag,
    });
    for source in origin.variables {
        let Some(text) = read(source)? else {
            continue;
        };
        let value = (origin.parse)(&text).map_err(|error| unusable(source, &error))?;
        match &given {
            Some(other) if other.value != value => {
                let other = (other.source, (origin.shown)(&other.value));
                return Err(conflict(other, (source, (origin.shown)(&value))));
            }
            Some(_) => {}
            None => given = Some(Setting { value, source }),
        }
    }
    Ok(given)
}

fn read(variable: &str) -> Result<Option<String>, Problem> {
    match env::var(variable) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Problem::new(
            Reason::InvalidEncoding,
            format!("the environment variable {variable} is not UTF-8"),
        )),
    }
}

/// The message does not repeat the value, which may be a secret in the wrong variable.
fn unusable(variable: &str, error: &str) -> Problem {
    let message = format!("the environment variable {variable} cannot be used: {error}");
    Problem::new(Reason::InvalidValue, message).hint(format!("correct or unset {variable}"))
}

fn conflict(one: (&str, String), other: (&str, String)) -> Problem {
    let message = format!(
        "{} says {:?} and {} says {:?}",
        one.0, one.1, other.0, other.1
    );
    Problem::new(Reason::Conflict, message).hint(format!("give one of them, or unset {}", other.0))
}
