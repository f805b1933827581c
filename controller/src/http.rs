//! HTTP as upstream has it, as far as the directory shell needs it: health, readiness and the certificate.
//!
//! Nothing here changes anything, reads a body or sees a private key: it answers from [`Served`], which the shell fills.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::any,
};

/// What there is to serve.
#[derive(Debug, Default)]
pub(crate) struct Served {
    ready: AtomicBool,
    certificate: RwLock<Option<String>>,
}

impl Served {
    /// Says that the first pass is done.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Says which certificate is to be sealed with, as PEM; none where no key is held.
    pub(crate) fn set_certificate(&self, pem: Option<String>) {
        *self
            .certificate
            .write()
            .unwrap_or_else(PoisonError::into_inner) = pem;
    }
}

/// The paths and what answers them; any method is answered, as upstream does.
pub(crate) fn router(served: Arc<Served>) -> Router {
    Router::new()
        .route("/healthz", any(async || text(StatusCode::OK, "ok\n")))
        .route("/readyz", any(ready))
        .route("/v1/cert.pem", any(certificate))
        .with_state(served)
}

async fn ready(State(served): State<Arc<Served>>) -> Response {
    if served.ready.load(Ordering::Acquire) {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn certificate(State(served): State<Arc<Served>>) -> Response {
    let pem = served
        .certificate
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    match pem {
        Some(pem) => ([(CONTENT_TYPE, "application/x-pem-file")], pem).into_response(),
        None => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "cannot get certificate\n",
        ),
    }
}

fn text(code: StatusCode, body: &'static str) -> Response {
    (code, [(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
