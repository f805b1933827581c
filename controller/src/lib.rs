//! `seal-controller`: turns SealedSecrets into Secrets and keeps them so.
//!
//! [`plan`] is the functional core. Around it stand the two shells: [`cluster`], and [`directory`], where everything is a
//! file. It is a library so that the command reference can be made from [`Args`]; no crate of ours builds on it.

mod args;
mod audit;
pub mod cluster;
mod contest;
mod cores;
mod digest;
pub mod directory;
mod duration;
mod fair;
mod http;
mod metrics;
pub mod plan;
mod record;
pub mod telemetry;

pub use args::{Args, KeyOrder, ListenAddress, LogFormat};
pub use audit::{AUDIT, AuditAction, CALLERS};
pub use http::ANSWERS;
pub use metrics::{METRICS, Metric, MetricKind};
