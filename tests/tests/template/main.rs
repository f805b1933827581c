//! Templates, held against Go's own: each construct and function by cases, the whole language by random templates.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod allowed;
mod by_kubeseal;
mod cases;
mod generated;
mod generator;
mod limits;
mod samples;
mod words;
