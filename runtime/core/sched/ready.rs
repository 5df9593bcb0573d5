//! The only way back into a run queue.
//!
//! Go: proc.go ready, goready, injectglist.
#![forbid(unsafe_code)]

use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::g::handback;
use crate::core::g::status::Enqueue;
use crate::core::m::enter::NoPreempt;
use crate::core::m::foreign_parked;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::wake::wakep;

/// Wakes a goroutine (or a foreign thread's G) that has announced a park. Called by the one waker
/// that owns the wait, after it has completed the sleeper's operation.
#[inline]
pub(crate) fn ready(rt: &NoPreempt, g: GRef) {
    let is_thread = || g.is_thread();
    if handback::wake(&g.status, &g.note, is_thread, foreign_parked::readied) == Enqueue::Mine {
        enqueue_next(rt, g);
    }
}

/// Puts a runnable goroutine into the caller's `runnext`, or the global queue without a P.
#[inline]
pub(crate) fn enqueue_next(rt: &NoPreempt, g: GRef) {
    match rt.p() {
        Some(p) => p.put_next(g, spill),
        None => put_global(g),
    }
    wakep();
}

/// Puts a runnable goroutine at the tail of the global queue.
pub(crate) fn put_global(g: GRef) {
    let sched = SCHED.lock();
    sched.push_global(g);
    drop(sched);
}

/// A full local queue's oldest half goes global.
pub(crate) fn spill(batch: &GQueue) {
    let sched = SCHED.lock();
    sched.global().append(batch);
    drop(sched);
}
