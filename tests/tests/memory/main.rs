//! What stays readable in memory, compared with the table in docs/threat-model.md ("Cleartext in memory").
//!
//! A marker is pushed through an operation; then the memory of the live process is searched for it, as it is and in
//! base64. Reading the memory of a program that forbids it needs root: without root these tests fail.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod command_line;
mod controller;
mod crashes;
mod library;
mod process;
mod samples;
