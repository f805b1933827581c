//! What is done at random, so that it can be done again.

use std::time::SystemTime;

/// A sequence that its seed decides (SplitMix64).
#[derive(Debug)]
pub(crate) struct Moves(pub(crate) u64);

impl Moves {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of so many.
    pub(crate) fn one_of(&mut self, number: usize) -> usize {
        let number = u64::try_from(number).expect("it is small");
        usize::try_from(self.next() % number).expect("it is small")
    }
}

/// Another one each time; a test prints it.
pub(crate) fn seed() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed();
    now.expect("it is later").subsec_nanos().into()
}
