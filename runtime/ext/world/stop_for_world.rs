//! What an M does while the world is being stopped.
#![forbid(unsafe_code)]

use crate::core::m::machine::M;
use crate::core::p::processor::{P, PStatus};
use crate::core::sched::idle::{detach_p, held_p, stop_m};
use crate::core::sched::schedt::SCHED;

/// Nobody is to pick a goroutine any more.
#[inline]
pub(crate) fn is_stopping() -> bool {
    SCHED.stopping.peek()
}

/// The world is being stopped, and `m` does not owe it a pick: it has slept until that was over.
#[inline]
pub(crate) fn stops_for_world(m: &'static M) -> bool {
    let stops = is_stopping() && !m.p().is_some_and(P::take_owed_pick);
    if stops {
        stop_for_world(m);
    }
    stops
}

/// The world is being stopped: gives up the P, and sleeps until the world starts again.
#[cold]
fn stop_for_world(m: &'static M) {
    if m.spinning.get() {
        m.spins(false);
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
