//! A clock for dumps: whole seconds, at the price of a load.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::sys::clock::Nanos;

static COARSE: AtomicU32 = AtomicU32::new(0);

/// Seconds on the monotonic clock, some ten milliseconds late while the runtime works: one load.
#[inline]
pub(crate) fn coarse_seconds() -> u32 {
    COARSE.load(Relaxed)
}

/// Sets the coarse clock. By sysmon; by who wakes it; at start.
pub(crate) fn set_coarse(now: Nanos) {
    COARSE.store((now / 1_000_000_000) as u32, Relaxed);
}
