//! Wiping the stack that library code has worked on.
//!
//! A cipher moves blocks of cleartext and round keys through its stack frames and leaves them there. A thread that then
//! waits, or ends, keeps them readable for as long as nothing else runs on that stack.

use zeroize::Zeroize;

/// How much of the stack is wiped, in words of 8 bytes: 16 KiB, several times what the cipher uses.
const WORDS: usize = 2048;

/// Does some work, then wipes the stack it used.
pub(crate) fn wiped_after<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    wipe();
    result
}

/// Keeps the work in frames of its own, below those of the caller.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Overwrites what the frames of [`apart`] were.
#[inline(never)]
fn wipe() {
    [0_u64; WORDS].zeroize();
}
