//! Evidence that the caller holds a P, and cells that only such a caller may open.
#![allow(
    unsafe_code,
    reason = "an owner-only cell: the evidence stands for the P's ownership"
)]

use std::cell::UnsafeCell;
use std::marker::PhantomData;

/// The calling thread holds a P and is in the runtime: nobody else touches that P's owner half.
///
/// A thread holds at most one P, so the evidence stands for the P that its M names.
#[derive(Debug)]
pub(crate) struct HoldsP(PhantomData<*mut ()>);

impl HoldsP {
    /// # Safety
    /// The calling thread's M has a P, and keeps it while this value lives.
    pub(crate) unsafe fn assume() -> HoldsP {
        HoldsP(PhantomData)
    }

    /// For tests of single-owner structures on one thread.
    #[cfg(test)]
    pub(crate) fn for_test() -> HoldsP {
        HoldsP(PhantomData)
    }
}

/// A value that only the holder of its P may touch.
pub(crate) struct OwnerOnly<T>(UnsafeCell<T>);

// SAFETY: `get` is called only by the one thread that holds the P (its evidence), and a P
// passes between threads through a lock or a Release/Acquire pair.
unsafe impl<T: Send> Sync for OwnerOnly<T> {}

impl<T> OwnerOnly<T> {
    pub(crate) const fn new(value: T) -> Self {
        OwnerOnly(UnsafeCell::new(value))
    }

    /// The value. The caller's P must be the one that the value belongs to: every caller takes
    /// the P from its own M (`m/enter.rs`), so there is no other to mix it up with.
    #[inline]
    pub(crate) fn get(&self, _holds: &HoldsP) -> &T {
        // SAFETY: shared access by the one owner; T's own methods take `&self`.
        unsafe { &*self.0.get() }
    }
}

impl<T> std::fmt::Debug for OwnerOnly<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnerOnly")
    }
}
