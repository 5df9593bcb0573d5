//! Timers: a 4-ary heap for each P; any thread may change a timer, and the heap follows later.
//! See `README.md`.
//!
//! The heap returns the due timers as data ([`expired::Expired`]) and readies no goroutine.

pub(crate) mod instant;
pub(crate) mod timer_state;
pub(crate) mod wake_time;
#[cfg(not(loom))]
pub(crate) mod expired;
#[cfg(not(loom))]
pub(crate) mod runtime_timer;
#[cfg(not(loom))]
pub(crate) mod dary_heap;
#[cfg(not(loom))]
pub(crate) mod locked_heap;
#[cfg(not(loom))]
pub(crate) mod heap;
pub(crate) mod timer_waiter;
#[cfg(all(test, not(loom)))]
pub(crate) mod tests;
#[cfg(not(loom))]
pub(crate) mod sched_timers;
#[cfg(not(loom))]
pub(crate) mod park_until;
#[cfg(not(loom))]
pub(crate) mod last_awake;
