//! Waking an M that looks for work: the rule that loses no wake-up.
//!
//! Code that submits work calls [`wakep`], which starts one spinning M if a P is idle and no M
//! spins. A spinning M that finds work calls it again before it runs the work (`last-spinner`),
//! so each M that finds work wakes the next one. See `core/sched/README.md#no-lost-work`.
//!
//! Go: proc.go wakep, startm, newm.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

use crate::core::hooks;
use crate::core::m::machine::M;
use crate::core::p::idle_word::Wake;
use crate::core::p::processor::P;
use crate::core::sched::schedt::{SCHED, SchedGuard};

/// After work was published: starts a spinning M if one is wanted.
#[inline]
pub(crate) fn wakep() {
    fence(SeqCst); // pairs(no-lost-work): stop_spinning, then `last_look` in find.rs
    if SCHED.idle.want_spinner() == Wake::StartSpinner {
        start_spinner();
    }
}

/// What is owed once the scheduler's lock is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Owed {
    /// Work was put where others find it.
    Wakep,
    Nothing,
}

impl Owed {
    /// Without the lock.
    pub(crate) fn pay(self) {
        if self == Owed::Wakep {
            wakep();
        }
    }
}

/// A spinning M is counted already: finds a P and an M for it.
#[cold]
pub(crate) fn start_spinner() {
    let sched = SCHED.lock();
    let p = sched.pop_idle_p();
    match p {
        Some(p) => start_m_locked(sched, p, true),
        None => {
            // Between the word and the list somebody else took it.
            SCHED.idle.spinner_without_p();
        }
    }
}

/// Gives `p` to an idle M, or has one made. `spinning`: counted already. Go: startm.
pub(crate) fn start_m_locked(sched: SchedGuard, p: &'static P, spinning: bool) {
    match sched.pop_idle_m() {
        Some(m) => {
            let last = hooks::wants_spare();
            drop(sched);
            hand_over(m, p, spinning);
            if last {
                hooks::make_spare();
            }
        }
        None => hooks::start_thread(sched, p, spinning),
    }
}

/// Wakes a parked M and hands it a P.
pub(crate) fn hand_over(m: &'static M, p: &'static P, spinning: bool) {
    m.spinning.set(spinning);
    m.next_p.set(Some(p));
    m.note.wake(); // its Release publishes both
}
