//! The store of a channel's values: nothing, a ring, or a chain of blocks.
#![forbid(unsafe_code)]

use crate::ext::chan::block_list::{Block, Blocks, Spares};
use crate::ext::chan::ring_buffer::Ring;

#[derive(Debug)]
pub(crate) enum Store<T> {
    /// Capacity zero: values go from hand to hand. Also what is left when all receivers have
    /// gone.
    None,
    Ring(Ring<T>),
    Blocks(Blocks<T>),
}

impl<T> Store<T> {
    /// `None`: unbounded. Allocates.
    #[track_caller]
    pub(crate) fn new(capacity: Option<usize>) -> Store<T> {
        match capacity {
            None => Store::Blocks(Blocks::new()),
            Some(0) => Store::None,
            Some(n) => Store::Ring(Ring::new(n)),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Store::None => 0,
            Store::Ring(ring) => ring.len(),
            Store::Blocks(blocks) => blocks.len(),
        }
    }

    /// The room that is left; when unbounded, a number that is always enough.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        match self {
            Store::None => 0,
            Store::Ring(ring) => ring.capacity() - ring.len(),
            Store::Blocks(_) => usize::MAX,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: T) -> Result<(), T> {
        match self {
            Store::None => Err(value),
            Store::Ring(ring) => ring.push(value),
            Store::Blocks(blocks) => blocks.push(value),
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        match self {
            Store::None => None,
            Store::Ring(ring) => ring.pop(),
            Store::Blocks(blocks) => blocks.pop(),
        }
    }

    pub(crate) fn provide(&mut self, block: Box<Block<T>>) -> Option<Box<Block<T>>> {
        match self {
            Store::Blocks(blocks) => {
                blocks.provide(block);
                None
            }
            _ => Some(block),
        }
    }

    #[inline]
    pub(crate) fn has_excess(&self) -> bool {
        matches!(self, Store::Blocks(blocks) if blocks.has_excess())
    }

    pub(crate) fn excess(&mut self) -> Option<Spares<T>> {
        match self {
            Store::Blocks(blocks) => Some(blocks.excess()),
            _ => None,
        }
    }
}

impl<T> Drop for Store<T> {
    /// Drops the values, oldest first. After one whose drop panics the others are forgotten, as
    /// crossbeam-channel does: going on could panic again, which ends the process. The memory
    /// is freed all the same.
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn a_panicking_drop_ends_the_dropping_and_nothing_is_dropped_twice() {
        struct Bomb<'a>(&'a AtomicUsize, usize);
        impl Drop for Bomb<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Relaxed);
                assert!(self.1 != 2, "boom");
            }
        }
        for capacity in [Some(5), None] {
            let dropped = AtomicUsize::new(0);
            let mut store = Store::new(capacity);
            if capacity.is_none() {
                assert!(store.provide(Block::new()).is_none());
            }
            for i in 0..5 {
                assert!(store.push(Bomb(&dropped, i)).is_ok());
            }
            let thrown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(store)));
            assert!(thrown.is_err());
            assert_eq!(dropped.load(Relaxed), 3);
        }
    }
}
