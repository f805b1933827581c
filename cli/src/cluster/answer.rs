//! What an API server answered.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use serde_json::Value;

use super::failed;
use crate::problem::Problem;

/// An object is 1.5 MiB at most, as etcd takes it; a list has as many as are asked for.
pub(crate) const LARGEST: usize = 16 << 20;
/// The most that is repeated of what a server says of itself.
const LONGEST_MESSAGE: usize = 500;

/// The answer of an API server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Answer {
    pub(super) async fn read(response: http::Response<Body>) -> Result<Self, Problem> {
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(response.into_body(), LARGEST)
            .collect()
            .await
            .map_err(|error| failed(format!("the answer of the API server broke off: {error}")))?;
        Ok(Self {
            status,
            body: body.to_bytes().to_vec(),
            retry_after: retry_after.map(Duration::from_secs),
        })
    }

    /// When the server wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The object in it.
    pub(crate) fn object(&self) -> Result<Value, Problem> {
        serde_json::from_slice(&self.body)
            .map_err(|_| failed("the answer of the API server is not JSON".to_owned()))
    }

    /// Why it is no success: what the API server says of it, or the code.
    pub(crate) fn why(&self) -> String {
        let status: Option<Value> = serde_json::from_slice(&self.body).ok();
        let message = status
            .as_ref()
            .filter(|status| status["kind"] == "Status")
            .and_then(|status| status["message"].as_str())
            .filter(|message| !message.is_empty());
        match message {
            Some(message) if self.status == 401 => {
                format!("{message}: the credentials of the kubeconfig are not accepted")
            }
            Some(message) => message.chars().take(LONGEST_MESSAGE).collect(),
            None => match http::StatusCode::from_u16(self.status) {
                Ok(status) => format!("the server answered {status}"),
                Err(_) => format!("the server answered {}", self.status),
            },
        }
    }
}
