//! A P's own run queue: `runnext` in front of a first-in-first-out deque.
//!
//! The owner pushes at the back and takes from the front; thieves take from the front as well,
//! half at a time. `runnext` holds the goroutine readied or spawned last: it runs next, on the
//! time slice of the one that readied it. Go's capacity is policy here: at 256 the oldest half
//! and the new goroutine go to the global queue in one batch.
//!
//! Go: proc.go runqput, runqputslow, runqget, runqgrab, runqsteal, runqempty.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crossbeam_deque::{Steal, Stealer, Worker};

use crate::base::atomic_ref::AtomicRef;
use crate::g::goroutine::{G, GRef};
use crate::g::list::GQueue;
use crate::queue::owner::{HoldsP, OwnerOnly};

/// Go: len(p.runq).
pub(crate) const LOCAL_CAP: usize = 256;

#[derive(Debug)]
pub(crate) struct LocalQueue {
    runnext: AtomicRef<G>,
    worker: OwnerOnly<Worker<GRef>>,
    stealer: Stealer<GRef>,
    /// Counts pushes, so that `is_empty` can tell that its two looks belong together.
    pushes: AtomicU32,
}

/// What `get` found.
#[derive(Debug)]
pub(crate) struct Picked {
    pub(crate) g: GRef,
    /// From `runnext`: it goes on with the time slice of its waker.
    pub(crate) inherit: bool,
}

impl LocalQueue {
    pub(crate) fn new() -> LocalQueue {
        let worker = Worker::new_fifo();
        LocalQueue {
            runnext: AtomicRef::none(),
            stealer: worker.stealer(),
            worker: OwnerOnly::new(worker),
            pushes: AtomicU32::new(0),
        }
    }

    /// Puts `g` into `runnext`, and what was there at the back. What overflows goes to `spill`.
    #[inline]
    pub(crate) fn put_next(&self, holds: &HoldsP, g: GRef, spill: impl FnOnce(&GQueue)) {
        // Release pairs(runnext): the thief's Acquire sees the G's fields.
        let kicked = self.runnext.swap(Some(g), AcqRel);
        if let Some(kicked) = kicked {
            self.put(holds, kicked, spill);
        }
    }

    /// Puts `g` at the back. When full, half and `g` go to `spill` instead, oldest first.
    #[inline]
    pub(crate) fn put(&self, holds: &HoldsP, g: GRef, spill: impl FnOnce(&GQueue)) {
        let worker = self.worker.get(holds);
        // Release pairs(runq-empty): is_empty's Acquires.
        self.pushes
            .store(self.pushes.load(Relaxed).wrapping_add(1), Release);
        if worker.len() < LOCAL_CAP {
            worker.push(g);
        } else {
            let batch = GQueue::new();
            for _ in 0..LOCAL_CAP / 2 {
                match worker.pop() {
                    Some(old) => batch.push_back(old),
                    None => break, // thieves were here
                }
            }
            batch.push_back(g);
            spill(&batch);
        }
    }

    /// `runnext`, or the front.
    #[inline]
    pub(crate) fn get(&self, holds: &HoldsP) -> Option<Picked> {
        let next = self.runnext.load(Relaxed);
        // Acquire pairs(runnext): a thief may have emptied it. Only the owner fills it.
        if next.is_some() && self.runnext.replace(next, None, AcqRel) {
            return next.map(|g| Picked { g, inherit: true });
        }
        self.worker
            .get(holds)
            .pop()
            .map(|g| Picked { g, inherit: false })
    }

    /// Moves half of this queue into the thief's, and hands out one of them to run.
    pub(crate) fn steal_half(&self, holds: &HoldsP, thief: &LocalQueue) -> Option<GRef> {
        loop {
            let half = self.stealer.len().div_ceil(2).clamp(1, LOCAL_CAP / 2);
            let dest = thief.worker.get(holds);
            match self.stealer.steal_batch_with_limit_and_pop(dest, half) {
                Steal::Success(g) => return Some(g),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    /// Takes the victim's `runnext`, if it is still `seen`.
    pub(crate) fn steal_next(&self, seen: GRef) -> bool {
        // Acquire pairs(runnext): put_next's Release.
        self.runnext.replace(Some(seen), None, AcqRel)
    }

    /// What stands in `runnext`, for a thief to consider.
    pub(crate) fn peek_next(&self) -> Option<GRef> {
        self.runnext.load(Relaxed)
    }

    /// Never true while the owner has something in it, whatever moves in between.
    pub(crate) fn is_empty(&self) -> bool {
        loop {
            // Acquire pairs(runq-empty): put's Release.
            let pushes = self.pushes.load(Acquire);
            let empty = self.stealer.is_empty() && self.runnext.load(Acquire).is_none();
            if !empty || self.pushes.load(Acquire) == pushes {
                return empty;
            }
        }
    }

    /// Length without `runnext`: for schedtrace and tests.
    pub(crate) fn len(&self) -> usize {
        self.stealer.len()
    }

    /// Takes everything, in the order it would have run: for a P that goes away.
    pub(crate) fn drain(&self, holds: &HoldsP) -> GQueue {
        let all = GQueue::new();
        while let Some(picked) = self.get(holds) {
            all.push_back(picked.g);
        }
        all
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn gs(n: usize) -> Vec<GRef> {
        (0..n).map(|_| &*Box::leak(Box::new(G::new()))).collect()
    }

    /// Go: TestSchedLocalQueue.
    #[test]
    fn what_goes_in_comes_out_in_order() {
        let holds = HoldsP::for_test();
        let (q, gs) = (LocalQueue::new(), gs(LOCAL_CAP));
        for i in 0..LOCAL_CAP {
            assert!(q.is_empty());
            gs[..i]
                .iter()
                .for_each(|g| q.put(&holds, g, |_| unreachable!()));
            for g in &gs[..i] {
                assert!(q.get(&holds).unwrap().g.same(g));
            }
            assert!(q.get(&holds).is_none());
        }
    }

    /// Go: TestSchedLocalQueueSteal.
    #[test]
    fn a_thief_gets_half() {
        let holds = HoldsP::for_test();
        let gs = gs(LOCAL_CAP);
        for i in 0..LOCAL_CAP {
            let (victim, thief) = (LocalQueue::new(), LocalQueue::new());
            gs[..i]
                .iter()
                .for_each(|g| victim.put(&holds, g, |_| unreachable!()));
            let got = usize::from(victim.steal_half(&holds, &thief).is_some()) + thief.len();
            assert!(got == i / 2 || got == i / 2 + 1, "stole {got} of {i}");
            assert_eq!(got + victim.len(), i);
        }
    }

    #[test]
    fn overflow_sends_the_oldest_half_and_the_new_one() {
        let holds = HoldsP::for_test();
        let (q, gs) = (LocalQueue::new(), gs(LOCAL_CAP + 1));
        let mut spilt = None;
        for g in &gs {
            q.put(&holds, g, |batch| {
                let all = GQueue::new();
                all.append(batch);
                spilt = Some(all);
            });
        }
        let spilt = spilt.expect("overflowed");
        assert_eq!(spilt.len() as usize, LOCAL_CAP / 2 + 1);
        for g in gs[..LOCAL_CAP / 2].iter().chain([&gs[LOCAL_CAP]]) {
            assert!(spilt.pop_front().unwrap().same(g));
        }
        assert_eq!(q.len(), LOCAL_CAP / 2);
    }

    #[test]
    fn runnext_is_in_front_and_kicks_the_last_one_back() {
        let holds = HoldsP::for_test();
        let (q, gs) = (LocalQueue::new(), gs(10));
        gs.iter()
            .for_each(|g| q.put_next(&holds, g, |_| unreachable!()));
        let first = q.get(&holds).unwrap();
        assert!(first.inherit && first.g.same(gs[9]));
        for g in &gs[..9] {
            let picked = q.get(&holds).unwrap();
            assert!(!picked.inherit && picked.g.same(g));
        }
    }
}
