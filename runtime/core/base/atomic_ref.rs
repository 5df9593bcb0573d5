//! An atomic `Option<&'static T>`, for links, tables and pointers to the current object.
#![allow(
    unsafe_code,
    reason = "turns a pointer that came from a &'static back into one"
)]

use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{self, Relaxed};

/// `None` is the null pointer.
pub(crate) struct AtomicRef<T: 'static>(AtomicPtr<T>);

fn raw<T>(r: Option<&'static T>) -> *mut T {
    r.map_or(std::ptr::null_mut(), |r| std::ptr::from_ref(r).cast_mut())
}

fn cooked<T: Sync>(p: *mut T) -> Option<&'static T> {
    // SAFETY: every pointer stored came from `raw`, that is from a `&'static T` or null.
    unsafe { p.cast_const().as_ref() }
}

// It is `Sync` itself, and hands references out to whoever looks: so they must be fit for that.
impl<T: Sync + 'static> AtomicRef<T> {
    pub(crate) const fn none() -> Self {
        AtomicRef(AtomicPtr::new(std::ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> Option<&'static T> {
        cooked(self.0.load(order))
    }

    #[inline]
    pub(crate) fn store(&self, r: Option<&'static T>, order: Ordering) {
        self.0.store(raw(r), order);
    }

    #[inline]
    pub(crate) fn swap(&self, r: Option<&'static T>, order: Ordering) -> Option<&'static T> {
        cooked(self.0.swap(raw(r), order))
    }

    /// Returns `true` if it was `from`; it is `to` now.
    #[inline]
    pub(crate) fn replace(
        &self,
        from: Option<&'static T>,
        to: Option<&'static T>,
        order: Ordering,
    ) -> bool {
        self.0
            .compare_exchange(raw(from), raw(to), order, Relaxed)
            .is_ok()
    }
}

impl<T> std::fmt::Debug for AtomicRef<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:p}", self.0.load(Relaxed))
    }
}
