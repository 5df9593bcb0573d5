//! An M without work: it gives up its P, sleeps, and takes the P that another thread hands to it.
//!
//! Go: proc.go acquirep, releasep, stopm, gcstopm.
#![allow(
    unsafe_code,
    reason = "makes the right to a P for the scheduler's own loop"
)]

use std::sync::OnceLock;

use crate::core::base::fastrand::RandomOrder;
use crate::core::hooks;
use crate::core::m::machine::M;
use crate::core::p::owner::HoldsP;
use crate::core::p::processor::{HeldP, MAX_PS, P, PStatus};
use crate::core::sched::schedt::SCHED;
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
    p.m.set(Some(m.id));
    m.set_p(Some(p));
    hooks::p_starts(m, p);
}

/// `m` gives up its P, which is about to pass to another M: no M holds it meanwhile.
pub(crate) fn detach_p(m: &'static M, held: HeldP) -> &'static P {
    let p = held.p();
    hooks::p_stops(m, p);
    p.m.set(None);
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
    if let Some(p) = hooks::p_that_waits(&sched, m) {
        drop(sched);
        return acquire_p(m, p);
    }
    let owed = hooks::leave_to_others(&sched, m);
    sched.push_idle_m(m);
    drop(sched);
    owed.pay();
    wait_for_p(m);
}

/// Sleeps until `m`, which is in the idle list or new, is handed a P.
pub(crate) fn wait_for_p(m: &'static M) {
    hooks::check_if_last();
    hooks::m_sleeps(m);
    m.note.sleep(); // its Acquire shows what the waker wrote
    hooks::m_wakes(m);
    match m.next_p.take() {
        Some(p) => acquire_p(m, p),
        None => fatal!("m{} was woken without a P", m.id),
    }
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
