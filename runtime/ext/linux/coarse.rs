//! A clock for dumps: it counts whole seconds, and reading it costs one load.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::clock::Nanos;

static COARSE: OwnerCell<u32> = OwnerCell::zero();

/// Seconds on the monotonic clock, some ten milliseconds late while the runtime works: one load.
#[inline]
pub(crate) fn coarse_seconds() -> u32 {
    COARSE.peek()
}

/// Sets the coarse clock. Called by sysmon, by a thread that wakes sysmon, and at the start.
pub(crate) fn set_coarse(now: Nanos) {
    COARSE.set((now / 1_000_000_000) as u32);
}
