//! Giving up the CPU, and the way back: park and ready, or yield.
//!
//! A park has three steps: *announce* (`GRef::announce_park`, before any waker can know of the
//! wait), *publish* (put the G where the waker finds it, release the lock), and [`park`], which
//! leaves the stack; the M then commits. [`ready`] is its counterpart, and the only way out of a
//! park. `core/sched/README.md#park-commit` proves that no wake-up is lost.
//!
//! Go: proc.go gopark, park_m, goready, ready, Gosched, goyield.
#![forbid(unsafe_code)]

use crate::core::g::context::{Switch, suspend};
use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::g::status::Enqueue;
use crate::core::hooks;
use crate::core::m::current::this_m;
use crate::core::m::enter::{NoPreempt, enter_to_wait};
use crate::core::m::machine::M;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::wake::wakep;
use crate::core::sys::fatal::fatal;

/// Sleeps until `ready` is called for the current goroutine (or thread), which has announced.
/// Returns outside of the runtime, maybe on another thread.
// A frame less for the guard of thread-locals to read.
// (In debug builds a larger frame keeps old references.)
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn park(rt: NoPreempt) {
    let g = rt.current();
    match rt.m() {
        Some(_) => switch(rt, g, Switch::Park),
        None => {
            drop(rt);
            hooks::park_thread(g);
        }
    }
}

/// Wakes a goroutine (or a foreign thread's G) that has announced a park. Called by the one waker
/// that owns the wait, after it has completed the sleeper's operation.
#[inline]
pub(crate) fn ready(rt: &NoPreempt, g: GRef) {
    if hooks::wake(g) == Enqueue::Mine {
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
    SCHED.lock().push_global(g);
}

/// A full local queue's oldest half goes global.
pub(crate) fn spill(batch: &GQueue) {
    SCHED.lock().global().append(batch);
}

/// The goroutine goes to the tail of the global queue; others run first. On a foreign thread only
/// a yield of the CPU. Go: Gosched.
pub(crate) fn yield_now() {
    yield_as(Switch::Yield);
}

/// Runnable again at this P's tail. Go: goyield.
pub(crate) fn yield_local() {
    yield_as(Switch::YieldLocal);
}

fn yield_as(how: Switch) {
    let rt = enter_to_wait();
    match rt.m() {
        Some(_) => {
            let g = rt.current();
            switch(rt, g, how);
        }
        None => std::thread::yield_now(),
    }
}

/// Leaves the stack for the M's loop; back, leaves the runtime on whatever M this is now.
// As `park`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn switch(rt: NoPreempt, g: GRef, how: Switch) {
    if let Some(m) = rt.forget()
        && m.depth() != 1
    {
        too_deep(m);
    }
    suspend(g, how);
    leave_after_switch();
}

#[cold]
fn too_deep(m: &M) -> ! {
    fatal!("switch while {} levels deep in the runtime", m.depth());
}

/// The loop resumed us inside the runtime, on an M that may not be the one we left.
#[inline]
pub(crate) fn leave_after_switch() {
    hooks::leave_after_switch(NoPreempt::resumed(this_m()));
}
