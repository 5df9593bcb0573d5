//! The mark that a panic leaves on the data of a lock, with the rules of `std`.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread::panicking;

/// Set while the lock was held and a panic began. The lock orders what it guards, so the flag
/// itself needs no ordering.
#[derive(Debug)]
pub(crate) struct Poison(AtomicBool);

/// Taken at the lock, used at the unlock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    /// A panic that was on its way at the lock is nobody's fault in between.
    panicking: bool,
}

impl Poison {
    pub(crate) const fn new() -> Poison {
        Poison(AtomicBool::new(false))
    }

    /// The lock was just taken, with the right to change the data that it guards.
    #[inline]
    pub(crate) fn locked(&self) -> Since {
        Since {
            panicking: panicking(),
        }
    }

    /// It is about to be let go.
    #[inline]
    pub(crate) fn unlocking(&self, since: Since) {
        if !since.panicking && panicking() {
            self.0.store(true, Relaxed);
        }
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.0.store(false, Relaxed);
    }

    /// `value`, in the wrapping that callers expect of a lock.
    #[inline]
    pub(crate) fn wrap<T>(&self, value: T) -> LockResult<T> {
        if self.is_set() {
            Err(PoisonError::new(value))
        } else {
            Ok(value)
        }
    }

    /// A lock as std's `Debug` shows it: `tried` is its guard, or `locked` is shown.
    pub(crate) fn debug<G>(
        &self,
        name: &str,
        tried: TryLockResult<G>,
        locked: &dyn fmt::Debug,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result
    where
        G: Deref<Target: fmt::Debug>,
    {
        let mut d = f.debug_struct(name);
        match tried {
            Ok(guard) => d.field("data", &&*guard),
            Err(TryLockError::Poisoned(e)) => d.field("data", &&**e.get_ref()),
            Err(TryLockError::WouldBlock) => d.field("data", locked),
        };
        d.field("poisoned", &self.is_set());
        d.finish_non_exhaustive()
    }
}
