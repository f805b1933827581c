//! What can happen to a request on its way to an API server, and to the answer on its way back.

use std::time::Duration;

use serde_json::{Value, json};

/// What happens to a request instead of its being passed on.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset (RST) without an answer.
    Reset,
    /// There is never an answer, and the connection stays open.
    Silence,
    /// There is an answer, but not the API server's: status, media type, body.
    Answer(u16, &'static str, String),
    /// A refusal of the API server that says when to come again: status, reason, seconds.
    RetryAfter(u16, &'static str, u64),
    /// The request is passed on after this time.
    Delay(Duration),
    /// The request is carried out, its answer is dropped, and this happens instead. Of a watch there is nothing to carry out.
    CarriedOut(Box<Self>),
    /// The request is passed on, and of the answer, or of the first event of a watch, half arrives.
    Half(Broken),
    /// The answer begins, and nothing of its body arrives, while the connection stays open.
    Mute,
    /// Each event of a watch arrives so much later.
    LateEvents(Duration),
    /// Of the first event of a watch half a line arrives; those that follow arrive whole.
    Garbled,
}

/// How an answer breaks off in its middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// `Content-Length` says more than comes.
    Length,
    /// In the middle of a chunk.
    Chunk,
    /// By a reset of the connection.
    Reset,
    /// As if that were all.
    Unnoticed,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Length, Self::Chunk, Self::Reset, Self::Unnoticed];
}

impl Fault {
    /// A refusal as the API server words it, such as 409 `Conflict`.
    pub fn status(code: u16, reason: &str) -> Self {
        Self::Answer(code, JSON, status(code, reason).to_string())
    }

    /// A watch that begins well and ends with an error as its only event, such as 410 `Expired`.
    pub fn error_event(code: u16, reason: &str) -> Self {
        let event = json!({"type": "ERROR", "object": status(code, reason)});
        Self::Answer(200, JSON, format!("{event}\n"))
    }

    /// The request is carried out, and this happens to its answer.
    #[must_use]
    pub fn once_carried_out(self) -> Self {
        Self::CarriedOut(Box::new(self))
    }
}

pub(super) const JSON: &str = "application/json";

pub(super) fn status(code: u16, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("told to say {reason}"), "reason": reason, "code": code,
    })
}
