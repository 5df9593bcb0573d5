//! Goroutines that are tied to an M for a while, and how that M comes to a P.
//!
//! A goroutine that the guard does not let go (`sched/tlsguard.rs`) joins the queue of the M it
//! last ran on. A running M takes from it at its next pick; an M that sleeps is woken with an
//! idle P, or with the P of the M that picked the goroutine, which sleeps in its stead, as in
//! Go's hand-over to a locked M. An M in the kernel or in a long goroutine: it has to wait.
//!
//! `affinity`: no goroutine is left in the queue of an M that sleeps. The sender appends and
//! looks whether the M is in the idle list, the M looks at its queue and joins the list, each
//! under one hold of the scheduler's lock.
//!
//! Go: proc.go startlockedm, stoplockedm.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::g::goroutine::GRef;
use crate::m::machine::M;
use crate::p::processor::P;
use crate::sched::idle;
use crate::sched::state::SCHED;
use crate::sched::threads;
use crate::sched::wake::{hand_over, start_m_locked, wakep};
use crate::sys::fatal::fatal;

/// The next goroutine that is tied to `m`, but not twice in a row while others wait in `p`'s
/// queue.
#[inline]
pub(crate) fn next(m: &'static M, p: &P) -> Option<GRef> {
    if m.affinity.queue.is_empty() {
        return None;
    }
    take_turn(m, p)
}

#[cold]
fn take_turn(m: &'static M, p: &P) -> Option<GRef> {
    let mine = !m.affinity.had_turn.load(Relaxed) || p.runq.is_empty();
    m.affinity.had_turn.store(mine, Relaxed);
    if !mine {
        return None;
    }
    SCHED.lock.lock();
    let g = next_locked(m);
    SCHED.lock.unlock();
    g
}

/// As [`next`], under the scheduler's lock, whoever's turn it is.
pub(crate) fn next_locked(m: &'static M) -> Option<GRef> {
    m.affinity.queue.pop_front()
}

/// `m`, which holds a P, has picked a goroutine that must go on where it last ran. `m` may
/// sleep meanwhile; when this returns it has a P.
#[cold]
pub(crate) fn send_home(m: &'static M, g: GRef) {
    let Some(home) = threads::m_by_id(g.last_m.load(Relaxed)) else {
        fatal!("goroutine {} last ran on no M", g.id());
    };
    SCHED.lock.lock();
    let asleep = if home
        .affinity
        .kept_for
        .load(Relaxed)
        .is_some_and(|k| k.same(g))
    {
        home.affinity.kept_ready.store(true, Relaxed);
        take_kept_locked(home)
    } else {
        home.affinity.queue.push_back(g);
        SCHED.take_idle_m(home)
    };
    let idle_p = if asleep { SCHED.pop_idle_p() } else { None };
    SCHED.lock.unlock();
    match idle_p {
        Some(p) => hand_over(home, p, false),
        None if asleep => give_p_to(m, home),
        None => (),
    }
}

/// `m` gives its P to `target`, which sleeps and was taken out of every list by the caller.
/// `m` sleeps until it is handed another P. Go: startlockedm.
pub(crate) fn give_p_to(m: &'static M, target: &'static M) {
    hand_over(target, idle::drop_p(m), false);
    idle::stop_m(m);
}

/// `m` has a P, and runs nobody but `g`, which left it in the middle of a panic: gives the P
/// away and sleeps until `g` is runnable. Go: stoplockedm.
#[cold]
pub(crate) fn wait_for_kept(m: &'static M) -> GRef {
    let Some(g) = m.affinity.kept_for.load(Relaxed) else {
        fatal!("m{} is kept for nobody", m.id);
    };
    loop {
        SCHED.lock.lock();
        if m.affinity.kept_ready.load(Relaxed) {
            m.affinity.kept_ready.store(false, Relaxed);
            SCHED.lock.unlock();
            return g;
        }
        let owed = idle::leave_to_others(m);
        m.affinity.waits.store(true, Relaxed);
        SCHED
            .kept_m_count
            .store(SCHED.kept_m_count.load(Relaxed) + 1, Relaxed);
        start_m_locked(idle::drop_p(m), false);
        if owed {
            wakep();
        }
        idle::sleep_for_p(m);
    }
}

/// Takes an M out of its wait for the goroutine that it is kept for; false if it is not in it.
/// Under the lock.
fn take_kept_locked(m: &'static M) -> bool {
    if !m.affinity.waits.load(Relaxed) {
        return false;
    }
    m.affinity.waits.store(false, Relaxed);
    SCHED
        .kept_m_count
        .store(SCHED.kept_m_count.load(Relaxed) - 1, Relaxed);
    true
}
