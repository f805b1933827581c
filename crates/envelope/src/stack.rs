//! Wiping the stack that library code has worked on.
//!
//! A cipher moves blocks of cleartext and round keys through its stack frames and leaves them there; so does what searches
//! texts by vectors. A thread that then waits, or ends, keeps them readable for as long as nothing else runs on that stack.

use zeroize::Zeroize;

/// What the cipher uses several times over, in words of 8 bytes: 16 KiB.
pub(crate) const CIPHER: usize = 2048;

/// Does some work, then wipes the stack that it used: `WORDS` words of 8 bytes below the caller's frame.
pub fn wiped_after<const WORDS: usize, T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    wipe::<WORDS>();
    result
}

/// Keeps the work in frames of its own, below those of the caller.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Overwrites what the frames of [`apart`] were.
#[inline(never)]
fn wipe<const WORDS: usize>() {
    [0_u64; WORDS].zeroize();
}
