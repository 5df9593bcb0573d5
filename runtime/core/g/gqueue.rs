//! A singly linked queue of Gs through `G::link`. Only its owner (the holder of a lock, or an M)
//! uses it.
//!
//! Go: proc.go gQueue, gList.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::goroutine::{G, GRef};

/// First in, first out; the fields are atomics only so that statics can hold one.
#[derive(Debug)]
pub(crate) struct GQueue {
    head: AtomicRef<G>,
    tail: AtomicRef<G>,
    len: AtomicU32,
}

impl GQueue {
    pub(crate) const fn new() -> GQueue {
        GQueue {
            head: AtomicRef::none(),
            tail: AtomicRef::none(),
            len: AtomicU32::new(0),
        }
    }

    /// Any thread may read it, as a hint.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len.load(Relaxed)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add_len(&self, n: u32) {
        self.len.store(self.len().wrapping_add(n), Relaxed);
    }

    pub(crate) fn push_back(&self, g: GRef) {
        g.link.store(None, Relaxed);
        match self.tail.load(Relaxed) {
            Some(tail) => tail.link.store(Some(g), Relaxed),
            None => self.head.store(Some(g), Relaxed),
        }
        self.tail.store(Some(g), Relaxed);
        self.add_len(1);
    }

    pub(crate) fn push_front(&self, g: GRef) {
        g.link.store(self.head.load(Relaxed), Relaxed);
        self.head.store(Some(g), Relaxed);
        if self.tail.load(Relaxed).is_none() {
            self.tail.store(Some(g), Relaxed);
        }
        self.add_len(1);
    }

    pub(crate) fn pop_front(&self) -> Option<GRef> {
        let g = self.head.load(Relaxed)?;
        let next = g.link.take_relaxed();
        self.head.store(next, Relaxed);
        if next.is_none() {
            self.tail.store(None, Relaxed);
        }
        self.add_len(1u32.wrapping_neg());
        Some(g)
    }

    /// Moves all of `other` behind the tail.
    pub(crate) fn append(&self, other: &GQueue) {
        let Some(first) = other.head.take_relaxed() else {
            return;
        };
        match self.tail.load(Relaxed) {
            Some(tail) => tail.link.store(Some(first), Relaxed),
            None => self.head.store(Some(first), Relaxed),
        }
        self.tail.store(other.tail.take_relaxed(), Relaxed);
        self.add_len(other.len());
        other.len.store(0, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn gs(n: usize) -> Vec<GRef> {
        (0..n).map(|_| &*Box::leak(Box::new(G::new()))).collect()
    }

    #[test]
    fn first_in_first_out_and_append_keeps_order() {
        let gs = gs(5);
        let (a, b) = (GQueue::new(), GQueue::new());
        a.push_back(gs[1]);
        a.push_front(gs[0]);
        gs[2..].iter().for_each(|g| b.push_back(g));
        a.append(&b);
        assert_eq!((a.len(), b.len()), (5, 0));
        for g in &gs {
            assert!(a.pop_front().unwrap().same(g));
        }
        assert!(a.pop_front().is_none() && a.is_empty());
    }
}
