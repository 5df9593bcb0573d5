//! The number of an M: its place among all Ms, and its name in dumps (`m7`).
//!
//! When its thread has ended, a number is used again (`ext/threads/incarnation.rs` has an id that
//! is not). A word can hold a number, or none.
//!
//! Go: runtime2.go m.id, muintptr.
#![forbid(unsafe_code)]

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

const NUMBER_BITS: u32 = 15;
/// Most Ms there can be, whatever `Builder::max_threads` says.
pub(crate) const MAX_MS: usize = 1 << NUMBER_BITS;

/// One more than the number, so that `Option<MId>` is a word whose 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MId(NonZeroU32);

impl MId {
    /// Number `number`, below [`MAX_MS`].
    pub(crate) const fn new(number: u32) -> MId {
        MId(NonZeroU32::MIN.saturating_add(number))
    }

    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// Its place in a table of all Ms.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.number() as usize
    }
}

impl fmt::Display for MId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// An `Option<MId>` in one word. It orders nothing: whoever reads it has another word for that, or
/// takes it for a hint.
#[derive(Debug)]
pub(crate) struct AtomicMId(AtomicU32);

impl AtomicMId {
    pub(crate) const fn none() -> AtomicMId {
        AtomicMId(AtomicU32::new(0))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<MId> {
        NonZeroU32::new(self.0.load(Relaxed)).map(MId)
    }

    #[inline]
    pub(crate) fn set(&self, id: Option<MId>) {
        self.0.store(id.map_or(0, |id| id.0.get()), Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn number_0_is_an_m_and_none_is_none() {
        let word = AtomicMId::none();
        assert_eq!(word.get(), None);
        for number in [0, 7, MAX_MS as u32 - 1] {
            word.set(Some(MId::new(number)));
            assert_eq!(word.get().map(MId::number), Some(number));
        }
        word.set(None);
        assert_eq!((word.get(), size_of::<Option<MId>>()), (None, 4));
        assert_eq!(MId::new(7).to_string(), "7");
    }
}
