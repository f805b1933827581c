//! Spans to a collector, by OTLP over HTTP as protobuf (OpenTelemetry Protocol 1.x).
//!
//! Only spans of ours go out, none of a library and no line of the log: a name, a class and what came of it. They are sent
//! by a thread of their own, and dropped where the collector does not keep up; nothing waits for it.

use std::{future::Future, io::Read, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

/// How long one delivery may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long the last spans may take at the end.
const FAREWELL: Duration = Duration::from_millis(400);
/// What is read of an answer.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Those who send the spans. When it is dropped, what is left is sent.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// No spans are sent.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Sends them to the collector at `endpoint`, the address without `/v1/traces`.
    pub(super) fn to(endpoint: &str) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(TIME_LIMIT)
            .with_http_client(Client::new())
            .build()
            // The address may hold a password.
            .map_err(|_| anyhow!("the address is no URL of http or https"))
            .context("traces cannot be sent")?;
        let resource = Resource::builder()
            .with_service_name("seal-controller")
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(Some(provider)))
    }

    /// What takes the spans; nothing where none are sent.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        let tracer = self.0.as_ref()?.tracer("seal-controller");
        let ours = filter_fn(|metadata| {
            metadata.is_span() && metadata.target().starts_with("seal_controller")
        });
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(ours))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // A collector that does not answer gets nothing more.
            let _ = provider.shutdown_with_timeout(FAREWELL);
        }
    }
}

/// Sends over the TLS that is there already.
#[derive(Debug)]
struct Client(Agent);

impl Client {
    fn new() -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(TIME_LIMIT));
        Self(config.build().into())
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.to_vec());
        let (parts, body) = self.0.run(request)?.into_parts();
        let mut answer = Vec::new();
        body.into_reader()
            .take(LONGEST_ANSWER)
            .read_to_end(&mut answer)?;
        Ok(Response::from_parts(parts, answer.into()))
    }
}

impl HttpClient for Client {
    // As `async_trait` writes it. It blocks: the thread that asks does nothing else.
    fn send_bytes<'c, 'f>(
        &'c self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'c: 'f,
        Self: 'f,
    {
        Box::pin(async move { self.send(request) })
    }
}
