//! The words by which a P is taken from outside an M that is blocked in the kernel.
//!
//! The owner's side is two plain stores and two plain loads at each entry into the runtime. The
//! thief's side (sysmon, or a thread that stops the world) supplies the missing fence for both
//! with a `membarrier`. This is an asymmetric Dekker protocol: one of the two sees the other.
//!
//! `steal` is `NONE`; or a [`Thief`]'s own number while that thief is looking; or `STOLEN`: the
//! thief has the P, and the owner notices at its next entry. See `core/sched/README.md#handoff`.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

const NONE: u32 = 0;
const STOLEN: u32 = 1;

/// The parties that may take a P from outside; one thread at a time in each role. They have
/// different numbers because one could otherwise finish a theft that the other began: the owner
/// keeps its P from the first, enters the runtime, and the second one's mark would look like the
/// first's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Thief {
    Sysmon = 2,
    Stopper = 3,
}

#[derive(Debug)]
pub(crate) struct Retake {
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

impl Retake {
    /// Inside the runtime from the start.
    pub(crate) fn new() -> Retake {
        Retake {
            in_rt: AtomicU32::new(1),
            steal: AtomicU32::new(NONE),
        }
    }

    #[inline]
    pub(crate) fn depth(&self) -> u32 {
        self.in_rt.load(Relaxed)
    }

    /// One level deeper. The caller then asks `contested`, with a compiler fence in between.
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
    pub(crate) fn contested(&self) -> bool {
        self.steal.load(Relaxed) != NONE
    }

    /// Called by the owner, inside: does it still have its P?
    pub(crate) fn settle(&self) -> Entry {
        // AcqRel pairs(steal-word): the thief's compares in `try_steal`. A thief that has just
        // begun fails at its second one, whatever we do here.
        match self.steal.swap(NONE, AcqRel) {
            STOLEN => Entry::Lost,
            _ => Entry::Kept,
        }
    }

    /// The P was given up while the thread continues in user code (the safety valve).
    pub(crate) fn set_lost(&self) {
        self.steal.store(STOLEN, Relaxed);
    }

    /// The P was taken and its owner has not been back yet.
    pub(crate) fn is_lost(&self) -> bool {
        self.steal.load(Relaxed) == STOLEN
    }

    /// Called by a thief: takes the P, if the owner is in user code. `barrier` is a full fence on
    /// every CPU that runs a thread of ours; `look` reads what the M holds, while it must.
    pub(crate) fn try_steal<R>(
        &self,
        thief: Thief,
        barrier: impl FnOnce() -> bool,
        look: impl FnOnce() -> Option<R>,
    ) -> Option<R> {
        let trying = thief as u32;
        // AcqRel pairs(steal-word): the owner's swap in `settle`.
        if self
            .steal
            .compare_exchange(NONE, trying, AcqRel, Relaxed)
            .is_err()
        {
            return None;
        }
        // Acquire pairs(in-rt): `leave`'s Release.
        let outside = barrier() && self.in_rt.load(Acquire) == 0;
        let seen = if outside { look() } else { None };
        let to = if seen.is_some() { STOLEN } else { NONE };
        // AcqRel pairs(steal-word): a `settle` that came in between has kept the P.
        match self.steal.compare_exchange(trying, to, AcqRel, Relaxed) {
            Ok(_) => seen,
            Err(_) => None,
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::core::base::atomic::Ordering::SeqCst;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, fence};

    /// loom has no membarrier; a fence on both sides replaces it.
    fn barrier() -> bool {
        fence(SeqCst);
        true
    }

    fn enters_and_keeps(words: &Retake) -> bool {
        words.enter();
        fence(SeqCst);
        !words.contested() || words.settle() == Entry::Kept
    }

    /// The owner enters while a thief tries: never both hold the P, never neither.
    #[test]
    fn exactly_one_of_owner_and_thief_has_the_p() {
        loom::model(|| {
            let shared = Arc::new((Retake::new(), AtomicUsize::new(0)));
            shared.0.leave();
            let owner = Arc::clone(&shared);
            let t = loom::thread::spawn(move || {
                if enters_and_keeps(&owner.0) {
                    owner.1.fetch_add(1, Relaxed);
                }
            });
            if shared
                .0
                .try_steal(Thief::Sysmon, barrier, || Some(()))
                .is_some()
            {
                shared.1.fetch_add(1, Relaxed);
            }
            t.join().unwrap();
            assert_eq!(shared.1.load(Relaxed), 1, "exactly one holder");
        });
    }

    /// Two thieves at once, and an owner that keeps its P from the first and stays inside.
    #[test]
    fn a_thief_never_finishes_what_another_began() {
        loom::model(|| {
            let shared = Arc::new((Retake::new(), AtomicUsize::new(0)));
            shared.0.leave();
            let steal = |s: &(Retake, AtomicUsize), thief| {
                if s.0.try_steal(thief, barrier, || Some(())).is_some() {
                    s.1.fetch_add(1, Relaxed);
                }
            };
            let other = Arc::clone(&shared);
            let t = loom::thread::spawn(move || steal(&other, Thief::Stopper));
            let owner = Arc::clone(&shared);
            let o = loom::thread::spawn(move || {
                if enters_and_keeps(&owner.0) {
                    owner.1.fetch_add(1, Relaxed);
                }
            });
            steal(&shared, Thief::Sysmon);
            t.join().unwrap();
            o.join().unwrap();
            assert_eq!(shared.1.load(Relaxed), 1, "exactly one holder");
        });
    }
}
