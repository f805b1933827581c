//! Serving the text over HTTP.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::IntoResponse,
    routing::any,
};
use futures::stream;

use super::{Metrics, text};

/// So much of the text is written to a connection at once, however slowly it is read.
pub(super) const SLICE: usize = 64 * 1024;

/// Answers `/metrics`.
pub(crate) fn router(metrics: Arc<Metrics>) -> Router {
    let answer = move || {
        let metrics = Arc::clone(&metrics);
        async move {
            let Some(text) = metrics.shared_text().await else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            let headers = [
                (CONTENT_TYPE, text::CONTENT_TYPE.to_owned()),
                (CONTENT_LENGTH, text.len().to_string()),
            ];
            (headers, in_slices(text)).into_response()
        }
    };
    Router::new().route("/metrics", any(answer))
}

/// A body that shares the text. In one piece it would be copied for each connection.
fn in_slices(text: Bytes) -> Body {
    let slices = stream::unfold(text, async |mut rest| {
        let slice = rest.split_to(rest.len().min(SLICE));
        (!slice.is_empty()).then_some((Ok::<_, Infallible>(slice), rest))
    });
    Body::from_stream(slices)
}
