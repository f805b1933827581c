//! The API as plain HTTP: paths and JSON.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use ureq::{
    Agent,
    config::Config,
    http::{Method, Request},
    tls::{Certificate, RootCerts, TlsConfig},
};

/// How long one request may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";

/// A user of the API.
#[derive(Debug)]
pub struct Api {
    agent: Mutex<Agent>,
    settings: Config,
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
            .timeout_global(Some(TIME_LIMIT))
            .build();
        Self {
            agent: Mutex::new(config.clone().into()),
            settings: config,
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

    /// Replaces what is at a path, where it still has the `resourceVersion` of the object.
    #[track_caller]
    pub fn replace(&self, path: &str, object: &Value) -> Answer {
        self.request(&Method::PUT, path, Some(object))
    }

    /// Makes an object be as given, whether it is there or not (server-side apply), and returns it as it is then.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    #[track_caller]
    pub fn apply(&self, object: &Value) -> Value {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or("");
        let (version, kind) = (text("/apiVersion"), text("/kind"));
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let path = self.path(version, kind, namespace, name);
        let query = format!("{path}?fieldManager=seal-tests&force=true");
        let answer = self
            .send_as(APPLY, &Method::PATCH, &query, Some(object))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(
            matches!(answer.status, 200 | 201),
            "{path} is refused: {}",
            answer.body
        );
        answer.body
    }

    /// As [`Self::apply`], of the object at this path; none where the API server does not answer.
    pub fn try_to_apply(&self, path: &str, object: &Value) -> Option<Answer> {
        let query = format!("{path}?fieldManager=seal-tests&force=true");
        self.send_as(APPLY, &Method::PATCH, &query, Some(object))
            .ok()
    }

    /// The path of an object, as the API server's own lists say it; an empty name means the collection, an empty
    /// namespace `default` where the kind has namespaces.
    ///
    /// # Panics
    ///
    /// When the API server does not know the kind.
    #[track_caller]
    pub fn path(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> String {
        let root = match api_version.contains('/') {
            true => format!("/apis/{api_version}"),
            false => format!("/api/{api_version}"),
        };
        let known = self.get(&root).body;
        let resource = known["resources"]
            .as_array()
            .and_then(|resources| {
                resources.iter().find(|resource| {
                    resource["kind"] == kind
                        && resource["name"]
                            .as_str()
                            .is_some_and(|name| !name.contains('/'))
                })
            })
            .unwrap_or_else(|| panic!("the API server knows no {kind} in {api_version}: {known}"));
        let plural = resource["name"].as_str().expect("a resource has a name");
        let within = match (resource["namespaced"] == true, namespace) {
            (false, _) => String::new(),
            (true, "") => "/namespaces/default".to_owned(),
            (true, namespace) => format!("/namespaces/{namespace}"),
        };
        let last = match name {
            "" => String::new(),
            name => format!("/{name}"),
        };
        format!("{root}{within}/{plural}{last}")
    }

    /// Deletes what is at a path.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.request(&Method::DELETE, path, None)
    }

    /// No connection of before is used any more.
    pub(super) fn forget_connections(&self) {
        *self.agent.lock().unwrap_or_else(PoisonError::into_inner) = self.settings.clone().into();
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
        self.send_as(content, method, path, object)
    }

    fn send_as(
        &self,
        content: &str,
        method: &Method,
        path: &str,
        object: Option<&Value>,
    ) -> Result<Answer, ureq::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", content)
            .body(object.map(Value::to_string).unwrap_or_default())?;
        let agent = self
            .agent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut response = agent.run(request)?;
        let status = response.status().as_u16();
        // A list of everything in a control plane that many tests share.
        let body = response.body_mut().with_config().limit(1 << 30);
        let text = body.read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }
}
