//! `runtime/fuzz/tree.rs`, for `cargo +nightly fuzz run tree`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gosched::fuzz::tree(bytes));
