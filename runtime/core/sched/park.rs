//! Giving up the CPU: park until readied, or yield.
//!
//! A park has three steps: *announce* (`GRef::announce_park`, before any waker can know of the
//! wait), *publish* (put the G where the waker finds it, release the lock), and [`park`], which
//! leaves the stack; the M then commits. `core/sched/README.md#park-commit` proves that no
//! wake-up is lost.
//!
//! Go: proc.go gopark, park_m, Gosched, goyield.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::context::{DISTANCE, Switch, suspend};
use crate::core::g::goroutine::GRef;
use crate::core::g::handback;
use crate::core::g::status::Enqueue;
use crate::core::g::wait_round::WaitId;
use crate::core::hooks;
use crate::core::m::current::this_m;
use crate::core::m::enter::{NoPreempt, enter_to_wait};
use crate::core::m::foreign::set_asleep;
use crate::core::m::foreign_parked;
use crate::core::sys::clock::Nanos;
use crate::core::sys::fatal::fatal;

/// Sleeps until `ready` is called for the current goroutine (or thread), which has announced.
/// Returns outside of the runtime, maybe on another thread.
#[inline]
pub(crate) fn park(rt: NoPreempt) {
    let g = rt.current();
    match rt.m() {
        Some(_) => switch(rt, g, Switch::Park),
        None => {
            drop(rt);
            park_thread(g);
        }
    }
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
#[inline]
fn switch(rt: NoPreempt, g: GRef, how: Switch) {
    if let Some(m) = rt.forget()
        && m.retake.depth() != 1
    {
        fatal!(
            "switch while {} levels deep in the runtime",
            m.retake.depth()
        );
    }
    suspend(g, how);
    leave_after_switch();
}

/// The loop resumed us inside the runtime, on an M that may not be the one we left.
#[inline]
pub(crate) fn leave_after_switch() {
    let m = this_m();
    let stale = m.is_some_and(|m| m.affinity.stale.load(Relaxed));
    drop(NoPreempt::resumed(m));
    if stale {
        take_window();
    }
}

/// A module was loaded. This runs in user code, since it takes the dynamic linker's lock. It runs
/// on the thread of the current M, which may be another M than before the goroutine left the
/// runtime.
#[cold]
#[inline(never)]
fn take_window() {
    if let Some(m) = this_m()
        && m.affinity.stale.swap(false, Relaxed)
    {
        m.tls_ranges.take(DISTANCE);
    }
}

/// A foreign thread waits on its own note. It may have been the last thread that could act.
#[cold]
fn park_thread(g: GRef) {
    if g.status.commit_park() == Enqueue::NotMine {
        set_asleep(g, true);
        foreign_parked::fell_asleep();
        hooks::foreign_falls_asleep(g);
        handback::sleep_thread(&g.status, &g.note);
        set_asleep(g, false);
    }
    g.status.run();
}

/// As [`park`], but at `deadline` the goroutine claims `case` of `ticket`'s round for itself.
/// The caller looks at `g.wait_round.winner()` afterwards: `case` means that time ran out.
pub(crate) fn park_until(rt: NoPreempt, deadline: Nanos, ticket: WaitId, case: u16) {
    let g = rt.current();
    match rt.m() {
        Some(_) => {
            g.timer.set(g, ticket.with_case(case));
            hooks::arm_and_park(&rt, &g.timer, deadline);
            switch(rt, g, Switch::Park);
            g.timer.disarm();
        }
        None => {
            drop(rt);
            park_thread_until(g, deadline, ticket, case);
        }
    }
}

#[cold]
fn park_thread_until(g: GRef, deadline: Nanos, ticket: WaitId, case: u16) {
    if g.status.commit_park() == Enqueue::NotMine {
        if !handback::sleep_thread_until(&g.status, &g.note, Some(deadline)) {
            if g.wait_round.claim(ticket, case) {
                g.status.thread_gave_up();
                return;
            }
            // Somebody else has won and is about to wake us.
            handback::sleep_thread(&g.status, &g.note);
        }
        foreign_parked::was_not_counted();
    }
    g.status.run();
}
