//! Goroutines that have yielded at a P: the end of the global queue, as this P sees it, without the
//! lock of that queue.
//!
//! The global queue counts what was ever taken from its front. `at` is that count when all that were in
//! it when the oldest of these came are gone: from then on these are first. At one P this is the
//! order of a single queue. See `core/p/README.md#yielded`.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::{G, GRef};
use crate::core::g::gqueue::GQueue;
use crate::core::p::ring::{Cell, Ring};

/// When more goroutines than this yield at one P, half of them go to the global queue's list.
const CAP: usize = 1024;

pub(super) type GRing<const CAP: usize> = Ring<AtomicRef<G>, CAP>;

impl Cell for AtomicRef<G> {
    type Item = GRef;
    fn empty() -> Self {
        AtomicRef::none()
    }
    #[inline]
    fn load(&self) -> Option<GRef> {
        AtomicRef::load(self, Relaxed)
    }
    #[inline]
    fn store(&self, g: GRef) {
        AtomicRef::store(self, Some(g), Relaxed);
    }
}

/// All but `len` and `ring` is the owner's.
#[derive(Debug)]
pub(crate) struct Yielded {
    ring: GRing<CAP>,
    at: OwnerCell<u32>,
}

impl Yielded {
    pub(super) fn new() -> Yielded {
        Yielded {
            ring: Ring::new(),
            at: OwnerCell::zero(),
        }
    }

    /// For thieves.
    #[inline]
    pub(super) fn ring(&self) -> &GRing<CAP> {
        &self.ring
    }

    /// How many, for a moment.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.ring.len() as u32
    }

    /// Puts `g` behind all that is in the global queue, where the place behind the last has number
    /// `end`. When full, the oldest half goes there, by `spill`.
    #[inline]
    pub(super) fn put(&self, g: GRef, end: u32, spill: impl FnOnce(&GQueue)) {
        if self.len() == 0 {
            self.leave_behind(end);
        }
        if !self.ring.push(g) {
            self.put_slow(g, end, spill);
        }
    }

    #[cold]
    fn put_slow(&self, g: GRef, end: u32, spill: impl FnOnce(&GQueue)) {
        let batch = GQueue::new();
        while (batch.len() as usize) < CAP / 2
            && let Some(oldest) = self.get()
        {
            batch.push_back(oldest);
        }
        if !self.ring.push(g) {
            batch.push_back(g); // cannot be: only the owner pushes, and it has made room
        }
        self.leave_behind(end.wrapping_add(batch.len()));
        spill(&batch);
    }

    /// What is here comes behind the global queue, as it ends now.
    #[inline]
    pub(super) fn leave_behind(&self, end: u32) {
        self.at.set(end);
    }

    /// Whether the oldest came before all that are in the global queue, from which so many were
    /// `taken`.
    #[inline]
    pub(crate) fn is_before(&self, taken: u32) -> bool {
        let ahead = self.at.get().wrapping_sub(taken).cast_signed();
        ahead <= 0 && self.len() != 0
    }

    /// The oldest.
    pub(super) fn get(&self) -> Option<GRef> {
        self.ring.pop().map(|(g, _)| g)
    }

    /// All of them, in order.
    pub(super) fn drain(&self) -> GQueue {
        let all = GQueue::new();
        while let Some(g) = self.get() {
            all.push_back(g);
        }
        all
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::g::gqueue::gs;

    /// The yielded and the global queue are one queue: this one stands for the global one.
    #[test]
    fn those_that_yield_come_behind_the_global_queue_of_that_moment() {
        let (q, gs, global) = (Yielded::new(), gs(6), GQueue::new());
        let end = || global.taken().wrapping_add(global.len());
        let never = |_: &GQueue| unreachable!();
        global.push_back(gs[0]);
        q.put(gs[1], end(), never);
        global.push_back(gs[3]);
        q.put(gs[2], end(), never);
        assert!(q.len() == 2);
        assert!(!q.is_before(global.taken()), "gs[0] came first");
        assert!(global.pop_front().unwrap().same(gs[0]));
        assert!(q.is_before(global.taken()), "before gs[3]");
        assert!(q.get().unwrap().same(gs[1]));
        assert!(q.get().unwrap().same(gs[2]) && q.len() == 0);
        q.put(gs[4], end(), never);
        assert!(!q.is_before(global.taken()), "gs[3] came first");
        assert!(global.pop_front().unwrap().same(gs[3]));
        assert!(q.drain().pop_front().unwrap().same(gs[4]));
    }

    #[test]
    fn more_than_can_yield_here_go_to_the_global_queue_in_order() {
        let (q, gs) = (Yielded::new(), gs(CAP + 1));
        let global = GQueue::new();
        let end = || global.taken().wrapping_add(global.len());
        for g in &gs {
            q.put(g, end(), |batch| global.append(batch));
        }
        assert_eq!(global.len() as usize, CAP / 2);
        for g in &gs[..CAP / 2] {
            assert!(!q.is_before(global.taken()));
            assert!(global.pop_front().unwrap().same(g));
        }
        for g in &gs[CAP / 2..] {
            assert!(q.is_before(global.taken()));
            assert!(q.get().unwrap().same(g));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(Yielded: ring, at);
    }
}
