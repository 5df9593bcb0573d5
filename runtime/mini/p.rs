//! P, the right to run goroutines, with a queue of those that wait for it.
//!
//! In front stands `runnext`, the goroutine that was started or woken last. Behind it a
//! crossbeam deque: the owner puts at the back and takes from the front, thieves take from the
//! front. In mini each M has one P, from its birth to its end.
//!
//! The full runtime: `runtime/p/processor.rs`, `runtime/queue/local.rs`. Go: proc.go runqput,
//! runqget, runqsteal.
#![allow(unsafe_code, reason = "keeps a handle in an atomic word")]

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crossbeam_deque::{Stealer, Worker};

use crate::g::{G, GRef};

// [p]
/// The half of a P that only its own M may use.
pub(crate) struct P {
    pub(crate) local: Worker<GRef>,
}

/// The half that thieves may use, too. `runnext` is here because it can be stolen.
pub(crate) struct Shared {
    runnext: AtomicPtr<G>,
    stealer: Stealer<GRef>,
}

pub(crate) fn new_p() -> (P, Shared) {
    let local = Worker::new_fifo();
    let shared = Shared {
        runnext: AtomicPtr::new(null_mut()),
        stealer: local.stealer(),
    };
    (P { local }, shared)
}

impl P {
    /// Puts `g` in front of all others; what stood there goes to the back.
    ///
    /// Not inlined: a deque that grows looks at a thread-local of crossbeam's, and goroutines
    /// call this. See `m.rs`.
    #[inline(never)]
    pub(crate) fn put_next(&self, shared: &Shared, g: GRef) {
        if let Some(kicked) = shared.swap_next(Some(g)) {
            self.local.push(kicked);
        }
    }
}

impl Shared {
    pub(crate) fn take_next(&self) -> Option<GRef> {
        // Not worth an exchange when there is none.
        if self.runnext.load(Relaxed).is_null() {
            return None;
        }
        self.swap_next(None)
    }

    /// Moves half of the queue, but at most 32, into the thief's, and answers the first of them.
    pub(crate) fn steal_half(&self, thief: &P) -> Option<GRef> {
        std::iter::repeat_with(|| self.stealer.steal_batch_and_pop(&thief.local))
            .find(|found| !found.is_retry())?
            .success()
    }

    pub(crate) fn is_empty(&self) -> bool {
        // Acquire pairs(runnext): the owner's swap. What it pushed before is seen, too.
        self.runnext.load(Acquire).is_null() && self.stealer.is_empty()
    }

    fn swap_next(&self, g: Option<GRef>) -> Option<GRef> {
        let new = g.map_or(null_mut(), |g| Arc::into_raw(g).cast_mut());
        // AcqRel pairs(runnext): whoever takes a goroutine sees what its giver wrote.
        let old = self.runnext.swap(new, AcqRel);
        // SAFETY: a pointer in this word came from `into_raw`, and a swap takes it out for one.
        (!old.is_null()).then(|| unsafe { Arc::from_raw(old) })
    }
}
// [/p]
