//! The right to a P that no M holds.
#![allow(
    unsafe_code,
    reason = "makes the right to a P that is in nobody's hands"
)]

use crate::core::p::owner::HoldsP;
use crate::core::p::processor::{HeldP, P, PStatus};
use crate::core::sys::fatal::fatal;

/// The right to a P that no M holds because the world is stopped: the stopper owns it.
pub(crate) fn hold_stopped(p: &'static P) -> HeldP {
    if p.status() == PStatus::Running {
        fatal!("P {} runs in a stopped world", p.id);
    }
    // SAFETY: every M has given its P up, and only the stopper runs.
    HeldP::new(p, unsafe { HoldsP::assume() })
}

/// The right to a P that waited for an M and was taken out of that list, by whoever took it.
pub(crate) fn hold_taken(p: &'static P) -> HeldP {
    if p.m.get().is_some() {
        fatal!("P {} is held", p.id);
    }
    // SAFETY: no M holds it, and it is in no list.
    HeldP::new(p, unsafe { HoldsP::assume() })
}

/// The right to a P in the idle list (its status is not enough: it may be on its way out). The
/// scheduler's lock is held, and stays so while this is used.
pub(crate) fn hold_idle(p: &'static P) -> HeldP {
    if p.status() != PStatus::Idle {
        fatal!("P {} is not idle", p.id);
    }
    // SAFETY: a P leaves the idle list under the lock only.
    HeldP::new(p, unsafe { HoldsP::assume() })
}
