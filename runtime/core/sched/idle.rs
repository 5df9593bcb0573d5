//! An M without work: it gives up its P, sleeps, and takes the P that another thread hands to it.
//!
//! Go: proc.go acquirep, releasep, stopm, gcstopm.
#![allow(
    unsafe_code,
    reason = "makes the right to a P for the scheduler's own loop"
)]

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;

use crate::core::base::fastrand::RandomOrder;
use crate::core::hooks;
use crate::core::m::machine::M;
use crate::core::p::owner::HoldsP;
use crate::core::p::processor::{HeldP, MAX_PS, P, PStatus};
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::waiting_ps;
use crate::core::sched::wake::wakep;
use crate::core::sys::fatal::fatal;

/// The P that `m`, the calling thread, holds; in the scheduler's loop, which owns it.
#[inline]
pub(crate) fn held_p(m: &'static M) -> HeldP {
    match m.p() {
        // SAFETY: the loop runs inside the runtime; nobody takes a P from there.
        Some(p) => HeldP::new(p, unsafe { HoldsP::assume() }),
        None => fatal!("m{} is in its loop without a P", m.id),
    }
}

/// `m` takes `p`, which no M holds.
pub(crate) fn acquire_p(m: &'static M, p: &'static P) {
    if m.p().is_some() {
        fatal!("m{} already holds a P", m.id);
    }
    p.set_status(PStatus::Running);
    p.m.store(m.id + 1, Relaxed);
    m.set_p(Some(p));
}

/// `m` gives up its P, which is about to pass to another M: no M holds it meanwhile.
pub(crate) fn detach_p(m: &'static M, held: HeldP) -> &'static P {
    let p = held.p();
    p.m.store(0, Relaxed);
    m.set_p(None);
    p
}

/// `m` leaves its P: idle from now on. Under the scheduler's lock, or for a stopped world.
pub(crate) fn release_p(m: &'static M, held: HeldP) -> &'static P {
    held.set_status(PStatus::Idle);
    detach_p(m, held)
}

/// Takes a P that waits for an M, or sleeps in the idle list until another thread hands a P to
/// `m`.
pub(crate) fn stop_m(m: &'static M) {
    let sched = SCHED.lock();
    // Who steps aside has just put one there, for somebody else.
    if !m.affinity.stepped_aside.load(Relaxed)
        && let Some(p) = waiting_ps::take_for(&sched, m)
    {
        drop(sched);
        acquire_p(m, p);
        return;
    }
    let owed = leave_to_others(&sched, m);
    sched.push_idle_m(m);
    drop(sched);
    if owed {
        wakep();
    }
    wait_for_p(m);
}

/// The goroutines tied to an M that goes to sleep go to the global queue, where other Ms find
/// them and wake this M with a P (`ext/placement/tied.rs`). True: the caller must call `wakep`.
pub(crate) fn leave_to_others(sched: &SchedGuard, m: &'static M) -> bool {
    let any = !m.affinity.queue.is_empty();
    if any {
        sched.global().append(&m.affinity.queue);
    }
    any
}

/// `m` is in the idle list already: sleeps until it is handed a P.
pub(crate) fn wait_for_p(m: &'static M) {
    check_if_last();
    m.note.sleep(); // its Acquire shows what the waker wrote
    match m.next_p.take_relaxed() {
        Some(p) => acquire_p(m, p),
        None => fatal!("m{} was woken without a P", m.id),
    }
}

/// Called by an M that counts as idle now, or has ended, or by a foreign thread that has stopped
/// a timer: can any M or thread still act?
pub(crate) fn check_if_last() {
    fence(SeqCst); // pairs(deadlock): a plain thread that falls asleep
    let awake = SCHED.ms_awake();
    if awake == 0 {
        hooks::nobody_is_awake();
    } else if awake == 1 && SCHED.timer_waiter.is_taken() && hooks::earliest().is_none() {
        // All timers were stopped, behind the sleeper's back: it is to go idle and check.
        SCHED.timer_waiter.look_again();
    }
}

/// The world is being stopped: gives up the P, and sleeps until the world starts again.
#[cold]
pub(crate) fn stop_for_world(m: &'static M) {
    if m.spinning.load(Relaxed) {
        m.spinning.store(false, Relaxed);
        SCHED.idle.stop_spinning();
    }
    if m.p().is_some() {
        let sched = SCHED.lock();
        detach_p(m, held_p(m)).set_status(PStatus::Stopped);
        sched.p_stopped();
        drop(sched);
    }
    stop_m(m);
}

/// Orders for every number of Ps, made when first used and kept: `gomaxprocs` may go up and
/// down, and a thief may still walk an older one.
static ORDERS: [OnceLock<RandomOrder>; MAX_PS] = [const { OnceLock::new() }; MAX_PS];

/// Makes the order for `procs` Ps. Allocates: not in a non-preemptible region.
pub(crate) fn make_steal_order(procs: u32) {
    ORDERS[procs as usize - 1].get_or_init(|| RandomOrder::new(procs));
}

/// The indices of all Ps in a random order.
pub(crate) fn steal_order(m: &'static M) -> impl Iterator<Item = usize> {
    let order = ORDERS[(SCHED.procs() as usize).saturating_sub(1)].get();
    order
        .into_iter()
        .flat_map(move |o| o.start(m.choice().next_u32()))
}

/// The right to a P that no M holds because the world is stopped: the stopper owns it.
pub(crate) fn hold_stopped(p: &'static P) -> HeldP {
    if p.status(Relaxed) == PStatus::Running {
        fatal!("P {} runs in a stopped world", p.id);
    }
    // SAFETY: every M has given its P up, and only the stopper runs.
    HeldP::new(p, unsafe { HoldsP::assume() })
}

/// The right to a P that waited for an M. The thread that took the P out of that list has it.
pub(crate) fn hold_taken(p: &'static P) -> HeldP {
    if p.m.load(Relaxed) != 0 {
        fatal!("P {} is held", p.id);
    }
    // SAFETY: no M holds it, and it is in no list.
    HeldP::new(p, unsafe { HoldsP::assume() })
}

/// The right to a P in the idle list (its status is not enough: it may be on its way out). The
/// scheduler's lock is held, and stays so while this is used.
pub(crate) fn hold_idle(p: &'static P) -> HeldP {
    if p.status(Relaxed) != PStatus::Idle {
        fatal!("P {} is not idle", p.id);
    }
    // SAFETY: a P leaves the idle list under the lock only.
    HeldP::new(p, unsafe { HoldsP::assume() })
}
