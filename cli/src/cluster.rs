//! The cluster, reached through a kubeconfig: the only way from `seal` to an API server. Sealing never comes here by itself.
//!
//! The controller is asked through the API server's service proxy, as kubeseal does, so that whoever may use the proxy
//! needs no way into the cluster's network.

mod answer;
mod controller;
mod kubeconfig;
mod no_proxy;

use std::{cell::OnceCell, future::Future, time::Duration};

use kube::client::Body;
use seal_api::Reason;
use seal_shell::why_unreachable;
use tokio::{runtime::Runtime, time};

pub(crate) use answer::{Answer, LARGEST as LARGEST_ANSWER};
pub(crate) use controller::{NAME_THE_SERVICE, Opens};
pub use kubeconfig::ENVIRONMENT;
pub(crate) use kubeconfig::{Access, cause, namespace};

use crate::{fetch, problem::Problem};

/// The hint where the API server does not know SealedSecrets.
pub(crate) const NO_DEFINITION: &str = "the CustomResourceDefinition sealedsecrets.bitnami.com is not there, which comes with the controller";

/// How often a request is sent again that the server has put off.
const RETRIES: usize = 10;
/// The longest time a server may ask to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The controller's Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Controller {
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Controller {
    /// The one that flags name, or the one of an ordinary installation.
    pub(crate) fn of(name: Option<&str>, namespace: Option<&str>) -> Self {
        Self {
            name: name.unwrap_or("sealed-secrets-controller").to_owned(),
            namespace: namespace.unwrap_or("kube-system").to_owned(),
        }
    }
}

/// A cluster and the controller in it.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: kube::Client,
    controller: Controller,
    /// The address of the API server.
    server: String,
    /// The name of the Service's first port, once it is known.
    port: OnceCell<String>,
    /// How long one request may take.
    timeout: Option<Duration>,
}

/// A request to the API server.
struct Request<'r> {
    method: &'static str,
    path: &'r str,
    /// What is accepted as an answer, where it is no JSON.
    accept: &'static str,
    content_type: Option<&'static str>,
    body: Vec<u8>,
}

impl Cluster {
    /// Prepares the way to a cluster; nothing is sent yet.
    ///
    /// Fails where no kubeconfig leads to one.
    pub(crate) fn connect(access: &Access, controller: Controller) -> Result<Self, Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(format!("cannot start: {error}")))?;
        // One is installed already where this is called a second time.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (server, client) = runtime.block_on(async {
            let config = kubeconfig::config(access).await?;
            let server = fetch::shown(&config.cluster_url.to_string());
            let client = kube::Client::try_from(config).map_err(|error| {
                failed(format!(
                    "the cluster cannot be reached: {}",
                    why_unreachable(&error)
                ))
            })?;
            Ok((server.trim_end_matches('/').to_owned(), client))
        })?;
        Ok(Self {
            runtime,
            client,
            controller,
            server,
            port: OnceCell::new(),
            timeout: access.request_timeout()?,
        })
    }

    /// Asks for an object, or whatever else lies at a path.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, Problem> {
        self.send(&Request {
            method: "GET",
            path,
            accept: "application/json",
            content_type: None,
            body: Vec::new(),
        })
    }

    /// Asks for a list of objects of which only the metadata matters, so that nothing else is sent.
    pub(crate) fn get_metadata(&self, path: &str) -> Result<Answer, Problem> {
        self.send(&Request {
            method: "GET",
            path,
            accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            content_type: None,
            body: Vec::new(),
        })
    }

    /// Applies an object by the server's own rules (server-side apply).
    pub(crate) fn apply(&self, path: &str, body: Vec<u8>) -> Result<Answer, Problem> {
        self.send(&Request {
            method: "PATCH",
            path,
            accept: "application/json",
            content_type: Some("application/apply-patch+yaml"),
            body,
        })
    }

    /// Replaces an object that has the `resourceVersion` it was read with, or its status.
    pub(crate) fn replace(&self, path: &str, body: Vec<u8>) -> Result<Answer, Problem> {
        self.send(&Request {
            method: "PUT",
            path,
            accept: "application/json",
            content_type: Some("application/json"),
            body,
        })
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, path: &str) -> Result<Answer, Problem> {
        self.send(&Request {
            method: "DELETE",
            path,
            accept: "application/json",
            content_type: None,
            body: Vec::new(),
        })
    }

    fn send(&self, request: &Request<'_>) -> Result<Answer, Problem> {
        for _ in 0..RETRIES {
            let answer = self.send_once(request)?;
            match answer.retry_after() {
                Some(wait) if answer.status == 429 => self.sleep(wait.min(LONGEST_WAIT)),
                _ => return Ok(answer),
            }
        }
        self.send_once(request)
    }

    /// Waits, as long as the runtime has something to do meanwhile.
    pub(crate) fn sleep(&self, time: Duration) {
        self.runtime.block_on(async { time::sleep(time).await });
    }

    fn send_once(&self, request: &Request<'_>) -> Result<Answer, Problem> {
        let mut builder = http::Request::builder()
            .method(request.method)
            .uri(request.path)
            .header("accept", request.accept);
        if let Some(content_type) = request.content_type {
            builder = builder.header("content-type", content_type);
        }
        let sent = builder
            .body(Body::from(request.body.clone()))
            .map_err(|_| failed(format!("{:?} is no path of an API server", request.path)))?;
        let exchange = async {
            let response = self
                .client
                .send(sent)
                .await
                .map_err(|error| self.unreachable(&error))?;
            Answer::read(response).await
        };
        self.runtime.block_on(within(self.timeout, exchange))
    }

    fn unreachable(&self, error: &kube::Error) -> Problem {
        let why = why_unreachable(error);
        failed(format!("the API server {} cannot be reached: {why}", self.server)).hint(
            "check the context of the kubeconfig, and that \"kubectl get namespaces\" works with it",
        )
    }
}

async fn within(
    limit: Option<Duration>,
    exchange: impl Future<Output = Result<Answer, Problem>>,
) -> Result<Answer, Problem> {
    match limit {
        None => exchange.await,
        Some(limit) => time::timeout(limit, exchange).await.unwrap_or_else(|_| {
            Err(failed(format!(
                "the API server did not answer within {} s",
                limit.as_secs_f64()
            )))
        }),
    }
}

pub(super) fn failed(message: String) -> Problem {
    Problem::new(Reason::FetchFailed, message)
}
