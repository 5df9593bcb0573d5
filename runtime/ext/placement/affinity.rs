//! An M's queue of tied goroutines, which for a while run on this M and on no other.
//!
//! Go: none; see `ext/placement/tied.rs`.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
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
    pub(crate) left_last: OwnerRef<G>,
    /// The M gave its P away for one that needs its thread.
    pub(crate) stepped_aside: OwnerCell<bool>,
    /// The M sleeps until a timer is due, or is about to: it is in no list.
    pub(crate) sleeps_for_timers: OwnerCell<bool>,
    /// A module was loaded: the window is to be taken again.
    pub(crate) stale: AtomicBool,
    pub(crate) scans: OwnerCell<u64>,
    pub(crate) taints: OwnerCell<u64>,
    pub(crate) pins: OwnerCell<u64>,
}

impl Affinity {
    pub(crate) fn new() -> Affinity {
        Affinity {
            queue: GQueue::new(),
            had_turn: AtomicBool::new(false),
            waiting: AtomicU32::new(0),
            left_last: OwnerRef::none(),
            stepped_aside: OwnerCell::zero(),
            sleeps_for_timers: OwnerCell::zero(),
            stale: AtomicBool::new(false),
            scans: OwnerCell::zero(),
            taints: OwnerCell::zero(),
            pins: OwnerCell::zero(),
        }
    }

    /// For another thread. The queue is empty, the counters were taken away.
    pub(crate) fn reset(&self) {
        self.had_turn.store(false, Relaxed);
        self.waiting.store(0, Relaxed);
        self.left_last.set(None);
        self.stepped_aside.set(false);
        self.stale.store(false, Relaxed);
    }
}
