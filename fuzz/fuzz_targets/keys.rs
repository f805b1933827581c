//! See `seal_tests::fuzz::keys`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| seal_tests::fuzz::keys::run(data));
