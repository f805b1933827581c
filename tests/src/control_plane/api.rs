//! The API as plain HTTP: paths and JSON.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use ureq::{
    Agent,
    http::{Method, Request},
    tls::{Certificate, RootCerts, TlsConfig},
};

/// How long one request may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A user of the API.
#[derive(Debug)]
pub struct Api {
    agent: Agent,
    server: String,
    token: String,
}

/// What the API server answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The object; a text where the body is no JSON.
    pub body: Value,
}

impl Api {
    pub(super) fn new(port: u16, authority: &str, token: &str) -> Self {
        let authority = Certificate::from_pem(authority.as_bytes()).expect("it was just made");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&[authority]))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(TIME_LIMIT));
        Self {
            agent: config.build().into(),
            server: format!("https://127.0.0.1:{port}"),
            token: token.to_owned(),
        }
    }

    /// Reads what is at a path, such as `/api/v1/namespaces/default/secrets/db`.
    ///
    /// # Panics
    ///
    /// As all of these, when the API server does not answer.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request(&Method::GET, path, None)
    }

    /// Creates an object in the collection at a path, such as `/api/v1/namespaces`.
    #[track_caller]
    pub fn create(&self, path: &str, object: &Value) -> Answer {
        self.request(&Method::POST, path, Some(object))
    }

    /// Changes what is at a path by a merge patch (RFC 7396).
    #[track_caller]
    pub fn patch(&self, path: &str, change: &Value) -> Answer {
        self.request(&Method::PATCH, path, Some(change))
    }

    /// Deletes what is at a path.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.request(&Method::DELETE, path, None)
    }

    /// Whether the API server answers, and not with an error.
    pub(super) fn answers_well(&self, path: &str) -> bool {
        self.send(&Method::GET, path, None)
            .is_ok_and(|answer| answer.status == 200)
    }

    #[track_caller]
    fn request(&self, method: &Method, path: &str, object: Option<&Value>) -> Answer {
        self.send(method, path, object)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn send(
        &self,
        method: &Method,
        path: &str,
        object: Option<&Value>,
    ) -> Result<Answer, ureq::Error> {
        let content = match *method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", content)
            .body(object.map(Value::to_string).unwrap_or_default())?;
        let mut response = self.agent.run(request)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }
}
