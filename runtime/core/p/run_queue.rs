//! A P's own run queue: `runnext` in front of a ring of at most 256 (`core/p/ring.rs`).
//!
//! The owner puts at the back and takes from the front; thieves take half at a time. `runnext`
//! holds the goroutine readied or spawned last: it runs next, on the time slice of the one that
//! readied it. At 256 the oldest half and the goroutine that was to join it go to the global queue
//! in one batch.
//!
//! Beside it are the goroutines that have yielded here (`core/p/yielded.rs`).
//!
//! Nothing here allocates (`core/m/enter.rs`): a crossbeam deque would, when it grows and when it
//! shrinks, and a goroutine that was preempted inside `malloc` would stop the whole process.
//!
//! Go: proc.go runqput, runqputslow, runqget, runqgrab, runqsteal, runqempty.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::context::prefetch;
use crate::core::g::goroutine::{G, GRef};
use crate::core::g::gqueue::GQueue;
use crate::core::p::ring::{Ring, half};
use crate::core::p::yielded::Yielded;

/// Go: len(p.runq).
pub(crate) const LOCAL_CAP: usize = 256;

#[derive(Debug)]
pub(crate) struct LocalQueue {
    runnext: AtomicRef<G>,
    ring: Ring<AtomicRef<G>, LOCAL_CAP>,
    pub(crate) yielded: Yielded,
}

/// Where a goroutine was found, if not in the P's own queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The global queue, which goes first every 61st time.
    Every61st,
    GlobalBatch,
    /// Half of a P's queue was stolen: so many goroutines.
    Half {
        victim: u32,
        n: u32,
    },
    /// That P's `runnext` was stolen.
    Next(u32),
    /// That P's timer was due.
    Timer(u32),
    /// Its descriptor is ready.
    Net,
    /// It needs the thread of the M that picks.
    OwnThread,
    /// It has waited for a stack.
    NoStack,
}

/// How an M's sleep for timers and descriptors has ended.
#[derive(Debug)]
#[must_use]
pub(crate) enum Slept {
    /// It did not sleep: another M does, or there is nothing to sleep for.
    NotForTimers,
    /// There is something to do: an M with a P has to look around.
    Look,
    /// One goroutine can run, and this M alone is enough for it.
    Run(GRef),
}

/// What `get` found.
#[derive(Debug)]
pub(crate) struct Picked {
    pub(crate) g: GRef,
    /// From `runnext`: it runs in the time slice of its waker.
    pub(crate) inherit: bool,
}

impl LocalQueue {
    pub(crate) fn new() -> LocalQueue {
        LocalQueue {
            runnext: AtomicRef::none(),
            ring: Ring::new(),
            yielded: Yielded::new(),
        }
    }

    /// Puts `g` into `runnext`, and what was there at the back. What overflows goes to `spill`.
    #[inline]
    pub(super) fn put_next(&self, g: GRef, spill: impl FnOnce(&GQueue)) {
        // Release pairs(runnext): the thief's Acquire sees the G's fields.
        let kicked = self.runnext.swap(Some(g), AcqRel);
        if let Some(kicked) = kicked {
            self.put(kicked, spill);
        }
    }

    /// Puts `g` at the back. When full, half and `g` go to `spill` instead, oldest first.
    #[inline]
    pub(super) fn put(&self, g: GRef, spill: impl FnOnce(&GQueue)) {
        if !self.ring.push(g) {
            self.put_slow(g, spill);
        }
    }

    #[cold]
    fn put_slow(&self, g: GRef, spill: impl FnOnce(&GQueue)) {
        let batch = self.yielded.drain(); // these are before it in the global queue
        let mut oldest = [None; LOCAL_CAP / 2];
        let n = self.ring.take_share(half, |i, g| {
            if let Some(place) = oldest.get_mut(i as usize) {
                *place = Some(g);
            }
        });
        let oldest = oldest[..n as usize].iter().flatten();
        oldest.for_each(|g| batch.push_back(g));
        batch.push_back(g);
        spill(&batch);
    }

    /// The first of those that have yielded; up to `most` in all leave for the ring, which is empty.
    /// What stays is behind the global queue, as it ends now, at number `end`.
    #[inline]
    pub(super) fn take_yielded(&self, most: u32, end: u32) -> Option<GRef> {
        self.yielded.leave_behind(end);
        self.ring.refill(self.yielded.ring(), most)
    }

    /// `runnext`, or the front.
    #[inline]
    pub(super) fn get(&self) -> Option<Picked> {
        let next = self.runnext.load(Relaxed);
        // Acquire pairs(runnext): a thief may have emptied it. Only the owner fills it.
        if next.is_some() && self.runnext.replace(next, None, AcqRel) {
            return next.map(|g| Picked { g, inherit: true });
        }
        let (g, next) = self.ring.pop()?;
        if let Some(next) = next {
            prefetch(next);
        }
        Some(Picked { g, inherit: false })
    }

    /// Moves half of this queue into the thief's, and hands out the newest of them to run; and how
    /// many these were. Those that have yielded first: a thief has looked at the global queue before, where they would be.
    pub(super) fn steal_half(&self, thief: &LocalQueue) -> Option<(GRef, u32)> {
        let most = LOCAL_CAP as u32 / 2;
        let yielded = thief
            .ring
            .steal(self.yielded.ring(), |all| half(all).min(most));
        yielded.or_else(|| thief.ring.steal(&self.ring, half))
    }

    /// Takes the victim's `runnext`, if it is still `seen`.
    pub(crate) fn steal_next(&self, seen: GRef) -> bool {
        // Acquire pairs(runnext): put_next's Release.
        self.runnext.replace(Some(seen), None, AcqRel)
    }

    /// The goroutine in `runnext`, for a thief to consider.
    pub(crate) fn peek_next(&self) -> Option<GRef> {
        self.runnext.load(Relaxed)
    }

    /// Never true while the owner has something in it, whatever moves in between.
    pub(crate) fn is_empty(&self) -> bool {
        // Acquire pairs(runnext): put_next's Release.
        let no_next = || self.runnext.load(Acquire).is_none();
        self.ring
            .is_empty_and(|| no_next() && self.yielded.ring().is_empty_and(|| true))
    }

    /// Length without `runnext`: for schedtrace and tests.
    pub(crate) fn len(&self) -> usize {
        self.ring.len() + self.yielded.len() as usize
    }

    /// Takes everything but what has yielded, in the order it would have run: for a P that goes away.
    pub(super) fn drain(&self) -> GQueue {
        let all = GQueue::new();
        while let Some(picked) = self.get() {
            all.push_back(picked.g);
        }
        all
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::g::gqueue::gs;

    /// Go: TestSchedLocalQueue.
    #[test]
    fn what_goes_in_comes_out_in_order() {
        let (q, gs) = (LocalQueue::new(), gs(LOCAL_CAP));
        for i in 0..LOCAL_CAP {
            assert!(q.is_empty());
            gs[..i].iter().for_each(|g| q.put(g, |_| unreachable!()));
            for g in &gs[..i] {
                assert!(q.get().unwrap().g.same(g));
            }
            assert!(q.get().is_none());
        }
    }

    /// Go: TestSchedLocalQueueSteal.
    #[test]
    fn a_thief_gets_half() {
        let gs = gs(LOCAL_CAP);
        for i in 0..LOCAL_CAP {
            let (victim, thief) = (LocalQueue::new(), LocalQueue::new());
            gs[..i]
                .iter()
                .for_each(|g| victim.put(g, |_| unreachable!()));
            let got = usize::from(victim.steal_half(&thief).is_some()) + thief.len();
            assert!(got == i / 2 || got == i / 2 + 1, "stole {got} of {i}");
            assert_eq!(got + victim.len(), i);
        }
    }

    #[test]
    fn overflow_sends_the_oldest_half_and_the_new_one() {
        let (q, gs) = (LocalQueue::new(), gs(LOCAL_CAP + 1));
        let mut spilt = None;
        for g in &gs {
            q.put(g, |batch| {
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
    fn a_thief_gets_half_of_what_has_yielded_first() {
        let (victim, thief, gs) = (LocalQueue::new(), LocalQueue::new(), gs(5));
        let never = |_: &GQueue| unreachable!();
        victim.put(gs[4], never);
        gs[..4].iter().for_each(|g| victim.yielded.put(g, 0, never));
        assert!(victim.steal_half(&thief).unwrap().0.same(gs[1]));
        assert!(thief.get().unwrap().g.same(gs[0]));
        assert_eq!(victim.len(), 3);
    }

    #[test]
    fn runnext_is_in_front_and_kicks_the_last_one_back() {
        let (q, gs) = (LocalQueue::new(), gs(10));
        gs.iter().for_each(|g| q.put_next(g, |_| unreachable!()));
        let first = q.get().unwrap();
        assert!(first.inherit && first.g.same(gs[9]));
        for g in &gs[..9] {
            let picked = q.get().unwrap();
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
            let put = |g: GRef, next: bool| {
                if next {
                    q.put_next(g, never);
                } else {
                    q.put(g, never);
                }
            };
            gs[1..].iter().for_each(|g| put(g, false));
            std::thread::scope(|s| {
                s.spawn(|| {
                    while !over.load(Relaxed) {
                        assert!(!q.is_empty(), "flags {flags}, {kept} kept");
                    }
                });
                let mut hand = gs[0];
                for i in 0..30_000 {
                    put(hand, flags >> (i % 2) & 1 == 1);
                    hand = q.get().unwrap().g;
                }
                over.store(true, Relaxed);
            });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(LocalQueue: runnext, ring, yielded);
    }
}
