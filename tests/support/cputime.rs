//! The CPU time of this process: what a measurement shares with nobody, however busy the machine.

use std::time::Duration;

/// CPU time of all threads so far.
pub(crate) fn cpu_time() -> Duration {
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid place for the answer.
    let ok = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut ts) };
    assert_eq!(ok, 0);
    Duration::new(ts.tv_sec as u64, ts.tv_nsec as u32)
}
