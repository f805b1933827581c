//! `seal` called as `kubeseal`, beside the real one: the same command lines, the same answers.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod cluster;
mod differences;
mod flags;
mod merge;
mod modes;
mod recovery;
mod samples;
mod ways;
