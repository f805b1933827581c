//! How often what happens at random is repeated.

use std::env;

/// Set by `cargo xtask test --long`.
const LONG: &str = "SEAL_TEST_LONG";

/// How many rounds a test makes, usually and in a long run.
pub fn rounds(usual: usize, long: usize) -> usize {
    if env::var_os(LONG).is_some() {
        long
    } else {
        usual
    }
}
