//! The audit line of a request, which is written also where the caller hangs up before the answer.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use seal_api::SealedSecret;
use seal_envelope::KeyId;

use super::{Endpoint, connections::Peer};
use crate::audit::{self, Answer, Caller};

/// What the body of a request says it is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject(String);

impl Subject {
    pub(super) fn of(sealed: &SealedSecret) -> Self {
        let metadata = &sealed.metadata;
        let name = metadata.name.as_deref().unwrap_or_default();
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        Self(format!("{namespace}/{name}"))
    }
}

/// The key that what is handed out is sealed with.
#[derive(Debug, Clone, Copy)]
pub(super) struct SealedWith(pub(super) KeyId);

/// A request that was admitted.
pub(super) struct Asked {
    endpoint: Arc<Endpoint>,
    caller: Caller,
    /// What it is about and what came of it, as far as known.
    subject: Subject,
    answer: Answer,
    /// The key that it was sealed with again.
    key: Option<KeyId>,
}

impl Asked {
    pub(super) fn new(endpoint: Arc<Endpoint>, peer: Option<&Peer>) -> Self {
        Self {
            endpoint,
            caller: Caller::Http(peer.map(|peer| peer.0)),
            subject: Subject::default(),
            answer: Answer::Abandoned,
            key: None,
        }
    }

    /// It was answered.
    pub(super) fn answered(mut self, response: &Response) {
        self.answer = match (self.endpoint.path, response.status()) {
            ("/v1/rotate", StatusCode::OK) => Answer::Resealed,
            (_, StatusCode::OK) => Answer::Opens,
            (_, StatusCode::CONFLICT) => Answer::DoesNotOpen,
            (_, StatusCode::SERVICE_UNAVAILABLE) => Answer::Unavailable,
            (_, StatusCode::INTERNAL_SERVER_ERROR) => Answer::Failed,
            _ => Answer::Refused,
        };
        if let Some(subject) = response.extensions().get::<Subject>() {
            self.subject = subject.clone();
        }
        let sealed_with = response.extensions().get();
        self.key = sealed_with.map(|SealedWith(key)| *key);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let object = self.subject.0.as_str();
        match self.endpoint.path {
            "/v1/rotate" => audit::rotated(self.caller, object, self.key, self.answer),
            _ => audit::verified(self.caller, object, self.answer),
        }
    }
}
