//! `seal migrate`: from upstream's controller to ours, and back.

mod back;
mod check;

use seal_api::{API_VERSION, Reason};
use serde_json::Value;

pub(crate) use back::run as back;
pub(crate) use check::run as check;

use crate::{
    cluster::{self, Answer, Cluster},
    problem::Problem,
};

/// So many objects are asked for at a time: as many of the largest as an answer may hold.
const PAGE: usize = cluster::LARGEST_ANSWER / (3 << 19);

/// Looks at every SealedSecret of a namespace, or of all.
fn each_sealed_secret(
    cluster: &Cluster,
    namespace: Option<&str>,
    look: impl FnMut(Value) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let path = match namespace {
        Some(namespace) => format!("/apis/{API_VERSION}/namespaces/{namespace}/sealedsecrets"),
        None => format!("/apis/{API_VERSION}/sealedsecrets"),
    };
    each("SealedSecrets", &path, |page| cluster.get(page), look)
}

/// Looks at every object of a collection, which `get` asks for page by page.
fn each(
    what: &str,
    path: &str,
    get: impl Fn(&str) -> Result<Answer, Problem>,
    mut look: impl FnMut(Value) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut next = String::new();
    loop {
        let answer = get(&format!("{path}?limit={PAGE}{next}"))?;
        if !answer.is_success() {
            let message = format!("the {what} cannot be listed: {}", answer.why());
            let problem = Problem::new(Reason::FetchFailed, message);
            return Err(match answer.status {
                404 => problem.hint(cluster::NO_DEFINITION),
                _ => problem,
            });
        }
        let mut list = answer.object()?;
        if let Value::Array(items) = list["items"].take() {
            items.into_iter().try_for_each(&mut look)?;
        }
        match list["metadata"]["continue"].as_str() {
            Some(token) if !token.is_empty() => next = format!("&continue={token}"),
            Some(_) | None => return Ok(()),
        }
    }
}

/// A text of an object's metadata, or the empty one.
fn text<'o>(object: &'o Value, field: &str) -> &'o str {
    object["metadata"][field].as_str().unwrap_or_default()
}
