//! Goroutine and thread, bound to each other: `lock_os_thread`.
//!
//! The M runs no other goroutine: when its own one blocks, it hands its P on and sleeps; the M
//! that picks the goroutine later gives its P to it.
//!
//! Go: proc.go LockOSThread, stoplockedm, startlockedm.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::g::goroutine::GRef;
use crate::m::enter::{NoPreempt, enter};
use crate::m::machine::M;
use crate::sched::handoff::hand_off;
use crate::sched::idle::{acquire_p, check_if_last, detach_p, held_p, stop_m};
use crate::sched::ms;
use crate::sched::state::SCHED;
use crate::sched::wake::hand_over;
use crate::sys::fatal::fatal;

/// Wires the calling goroutine to its thread. Calls nest.
#[track_caller]
pub(crate) fn lock() {
    let rt = enter();
    let Some(m) = rt.m() else { return };
    let g = rt.current();
    let count = g.locked_count.load(Relaxed);
    let Some(more) = count.checked_add(1) else {
        drop(rt);
        panic!("LockOSThread nesting overflow");
    };
    g.locked_count.store(more, Relaxed);
    g.locked_m.store(m.id + 1, Relaxed);
    m.locked_g.store(Some(g), Relaxed);
}

/// For a wait in a call that promises to return on its thread: wires the goroutine to it, unless
/// it is. True: an `unlock` is owed.
pub(crate) fn lock_to_wait(rt: &NoPreempt) -> bool {
    let owed = rt.m().is_some() && rt.current().locked_count.load(Relaxed) == 0;
    if owed {
        lock();
    }
    owed
}

/// Undoes one `lock`. Without one, nothing.
pub(crate) fn unlock() {
    let rt = enter();
    let Some(m) = rt.m() else { return };
    let g = rt.current();
    let count = g.locked_count.load(Relaxed);
    if count > 0 {
        g.locked_count.store(count - 1, Relaxed);
    }
    if count == 1 {
        g.locked_m.store(0, Relaxed);
        m.locked_g.store(None, Relaxed);
    }
}

/// In the loop of an M whose goroutine is locked to it and has given the CPU up: sleeps until
/// that one has been picked. Then it has a P again.
pub(crate) fn wait_for_own(m: &'static M) {
    if let Some(p) = m.p() {
        detach_p(m, p);
        hand_off(p);
    }
    SCHED.lock.lock();
    SCHED
        .idle_locked
        .store(SCHED.idle_locked.load(Relaxed).wrapping_add(1), Relaxed);
    SCHED.lock.unlock();
    check_if_last();
    m.note.sleep();
    match m.next_p.take_relaxed() {
        Some(p) => acquire_p(m, p),
        None => fatal!("locked m{} was woken without a P", m.id),
    }
}

/// By the M that picked a goroutine that is locked to another: gives its P to that one, and
/// sleeps.
pub(crate) fn start_owner(m: &'static M, g: GRef) {
    let owner = g.locked_m.load(Relaxed) - 1;
    let Some(owner) = ms::m_by_id(owner) else {
        fatal!("goroutine {} is locked to a thread that is gone", g.id());
    };
    let (p, _) = held_p(m);
    detach_p(m, p);
    SCHED.lock.lock();
    // On the owner's behalf, so that it never counts as idle while it has been woken. It may
    // not have counted itself yet: then the number is below zero for a moment.
    SCHED
        .idle_locked
        .store(SCHED.idle_locked.load(Relaxed).wrapping_sub(1), Relaxed);
    SCHED.count_m_wake();
    SCHED.lock.unlock();
    hand_over(owner, p, false);
    stop_m(m);
}
