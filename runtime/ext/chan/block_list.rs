//! The buffer of an unbounded channel: a chain of blocks.
//!
//! The chain does not allocate or free. A push into a full chain needs a block that the caller
//! provides ([`Blocks::provide`]). Empty blocks are kept for reuse; a caller outside the runtime
//! may fetch all but one of them ([`Blocks::excess`]) and free them.
#![allow(
    unsafe_code,
    reason = "places that may or may not hold a value; a tail pointer"
)]

use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};

const PLACES: usize = 32;

/// Room for some values, and the way to the next block.
#[derive(Debug)]
pub(crate) struct Block<T> {
    next: *mut Block<T>,
    places: [MaybeUninit<T>; PLACES],
}

impl<T> Block<T> {
    /// Allocates.
    pub(crate) fn new() -> Box<Block<T>> {
        let mut block = Box::<Block<T>>::new_uninit();
        let p = block.as_mut_ptr();
        // SAFETY: a place inside of the box.
        let next = unsafe { &raw mut (*p).next };
        // SAFETY: as above.
        unsafe { next.write(null_mut()) };
        // SAFETY: `next` was written, and the places may be uninitialised.
        unsafe { block.assume_init() }
    }
}

/// Blocks that are on their way to being freed.
#[derive(Debug)]
pub(crate) struct Spares<T>(*mut Block<T>);

impl<T> Drop for Spares<T> {
    fn drop(&mut self) {
        while let Some(p) = NonNull::new(self.0) {
            // SAFETY: each block in the chain is a leaked box without values.
            let block = unsafe { Box::from_raw(p.as_ptr()) };
            self.0 = block.next;
        }
    }
}

/// Values lie from place `head_at` of block `head` to place `tail_at` of block `tail`.
#[derive(Debug)]
pub(crate) struct Blocks<T> {
    head: *mut Block<T>,
    tail: *mut Block<T>,
    head_at: usize,
    tail_at: usize,
    len: usize,
    spare: *mut Block<T>,
    spares: usize,
}

// SAFETY: the blocks are this chain's own.
unsafe impl<T: Send> Send for Blocks<T> {}

impl<T> Blocks<T> {
    pub(crate) const fn new() -> Blocks<T> {
        Blocks {
            head: null_mut(),
            tail: null_mut(),
            head_at: 0,
            tail_at: PLACES, // as if it was full: the first push needs a block
            len: 0,
            spare: null_mut(),
            spares: 0,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes an empty block in.
    pub(crate) fn provide(&mut self, block: Box<Block<T>>) {
        self.keep(Box::into_raw(block));
    }

    fn keep(&mut self, block: *mut Block<T>) {
        // SAFETY: a block of ours that is in no chain.
        unsafe { (*block).next = self.spare };
        self.spare = block;
        self.spares += 1;
    }

    /// More spare blocks than are worth keeping?
    #[inline]
    pub(crate) fn has_excess(&self) -> bool {
        self.spares > 1
    }

    /// All spare blocks but one.
    pub(crate) fn excess(&mut self) -> Spares<T> {
        // SAFETY: the spare chain is ours.
        let Some(first) = (unsafe { self.spare.as_mut() }) else {
            return Spares(null_mut());
        };
        self.spares = 1;
        Spares(std::mem::replace(&mut first.next, null_mut()))
    }

    /// At the tail; without a place, and without a spare block, the value comes back.
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> Result<(), T> {
        if self.tail_at == PLACES && !self.grow() {
            return Err(value);
        }
        // SAFETY: the tail block is ours.
        let tail = unsafe { &mut *self.tail };
        tail.places[self.tail_at].write(value);
        self.tail_at += 1;
        self.len += 1;
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> bool {
        let block = self.spare;
        // SAFETY: the spare chain is ours.
        let Some(fresh) = (unsafe { block.as_mut() }) else {
            return false;
        };
        self.spare = std::mem::replace(&mut fresh.next, null_mut());
        self.spares -= 1;
        // SAFETY: the tail block is ours.
        match unsafe { self.tail.as_mut() } {
            Some(tail) => tail.next = block,
            None => self.head = block,
        }
        self.tail = block;
        self.tail_at = 0;
        true
    }

    /// From the head.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        // SAFETY: the head block is ours.
        let head = unsafe { &*self.head };
        // SAFETY: there is a value at this place, and the next lines let go of it.
        let value = unsafe { head.places[self.head_at].assume_init_read() };
        self.head_at += 1;
        self.len -= 1;
        if self.len == 0 {
            // The one block that is left starts afresh.
            self.head_at = 0;
            self.tail_at = 0;
        } else if self.head_at == PLACES {
            self.retire();
        }
        Some(value)
    }

    #[cold]
    fn retire(&mut self) {
        let block = self.head;
        // SAFETY: the head block is ours, and there are values left, so it has a next one.
        self.head = unsafe { (*block).next };
        self.head_at = 0;
        self.keep(block);
    }
}

impl<T> Drop for Blocks<T> {
    /// Frees the blocks; the values have been taken out by `Store`.
    fn drop(&mut self) {
        drop(Spares(self.head));
        drop(Spares(self.spare));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn first_in_first_out_over_many_blocks_and_few_allocations() {
        let mut blocks = Blocks::new();
        let mut made = 0;
        let (mut next_in, mut next_out) = (0, 0);
        for round in 0..100usize {
            for _ in 0..round * 7 % 200 {
                if blocks.push(Box::new(next_in)).is_err() {
                    made += 1;
                    blocks.provide(Block::new());
                    assert!(blocks.push(Box::new(next_in)).is_ok());
                }
                next_in += 1;
            }
            for _ in 0..round * 11 % 200 {
                if let Some(value) = blocks.pop() {
                    assert_eq!(*value, next_out);
                    next_out += 1;
                }
            }
            assert_eq!(blocks.len(), next_in - next_out);
        }
        assert!(made * PLACES <= next_in);
        drop(blocks.excess());
        while let Some(value) = blocks.pop() {
            assert_eq!(*value, next_out);
            next_out += 1;
        }
        assert_eq!(next_in, next_out);
        assert!(blocks.has_excess());
        drop(blocks.excess());
        assert!(!blocks.has_excess());
    }
}
