//! The buffer of a bounded channel: a ring that is allocated once.
//!
//! Only the places from `head` on, `len` of them, hold values. Go: chan.go hchan.buf.
#![allow(unsafe_code, reason = "places that may or may not hold a value")]

use std::alloc::Layout;
use std::mem::MaybeUninit;

#[derive(Debug)]
pub(crate) struct Ring<T> {
    places: Box<[MaybeUninit<T>]>,
    head: usize,
    len: usize,
}

impl<T> Ring<T> {
    /// Allocates.
    ///
    /// # Panics
    /// When memory cannot be as large.
    #[track_caller]
    pub(crate) fn new(capacity: usize) -> Ring<T> {
        // std's words, which would name a line of std's.
        assert!(Layout::array::<T>(capacity).is_ok(), "capacity overflow");
        Ring {
            places: Box::new_uninit_slice(capacity),
            head: 0,
            len: 0,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.places.len()
    }

    /// At the tail; a full ring gives the value back.
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> Result<(), T> {
        let (capacity, mut at) = (self.capacity(), self.head + self.len);
        if self.len == capacity {
            return Err(value);
        }
        if at >= capacity {
            at -= capacity;
        }
        self.places[at].write(value);
        self.len += 1;
        Ok(())
    }

    /// From the head.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        // SAFETY: there is a value at `head`, and the next lines let go of it.
        let value = unsafe { self.places[self.head].assume_init_read() };
        self.head += 1;
        if self.head == self.capacity() {
            self.head = 0;
        }
        self.len -= 1;
        Some(value)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn first_in_first_out_around_the_end() {
        let mut ring = Ring::new(3);
        for round in 0..10 {
            for i in 0..3 {
                ring.push(round * 3 + i).unwrap();
            }
            assert_eq!(ring.push(99), Err(99));
            for i in 0..3 {
                assert_eq!(ring.pop(), Some(round * 3 + i));
            }
            ring.push(0).unwrap();
            assert_eq!((ring.pop(), ring.pop()), (Some(0), None));
        }
    }

    #[test]
    fn zero_sized_values_are_counted() {
        let mut ring = Ring::new(usize::MAX);
        ring.push(()).unwrap();
        assert_eq!((ring.pop(), ring.pop()), (Some(()), None));
    }
}
