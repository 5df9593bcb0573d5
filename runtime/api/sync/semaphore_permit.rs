//! Permits: a share of a semaphore that gives itself back.
//!
//! There are two types, because a permit may borrow the semaphore or share it. The names are
//! tokio's.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use crate::api::sync::semaphore::Semaphore;

/// A share of a [`Semaphore`], given back when it is dropped, also by a panic.
///
/// # Examples
/// See [`Semaphore::permit`].
#[must_use = "if unused, the share is given back at once"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    amount: usize,
}

/// As [`SemaphorePermit`], of a shared [`Semaphore`]: to be moved into a goroutine.
///
/// # Examples
/// See [`Semaphore::permit_owned`].
#[must_use = "if unused, the share is given back at once"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    amount: usize,
}

impl Semaphore {
    /// As [`acquire`](Semaphore::acquire), but without a call of `release`: the permit gives the
    /// share back when it is dropped.
    ///
    /// # Panics
    /// If `n` is more than there is in all.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::Semaphore;
    ///
    /// let memory = Semaphore::new(100);
    /// {
    ///     let _share = memory.permit(70);
    ///     assert!(memory.try_permit(40).is_none());
    /// } // given back
    /// assert!(memory.try_permit(40).is_some());
    /// ```
    #[track_caller]
    pub fn permit(&self, n: usize) -> SemaphorePermit<'_> {
        self.acquire(n);
        self.acquired(n)
    }

    /// As [`permit`](Semaphore::permit), if `n` are free and nobody waits.
    ///
    /// # Examples
    /// See [`Semaphore::permit`].
    #[must_use = "if unused, the share is given back at once"]
    pub fn try_permit(&self, n: usize) -> Option<SemaphorePermit<'_>> {
        self.try_acquire(n).then(|| self.acquired(n))
    }

    /// A permit for `n` that the caller has acquired.
    pub(crate) fn acquired(&self, n: usize) -> SemaphorePermit<'_> {
        SemaphorePermit {
            semaphore: self,
            amount: n,
        }
    }

    /// As [`permit`](Semaphore::permit), for one that is moved into a goroutine: no more
    /// goroutines are started than may run.
    ///
    /// # Panics
    /// If `n` is more than there is in all.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::{Arc, Semaphore};
    ///
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let three = Arc::new(Semaphore::new(3));
    ///     for _ in 0..10 {
    ///         let share = three.permit_owned(1); // at most three at a time
    ///         gosched::go(move || {
    ///             gosched::thread::yield_now();
    ///             drop(share);
    ///         });
    ///     }
    ///     three.acquire(3); // all are done
    /// }) };
    /// ```
    #[track_caller]
    pub fn permit_owned(self: &Arc<Self>, n: usize) -> OwnedSemaphorePermit {
        self.acquire(n);
        OwnedSemaphorePermit {
            semaphore: Arc::clone(self),
            amount: n,
        }
    }

    /// As [`permit_owned`](Semaphore::permit_owned), if `n` are free and nobody waits.
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::{Arc, Semaphore};
    ///
    /// let one = Arc::new(Semaphore::new(1));
    /// let share = one.try_permit_owned(1);
    /// assert!(share.is_some() && one.try_permit_owned(1).is_none());
    /// ```
    #[must_use = "if unused, the share is given back at once"]
    pub fn try_permit_owned(self: &Arc<Self>, n: usize) -> Option<OwnedSemaphorePermit> {
        self.try_acquire(n).then(|| OwnedSemaphorePermit {
            semaphore: Arc::clone(self),
            amount: n,
        })
    }
}

impl SemaphorePermit<'_> {
    /// How much it holds.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(gosched::sync::Semaphore::new(5).permit(3).amount(), 3);
    /// ```
    #[must_use]
    pub fn amount(&self) -> usize {
        self.amount
    }

    /// Drops the permit and keeps the share taken, until a call of
    /// [`release`](Semaphore::release) gives it back.
    ///
    /// # Examples
    /// ```
    /// let sem = gosched::sync::Semaphore::new(1);
    /// sem.permit(1).forget();
    /// assert!(sem.try_permit(1).is_none());
    /// sem.release(1);
    /// assert!(sem.try_permit(1).is_some());
    /// ```
    pub fn forget(mut self) {
        self.amount = 0;
    }
}

impl OwnedSemaphorePermit {
    /// As [`SemaphorePermit::amount`].
    ///
    /// # Examples
    /// See [`SemaphorePermit::amount`].
    #[must_use]
    pub fn amount(&self) -> usize {
        self.amount
    }

    /// As [`SemaphorePermit::forget`].
    ///
    /// # Examples
    /// See [`SemaphorePermit::forget`].
    pub fn forget(mut self) {
        self.amount = 0;
    }
}

/// If the share was given back already, this must not panic during a panic.
fn give_back(semaphore: &Semaphore, amount: usize) {
    if amount != 0 && !std::thread::panicking() {
        semaphore.release(amount);
    } else if amount != 0 {
        semaphore.release_some(amount);
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        give_back(self.semaphore, self.amount);
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        give_back(&self.semaphore, self.amount);
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSemaphorePermit")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}
