//! `runtime/fuzz/ring.rs`, for `cargo +nightly fuzz run ring`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gosched::fuzz::ring(bytes));
