//! Who wants to know of each spawn and wake-up: a recording, the histogram of latencies. All that
//! it costs when nobody does is a look at one byte.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

static LOOKS: AtomicU8 = AtomicU8::new(0);

/// A recording (`ext/recording/`).
pub(crate) const RECORDING: u8 = 1;
/// The histogram (`ext/latency.rs`).
pub(crate) const LATENCY: u8 = 2;

/// Does anybody look?
#[inline(always)]
pub(crate) fn anybody() -> bool {
    LOOKS.load(Relaxed) != 0
}

/// Does this one?
#[inline(always)]
pub(crate) fn looks(who: u8) -> bool {
    LOOKS.load(Relaxed) & who != 0
}

pub(crate) fn begin(who: u8) {
    LOOKS.fetch_or(who, Relaxed);
}

pub(crate) fn end(who: u8) {
    LOOKS.fetch_and(!who, Relaxed);
}
