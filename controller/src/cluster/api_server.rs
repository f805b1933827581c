//! Requests to the API server, and what its refusals mean.
//!
//! Objects travel as JSON: those that hold cleartext are taken apart at once by whoever asked, and nothing of a body
//! gets into an error. (The client's own typed calls log a body that they cannot read.)

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use kube::{Client, client::Body, core::Status};
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{
    leader::{Gate, now},
    object_name::ObjectName,
    pace::Pace,
    watched::{read_object, read_sealed_secret},
};
use crate::metrics::Metrics;

/// How long one request may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How long one may take that writes an Event: where Events hang, the work goes on without them.
const TIME_LIMIT_OF_EVENTS: Duration = Duration::from_secs(2);
/// So much of a refusal is passed on.
const LONGEST_REFUSAL: usize = 512;
/// So much of it is kept, to see whether what is passed on is a part of a value.
const LONGEST_KEPT: usize = 8 * LONGEST_REFUSAL;
/// The longest wait that is asked for and kept.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
/// Stands for a body that is none of the API server's: it may hold anything, also what was sent.
const NO_STATUS: &str = "Failed to parse error data";

/// The API server, as this controller's ServiceAccount.
pub(super) struct ApiServer {
    pub(super) client: Client,
    pace: Option<Pace>,
    /// Open while this replica leads.
    pub(super) gate: Gate,
    /// How far the API server's clock is ahead of ours, in seconds.
    clock_ahead: AtomicI64,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiServer").finish_non_exhaustive()
    }
}

/// A resource of which this controller reads or writes single objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SealedSecret,
    Secret,
    ConfigMap,
    Event,
    Lease,
}

impl Kind {
    /// The path of the collection in a namespace.
    fn collection(self, namespace: &str) -> String {
        self.list(Some(namespace))
    }

    /// The path of the collection in a namespace, or in all.
    fn list(self, namespace: Option<&str>) -> String {
        let (group, plural) = match self {
            Self::SealedSecret => ("apis/bitnami.com/v1alpha1", "sealedsecrets"),
            Self::Secret => ("api/v1", "secrets"),
            Self::ConfigMap => ("api/v1", "configmaps"),
            Self::Event => ("api/v1", "events"),
            Self::Lease => ("apis/coordination.k8s.io/v1", "leases"),
        };
        match namespace {
            Some(namespace) => format!("/{group}/namespaces/{namespace}/{plural}"),
            None => format!("/{group}/{plural}"),
        }
    }

    fn path(self, name: &ObjectName) -> String {
        format!("{}/{}", self.collection(&name.namespace), name.name)
    }
}

/// Why a request led to nothing. Messages are whole, so that values can be looked for in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApiError {
    /// The object, or the resource, is not there.
    NotFound,
    /// Something of that name is there already.
    AlreadyExists,
    /// The object was changed since it was read.
    Conflict,
    /// Rights are missing, or the like.
    Forbidden(String),
    /// A quota, a policy or a webhook denies it, and may think otherwise later.
    Denied(String),
    /// The object is not accepted as it is.
    Refused(String),
    /// The object is larger than what can be stored.
    TooLarge(String),
    /// This replica does not lead, so that nothing was asked for.
    NotLeading,
    /// The API server could not be reached, or failed.
    Failed(String),
    /// It failed, and says for how long not to come again.
    Busy(String, Duration),
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => formatter.write_str("not found"),
            Self::AlreadyExists => formatter.write_str("it exists already"),
            Self::Conflict => formatter.write_str("it was changed meanwhile"),
            Self::NotLeading => formatter.write_str("this replica does not lead"),
            Self::Forbidden(message)
            | Self::Denied(message)
            | Self::Refused(message)
            | Self::TooLarge(message)
            | Self::Failed(message)
            | Self::Busy(message, _) => formatter.write_str(&shortened(message)),
        }
    }
}

impl ApiError {
    /// What the API server said of it, more than is passed on, which may quote the object it was about.
    pub(super) fn whole(&self) -> &str {
        match self {
            Self::NotFound | Self::AlreadyExists | Self::Conflict | Self::NotLeading => "",
            Self::Forbidden(message)
            | Self::Denied(message)
            | Self::Refused(message)
            | Self::TooLarge(message)
            | Self::Failed(message)
            | Self::Busy(message, _) => message,
        }
    }

    /// Whether the API server could not be reached, or failed.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Busy(..))
    }

    /// How long to wait at least before the same is asked for again.
    pub(super) fn retry_after(&self) -> Duration {
        match self {
            Self::Busy(_, wait) => *wait,
            _ => Duration::ZERO,
        }
    }
}

impl ApiServer {
    pub(super) fn new(client: Client, pace: Option<Pace>, metrics: Arc<Metrics>) -> Self {
        Self {
            client,
            pace,
            gate: Gate::closed(),
            clock_ahead: AtomicI64::new(0),
            metrics,
        }
    }

    /// Reads an object; `None` where there is none.
    pub(super) async fn get(
        &self,
        kind: Kind,
        name: &ObjectName,
    ) -> Result<Option<Value>, ApiError> {
        match self.send(kind, "GET", &kind.path(name), Vec::new()).await {
            Ok(object) => Ok(Some(object)),
            Err(ApiError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates an object, and returns it as it is stored.
    pub(super) async fn create(
        &self,
        kind: Kind,
        namespace: &str,
        object: &impl Serialize,
    ) -> Result<Value, ApiError> {
        self.send(kind, "POST", &kind.collection(namespace), json(object)?)
            .await
    }

    /// Replaces an object that has the `resourceVersion` it was read with, and returns it as it is stored.
    pub(super) async fn replace(
        &self,
        kind: Kind,
        name: &ObjectName,
        object: &impl Serialize,
    ) -> Result<Value, ApiError> {
        self.send(kind, "PUT", &kind.path(name), json(object)?)
            .await
    }

    /// Replaces the status of an object that has the `resourceVersion` it was read with.
    pub(super) async fn replace_status(
        &self,
        kind: Kind,
        name: &ObjectName,
        object: &impl Serialize,
    ) -> Result<Value, ApiError> {
        let path = format!("{}/status", kind.path(name));
        self.send(kind, "PUT", &path, json(object)?).await
    }

    /// Deletes an object as it was read: no other one of its name, and not once somebody changed it.
    pub(super) async fn delete(
        &self,
        kind: Kind,
        name: &ObjectName,
        object: &Value,
    ) -> Result<(), ApiError> {
        let read = &object["metadata"];
        let options = serde_json::json!({
            "preconditions": {"uid": read["uid"], "resourceVersion": read["resourceVersion"]},
        });
        let options = json(&options)?;
        match self.send(kind, "DELETE", &kind.path(name), options).await {
            Ok(_) | Err(ApiError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The objects of a namespace with these labels: a selector as it stands in a query.
    pub(super) async fn list(
        &self,
        kind: Kind,
        namespace: &str,
        labels: &str,
    ) -> Result<Vec<Value>, ApiError> {
        let path = format!("{}?labelSelector={labels}", kind.collection(namespace));
        let mut list = self.send(kind, "GET", &path, Vec::new()).await?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Err(nonsense()),
        }
    }

    /// The version of a list of the objects of a namespace, or of all: how far the API server's history has come.
    pub(super) async fn newest_version(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<String, ApiError> {
        let path = format!("{}?limit=1", kind.list(namespace));
        let list = self.send(kind, "GET", &path, Vec::new()).await?;
        match list["metadata"]["resourceVersion"].as_str() {
            Some(version) => Ok(version.to_owned()),
            None => Err(nonsense()),
        }
    }

    /// Whether this ServiceAccount has a right in a namespace. Where the API server does not say, it is taken to have it.
    pub(super) async fn may(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"namespace": namespace, "verb": verb, "resource": resource}},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        // It asks, and writes nothing.
        let answer = match json(&review) {
            Ok(body) => self.ask("POST", path, body, TIME_LIMIT, read_object).await,
            Err(error) => Err(error),
        };
        answer.map_or(true, |answer| answer["status"]["allowed"] != false)
    }

    /// The time by the API server's clock, as of the last [`Self::ask_time`].
    pub(super) fn time(&self, now: Timestamp) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.clock_ahead.load(Ordering::Relaxed));
        now.checked_add(ahead).unwrap_or(now)
    }

    /// Asks the API server what time it is. Where it does not say, its clock is taken to go as ours.
    pub(super) async fn ask_time(&self) {
        let request = http_request("GET", "/version", Vec::new()).map(Body::from);
        let Ok(Ok(response)) = timeout(TIME_LIMIT, self.client.send(request)).await else {
            return;
        };
        let date = response
            .headers()
            .get("date")
            .and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let ahead = date.map_or(0, |date| {
            date.timestamp().as_second() - Timestamp::now().as_second()
        });
        self.clock_ahead.store(ahead, Ordering::Relaxed);
    }

    async fn send(
        &self,
        kind: Kind,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Value, ApiError> {
        // Who leads does not wait for its turn among other requests, and holds the Lease to lead, not the other way round.
        if kind != Kind::Lease {
            if let Some(pace) = &self.pace {
                pace.keep().await;
            }
            if method != "GET" && !self.gate.is_open(now()) {
                return Err(ApiError::NotLeading);
            }
        }
        let limit = match kind {
            Kind::Event => TIME_LIMIT_OF_EVENTS,
            Kind::SealedSecret | Kind::Secret | Kind::ConfigMap | Kind::Lease => TIME_LIMIT,
        };
        let read = match kind {
            Kind::SealedSecret => read_sealed_secret,
            Kind::Secret | Kind::ConfigMap | Kind::Event | Kind::Lease => read_object,
        };
        self.ask(method, path, body, limit, read).await
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
        limit: Duration,
        read: fn(&str) -> serde_json::Result<Value>,
    ) -> Result<Value, ApiError> {
        let request = http_request(method, path, body);
        let answer = timeout(limit, self.exchange(request)).await;
        let text = match answer {
            Ok(Ok(Answer::Whole(text))) => text,
            Ok(Ok(Answer::Refusal(status, retry_after))) => {
                // That something is not there is an answer like any other.
                if status.code != 404 {
                    self.metrics.api_failed(Some(status.code));
                }
                return Err(refusal(&status, retry_after));
            }
            Ok(Err(_)) => {
                self.metrics.api_failed(None);
                return Err(ApiError::Failed(
                    "the API server cannot be reached, or broke off".to_owned(),
                ));
            }
            Err(_) => {
                self.metrics.api_failed(None);
                return Err(ApiError::Failed(
                    "the API server does not answer".to_owned(),
                ));
            }
        };
        let object = read(&text);
        let object = object.map_err(|_| nonsense())?;
        object.is_object().then_some(object).ok_or_else(nonsense)
    }

    /// As [`Client::request_text`] does it, which does not tell what the headers say.
    async fn exchange(&self, request: http::Request<Vec<u8>>) -> Result<Answer, kube::Error> {
        let response = self.client.send(request.map(Body::from)).await?;
        let (head, body) = response.into_parts();
        let body = body.collect_bytes().await?.to_vec();
        let text = Zeroizing::new(String::from_utf8(body).map_err(kube::Error::FromUtf8)?);
        if !head.status.is_client_error() && !head.status.is_server_error() {
            return Ok(Answer::Whole(text));
        }
        let status = serde_json::from_str(&text).unwrap_or_else(|_| {
            Status::failure(text.trim(), NO_STATUS).with_code(head.status.as_u16())
        });
        Ok(Answer::Refusal(
            Box::new(status),
            retry_after(&head.headers),
        ))
    }
}

/// What the API server answers.
enum Answer {
    Whole(Zeroizing<String>),
    /// With how long to wait before the next try, where it says so.
    Refusal(Box<Status>, Option<Duration>),
}

/// When to come again. The API server says it in seconds.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?;
    let seconds = seconds.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn nonsense() -> ApiError {
    ApiError::Failed("the API server's answer is not an object".to_owned())
}

fn http_request(method: &str, path: &str, body: Vec<u8>) -> http::Request<Vec<u8>> {
    http::Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json")
        .body(body)
        .expect("names that the API server gave make a path")
}

fn json(object: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(object)
        .map_err(|_| ApiError::Refused("it cannot be written as JSON".to_owned()))
}

fn refusal(status: &Status, retry_after: Option<Duration>) -> ApiError {
    let message = || match status.reason.as_str() {
        NO_STATUS => "not in its own words".to_owned(),
        _ => in_one_line(&status.message)
            .chars()
            .take(LONGEST_KEPT)
            .collect(),
    };
    match (status.code, status.reason.as_str()) {
        // With whatever code: the words are the API server's.
        _ if is_denied(&status.message) => ApiError::Denied(message()),
        (404, _) => ApiError::NotFound,
        (409, "AlreadyExists") => ApiError::AlreadyExists,
        (409, _) => ApiError::Conflict,
        (401 | 403, _) => ApiError::Forbidden(message()),
        (413, _) => ApiError::TooLarge(message()),
        (500, _) if is_too_large(&status.message) => ApiError::TooLarge(message()),
        (400 | 405 | 415 | 422, _) => ApiError::Refused(message()),
        (code, _) => {
            let message = format!("the API server answered {code}: {}", message());
            match retry_after {
                Some(wait) => ApiError::Busy(message, wait),
                None => ApiError::Failed(message),
            }
        }
    }
}

/// Whether a webhook, a policy or a quota said no. A webhook answers with any code it likes.
fn is_denied(message: &str) -> bool {
    let by_policy = |message: &str| {
        message.contains("ValidatingAdmissionPolicy '") && message.contains("' denied request")
    };
    let by_webhook = |message: &str| {
        message.starts_with("admission webhook \"") && message.contains("\" denied the request")
    };
    let by_quota = |message: &str| message.contains(" is forbidden: exceeded quota: ");
    by_webhook(message) || by_policy(message) || by_quota(message)
}

/// Whether etcd, or the API server's way to it, is too narrow for an object, of which there is no code to tell.
fn is_too_large(message: &str) -> bool {
    message == "etcdserver: request is too large"
        || message.starts_with(
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max",
        )
}

fn in_one_line(message: &str) -> String {
    let line: String = message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    without_source_ports(line.trim())
}

/// A text without the near ends of connections, as in `read tcp 10.0.0.5:51234->10.96.1.2:443: i/o timeout`: each try has
/// another, which would make news of it.
fn without_source_ports(message: &str) -> String {
    let words = message.split(' ').map(|word| match word.split_once("->") {
        Some((near, far)) if near.parse::<SocketAddr>().is_ok() => far,
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// So much of a message as is passed on.
fn shortened(message: &str) -> String {
    message.chars().take(LONGEST_REFUSAL).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, reason: &str) -> Status {
        Status::failure("no\nwonder", reason).with_code(code)
    }

    #[test]
    fn refusals_are_told_apart_by_what_can_be_done_about_them() {
        let message = "no wonder".to_owned();
        for (code, reason, expected) in [
            (404, "NotFound", ApiError::NotFound),
            (409, "AlreadyExists", ApiError::AlreadyExists),
            (409, "Conflict", ApiError::Conflict),
            (403, "Forbidden", ApiError::Forbidden(message.clone())),
            (422, "Invalid", ApiError::Refused(message.clone())),
            (413, "RequestEntityTooLarge", ApiError::TooLarge(message)),
            (
                500,
                "InternalError",
                ApiError::Failed("the API server answered 500: no wonder".to_owned()),
            ),
        ] {
            assert_eq!(
                refusal(&status(code, reason), None),
                expected,
                "{code} {reason}"
            );
        }
    }

    #[test]
    fn what_a_webhook_a_policy_or_a_quota_denies_is_told_from_missing_rights_whatever_the_code() {
        for message in [
            "admission webhook \"a.example\" denied the request: no",
            "admission webhook \"a.example\" denied the request without explanation",
            "secrets \"db\" is forbidden: ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no",
            "secrets \"db\" is forbidden: exceeded quota: few, requested: count/secrets=1",
        ] {
            for code in [400, 401, 403, 404, 409, 413, 422, 429, 500] {
                let status = Status::failure(message, "Any").with_code(code);
                let expected = ApiError::Denied(message.to_owned());
                assert_eq!(refusal(&status, None), expected, "{code}");
            }
        }
        // One that cannot be asked has not denied it.
        let message =
            "Internal error occurred: failed calling webhook \"a.example\": connection refused";
        let status = Status::failure(message, "InternalError").with_code(500);
        assert!(matches!(refusal(&status, None), ApiError::Failed(_)));
    }

    #[test]
    fn what_etcd_has_no_room_for_is_too_large() {
        for message in [
            "etcdserver: request is too large",
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2200395 vs. 2097152)",
        ] {
            let status = Status::failure(message, "").with_code(500);
            assert_eq!(
                refusal(&status, None),
                ApiError::TooLarge(message.to_owned())
            );
        }
    }

    #[test]
    fn what_differs_at_each_try_is_left_out() {
        for (said, expected) in [
            (
                "read tcp 10.0.0.5:51234->10.96.1.2:443: i/o timeout",
                "read tcp 10.96.1.2:443: i/o timeout",
            ),
            (
                "read tcp [fd00::5]:51234->[fd00::1]:443: reset",
                "read tcp [fd00::1]:443: reset",
            ),
            ("a->b  and x:1->y", "a->b  and x:1->y"),
        ] {
            assert_eq!(in_one_line(said), expected);
        }
    }

    #[test]
    fn a_long_refusal_is_cut() {
        let status = Status::failure(&"x".repeat(10_000), "Invalid").with_code(422);
        assert_eq!(
            refusal(&status, None).to_string(),
            "x".repeat(LONGEST_REFUSAL)
        );
    }

    #[test]
    fn a_body_that_is_not_the_api_servers_is_not_repeated() {
        let status = Status::failure("<html>marker</html>", NO_STATUS).with_code(502);
        let said = refusal(&status, None).to_string();
        assert_eq!(said, "the API server answered 502: not in its own words");
    }
}
