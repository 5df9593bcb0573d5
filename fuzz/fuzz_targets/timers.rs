//! `runtime/fuzz/timers.rs`, for `cargo +nightly fuzz run timers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gosched::fuzz::timers(bytes));
