//! Goroutines that are tied to an M for a while, and how that M gets a P.
//!
//! A goroutine that the guard keeps (`ext/thread_locals/tls_guard.rs`) joins the queue of the M
//! on which it last ran. An M that runs takes from the queue at its next pick. An M that sleeps
//! is woken with an idle P, or with the P of the M that picked the goroutine, as Go hands a P
//! over to a locked M. If the M is in the kernel, or runs another goroutine for long, the tied
//! goroutine has to wait.
//!
//! `affinity`: no goroutine is left in the queue of an M that sleeps. The sender appends, and
//! then looks whether the M is in the idle list; the M looks at its queue, and then joins the
//! list; each does both under one hold of the scheduler's lock. The timer waiter is in no list.
//! It first says that it will sleep, and then looks at its queue. The sender appends, and then
//! looks whether the timer waiter has said so. Both execute a fence between the two steps. The model
//! is that of `hold` and `leaves` in `ext/diagnostics/watched.rs`: the same four steps.
//!
//! Go: proc.go startlockedm.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;

use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::core::sched::idle;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::wake::Owed;
use crate::core::sched::wake::hand_over;
use crate::ext::placement::idle_ms::Sleeper;
use crate::ext::threads::allm;
use crate::ext::threads::runtime_threads;
use crate::ext::threads::waiting_ps;

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
    next_locked(&SCHED.lock(), m)
}

/// As [`next`], whoever's turn it is.
pub(crate) fn next_locked(_: &SchedGuard, m: &'static M) -> Option<GRef> {
    m.affinity.queue.pop_front()
}

/// `m`, which holds a P, has picked a goroutine that must continue where it last ran. Afterwards
/// `m` may be without its P.
#[cold]
pub(crate) fn send_home(m: &'static M, g: GRef) {
    // A pick that runs nothing is a tick as well. Otherwise the global queue, if it is its turn, stays first: also
    // for the M that gets the P for `g`, which would send the next one home, and so on for ever.
    idle::held_p(m).schedtick.add(1);
    let sched = SCHED.lock();
    // Threads are taken out of the records under the lock: this one is there, or its
    // thread-locals are gone.
    let Some(home) = allm::m_of(g.last_m.load(Relaxed)) else {
        sched.push_global(g);
        return;
    };
    home.affinity.queue.push_back(g);
    let asleep = sched.take_asleep(home) == Sleeper::Taken;
    if asleep {
        home.affinity.had_turn.store(false, Relaxed); // the P comes for the sake of `g`
    }
    let idle_p = if asleep { sched.pop_idle_p() } else { None };
    drop(sched);
    match idle_p {
        Some(p) => hand_over(home, p, false),
        None if asleep => give_p_to(m, home),
        None => {
            fence(SeqCst); // pairs(affinity): wait_for_timers in hooks.rs, its fence in `sleep`
            if home.affinity.sleeps_for_timers.peek() {
                SCHED.timer_waiter.look_again();
            }
        }
    }
}

/// `m` has picked `g`, which may keep the thread for long, and goroutines need this very thread:
/// gives its P, with `g` first in line, to an M that nobody needs, if there is one or may be.
/// Returns `true` if `m` is without its P.
#[cold]
pub(crate) fn step_aside(m: &'static M, g: GRef) -> bool {
    let sched = SCHED.lock();
    let other = sched.pop_free_idle_m();
    let may_be_made = SCHED.wants_spare() && runtime_threads::may_be_made();
    if other.is_none() && !may_be_made {
        return false;
    }
    let held = idle::held_p(m);
    if held.runq.peek_next().is_some() {
        // It came out of the global queue, and will again: nothing has counted on since.
        sched.push_global_front(g);
    } else {
        held.put_next(g, |batch| sched.global().append(batch));
    }
    let p = idle::detach_p(m, held);
    m.affinity.stepped_aside.set(true);
    if other.is_none() {
        waiting_ps::push(&sched, p, false);
    }
    let last = SCHED.wants_spare();
    drop(sched);
    if let Some(other) = other {
        hand_over(other, p, false);
    }
    if last {
        runtime_threads::wake_spawner();
    }
    true
}

/// `m` gives its P to `target`, which sleeps and was taken out of every list by the caller.
pub(crate) fn give_p_to(m: &'static M, target: &'static M) {
    let p = idle::detach_p(m, idle::held_p(m));
    hand_over(target, p, false);
}

/// The goroutines tied to an M that goes to sleep go to the global queue, where other Ms find
/// them and wake this M with a P.
pub(crate) fn leave_to_others(sched: &SchedGuard, m: &'static M) -> Owed {
    if m.affinity.queue.is_empty() {
        return Owed::Nothing;
    }
    sched.global().append(&m.affinity.queue);
    Owed::Wakep
}
