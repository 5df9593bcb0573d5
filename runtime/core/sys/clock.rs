//! Monotonic time in nanoseconds. Go: time_nofake.go nanotime.
#![allow(unsafe_code, reason = "clock_gettime")]

/// Nanoseconds on the monotonic clock, as `CLOCK_MONOTONIC` counts them.
pub(crate) type Nanos = u64;

/// The monotonic clock now.
#[inline]
pub(crate) fn nanotime() -> Nanos {
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `ts` is a valid place for the answer; this clock always exists on Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}
