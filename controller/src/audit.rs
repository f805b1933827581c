//! The audit lines: what was done with keys and with what they protect, one line each, all worded here.
//!
//! They have a target of their own, are written whatever `--log-level` says, and always have the same fields: the time,
//! and then `caller`, `action`, `object`, `key_id` and `result`, empty where nothing is known. `docs/audit.md` is made of
//! [`AUDIT`].

use std::{fmt, net::IpAddr};

use seal_api::Reason;
use seal_envelope::KeyId;
use tracing::info;

/// The target of the lines, by which they are told from the log.
pub(crate) const TARGET: &str = "audit";
/// The longest name of an object that is repeated, in bytes: what a request says its object is called may be anything.
const LONGEST_NAME: usize = 320;

/// One action with its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditAction {
    /// The word for it.
    pub action: &'static str,
    /// What it is, and what stands in `object` and `key_id`.
    pub meaning: &'static str,
    /// Every result, with what it means.
    pub results: &'static [(&'static str, &'static str)],
}

/// What is not served because the request is at fault.
const REFUSED: (&str, &str) = (
    "refused",
    "the body is too large, broken off, or came while others filled the memory for bodies",
);
const UNAVAILABLE: (&str, &str) = (
    "unavailable",
    "the time for the answer was over before it was known",
);
const ABANDONED: (&str, &str) = (
    "abandoned",
    "the caller hung up, or the controller stopped, before the answer was known",
);

/// All actions with their results, in the order of the documentation.
pub const AUDIT: &[AuditAction] = &[
    AuditAction {
        action: "key-made",
        meaning: "A sealing key was due, or asked for. `object` is its Secret, or its file.",
        results: &[
            ("done", "it is stored"),
            (
                "failed",
                "it could not be made or stored; the log says why. What was due is tried again ever later, what SIGUSR1 asked for is not",
            ),
        ],
    },
    AuditAction {
        action: "key-moved",
        meaning: "A key changed its state while the controller ran. What is there at the start is no change. `object` is its Secret, or its file.",
        results: &[
            ("active", "it opens from now on"),
            (
                "removed",
                "it opens no longer: its Secret or file was deleted, relabelled or damaged",
            ),
        ],
    },
    AuditAction {
        action: "key-refused",
        meaning: "What claims to be a key Secret is of no use as a key; said when it is found, and when the result changes. `object` is the Secret, or the file.",
        results: &[
            (
                "unreadable",
                "it holds no readable private key or certificate",
            ),
            ("unsupported", "the key is not RSA of 2048 to 8192 bits"),
            ("mismatched", "the certificate belongs to another key"),
            (
                "misplaced",
                "it lies in another namespace than the controller's; `object` is its namespace and name",
            ),
        ],
    },
    AuditAction {
        action: "takeover",
        meaning: "Of several replicas another one leads. `object` is the Lease.",
        results: &[
            ("done", "this one does from now on"),
            (
                "lost",
                "this one does no longer, and writes nothing any more",
            ),
            ("given-back", "this one stops, and gave the Lease back"),
        ],
    },
    AuditAction {
        action: "repair",
        meaning: "A Secret was not as its SealedSecret says, because somebody else changed it. `object` is its namespace and name.",
        results: &[
            ("done", "it was written again"),
            (
                "failed",
                "it could not be written; the status of the SealedSecret says why. It is tried again ever later, but with SecretRefused only when the SealedSecret or the Secret changes",
            ),
        ],
    },
    AuditAction {
        action: "verify",
        meaning: "A request to /v1/verify within the rate limit. `object` is what the request says: it proves nothing.",
        results: &[
            ("opens", "every item opens"),
            ("does-not-open", "not every item does"),
            REFUSED,
            ("failed", "the body is no SealedSecret"),
            UNAVAILABLE,
            ABANDONED,
        ],
    },
    AuditAction {
        action: "rotate",
        meaning: "A request to /v1/rotate within the rate limit. `object` is what the request says: it proves nothing; `key_id` is the key that it was sealed with.",
        results: &[
            ("resealed", "it was sealed again and handed out"),
            REFUSED,
            (
                "failed",
                "the body is no SealedSecret, does not open, or there is no key to seal with",
            ),
            UNAVAILABLE,
            ABANDONED,
        ],
    },
];

/// Who caused it, as far as known, with the word for it in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The schedule.
    Timer,
    /// SIGUSR1.
    Signal,
    /// What was seen in the cluster, or in the folder.
    Watch,
    /// The election.
    Lease,
    /// Whoever is at the other end of the connection; headers such as `X-Forwarded-For` are not believed.
    Http(Option<IpAddr>),
}

/// Every word for a caller, with its meaning.
pub const CALLERS: &[(&str, &str)] = &[
    ("timer", "the schedule of key renewal"),
    ("signal", "SIGUSR1"),
    (
        "watch",
        "what was seen in the cluster, or in the folder of --directory; who changed it is in the API server's own audit log",
    ),
    ("lease", "the election among replicas"),
    (
        "http ADDRESS",
        "whoever is at the other end of the connection: through the API server's service proxy that is the API server. Headers such as `X-Forwarded-For` are not believed",
    ),
];

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timer => formatter.write_str("timer"),
            Self::Signal => formatter.write_str("signal"),
            Self::Watch => formatter.write_str("watch"),
            Self::Lease => formatter.write_str("lease"),
            Self::Http(Some(address)) => write!(formatter, "http {address}"),
            Self::Http(None) => formatter.write_str("http"),
        }
    }
}

/// A key was made, or could not be.
pub(crate) fn key_made(caller: Caller, object: &str, key: Option<KeyId>, is_done: bool) {
    line(caller, "key-made", object, key, done_or_failed(is_done));
}

/// A key opens from now on.
pub(crate) fn key_active(caller: Caller, object: &str, key: KeyId) {
    line(caller, "key-moved", object, Some(key), "active");
}

/// A key opens no longer.
pub(crate) fn key_removed(caller: Caller, object: &str, key: KeyId) {
    line(caller, "key-moved", object, Some(key), "removed");
}

/// What claims to be a key is of no use as one.
pub(crate) fn key_refused(object: &str, reason: Reason) {
    let result = match reason {
        Reason::UnsupportedKey => "unsupported",
        Reason::MismatchedKey => "mismatched",
        Reason::MisplacedKey => "misplaced",
        _ => "unreadable",
    };
    line(Caller::Watch, "key-refused", object, None, result);
}

/// A Secret that somebody else had changed was made right, or could not be.
pub(crate) fn repaired(object: &impl ToString, is_done: bool) {
    let object = object.to_string();
    line(
        Caller::Watch,
        "repair",
        &object,
        None,
        done_or_failed(is_done),
    );
}

/// Who leads among the replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takeover {
    Done,
    Lost,
    GivenBack,
}

/// This replica leads from now on, or no longer.
pub(crate) fn takeover(lease: &impl ToString, takeover: Takeover) {
    let result = match takeover {
        Takeover::Done => "done",
        Takeover::Lost => "lost",
        Takeover::GivenBack => "given-back",
    };
    line(Caller::Lease, "takeover", &lease.to_string(), None, result);
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Opens,
    DoesNotOpen,
    Resealed,
    Refused,
    Failed,
    Unavailable,
    Abandoned,
}

/// Somebody asked whether a SealedSecret opens.
pub(crate) fn verified(caller: Caller, object: &str, answer: Answer) {
    line(caller, "verify", object, None, answer.as_str());
}

/// Somebody asked for a SealedSecret to be sealed again; `key` is the one that was current.
pub(crate) fn rotated(caller: Caller, object: &str, key: Option<KeyId>, answer: Answer) {
    line(caller, "rotate", object, key, answer.as_str());
}

impl Answer {
    fn as_str(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::DoesNotOpen => "does-not-open",
            Self::Resealed => "resealed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unavailable => "unavailable",
            Self::Abandoned => "abandoned",
        }
    }
}

fn done_or_failed(is_done: bool) -> &'static str {
    if is_done { "done" } else { "failed" }
}

fn line(caller: Caller, action: &str, object: &str, key: Option<KeyId>, result: &str) {
    debug_assert!(is_declared(action, result), "{action} {result}");
    let caller = caller.to_string();
    // No name of anything is longer, so this one is none.
    let object = if object.len() > LONGEST_NAME {
        ""
    } else {
        object
    };
    let key_id = key.map(|key| key.short()).unwrap_or_default();
    // As texts, so that the log writes them in quotes and without control characters.
    info!(
        target: TARGET,
        caller = caller.as_str(),
        action,
        object,
        key_id = key_id.as_str(),
        result
    );
}

fn is_declared(action: &str, result: &str) -> bool {
    let declared = AUDIT.iter().find(|declared| declared.action == action);
    declared.is_some_and(|declared| declared.results.iter().any(|(word, _)| *word == result))
}
