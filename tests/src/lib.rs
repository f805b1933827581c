//! What the tests stand on: the programs under test as processes, what was seen of them, peers, keys and faults.
//!
//! The tests themselves are in `tests/tests/`. Harness functions panic with a sentence when the ground gives way: a test
//! that cannot run is a failed test, never a skipped one.

pub mod cluster;
pub mod control_plane;
pub mod fault;
pub mod fuzz;
pub mod health;
pub mod http;
pub mod keys;
pub mod long;
pub mod memory;
pub mod programs;
pub mod run;
pub mod scratch;
pub mod second;
pub mod seen;
pub mod templates;
pub mod tools;
pub mod transcripts;
