//! An M's queue of tied goroutines, which for a while run on this M and on no other.
//!
//! Go: none; see `ext/placement/tied.rs`.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::goroutine::G;
use crate::core::g::gqueue::GQueue;

/// The counters are the M's own.
#[derive(Debug)]
pub(crate) struct Affinity {
    /// Under the scheduler's lock; its length may be read without.
    pub(crate) queue: GQueue,
    /// The last goroutine came from the queue: the next one from elsewhere.
    pub(crate) had_turn: AtomicBool,
    /// How many goroutines that are known to need this M's thread are off their stacks, parked or
    /// in a queue. Added to by the M.
    pub(crate) waiting: AtomicU32,
    /// The goroutine that left its stack here last.
    pub(crate) left_last: AtomicRef<G>,
    /// The M gave its P away for one that needs its thread.
    pub(crate) stepped_aside: AtomicBool,
    /// The M sleeps until a timer is due, or is about to: it is in no list.
    pub(crate) sleeps_for_timers: AtomicBool,
    /// A module was loaded: the window is to be taken again.
    pub(crate) stale: AtomicBool,
    pub(crate) scans: AtomicU64,
    pub(crate) taints: AtomicU64,
    pub(crate) pins: AtomicU64,
}

impl Affinity {
    pub(crate) fn new() -> Affinity {
        Affinity {
            queue: GQueue::new(),
            had_turn: AtomicBool::new(false),
            waiting: AtomicU32::new(0),
            left_last: AtomicRef::none(),
            stepped_aside: AtomicBool::new(false),
            sleeps_for_timers: AtomicBool::new(false),
            stale: AtomicBool::new(false),
            scans: AtomicU64::new(0),
            taints: AtomicU64::new(0),
            pins: AtomicU64::new(0),
        }
    }

    /// For another thread. The queue is empty, the counters were taken away.
    pub(crate) fn reset(&self) {
        self.had_turn.store(false, Relaxed);
        self.waiting.store(0, Relaxed);
        self.left_last.store(None, Relaxed);
        self.stepped_aside.store(false, Relaxed);
        self.stale.store(false, Relaxed);
    }
}
