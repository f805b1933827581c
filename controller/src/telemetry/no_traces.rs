//! Built without the feature `otlp`: no spans are sent.

use anyhow::bail;
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Identity};

/// Nobody sends spans.
#[derive(Debug)]
pub struct Traces(());

impl Traces {
    /// No spans are sent.
    pub(super) fn none() -> Self {
        Self(())
    }

    /// The command line has refused it.
    pub(super) fn to(_endpoint: &str) -> anyhow::Result<Self> {
        bail!("this seal-controller is built without traces")
    }

    /// What takes the spans: nothing.
    pub(super) fn layer<S: Subscriber>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>> {
        None::<Identity>
    }
}
