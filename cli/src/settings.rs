//! Settings that a flag or the environment may give: a conflict between the two names both.

use std::env;

use seal_api::{Reason, Scope};

use crate::{fetch::shown, problem::Problem};

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
pub(crate) struct Setting {
    pub(crate) value: String,
    /// `--flag` or the variable's name.
    pub(crate) source: &'static str,
}

pub(crate) fn cert(flag: Option<&str>) -> Result<Option<Setting>, Problem> {
    resolve("--cert", flag, &CERT)
}

pub(crate) fn pin(flag: Option<&str>) -> Result<Option<Setting>, Problem> {
    resolve("--pin", flag, &PIN)
}

pub(crate) fn namespace(flag: Option<&str>) -> Result<Option<Setting>, Problem> {
    resolve("--namespace", flag, &NAMESPACE)
}

/// The scope asked for and who asked.
pub(crate) fn scope(flag: Option<Scope>) -> Result<Option<(Scope, &'static str)>, Problem> {
    let Some(Setting { value, source }) = resolve("--scope", flag.map(Scope::as_str), &SCOPE)?
    else {
        return Ok(None);
    };
    match value.parse() {
        Ok(scope) => Ok(Some((scope, source))),
        Err(error) => Err(Problem::new(
            Reason::InvalidValue,
            format!("{source} is {value:?}; it {error}"),
        )),
    }
}

/// All that is given must agree; an empty variable counts as not set.
fn resolve(
    flag_name: &'static str,
    flag: Option<&str>,
    variables: &[&'static str],
) -> Result<Option<Setting>, Problem> {
    let flag = flag.map(|value| Setting {
        value: value.to_owned(),
        source: flag_name,
    });
    let mut given = flag;
    for variable in variables {
        let Some(value) = read(variable)? else {
            continue;
        };
        match &given {
            Some(other) if other.value != value => return Err(conflict(other, variable, &value)),
            Some(_) => {}
            None => {
                given = Some(Setting {
                    value,
                    source: variable,
                })
            }
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

fn conflict(one: &Setting, variable: &str, value: &str) -> Problem {
    let Setting {
        value: other,
        source,
    } = one;
    Problem::new(
        Reason::Conflict,
        format!(
            "{source} says {:?} and {variable} says {:?}",
            shown(other),
            shown(value)
        ),
    )
    .hint(format!("give one of them, or unset {variable}"))
}
