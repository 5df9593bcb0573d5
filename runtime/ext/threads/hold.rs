//! The right to a P that no M holds.
#![allow(
    unsafe_code,
    reason = "makes the right to a P that is in nobody's hands"
)]

use crate::core::p::owner::HoldsP;
use crate::core::p::processor::{HeldP, P, PStatus};
use crate::core::sys::fatal::fatal;

/// Why nobody but the caller can have a P.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unheld {
    /// The world is stopped: every M has given its P up, and only the stopper runs.
    Stopped,
    /// It waits for an M, and the caller has the scheduler's lock for as long as it uses the right.
    Waiting,
    /// It is in the idle list, and the caller has the scheduler's lock for as long as it uses the
    /// right. (The status alone is not enough: a P may be on its way out.)
    Idle,
}

/// The right to `p`, which no M holds.
pub(crate) fn hold(p: &'static P, why: Unheld) -> HeldP {
    let unheld = match why {
        Unheld::Stopped => p.status() != PStatus::Running,
        Unheld::Waiting => p.m.get().is_none(),
        Unheld::Idle => p.status() == PStatus::Idle,
    };
    if !unheld {
        fatal!("P {} is held, though {why:?}", p.id);
    }
    // SAFETY: no M holds it, and nobody takes it meanwhile: see the reasons.
    HeldP::new(p, unsafe { HoldsP::assume() })
}
