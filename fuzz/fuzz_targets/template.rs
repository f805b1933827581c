//! See `seal_tests::fuzz::template`.
#![no_main]

use seal_tests::fuzz::Features;

libfuzzer_sys::fuzz_target!(|data: &[u8]| seal_tests::fuzz::template::run(
    data,
    &mut Features::default()
));
