//! Bodies: bounded while they are read, and what they hold.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use futures::StreamExt;
use seal_api::{API_VERSION, KIND, SealedSecret};
use seal_manifest::{Error, Limits, Node, Text, read};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The longest body in bytes. The API server takes 3 MiB, etcd by default half of that.
const LONGEST: usize = 10 * 1024 * 1024;
/// The bytes that all bodies together may have in memory, in the unit of [`KIB`].
const ALL_TOGETHER_KIB: usize = 64 * 1024;
const KIB: usize = 1024;
/// How much of a body that is refused is read all the same: who is still writing does not see the answer.
const MOST_DISCARDED: usize = 4 * 1024 * 1024;
const LONGEST_DISCARDING: Duration = Duration::from_secs(5);
/// The most values of a body, keys included: each takes far more memory than it has bytes in the body.
const MOST_VALUES: usize = 50_000;
/// The most items of an object that is opened for a caller.
const MOST_ITEMS: usize = 1000;

/// What all bodies together may take.
pub(super) struct Bodies(Arc<Semaphore>);

/// A body in memory.
pub(super) struct Held {
    bytes: Vec<u8>,
    _places: Vec<OwnedSemaphorePermit>,
}

/// Why a body is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It did not arrive whole, or not in time.
    Broken,
    /// It is too large, or has too many items or other values.
    TooLarge,
    /// Too many others are being read.
    TooMany,
    /// It holds anything else than one SealedSecret.
    NoSealedSecret,
}

impl Default for Bodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL_TOGETHER_KIB)))
    }
}

impl Held {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for BodyError {
    /// Says nothing of what it holds.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Broken => "it did not arrive",
            Self::TooLarge => "it is too large",
            Self::TooMany => "too many requests are being read",
            Self::NoSealedSecret => "it is not one document of kind SealedSecret with apiVersion",
        })
    }
}

impl Bodies {
    /// Reads a body within `limit`.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        limit: Duration,
    ) -> Result<Held, BodyError> {
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > LONGEST) {
            discard(body).await;
            return Err(BodyError::TooLarge);
        }
        let mut stream = body.into_data_stream();
        match timeout(limit, self.collect(&mut stream)).await {
            Ok(Err(error @ (BodyError::TooLarge | BodyError::TooMany))) => {
                discard(Body::from_stream(stream)).await;
                Err(error)
            }
            Ok(outcome) => outcome,
            Err(_) => Err(BodyError::Broken),
        }
    }

    async fn collect(&self, stream: &mut BodyDataStream) -> Result<Held, BodyError> {
        let mut held = Held {
            bytes: Vec::new(),
            _places: Vec::new(),
        };
        let mut room = 0;
        while let Some(part) = stream.next().await {
            let part = part.map_err(|_| BodyError::Broken)?;
            let length = held.bytes.len() + part.len();
            if length > LONGEST {
                return Err(BodyError::TooLarge);
            }
            if length > room {
                // In steps that grow, so that a body of small parts needs few permits.
                let more = length.max(2 * room).min(LONGEST).div_ceil(KIB) * KIB - room;
                let places = u32::try_from(more / KIB).unwrap_or(u32::MAX);
                let places = Arc::clone(&self.0)
                    .try_acquire_many_owned(places)
                    .map_err(|_| BodyError::TooMany)?;
                held._places.push(places);
                room += more;
                held.bytes.reserve_exact(room - held.bytes.len());
            }
            held.bytes.extend_from_slice(&part);
        }
        Ok(held)
    }
}

/// Reads on for a while without keeping anything.
pub(super) async fn discard(body: Body) {
    let mut stream = body.into_data_stream();
    let discarding = async {
        let mut left = MOST_DISCARDED;
        while let Some(Ok(part)) = stream.next().await {
            match left.checked_sub(part.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Whether all of it came does not matter.
    let _ = timeout(LONGEST_DISCARDING, discarding).await;
}

/// The SealedSecret that a body holds, as YAML or JSON.
///
/// # Errors
///
/// [`BodyError::NoSealedSecret`] where it is not exactly one document with the right `apiVersion` and `kind`, and
/// [`BodyError::TooLarge`] where it has more values than are read, or more items than are opened, for a caller.
pub(super) fn sealed_secret(bytes: &[u8]) -> Result<SealedSecret, BodyError> {
    let none = BodyError::NoSealedSecret;
    let text = Text::decode(bytes).map_err(|_| none)?;
    let limits = Limits {
        documents: 1,
        nodes: MOST_VALUES,
        ..Limits::default()
    };
    let stream = read(text.as_str(), &limits).map_err(|_| none)?;
    let document = match stream.documents.into_iter().next() {
        Some(Ok(document)) => document,
        Some(Err(Error::TooManyNodes { .. })) => return Err(BodyError::TooLarge),
        Some(Err(_)) | None => return Err(none),
    };
    let root = &document.root;
    let says = |field: &str| root.get(field).and_then(Node::as_str);
    if says("apiVersion") != Some(API_VERSION) || says("kind") != Some(KIND) {
        return Err(none);
    }
    let sealed: SealedSecret = serde_json::from_value(root.to_json()).map_err(|_| none)?;
    if sealed.spec.encrypted_data.len() > MOST_ITEMS {
        return Err(BodyError::TooLarge);
    }
    Ok(sealed)
}
