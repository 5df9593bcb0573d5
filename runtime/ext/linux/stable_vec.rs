//! An array that grows without moving and without `malloc`: address space is reserved once,
//! and memory is committed as it fills. So it may grow in the runtime's non-preemptible
//! regions, and a reader's slice stays good for as long as the table lives.
//!
//! Invariant: the first `len` elements are initialised, forever.
#![allow(unsafe_code, reason = "elements in reserved memory")]

use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};

use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::fatal::fatal;
use crate::ext::linux::limits::address_space;
use crate::ext::linux::memory::{Span, commit, page_up, release, reserve};
use crate::ext::linux::tasks::nanosleep;

/// Address space asked for, in bytes; each next one if the last was refused, or is more than a
/// share of what there is.
const RESERVES: [usize; 4] = [1 << 30, 64 << 20, 4 << 20, 1 << 20];
/// Memory is committed in steps that double between these, in bytes.
const FIRST_STEP: usize = 16 << 10;
const LAST_STEP: usize = 1 << 20;
/// So often memory that was refused is asked for again: 1 ms in all.
const RETRIES: u32 = 10;

/// Elements are never dropped, and no more of them than fit into 1 GiB can be had.
pub(crate) struct Table<T> {
    base: OwnerCell<usize>,
    reserved: OwnerCell<usize>,
    committed: OwnerCell<usize>,
    len: AtomicUsize,
    pushing: AtomicBool,
    holds: PhantomData<T>,
}

impl<T: Send + Sync> Table<T> {
    /// Reserves nothing yet.
    pub(crate) const fn new() -> Table<T> {
        assert!(!std::mem::needs_drop::<T>() && align_of::<T>() <= 4096);
        Table {
            base: OwnerCell::zero(),
            reserved: OwnerCell::zero(),
            committed: OwnerCell::zero(),
            len: AtomicUsize::new(0),
            pushing: AtomicBool::new(false),
            holds: PhantomData,
        }
    }

    /// The elements there are.
    #[inline]
    pub(crate) fn slots(&self) -> &[T] {
        // Acquire pairs(table): push's Release, so the elements are there.
        let len = self.len.load(Acquire);
        if len == 0 {
            return &[];
        }
        let base = self.base.get() as *const T;
        // SAFETY: `push` has committed and initialised `len` elements at `base`; they are only
        // given back by `drop`.
        unsafe { std::slice::from_raw_parts(base, len) }
    }

    /// One more element at the end. Its callers take turns (they hold a lock): a second one at
    /// the same time is a bug and ends the process.
    pub(crate) fn push(&self, value: T) {
        // Acquire pairs(table-push): the last pusher's Release.
        if self.pushing.swap(true, Acquire) {
            fatal!("table: two pushes at once");
        }
        let len = self.len.load(Relaxed);
        let end = (len + 1) * size_of::<T>();
        while self.committed.get() < end {
            self.commit_step();
        }
        let place = (self.base.get() + len * size_of::<T>()) as *mut T;
        // SAFETY: committed above, beyond every slice that was handed out, and we are alone.
        unsafe { place.write(value) };
        self.len.store(len + 1, Release); // pairs(table): slots
        self.pushing.store(false, Release); // pairs(table-push)
    }

    #[cold]
    fn commit_step(&self) {
        if self.reserved.get() == 0 {
            self.reserve_space();
        }
        let have = self.committed.get();
        let step = page_up(have.clamp(FIRST_STEP, LAST_STEP));
        if have + step > self.reserved.get() {
            fatal!("out of memory (table of {have} bytes is full)");
        }
        let span = Span {
            addr: self.base.get() + have,
            len: step,
        };
        for pause in 0.. {
            // SAFETY: the span lies in what this table has reserved.
            match unsafe { commit(span) } {
                Ok(()) => break,
                // Its owner has no way to go on without; a refusal may be one of the moment.
                Err(_) if pause < RETRIES => nanosleep(1_000 << pause),
                Err(errno) => {
                    fatal!("out of memory (table of {have} bytes, errno {errno})")
                }
            }
        }
        self.committed.set(have + step);
    }

    fn reserve_space(&self) {
        let share = address_space().map_or(usize::MAX, |allowance| allowance.share() / 2);
        let least = RESERVES[RESERVES.len() - 1];
        for size in RESERVES
            .into_iter()
            .filter(|&size| size <= share.max(least))
        {
            if let Ok(base) = reserve(size) {
                self.base.set(base);
                self.reserved.set(size);
                return;
            }
        }
        fatal!("out of address space (table)");
    }
}

impl<T> Drop for Table<T> {
    fn drop(&mut self) {
        let span = Span {
            addr: self.base.get(),
            len: self.reserved.get(),
        };
        if span.len != 0 {
            // SAFETY: reserved by this table; slices of it borrow the table.
            unsafe { release(span) };
        }
    }
}

impl<T> std::fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({})", self.len.load(Relaxed))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn grows_over_many_steps_without_moving() {
        let table = Table::new();
        assert!(table.slots().is_empty());
        table.push(0usize);
        let first = table.slots().as_ptr();
        (1..1_000_000).for_each(|i| table.push(i));
        assert_eq!(table.slots().as_ptr(), first);
        assert!(table.slots().iter().copied().eq(0..1_000_000));
    }
}
