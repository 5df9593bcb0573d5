//! Goroutine and thread, bound to each other: `lock_os_thread`.
//!
//! The M runs no other goroutine: when its own one blocks, it hands its P on and sleeps; the M
//! that picks the goroutine later gives its P to it.
//!
//! Go: proc.go LockOSThread, stoplockedm, startlockedm.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::g::goroutine::GRef;
use crate::m::enter::enter;
use crate::m::machine::M;
use crate::p::processor::P;
use crate::sched::handoff::hand_off;
use crate::sched::idle::{acquire_p, check_if_last, detach_p, held_p, hold_taken, stop_m};
use crate::sched::ms;
use crate::sched::state::SCHED;
use crate::sched::waiting;
use crate::sched::wake::{hand_over, serve_waiting};
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
    let owner = owner_of(g);
    let (p, _) = held_p(m);
    detach_p(m, p);
    SCHED.lock.lock();
    wake_owner_locked(owner, p);
    stop_m(m);
}

fn owner_of(g: GRef) -> &'static M {
    match ms::m_by_id(g.locked_m.load(Relaxed) - 1) {
        Some(owner) => owner,
        None => fatal!("goroutine {} is locked to a thread that is gone", g.id()),
    }
}

/// Its goroutine was picked. The lock is held, and free when this returns.
fn wake_owner_locked(owner: &'static M, p: &'static P) {
    // On the owner's behalf, so that it never counts as idle while it has been woken. It may
    // not have counted itself yet: then the number is below zero for a moment.
    SCHED
        .idle_locked
        .store(SCHED.idle_locked.load(Relaxed).wrapping_sub(1), Relaxed);
    SCHED.count_m_wake();
    SCHED.lock.unlock();
    hand_over(owner, p, false);
}

/// Threads are refused, and a P waits for one. By the spawner: does what a new M would do first,
/// gives the P to an M that is there. That may be one whose locked goroutine can run.
pub(crate) fn serve_refused() {
    serve_waiting();
    SCHED.lock.lock();
    let Some(p) = waiting::take_not_spinning() else {
        SCHED.lock.unlock();
        return;
    };
    // Its goroutines to the front of the global queue, as they were first.
    let rest = p.runq.drain(&hold_taken(p));
    rest.append(&SCHED.global);
    SCHED.global.append(&rest);
    match take_first_locked() {
        Some(g) => wake_owner_locked(owner_of(g), p),
        None => {
            waiting::push(p, false);
            SCHED.lock.unlock();
        }
    }
}

/// The first goroutine in the global queue whose locked M waits for it. Under the lock.
fn take_first_locked() -> Option<GRef> {
    let mut found = None;
    for _ in 0..SCHED.global.len() {
        let g = SCHED.global.pop_front()?;
        let waits = g.locked_m.load(Relaxed) != 0 && g.bound_m.load(Relaxed) == 0;
        if waits && found.is_none() {
            found = Some(g);
        } else {
            SCHED.push_global(g);
        }
    }
    found
}
