//! Size classes: a slot is a power of two from 64 KiB to 1 GiB, its guard included.
//!
//! The size is address space, not memory: a slot of 1 GiB that has used one page costs that
//! page and its page tables. Small slots share page tables, so they are cheaper (README.md).
//!
//! Go: stack.go has four orders of small stacks and grows by copying; we choose once.
#![forbid(unsafe_code)]

use crate::ext::linux::memory as mem;
use crate::ext::stackalloc::error::StackError;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const SMALLEST_LOG: u32 = 16;
const LARGEST_LOG: u32 = 30;

/// A slot size. Zero is 64 KiB, each next one twice the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Class(u8);

impl Class {
    /// How many there are.
    pub(crate) const COUNT: usize = (LARGEST_LOG - SMALLEST_LOG + 1) as usize;

    /// 256 KiB: a goroutine's default.
    pub(crate) const DEFAULT: Class = Class(2);

    /// 1 GiB.
    pub(crate) const LARGEST: Class = Class(Class::COUNT as u8 - 1);

    /// All of them, smallest first.
    pub(crate) fn all() -> impl Iterator<Item = Class> {
        (0..Class::COUNT as u8).map(Class)
    }

    pub(crate) fn from_number(number: usize) -> Class {
        debug_assert!(number < Class::COUNT);
        Class(number as u8)
    }

    /// For tables with an entry for each class.
    #[inline]
    pub(crate) const fn number(self) -> usize {
        self.0 as usize
    }

    /// Bytes of a slot: guard and stack.
    #[inline]
    pub(crate) const fn slot_bytes(self) -> usize {
        1 << (SMALLEST_LOG + self.0 as u32)
    }

    /// Bytes from the start of one slot to the start of the next: an odd number of pages where
    /// slots share page tables, so that the tops of many stacks use all sets of the TLB.
    #[inline]
    pub(crate) fn stride_bytes(self) -> usize {
        match self.slot_bytes() {
            bytes @ ..MIB_2 => bytes + mem::page_size(),
            bytes => bytes,
        }
    }

    /// Bytes at the bottom of a slot that cannot be accessed.
    ///
    /// Wide enough for a C frame without stack probes: with one page, a function with a
    /// 24 KiB frame writes into the neighbour's stack and nothing faults (measured).
    #[inline]
    pub(crate) fn guard_bytes(self) -> usize {
        let wanted = match self.slot_bytes() {
            ..KIB_256 => 8 * KIB,
            KIB_256..MIB_2 => 32 * KIB,
            _ => 64 * KIB,
        };
        wanted.max(mem::page_size())
    }

    /// Bytes a goroutine can use, but for the few that stagger the tops.
    pub(crate) fn usable_bytes(self) -> usize {
        self.slot_bytes() - self.guard_bytes()
    }
}

const KIB_256: usize = 256 * KIB;
const MIB_2: usize = 2 * MIB;

/// The smallest class whose slots have `bytes`, guard included. Zero means the smallest.
///
/// # Errors
/// [`StackError::TooLarge`] above 1 GiB.
pub(crate) fn class_for(bytes: usize) -> Result<Class, StackError> {
    // With pages of 64 KiB a slot of 64 KiB would be all guard.
    let least = (4 * mem::page_size()).max(1 << SMALLEST_LOG);
    let max = Class::LARGEST.slot_bytes();
    if bytes > max {
        return Err(StackError::TooLarge { asked: bytes, max });
    }
    let log = bytes.max(least).next_power_of_two().trailing_zeros();
    Ok(Class((log - SMALLEST_LOG) as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_the_next_power_of_two() {
        let slot = |bytes| class_for(bytes).unwrap().slot_bytes();
        assert_eq!(slot(0), 64 * KIB);
        assert_eq!(slot(64 * KIB), 64 * KIB);
        assert_eq!(slot(64 * KIB + 1), 128 * KIB);
        assert_eq!(class_for(256 * KIB), Ok(Class::DEFAULT));
        assert_eq!(slot(8 * MIB), 8 * MIB);
        assert_eq!(slot(1 << 30), 1 << 30);
        assert_eq!(class_for(1 << 30).unwrap().number(), Class::COUNT - 1);
    }

    #[test]
    fn slots_that_share_page_tables_are_an_odd_number_of_pages_apart() {
        let (page, gap) = (mem::page_size(), |class: Class| {
            class.stride_bytes() - class.slot_bytes()
        });
        for class in Class::all() {
            let small = class.slot_bytes() < 2 * MIB;
            assert_eq!(gap(class), if small { page } else { 0 });
            assert_eq!(class.stride_bytes() / page % 2 == 1, small);
        }
    }

    #[test]
    fn guards_grow_with_the_class_and_are_whole_pages() {
        let guard = |bytes| class_for(bytes).unwrap().guard_bytes();
        if mem::page_size() == 4 * KIB {
            assert_eq!(guard(64 * KIB), 8 * KIB);
            assert_eq!(guard(256 * KIB), 32 * KIB);
            assert_eq!(guard(8 * MIB), 64 * KIB);
        }
        for class in Class::all() {
            assert_eq!(class.guard_bytes() % mem::page_size(), 0);
        }
    }

    #[test]
    fn more_than_a_gibibyte_is_an_error_with_both_numbers() {
        let asked = (1 << 30) + 1;
        let error = class_for(asked).unwrap_err();
        assert_eq!(
            error,
            StackError::TooLarge {
                asked,
                max: 1 << 30
            }
        );
        let text = error.to_string();
        assert!(text.contains("1073741825 bytes is too large"), "{text}");
        assert!(text.contains("limit is 1073741824"), "{text}");
        assert!(class_for(usize::MAX).is_err());
    }
}
