//! See `seal_tests::fuzz::envelope`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| seal_tests::fuzz::envelope::run(data));
