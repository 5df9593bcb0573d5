//! A P's own few free stacks, last in first out, so that goroutines that do not wait all use one
//! stack, which stays in the CPU's cache.
//!
//! Go: stack.go stackcacherefill, stackcacherelease.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerCell;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::depot;
use crate::ext::stackalloc::error::StackError;
use crate::ext::stackalloc::slot::{SlotCell, SlotRef};

const CAP: usize = StackCache::CAP;
const BATCH: usize = CAP / 2;

/// For one owner at a time: the fields are atomics only so that the P can be shared.
#[derive(Debug)]
pub(crate) struct StackCache {
    class: Class,
    len: OwnerCell<usize>,
    slots: [SlotCell; CAP],
}

impl StackCache {
    /// Stacks that one keeps at most.
    pub(crate) const CAP: usize = 64;

    /// A cache for stacks of `class`; others go straight to the depot.
    pub(crate) fn new(class: Class) -> StackCache {
        let slots = std::array::from_fn(|_| SlotCell::new());
        StackCache {
            class,
            len: OwnerCell::zero(),
            slots,
        }
    }

    #[inline]
    pub(crate) fn take(&self, class: Class) -> Result<SlotRef, StackError> {
        if class != self.class {
            return self.take_central(class, 1);
        }
        let n = self.len.get();
        if n == 0 {
            return self.take_central(class, BATCH);
        }
        self.len.set(n - 1);
        self.slots[n - 1].get().ok_or(StackError::Exhausted)
    }

    /// A stack for the caller; the others of the batch stay here.
    #[cold]
    fn take_central(&self, class: Class, want: usize) -> Result<SlotRef, StackError> {
        let mut batch = [None; BATCH];
        let got = depot::take(class, &mut batch[..want])?;
        let mut batch = batch[..got].iter().flatten();
        let first = batch.next().ok_or(StackError::Exhausted)?;
        batch.rev().for_each(|slot| self.give(slot));
        Ok(first)
    }

    #[inline]
    pub(crate) fn give(&self, slot: SlotRef) {
        if slot.class() != self.class {
            depot::give(slot.class(), &[slot]);
            return;
        }
        let mut n = self.len.get();
        if n == CAP {
            self.spill(BATCH);
            n = self.len.get();
        }
        self.slots[n].set(Some(slot));
        self.len.set(n + 1);
    }

    /// The `count` oldest go to the depot.
    #[cold]
    fn spill(&self, count: usize) {
        let n = self.len.get();
        let count = count.min(n);
        let Some(filler) = self.slots[0].get() else {
            return;
        };
        let mut batch = [filler; CAP];
        for (place, cell) in batch.iter_mut().zip(&self.slots[..count]) {
            *place = cell.get().unwrap_or(filler);
        }
        for i in count..n {
            self.slots[i - count].set(self.slots[i].get());
        }
        self.len.set(n - count);
        depot::give(self.class, &batch[..count]);
    }

    /// Gives everything back: for a P that goes away.
    pub(crate) fn flush(&self) {
        self.spill(CAP);
    }

    /// Is there one of `class` in here?
    pub(crate) fn has(&self, class: Class) -> bool {
        class == self.class && self.len() != 0
    }

    /// Stacks in here, for statistics.
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }
}
