//! How long sysmon may sleep between two looks.
//!
//! Up to 10 ms when there is nothing to do. But an M that is blocked in the kernel keeps its P until
//! sysmon sees it: so not past the next timer, and 2 ms at most while something waits for a P, or
//! while nobody but sysmon would ask for sockets.
//!
//! Go: proc.go sysmon, whose sleep knows nothing of timers.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::sched::schedt::SCHED;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::settings::config::steady;
use crate::ext::timers::sched_timers;

const US: Nanos = 1_000;
const MS: Nanos = 1_000 * US;
/// Go: sysmon.
const LONGEST: Nanos = 10 * MS;
/// While something waits: an M blocked in the kernel must be found soon.
const LONGEST_BUSY: Nanos = 2 * MS;
/// After the time of a timer: its P, if it is not blocked, has run it by then.
const GRACE: Nanos = 50 * US;
/// The least between two looks for the sake of timers.
const PACE: Nanos = 500 * US;

/// The longest sleep, when the last looks have found nothing to do. `slice`: a time slice.
pub(super) fn longest(slice: Nanos) -> Nanos {
    let nobody_sleeps = || SCHED.idle.load().all_busy() || !SCHED.timer_waiter.is_taken();
    let io = || SCHED.io_waiters.load(Relaxed) != 0 && nobody_sleeps();
    if work_waits() || io() {
        LONGEST_BUSY.min(slice)
    } else {
        LONGEST
    }
}

/// While no P is idle, no M sleeps until the next timer is due. If a thread is blocked in the kernel
/// then, the timers of its P wait for sysmon. A P that is idle now may be blocked by then.
pub(super) fn not_past_timers(delay: Nanos) -> Nanos {
    if delay <= PACE || steady() {
        return delay;
    }
    let next = SCHED.ps().filter_map(|p| p.timers.wake_time()).min();
    next.map_or(delay, |due| {
        let left = due.saturating_sub(nanotime()) + GRACE;
        left.clamp(PACE, delay)
    })
}

/// Whether there are runnable goroutines that no P has picked yet, or timers that are due.
pub(super) fn work_waits() -> bool {
    SCHED.global_len() != 0
        || SCHED.ps().any(|p| !p.runq.is_empty())
        || sched_timers::overdue(nanotime())
}
