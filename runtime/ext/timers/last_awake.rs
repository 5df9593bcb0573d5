//! The last M that is awake falls asleep.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

use crate::core::hooks;
use crate::core::sched::schedt::SCHED;
use crate::ext::timers::sched_timers::earliest;

/// Called by an M that counts as idle now, or has ended, or by a foreign thread that has stopped
/// a timer: can any M or thread still act?
pub(crate) fn check_if_last() {
    fence(SeqCst); // pairs(deadlock): a plain thread that falls asleep
    let awake = SCHED.ms_awake();
    if awake == 0 {
        hooks::nobody_is_awake();
    } else if awake == 1 && SCHED.timer_waiter.is_taken() && earliest().is_none() {
        // All timers were stopped, behind the sleeper's back: it is to go idle and check.
        SCHED.timer_waiter.look_again();
    }
}
