//! State behind a runtime lock, with a summary word that may be read without the lock.
//!
//! There are two ways to the state: [`Guarded::lock`] takes the lock; [`Guarded::open`] takes
//! evidence ([`Held`]) that a select holds this lock together with others. Both publish the
//! summary at the end, so the word always says what was true at the end of the last operation.
//!
//! The word has no model, as nobody waits on the strength of it: it answers for a moment (`len`, a
//! `try_` that fails, a fast way that is left for the lock), and whoever goes to sleep has looked
//! at the state itself, under the lock. Who asks after a change of his own whether somebody watches
//! has held the lock: whoever watched before is in the word, whoever comes later sees the change.
//!
//! Go: chan.go hchan.lock, empty, full; select.go sellock, selunlock.
#![allow(
    unsafe_code,
    reason = "hands out &mut to what the lock guards, on the evidence that it is held"
)]

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::core::m::enter::NoPreempt;
use crate::core::sys::lock::RawLock;

/// State that can say in one word what outsiders may want to know.
pub(crate) trait Summary {
    /// Cheap: it is computed at the end of each visit.
    fn summary(&self) -> usize;
}

/// A lock, what it guards, and the summary.
pub(crate) struct Guarded<S> {
    lock: RawLock,
    summary: AtomicUsize,
    state: UnsafeCell<S>,
}

// SAFETY: the state is reached only through `Open` and `Visit`, whose makers hold the lock, so
// one thread at a time; `S: Send` lets that be any thread.
unsafe impl<S: Send> Sync for Guarded<S> {}

impl<S: Summary> Guarded<S> {
    pub(crate) fn new(state: S) -> Guarded<S> {
        Guarded {
            lock: RawLock::new(),
            summary: AtomicUsize::new(state.summary()),
            state: UnsafeCell::new(state),
        }
    }

    /// What was true at the end of the last visit.
    #[inline]
    pub(crate) fn summary(&self) -> usize {
        // Acquire pairs(chan-summary): publish's Release.
        self.summary.load(Acquire)
    }

    /// Takes the lock. The guard must be gone before the evidence is.
    #[inline]
    pub(crate) fn lock(&self, _inside: &NoPreempt) -> Open<'_, S> {
        self.lock.lock();
        Open(self)
    }

    /// The lock itself: for a select, which takes several in order of their addresses.
    #[inline]
    pub(crate) fn lock_word(&self) -> &RawLock {
        &self.lock
    }

    /// Visits the state of a lock that a select holds.
    #[inline]
    pub(crate) fn open<'a>(&'a self, held: &'a mut Held<'_>) -> Visit<'a, S> {
        assert!(
            std::ptr::eq(held.0, &raw const self.lock),
            "another lock is held"
        );
        Visit(self)
    }

    /// The caller holds the lock.
    #[inline]
    fn publish(&self) -> usize {
        // SAFETY: only the guards' ends come here, and they hold the lock.
        let summary = unsafe { &*self.state.get() }.summary();
        // Release pairs(chan-summary): summary's Acquire.
        self.summary.store(summary, Release);
        summary
    }
}

impl<S> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Guarded { .. }")
    }
}

/// The lock is held.
#[must_use]
pub(crate) struct Open<'a, S: Summary>(&'a Guarded<S>);

impl<S: Summary> Open<'_, S> {
    /// Unlocks; returns the summary that was published.
    #[inline]
    pub(crate) fn unlock(self) -> usize {
        let summary = self.0.publish();
        self.0.lock.unlock();
        std::mem::forget(self);
        summary
    }
}

impl<S: Summary> Deref for Open<'_, S> {
    type Target = S;
    #[inline]
    fn deref(&self) -> &S {
        // SAFETY: the lock is held until `self` goes.
        unsafe { &*self.0.state.get() }
    }
}

impl<S: Summary> DerefMut for Open<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        // SAFETY: the lock is held until `self` goes, and `self` is borrowed mutably.
        unsafe { &mut *self.0.state.get() }
    }
}

impl<S: Summary> Drop for Open<'_, S> {
    #[inline]
    fn drop(&mut self) {
        self.0.publish();
        self.0.lock.unlock();
    }
}

/// Access to state whose lock a caller holds; its end publishes the summary but does not unlock.
#[must_use]
pub(crate) struct Visit<'a, S: Summary>(&'a Guarded<S>);

impl<S: Summary> Deref for Visit<'_, S> {
    type Target = S;
    #[inline]
    fn deref(&self) -> &S {
        // SAFETY: `open` was shown that this lock is held, and borrows that evidence.
        unsafe { &*self.0.state.get() }
    }
}

impl<S: Summary> DerefMut for Visit<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        // SAFETY: as in `deref`; the evidence is borrowed mutably, so there is one visit.
        unsafe { &mut *self.0.state.get() }
    }
}

impl<S: Summary> Drop for Visit<'_, S> {
    #[inline]
    fn drop(&mut self) {
        self.0.publish();
    }
}

/// Evidence that this one lock is held. Made only by [`HeldSet`].
pub(crate) struct Held<'a>(&'a RawLock);

/// Says which lock a case needs.
pub(crate) trait Locks {
    fn lock_of(&self, case: usize) -> Option<&RawLock>;
}

/// Several held locks: each once, taken in order of their addresses.
#[must_use]
pub(crate) struct HeldSet<'a, L: Locks> {
    order: &'a [u16],
    locks: &'a L,
}

impl<'a, L: Locks> HeldSet<'a, L> {
    /// Takes the locks of the cases that `order` names; it is sorted by lock address.
    #[inline]
    pub(crate) fn lock(_inside: &NoPreempt, order: &'a [u16], locks: &'a L) -> HeldSet<'a, L> {
        let set = HeldSet { order, locks };
        set.each_once(RawLock::lock);
        set
    }

    /// The evidence for one case's lock; one at a time. All cases that have a lock are locked.
    #[inline]
    pub(crate) fn held(&mut self, case: usize) -> Option<Held<'_>> {
        self.locks.lock_of(case).map(Held)
    }

    #[inline]
    fn each_once(&self, f: impl Fn(&RawLock)) {
        let mut last: *const RawLock = std::ptr::null();
        for &case in self.order {
            if let Some(lock) = self.locks.lock_of(case as usize)
                && !std::ptr::eq(last, lock)
            {
                last = lock;
                f(lock);
            }
        }
    }
}

impl<L: Locks> Drop for HeldSet<'_, L> {
    #[inline]
    fn drop(&mut self) {
        self.each_once(RawLock::unlock);
    }
}
