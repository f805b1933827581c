//! HTTP as upstream has it: health, readiness, the certificate, verifying and rotating.
//!
//! Nobody is asked who he is, and through a cluster's service proxy everybody may ask. So a body is bounded before it is
//! read and read before a key is touched; keys work off the asynchronous threads, on one object an endpoint at a time; all
//! callers share one rate limit, whatever headers say; and an object that does not open gets one answer, whatever the
//! reason. What is answered follows from [`Served`], which the shell fills.

mod asked;
mod body;
mod connections;
mod keys_at_work;
mod patient;
mod rate_limit;
mod served;
mod settings;
mod threads;

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any},
};
use jiff::Timestamp;
use seal_api::SealedSecret;
use seal_sealing::{NotResealed, check_opens, reseal};
use tokio::{runtime::Handle, time::timeout};
use tracing::warn;

pub(crate) use connections::serve;
pub(crate) use served::Served;
pub(crate) use settings::HttpSettings;
pub(crate) use threads::runtime;

use crate::{cores::Cores, metrics::Metrics};

use asked::{Asked, SealedWith, Subject};
use body::{Bodies, BodyError, sealed_secret};
use keys_at_work::{KeysAtWork, Overdue};
use rate_limit::{RateLimit, Ruling};

/// How long the certificate is waited for at the start.
const KEYS_KNOWN: Duration = Duration::from_secs(5);

/// Every path with every code that it can answer, and the codes that do not depend on a path.
pub const ANSWERS: [&str; 20] = [
    "/healthz 200",
    "/readyz 200",
    "/readyz 503",
    "/v1/cert.pem 200",
    "/v1/cert.pem 500",
    "/v1/verify 200",
    "/v1/verify 400",
    "/v1/verify 409",
    "/v1/verify 413",
    "/v1/verify 429",
    "/v1/verify 500",
    "/v1/verify 503",
    "/v1/rotate 200",
    "/v1/rotate 400",
    "/v1/rotate 413",
    "/v1/rotate 429",
    "/v1/rotate 500",
    "/v1/rotate 503",
    "404",
    "431",
];

/// What an endpoint that opens something works with.
struct Endpoint {
    path: &'static str,
    served: Arc<Served>,
    settings: HttpSettings,
    rate_limit: RateLimit,
    bodies: Arc<Bodies>,
    at_work: KeysAtWork,
}

/// The paths and what answers them; any method is answered, as upstream does. The keys work on threads of the runtime
/// `workers`.
pub(crate) fn router(
    served: Arc<Served>,
    settings: &HttpSettings,
    metrics: &Arc<Metrics>,
    cores: &Arc<Cores>,
    workers: &Handle,
) -> Router {
    let bodies = Arc::new(Bodies::default());
    let endpoint = |path| {
        Arc::new(Endpoint {
            path,
            served: Arc::clone(&served),
            settings: settings.clone(),
            rate_limit: RateLimit::new(settings.rate_limit, settings.rate_limit_burst),
            bodies: Arc::clone(&bodies),
            at_work: KeysAtWork::new(Arc::clone(cores), workers.clone()),
        })
    };
    let counted = |path, route: MethodRouter<Arc<Served>>| {
        let counting = (path, Arc::clone(metrics));
        route.layer(from_fn_with_state(counting, count))
    };
    let mut router = Router::new()
        .route("/healthz", any(async || text(StatusCode::OK, "ok\n")))
        .route("/readyz", any(ready));
    let mut add = |path, route| router = mem::take(&mut router).route(path, counted(path, route));
    add("/v1/cert.pem", any(certificate));
    if settings.verifies {
        let path = "/v1/verify";
        add(path, any(verify).with_state(endpoint(path)));
    }
    if settings.rotates {
        let path = "/v1/rotate";
        add(path, any(rotate).with_state(endpoint(path)));
    }
    router
        .fallback(async || text(StatusCode::NOT_FOUND, "404 page not found\n"))
        .with_state(served)
}

/// Counts a request and the time until its answer.
async fn count(
    State((path, metrics)): State<(&'static str, Arc<Metrics>)>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let begun = Instant::now();
    let response = next.run(request).await;
    metrics.answered(path, &method, response.status(), begun.elapsed());
    response
}

async fn ready(State(served): State<Arc<Served>>) -> Response {
    if served.is_ready() {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn certificate(State(served): State<Arc<Served>>) -> Response {
    // Whoever asks at the start would take it for missing.
    drop(timeout(KEYS_KNOWN, served.keys_known()).await);
    match served.keys().current() {
        Some((_, certificate)) => {
            let headers = [(CONTENT_TYPE, "application/x-pem-file")];
            (headers, certificate.to_pem()).into_response()
        }
        None => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "cannot get certificate\n",
        ),
    }
}

/// Whether all items of a SealedSecret open: 200 or 409; 500 where it is none.
async fn verify(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint
        .answer(
            request,
            |sealed, served, settings, goes_on| match check_opens(
                sealed,
                &served.keys(),
                settings.legacy_data,
                goes_on,
            ) {
                Ok(()) => StatusCode::OK.into_response(),
                Err(NotResealed::BrokenOff) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                Err(_) => StatusCode::CONFLICT.into_response(),
            },
        )
        .await
}

/// The SealedSecret sealed again with the current key, as JSON; 500 for everything that can go wrong.
async fn rotate(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint
        .answer(request, |sealed, served, settings, goes_on| {
            let failed = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
            let keys = served.keys();
            let Some((key, certificate)) = keys.current() else {
                return failed();
            };
            let legacy_data = settings.legacy_data;
            let now = Timestamp::now();
            match reseal(sealed, &keys, legacy_data, certificate, now, goes_on) {
                Ok(again) => {
                    let headers = [(CONTENT_TYPE, "application/json")];
                    let sealed_with = Extension(SealedWith(key.id()));
                    (headers, sealed_with, again.into_json().to_string()).into_response()
                }
                Err(NotResealed::BrokenOff) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                Err(_) => failed(),
            }
        })
        .await
}

impl Endpoint {
    /// Answers a request: within the rate limit, with a body within bounds that holds a SealedSecret, by `work`.
    async fn answer<W>(self: Arc<Self>, request: Request, work: W) -> Response
    where
        W: Fn(&SealedSecret, &Served, &HttpSettings, &mut dyn FnMut() -> bool) -> Response
            + Send
            + 'static,
    {
        let ruling = self.rate_limit.ask();
        let (parts, body) = request.into_parts();
        let response = match &ruling {
            // Without an audit line: a flood would be one of those as well. The metrics count it.
            Ruling::Denied { .. } => {
                body::discard(body).await;
                text(StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n")
            }
            Ruling::Allowed { .. } => {
                let asked = Asked::new(Arc::clone(&self), parts.extensions.get());
                let response = self.admitted(&parts.headers, body, work).await;
                asked.answered(&response);
                response
            }
        };
        ruling.tell(response)
    }

    async fn admitted<W>(self: &Arc<Self>, headers: &HeaderMap, body: Body, work: W) -> Response
    where
        W: Fn(&SealedSecret, &Served, &HttpSettings, &mut dyn FnMut() -> bool) -> Response
            + Send
            + 'static,
    {
        let held = match self
            .bodies
            .read(headers, body, self.settings.read_timeout)
            .await
        {
            Ok(held) => held,
            Err(error) => return error.into_response(),
        };
        let limit = self.settings.write_timeout;
        if timeout(limit, self.served.keys_known()).await.is_err() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let endpoint = Arc::clone(self);
        let path = self.path;
        let read = move || match sealed_secret(held.bytes()) {
            // What it is made of counts as in memory until it is answered.
            Ok(sealed) => Ok((sealed, held)),
            Err(why) => {
                warn!(path, "a request holds no SealedSecret: {why}");
                Err(why)
            }
        };
        let answer = self
            .at_work
            .run(limit, read, move |(sealed, _held), goes_on| {
                let mut response = work(&sealed, &endpoint.served, &endpoint.settings, goes_on);
                response.extensions_mut().insert(Subject::of(&sealed));
                response
            });
        match answer.await {
            Ok(Ok(response)) => response,
            Ok(Err(why)) => why.into_response(),
            Err(Overdue) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

impl Ruling {
    /// Adds the headers that tell of the limit.
    fn tell(&self, mut response: Response) -> Response {
        const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
        const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
        const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(self.state().limit));
        headers.insert(REMAINING, HeaderValue::from(self.state().remaining));
        headers.insert(RESET, HeaderValue::from(self.state().reset_seconds));
        if let Self::Denied { retry_seconds, .. } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_seconds));
        }
        response
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        match self {
            Self::Broken => StatusCode::BAD_REQUEST.into_response(),
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Self::TooMany => {
                let headers = [(RETRY_AFTER, "1")];
                let answer = text(StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n");
                (headers, answer).into_response()
            }
            Self::NoSealedSecret => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

fn text(code: StatusCode, body: &'static str) -> Response {
    (code, [(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

#[cfg(test)]
mod tests;
