//! How HTTP is served.

use std::time::Duration;

use crate::args::Args;

/// How HTTP is served.
#[derive(Debug, Clone)]
pub(crate) struct HttpSettings {
    /// Whether the deprecated form of a SealedSecret is opened.
    pub(crate) legacy_data: bool,
    /// Whether `/v1/verify` is served.
    pub(crate) verifies: bool,
    /// Whether `/v1/rotate` is served.
    pub(crate) rotates: bool,
    /// How many requests a second an endpoint that opens answers.
    pub(crate) rate_limit: u32,
    /// How many more may come at once.
    pub(crate) rate_limit_burst: u32,
    /// How long a request may take to arrive.
    pub(crate) read_timeout: Duration,
    /// How long an answer may take.
    pub(crate) write_timeout: Duration,
}

impl From<&Args> for HttpSettings {
    fn from(args: &Args) -> Self {
        Self {
            legacy_data: args.accept_deprecated_v1_data,
            verifies: !args.disable_verify,
            rotates: !args.disable_rotate,
            rate_limit: args.rate_limit,
            rate_limit_burst: args.rate_limit_burst,
            read_timeout: args.read_timeout.unsigned_abs(),
            write_timeout: args.write_timeout.unsigned_abs(),
        }
    }
}
