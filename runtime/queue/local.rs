//! A P's own run queue: `runnext` in front of a first-in-first-out queue of at most 256.
//!
//! The owner puts at the back and takes from the front; thieves take half at a time. `runnext`
//! holds the goroutine readied or spawned last: it runs next, on the time slice of the one that
//! readied it. At 256 the oldest half and the new goroutine go to the global queue in one batch.
//!
//! The queue has two parts: a crossbeam deque of up to 64, and behind it an intrusive list,
//! `more`, under a lock of its own. Why not all in the deque: beyond 64 it *allocates*, and here
//! nobody may (`m/enter.rs`): the first version did, and a goroutine that was preempted inside
//! `malloc` stopped the whole process. See `queue/README.md#no-allocation`.
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
use crate::sys::lock::RawLock;

/// Go: len(p.runq).
pub(crate) const LOCAL_CAP: usize = 256;
/// A crossbeam deque starts with this many places, and never has fewer.
const DEQUE_CAP: usize = 64;

#[derive(Debug)]
pub(crate) struct LocalQueue {
    runnext: AtomicRef<G>,
    worker: OwnerOnly<Worker<GRef>>,
    stealer: Stealer<GRef>,
    more_lock: RawLock,
    /// Behind the deque; under `more_lock`.
    more: GQueue,
    /// Its length, for everybody; written under `more_lock`.
    more_len: AtomicU32,
    /// Goes up when something moves towards the front, so that `is_empty` can tell that its
    /// looks belong together.
    moves: AtomicU32,
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
            more_lock: RawLock::new(),
            more: GQueue::new(),
            more_len: AtomicU32::new(0),
            moves: AtomicU32::new(0),
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
        self.moved();
        let worker = self.worker.get(holds);
        // Acquire pairs(more): a thief may have emptied it.
        let more = self.more_len.load(Acquire) as usize;
        let front = worker.len();
        if more == 0 && front < DEQUE_CAP {
            worker.push(g);
        } else if front + more < LOCAL_CAP {
            self.put_more(g);
        } else {
            self.overflow(holds, g, spill);
        }
    }

    #[cold]
    fn put_more(&self, g: GRef) {
        self.more_lock.lock();
        self.more.push_back(g);
        self.publish_more();
        self.more_lock.unlock();
    }

    /// Half of the queue, oldest first, and `g`. Go: runqputslow.
    #[cold]
    fn overflow(&self, holds: &HoldsP, g: GRef, spill: impl FnOnce(&GQueue)) {
        let batch = GQueue::new();
        while (batch.len() as usize) < LOCAL_CAP / 2
            && let Some(old) = self.pop_front(holds)
        {
            batch.push_back(old);
        }
        batch.push_back(g);
        spill(&batch);
    }

    /// `runnext`, or the front.
    #[inline]
    pub(crate) fn get(&self, holds: &HoldsP) -> Option<Picked> {
        let next = self.runnext.load(Relaxed);
        // Acquire pairs(runnext): a thief may have emptied it. Only the owner fills it.
        if next.is_some() && self.runnext.replace(next, None, AcqRel) {
            return next.map(|g| Picked { g, inherit: true });
        }
        self.pop_front(holds).map(|g| Picked { g, inherit: false })
    }

    #[inline]
    fn pop_front(&self, holds: &HoldsP) -> Option<GRef> {
        let worker = self.worker.get(holds);
        // Acquire pairs(more): publish_more's Release.
        if self.more_len.load(Acquire) != 0 && worker.is_empty() {
            self.refill(worker);
        }
        worker.pop()
    }

    /// The deque is empty: the head of `more` moves up.
    #[cold]
    fn refill(&self, worker: &Worker<GRef>) {
        self.more_lock.lock();
        for _ in 0..DEQUE_CAP {
            let Some(g) = self.more.pop_front() else {
                break;
            };
            worker.push(g);
        }
        self.moved();
        self.publish_more();
        self.more_lock.unlock();
    }

    /// Moves half of this queue into the thief's, which is empty, and hands out one of them.
    pub(crate) fn steal_half(&self, holds: &HoldsP, thief: &LocalQueue) -> Option<GRef> {
        // Acquire pairs(more): publish_more's Release.
        let more = self.more_len.load(Acquire) as usize;
        let half = (self.stealer.len() + more).div_ceil(2);
        let loot = GQueue::new();
        if more != 0 {
            self.more_lock.lock();
            while (loot.len() as usize) < half
                && let Some(g) = self.more.pop_front()
            {
                loot.push_back(g);
            }
            self.publish_more();
            self.more_lock.unlock();
        }
        let limit = half.saturating_sub(loot.len() as usize);
        let first = if limit > 0 || loot.is_empty() {
            self.steal_front(holds, thief, limit.max(1))
        } else {
            None
        };
        let first = first.or_else(|| loot.pop_front());
        while let Some(g) = loot.pop_front() {
            thief.put(holds, g, |batch| loot.append(batch));
        }
        first
    }

    /// At most `limit`, and at most half, of the deque.
    fn steal_front(&self, holds: &HoldsP, thief: &LocalQueue, limit: usize) -> Option<GRef> {
        loop {
            let dest = thief.worker.get(holds);
            match self.stealer.steal_batch_with_limit_and_pop(dest, limit) {
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
            // Acquire pairs(runq-empty): moved's Release; and pairs(more), pairs(runnext).
            let moves = self.moves.load(Acquire);
            let empty = self.stealer.is_empty()
                && self.more_len.load(Acquire) == 0
                && self.runnext.load(Acquire).is_none();
            if !empty || self.moves.load(Acquire) == moves {
                return empty;
            }
        }
    }

    /// Length without `runnext`: for schedtrace and tests.
    pub(crate) fn len(&self) -> usize {
        self.stealer.len() + self.more_len.load(Relaxed) as usize
    }

    /// Takes everything, in the order it would have run: for a P that goes away.
    pub(crate) fn drain(&self, holds: &HoldsP) -> GQueue {
        let all = GQueue::new();
        while let Some(picked) = self.get(holds) {
            all.push_back(picked.g);
        }
        all
    }

    #[inline]
    fn moved(&self) {
        // Release pairs(runq-empty): is_empty's Acquires.
        self.moves
            .store(self.moves.load(Relaxed).wrapping_add(1), Release);
    }

    fn publish_more(&self) {
        // Release pairs(more): whoever sees the new length sees what moved out of it.
        self.more_len.store(self.more.len(), Release);
    }
}

/// The deque's thread-local state is made here, where the caller may still allocate.
pub(crate) fn warm_up_thread() {
    let other = Worker::<GRef>::new_fifo();
    let mine = Worker::new_fifo();
    let nothing = other.stealer().steal_batch_with_limit_and_pop(&mine, 1);
    debug_assert!(nothing.is_empty());
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

    /// Go: TestSchedLocalQueueEmpty. With 100 in it, both parts of the queue are in use.
    #[test]
    fn a_queue_that_holds_something_never_looks_empty() {
        use std::sync::atomic::AtomicBool;
        for (flags, kept) in (0..4).flat_map(|f| [(f, 1), (f, 100)]) {
            let (q, gs) = (LocalQueue::new(), gs(kept + 1));
            let never = |_: &GQueue| unreachable!();
            let over = AtomicBool::new(false);
            let put = |holds: &HoldsP, g: GRef, next: bool| {
                if next {
                    q.put_next(holds, g, never);
                } else {
                    q.put(holds, g, never);
                }
            };
            let holds = HoldsP::for_test();
            gs[1..].iter().for_each(|g| put(&holds, g, false));
            std::thread::scope(|s| {
                s.spawn(|| {
                    while !over.load(Relaxed) {
                        assert!(!q.is_empty(), "flags {flags}, {kept} kept");
                    }
                });
                let mut hand = gs[0];
                for i in 0..30_000 {
                    put(&holds, hand, flags >> (i % 2) & 1 == 1);
                    hand = q.get(&holds).unwrap().g;
                }
                over.store(true, Relaxed);
            });
        }
    }
}
