//! A fixed ring of goroutines: the owner puts at the tail; the owner and thieves take from the
//! head.
//!
//! Invariants: `head <= tail <= head + CAP` (both count forever, modulo 2^32); slots from `head`
//! to `tail` are filled; only the owner writes `tail` and slots; the M that moves `head` by a
//! compare-and-swap owns the goroutines that `head` has passed. A taker reads slots *before* its
//! compare-and-swap: the owner cannot overwrite them until it has seen the head move, so if the
//! swap succeeds, the values that were read are right.
//!
//! It never allocates and never frees, so it may be used inside the runtime.
//!
//! Go: proc.go runqput, runqputslow, runqget, runqgrab.
#![forbid(unsafe_code)]

use crate::core::base::alone::Alone;
use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{Acquire, Relaxed, Release};

/// About half, and one of one. Go: runqgrab.
pub(crate) fn half(all: u32) -> u32 {
    all - all / 2
}

/// What the ring is made of: cells for `Item` that may be read while they are written.
pub(crate) trait Cell {
    type Item: Copy;
    fn empty() -> Self;
    /// What was stored last, or an older one, or none at all.
    fn load(&self) -> Option<Self::Item>;
    fn store(&self, item: Self::Item);
}

#[derive(Debug)]
pub(crate) struct Ring<C, const CAP: usize> {
    head: Alone<AtomicU32>,
    tail: Alone<AtomicU32>,
    cells: [C; CAP],
}

impl<C: Cell, const CAP: usize> Ring<C, CAP> {
    pub(crate) fn new() -> Self {
        const { assert!(CAP.is_power_of_two() && CAP < 1 << 31) };
        Ring {
            head: Alone(AtomicU32::new(0)),
            tail: Alone(AtomicU32::new(0)),
            cells: std::array::from_fn(|_| C::empty()),
        }
    }

    /// For tests: an empty ring whose counters are here already.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn starting_at(at: u32) -> Self {
        let ring = Ring::new();
        ring.head.0.store(at, Relaxed);
        ring.tail.0.store(at, Relaxed);
        ring
    }

    #[inline]
    fn cell(&self, at: u32) -> &C {
        &self.cells[at as usize % CAP]
    }

    /// Puts a goroutine at the tail. Called by the owner. Returns `false` if the ring is full.
    #[inline]
    #[must_use]
    pub(crate) fn push(&self, item: C::Item) -> bool {
        // Acquire pairs(ring-head): the takers' Release: they have read their slots.
        let head = self.head.0.load(Acquire);
        let tail = self.tail.0.load(Relaxed);
        if tail.wrapping_sub(head) >= CAP as u32 {
            return false;
        }
        self.cell(tail).store(item);
        self.publish(tail.wrapping_add(1));
        true
    }

    /// Takes the oldest goroutine. Called by the owner. Also returns the one after it, as a hint
    /// of what comes next.
    #[inline]
    pub(crate) fn pop(&self) -> Option<(C::Item, Option<C::Item>)> {
        let tail = self.tail.0.load(Relaxed);
        let mut head = self.head.0.load(Relaxed);
        loop {
            let left = tail.wrapping_sub(head);
            if left == 0 {
                return None;
            }
            let item = self.cell(head).load();
            let next = if left > 1 {
                self.cell(head.wrapping_add(1)).load()
            } else {
                None
            };
            match self.take(head, 1) {
                Ok(()) => return item.map(|item| (item, next)),
                Err(now) => head = now, // a thief was here
            }
        }
    }

    /// Passes the head over `n` slots that start at `head`: then they are the caller's.
    #[inline]
    fn take(&self, head: u32, n: u32) -> Result<(), u32> {
        // Release pairs(ring-head): push's Acquire. The slots have been read.
        let to = head.wrapping_add(n);
        let moved = self.head.0.compare_exchange(head, to, Release, Relaxed);
        moved.map(|_| ())
    }

    /// Takes `share` of all that are there, oldest first, into `out`; returns how many. If `out` gets
    /// number 0 again, others have taken what it got before. Called by the owner, or by a thief.
    pub(crate) fn take_share(
        &self,
        share: impl Fn(u32) -> u32,
        mut out: impl FnMut(u32, C::Item),
    ) -> u32 {
        loop {
            // Acquire pairs(ring-head): other takers' Release, so that the tail is not older.
            let head = self.head.0.load(Acquire);
            // Acquire pairs(ring-tail): push's Release.
            let tail = self.tail.0.load(Acquire);
            let all = tail.wrapping_sub(head);
            if all > CAP as u32 {
                continue; // the two were read at different times
            }
            let n = share(all);
            if n == 0 {
                return 0;
            }
            for i in 0..n {
                if let Some(item) = self.cell(head.wrapping_add(i)).load() {
                    out(i, item);
                }
            }
            if self.take(head, n).is_ok() {
                return n;
            }
        }
    }

    /// Takes a share of `victim`, keeps all but the newest, and returns the newest, and how many it
    /// took. Called by the owner of `self`.
    pub(crate) fn steal<const OTHER: usize>(
        &self,
        victim: &Ring<C, OTHER>,
        share: impl Fn(u32) -> u32,
    ) -> Option<(C::Item, u32)> {
        let tail = self.tail.0.load(Relaxed);
        // The thief's ring is empty, so there is room for half of another one.
        debug_assert!(self.len() <= CAP / 2, "a thief has work of its own");
        let place = |i: u32| self.cell(tail.wrapping_add(i));
        let n = victim.take_share(share, |i, item| place(i).store(item));
        let kept = n.checked_sub(1)?;
        let newest = place(kept).load();
        self.publish(tail.wrapping_add(kept));
        newest.map(|newest| (newest, n))
    }

    /// Takes the oldest of `other`, at most `most`, keeps all but the first, and returns the first.
    /// Called by the owner of both; this one is empty.
    pub(crate) fn refill<const OTHER: usize>(
        &self,
        other: &Ring<C, OTHER>,
        most: u32,
    ) -> Option<C::Item> {
        let tail = self.tail.0.load(Relaxed);
        debug_assert!(self.len() == 0, "refilled too early");
        let mut first = None;
        let n = other.take_share(
            |all| all.min(most),
            |i, item| match i.checked_sub(1) {
                None => first = Some(item),
                Some(i) => self.cell(tail.wrapping_add(i)).store(item),
            },
        );
        let kept = n.checked_sub(1)?;
        self.publish(tail.wrapping_add(kept));
        first
    }

    #[inline]
    fn publish(&self, tail: u32) {
        // Release pairs(ring-tail): the takers' Acquire sees the slots and what they point to.
        self.tail.0.store(tail, Release);
    }

    /// A moment's length.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        let head = self.head.0.load(Relaxed);
        self.tail.0.load(Relaxed).wrapping_sub(head) as usize
    }

    /// Head and tail as they were at one moment: equal if the ring was empty. `between` is read
    /// at that moment too.
    pub(crate) fn is_empty_and(&self, between: impl Fn() -> bool) -> bool {
        loop {
            // Acquire pairs(ring-head): the takers' Release; pairs(ring-tail): push's Release.
            let head = self.head.0.load(Acquire);
            let tail = self.tail.0.load(Acquire); // pairs(ring-tail): push's Release
            let also = between();
            if self.tail.0.load(Acquire) == tail {
                return head == tail && also; // pairs(ring-tail): push's Release
            }
        }
    }
}

/// A cell with a number, for models and fuzz targets; 0 stands for nothing.
#[cfg(any(test, fuzzing))]
#[derive(Debug)]
pub(crate) struct NumberCell(AtomicU32);

#[cfg(any(test, fuzzing))]
impl Cell for NumberCell {
    type Item = u32;
    fn empty() -> NumberCell {
        NumberCell(AtomicU32::new(0))
    }
    fn load(&self) -> Option<u32> {
        Some(self.0.load(Relaxed)).filter(|&n| n != 0)
    }
    fn store(&self, item: u32) {
        self.0.store(item, Relaxed);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::core::base::atomic::Ordering::AcqRel;
    use loom::sync::Arc;

    type Small = Ring<NumberCell, 2>;

    /// The owner puts three through a ring of two while a thief takes half: everything comes
    /// out once.
    #[test]
    fn nothing_is_lost_and_nothing_comes_twice() {
        loom::model(|| {
            let ring = Arc::new(Small::new());
            let victim = Arc::clone(&ring);
            let thief = loom::thread::spawn(move || {
                let mine = Small::new();
                let newest = mine.steal(&victim, half).map(|(newest, _)| newest);
                [newest, mine.pop().map(|(n, _)| n)]
            });
            assert!(ring.push(1) && ring.push(2));
            let mut got = vec![];
            if !ring.push(3) {
                got.extend(ring.pop().map(|(n, _)| n));
                assert!(ring.push(3), "nobody else puts");
            }
            got.extend(std::iter::from_fn(|| ring.pop()).map(|(n, _)| n));
            got.extend(thief.join().unwrap().into_iter().flatten());
            got.sort_unstable();
            assert_eq!(got, [1, 2, 3]);
        });
    }

    /// The owner of two rings moves what has yielded to its queue, while a thief takes from both:
    /// everything comes out once.
    #[test]
    fn a_refill_and_a_thief_share_what_has_yielded() {
        loom::model(|| {
            let rings = Arc::new((Small::new(), Small::new()));
            assert!(rings.1.push(1) && rings.1.push(2));
            let victim = Arc::clone(&rings);
            let thief = loom::thread::spawn(move || {
                let mine = Small::new();
                let newest = mine.steal(&victim.1, half);
                newest
                    .or_else(|| mine.steal(&victim.0, half))
                    .map(|(n, _)| n)
            });
            let mut got: Vec<u32> = rings.0.refill(&rings.1, 2).into_iter().collect();
            got.extend(std::iter::from_fn(|| rings.0.pop()).map(|(n, _)| n));
            got.extend(std::iter::from_fn(|| rings.1.pop()).map(|(n, _)| n));
            got.extend(thief.join().unwrap());
            got.sort_unstable();
            assert_eq!(got, [1, 2]);
        });
    }

    /// `runnext` and the ring, as `run_queue.rs` has them: the owner kicks 1 out of `runnext` into
    /// the ring, and takes 2, which stood there meanwhile. Something is in one of the two all the
    /// time, and whoever looks sees it.
    #[test]
    fn a_queue_that_holds_something_never_looks_empty() {
        loom::model(|| {
            let queue = Arc::new((Small::new(), AtomicU32::new(1)));
            let owner = Arc::clone(&queue);
            let owner = loom::thread::spawn(move || {
                let kicked = owner.1.swap(2, AcqRel);
                assert!(owner.0.push(kicked));
                assert_eq!(owner.1.swap(0, AcqRel), 2);
            });
            let nothing = queue.0.is_empty_and(|| queue.1.load(Acquire) == 0);
            assert!(!nothing, "something is in it");
            owner.join().unwrap();
        });
    }
}

#[cfg(all(test, not(loom)))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        // As long as 256 references to Gs, of which this file knows nothing.
        assert_lines!(Ring<NumberCell, 512>: head, tail, cells);
    }
}
