//! A singly linked queue of Gs through `G::link`. Only its owner (the holder of a lock, or an M)
//! uses it.
//!
//! Go: proc.go gQueue, gList.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::goroutine::{G, GRef};

/// First in, first out; the fields are atomics only so that statics can hold one.
#[derive(Debug)]
pub(crate) struct GQueue {
    head: OwnerRef<G>,
    tail: OwnerRef<G>,
    len: OwnerCell<u32>,
    /// How many were ever taken from the front, less those put there (wrapping).
    taken: OwnerCell<u32>,
}

impl GQueue {
    pub(crate) const fn new() -> GQueue {
        GQueue {
            head: OwnerRef::none(),
            tail: OwnerRef::none(),
            len: OwnerCell::zero(),
            taken: OwnerCell::zero(),
        }
    }

    /// Any thread may read it, as a hint.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len.peek()
    }

    /// As `len`.
    #[inline]
    pub(crate) fn taken(&self) -> u32 {
        self.taken.peek()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add_len(&self, n: u32) {
        self.len.set(self.len().wrapping_add(n));
    }

    pub(crate) fn push_back(&self, g: GRef) {
        g.link.set(None);
        match self.tail.get() {
            Some(tail) => tail.link.set(Some(g)),
            None => self.head.set(Some(g)),
        }
        self.tail.set(Some(g));
        self.add_len(1);
    }

    pub(crate) fn push_front(&self, g: GRef) {
        g.link.set(self.head.get());
        self.head.set(Some(g));
        if self.tail.get().is_none() {
            self.tail.set(Some(g));
        }
        self.add_len(1);
        self.taken.set(self.taken().wrapping_sub(1));
    }

    pub(crate) fn pop_front(&self) -> Option<GRef> {
        let g = self.head.get()?;
        let next = g.link.take();
        self.head.set(next);
        if next.is_none() {
            self.tail.set(None);
        }
        self.add_len(1u32.wrapping_neg());
        self.taken.set(self.taken().wrapping_add(1));
        Some(g)
    }

    /// Moves all of `other` behind the tail.
    pub(crate) fn append(&self, other: &GQueue) {
        let Some(first) = other.head.take() else {
            return;
        };
        match self.tail.get() {
            Some(tail) => tail.link.set(Some(first)),
            None => self.head.set(Some(first)),
        }
        self.tail.set(other.tail.take());
        self.add_len(other.len());
        other.len.set(0);
    }
}

/// For tests: so many Gs, which are never freed.
#[cfg(all(test, not(loom)))]
pub(crate) fn gs(n: usize) -> Vec<GRef> {
    (0..n).map(|_| &*Box::leak(Box::new(G::new()))).collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

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
