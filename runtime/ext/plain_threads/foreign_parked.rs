//! How many foreign threads wait without a deadline, and whether one was readied meanwhile. The
//! deadlock report needs this: it must not take a thread that was just woken for one that sleeps
//! (`core/sched/README.md#deadlock`).
//!
//! One word holds the count (with a bias, as it may be one too low for a moment), and above it
//! how many times a thread was readied.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

const BIAS: u64 = 1 << 24;
const ROUND: u64 = 1 << 32;

static WORD: AtomicU64 = AtomicU64::new(BIAS);

/// A snapshot. Two equal ones: no thread was readied in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asleep(u64);

impl Asleep {
    pub(crate) fn count(self) -> u32 {
        ((self.0 % ROUND).saturating_sub(BIAS)) as u32
    }
}

pub(crate) fn now() -> Asleep {
    Asleep(WORD.load(SeqCst)) // pairs(deadlock)
}

/// The calling thread waits now, without a deadline: its park is committed.
pub(crate) fn fell_asleep() {
    WORD.fetch_add(1, SeqCst); // pairs(deadlock)
}

/// A thread that waits, with or without a deadline, was readied; by its waker, before the waker
/// itself can fall asleep.
pub(crate) fn readied() {
    WORD.fetch_add(ROUND - 1, SeqCst); // pairs(deadlock)
}

/// The calling thread had a deadline, so it was never counted, and was readied all the same.
pub(crate) fn was_not_counted() {
    WORD.fetch_add(1, SeqCst); // pairs(deadlock)
}
