//! An alarm wakes one goroutine that waits for something else when its context is done.
//!
//! The wait has a round (`core/g/wait_round.rs`), which the alarm claims as a timer does. The
//! alarm joins the node's children before the goroutine has announced its park, because joining
//! takes a lock and memory; it is armed later. Arming is one swap, and firing is one
//! compare-and-swap: the second of the two sees what the first one wrote. No other step can go
//! wrong, so there is no loom model.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::core::g::goroutine::GRef;
use crate::core::g::wait_round::WaitId;
use crate::core::m::enter::enter;
use crate::core::sched::park::ready;

/// Nobody waits yet.
const IDLE: u64 = 0;
/// The context is done. No ticket is an odd number.
const RUNG: u64 = 1;

pub(crate) struct Alarm {
    g: GRef,
    /// The two above, or the ticket of the wait.
    word: AtomicU64,
}

impl Alarm {
    /// For the calling goroutine or plain thread.
    pub(crate) fn mine() -> Alarm {
        Alarm {
            g: enter().current(),
            word: AtomicU64::new(IDLE),
        }
    }

    /// By its goroutine, with its park announced: from now on it may be readied. Returns `false` if
    /// the alarm has rung; then it does not ready anybody.
    pub(crate) fn arm(&self, round: WaitId) -> bool {
        // Release pairs(alarm): ring's Acquire sees the announced park.
        self.word
            .compare_exchange(IDLE, round.raw(), Release, Relaxed)
            .is_ok()
    }

    /// Readies the goroutine, if it waits and nobody else has claimed its wait for another `case`.
    pub(crate) fn ring(&self, case: u16) {
        // Acquire pairs(alarm): arm's Release.
        let word = self.word.swap(RUNG, Acquire);
        if word == IDLE || word == RUNG {
            return;
        }
        let rt = enter();
        if self.g.wait_round.claim(WaitId::from_raw(word), case) {
            ready(&rt, self.g);
        }
    }
}
