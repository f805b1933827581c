//! See `seal_tests::fuzz::manifest`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| seal_tests::fuzz::manifest::run(data));
