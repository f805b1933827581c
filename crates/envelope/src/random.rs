//! The operating system's random numbers.

use rand::{TryRng, rngs::SysRng};

/// Fills `bytes` from the operating system; false where it gives none.
#[must_use]
pub fn random_bytes(bytes: &mut [u8]) -> bool {
    SysRng.try_fill_bytes(bytes).is_ok()
}
