//! The words by which a P is taken from outside an M that is blocked in the kernel.
//!
//! The owner's side is two plain stores and two plain loads at each entry into the runtime.
//! The thief's side (sysmon, or whoever stops the world) supplies the missing fence for both
//! with a `membarrier`: asymmetric Dekker, one of the two sees the other.
//!
//! `steal`: `NONE`; `TRYING`, a thief is looking; `STOLEN`, the P is the thief's, and the owner
//! resolves it at its next entry. See `sched/README.md#handoff`.
#![forbid(unsafe_code)]

use crate::base::prim::AtomicU32;
use crate::base::prim::Ordering::{AcqRel, Acquire, Relaxed, Release};

const NONE: u32 = 0;
const TRYING: u32 = 1;
const STOLEN: u32 = 2;

#[derive(Debug)]
pub(crate) struct Words {
    /// How deep the thread is in the runtime; 0 = user code. Written by its own thread only.
    in_rt: AtomicU32,
    steal: AtomicU32,
}

/// What the owner finds at its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Entry {
    /// It still has its P.
    Kept,
    /// The P is gone.
    Lost,
}

impl Words {
    /// Inside the runtime from the start.
    pub(crate) fn new() -> Words {
        Words {
            in_rt: AtomicU32::new(1),
            steal: AtomicU32::new(NONE),
        }
    }

    #[inline]
    pub(crate) fn depth(&self) -> u32 {
        self.in_rt.load(Relaxed)
    }

    /// One level deeper. The caller then asks `disturbed`, with a compiler fence in between.
    #[inline]
    pub(crate) fn enter(&self) {
        self.in_rt.store(self.depth() + 1, Relaxed);
    }

    /// One level up.
    #[inline]
    pub(crate) fn leave(&self) {
        // Release pairs(in-rt): the thief's Acquire in `try_steal` sees what we did with the P.
        self.in_rt.store(self.depth() - 1, Release);
    }

    /// Is a thief looking, or has it been?
    #[inline]
    pub(crate) fn disturbed(&self) -> bool {
        self.steal.load(Relaxed) != NONE
    }

    /// By the owner, inside: is the P still mine?
    pub(crate) fn resolve(&self) -> Entry {
        // AcqRel pairs(steal-word): the thief's compare in `try_steal`.
        match self.steal.compare_exchange(TRYING, NONE, AcqRel, Acquire) {
            Ok(_) | Err(NONE) => Entry::Kept,
            Err(_) => {
                self.steal.store(NONE, Relaxed);
                Entry::Lost
            }
        }
    }

    /// The P was given up while the thread goes on in user code (the safety valve).
    pub(crate) fn set_lost(&self) {
        self.steal.store(STOLEN, Relaxed);
    }

    /// The P was taken and its owner has not been back yet.
    pub(crate) fn is_lost(&self) -> bool {
        self.steal.load(Relaxed) == STOLEN
    }

    /// By a thief: takes the P, if the owner is in user code. `barrier` is a full fence on
    /// every CPU that runs a thread of ours; `look` reads what the M holds, while it must.
    pub(crate) fn try_steal<R>(
        &self,
        barrier: impl FnOnce() -> bool,
        look: impl FnOnce() -> Option<R>,
    ) -> Option<R> {
        // AcqRel pairs(steal-word): the owner's compare in `resolve`.
        if self
            .steal
            .compare_exchange(NONE, TRYING, AcqRel, Relaxed)
            .is_err()
        {
            return None;
        }
        // Acquire pairs(in-rt): `leave`'s Release.
        let outside = barrier() && self.in_rt.load(Acquire) == 0;
        let seen = if outside { look() } else { None };
        let to = if seen.is_some() { STOLEN } else { NONE };
        // AcqRel pairs(steal-word): a `resolve` that came in between has kept the P.
        match self.steal.compare_exchange(TRYING, to, AcqRel, Relaxed) {
            Ok(_) => seen,
            Err(_) => None,
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::prim::Ordering::SeqCst;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, fence};

    /// The owner enters while a thief tries: never both hold the P, never neither.
    /// loom has no membarrier; a fence on both sides stands for it.
    #[test]
    fn exactly_one_of_owner_and_thief_has_the_p() {
        loom::model(|| {
            let shared = Arc::new((Words::new(), AtomicUsize::new(0)));
            shared.0.leave();
            let owner = Arc::clone(&shared);
            let t = loom::thread::spawn(move || {
                owner.0.enter();
                fence(SeqCst);
                let kept = !owner.0.disturbed() || owner.0.resolve() == Entry::Kept;
                if kept {
                    owner.1.fetch_add(1, Relaxed);
                }
            });
            let barrier = || {
                fence(SeqCst);
                true
            };
            if shared.0.try_steal(barrier, || Some(())).is_some() {
                shared.1.fetch_add(1, Relaxed);
            }
            t.join().unwrap();
            assert_eq!(shared.1.load(Relaxed), 1, "exactly one holder");
        });
    }
}
