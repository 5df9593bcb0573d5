//! The id of a thread that runs goroutines; it is never used again.
//!
//! When an M's thread has ended, the M's object and its number (`m7`) are used for another
//! thread. A goroutine may hold addresses of the old thread's thread-locals, which are not those
//! of the new thread. So code that remembers a thread beyond its end must remember this id.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{self, Relaxed};

use crate::core::base::m_id::{MAX_MS, MId};

/// The low bits are the M's number, below [`MAX_MS`]; above them it is counted, from 1. A thread
/// made each microsecond, they last for 17 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incarnation(u64);

const NUMBER_BITS: u32 = MAX_MS.ilog2();

impl Incarnation {
    /// No thread's.
    pub(crate) const NONE: Incarnation = Incarnation(0);

    /// Of the `count`th thread, which is to be M number `id`.
    pub(crate) fn new(count: u64, id: MId) -> Incarnation {
        Incarnation(count << NUMBER_BITS | u64::from(id.number()))
    }

    /// The M that it was, or is.
    pub(crate) fn id(self) -> MId {
        MId::new(self.0 as u32 % MAX_MS as u32)
    }
}

#[derive(Debug)]
pub(crate) struct AtomicIncarnation(AtomicU64);

impl AtomicIncarnation {
    pub(crate) const fn none() -> AtomicIncarnation {
        AtomicIncarnation(AtomicU64::new(Incarnation::NONE.0))
    }

    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> Incarnation {
        Incarnation(self.0.load(order))
    }

    #[inline]
    pub(crate) fn store(&self, incarnation: Incarnation, order: Ordering) {
        self.0.store(incarnation.0, order);
    }

    /// Is it this one? By a thread that is it, or has it written in a queue it took from.
    #[inline]
    pub(crate) fn is(&self, incarnation: Incarnation) -> bool {
        self.load(Relaxed) == incarnation
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_used_again_has_another_name() {
        let seven = MId::new(7);
        let (first, second) = (Incarnation::new(1, seven), Incarnation::new(2, seven));
        assert_ne!(first, second);
        assert_ne!(Incarnation::new(1, MId::new(0)), Incarnation::NONE);
        assert_eq!((first.id(), second.id()), (seven, seven));
        let last = MId::new(MAX_MS as u32 - 1);
        let incarnation = Incarnation::new(u64::MAX >> NUMBER_BITS, last);
        assert_eq!(incarnation.id(), last);
    }
}
