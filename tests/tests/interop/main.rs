//! Other implementations of the format, tested against ours in both directions: the second one in this workspace, and the
//! real `kubeseal`.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod keys_and_certificates;
mod merging;
mod ours_opened_by_kubeseal;
mod ours_opens_kubeseal;
mod samples;
mod second_implementation;
