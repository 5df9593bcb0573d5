//! `Mutex<T>` with the interface and the poisoning of `std`, on Go's algorithm (`raw_mutex.rs`).
#![allow(unsafe_code, reason = "hands out the data to whoever holds the lock")]

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{LockResult, TryLockError, TryLockResult};

use crate::api::sync::poison::{Poison, Since};
use crate::core::wait::raw_mutex::RawMutex;

/// A lock around a value, for goroutines and plain threads alike.
///
/// The interface is that of [`std::sync::Mutex`], poisoning included. Waiting parks the goroutine
/// and leaves its thread to others. A waiter that has waited for more than a millisecond is
/// handed the lock in turn, so no waiter starves.
///
/// A goroutine may be moved to another thread while it holds the guard: the lock belongs to
/// the guard, not to a thread. It is not reentrant: to lock it again while holding it is a
/// deadlock.
///
/// Go: `sync.Mutex`.
///
/// # Examples
///
/// ```
/// use gosched::sync::{Arc, Mutex};
///
/// let total = Arc::new(Mutex::new(0));
/// let threads: Vec<_> = (0..4)
///     .map(|n| {
///         let total = Arc::clone(&total);
///         std::thread::spawn(move || *total.lock().unwrap() += n)
///     })
///     .collect();
/// threads.into_iter().for_each(|t| t.join().unwrap());
/// assert_eq!(*total.lock().unwrap(), 6);
/// ```
pub struct Mutex<T: ?Sized> {
    pub(crate) raw: RawMutex,
    pub(crate) poison: Poison,
    data: UnsafeCell<T>,
}

// SAFETY: the data moves with the mutex.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: the data is reached only by the one holder of `raw` (guards), so a shared mutex is a
// way to send the data, not to share it.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

/// The right to use what a [`Mutex`] guards; dropping it unlocks.
///
/// # Examples
/// See [`Mutex`].
#[must_use = "if unused the Mutex will immediately unlock"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized> {
    pub(crate) lock: &'a Mutex<T>,
    since: Since,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` and nothing more.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T> Mutex<T> {
    /// A free mutex around `value`.
    ///
    /// # Examples
    ///
    /// ```
    /// static NAMES: gosched::sync::Mutex<Vec<&str>> = gosched::sync::Mutex::new(Vec::new());
    /// NAMES.lock().unwrap().push("gopher");
    /// ```
    #[inline]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            raw: RawMutex::new(),
            poison: Poison::new(),
            data: UnsafeCell::new(value),
        }
    }

    /// Takes the mutex apart and gives the value back.
    ///
    /// # Errors
    /// The value inside an error, if the mutex is poisoned.
    ///
    /// # Examples
    ///
    /// ```
    /// let m = gosched::sync::Mutex::new(7);
    /// assert_eq!(m.into_inner().unwrap(), 7);
    /// ```
    pub fn into_inner(self) -> LockResult<T> {
        self.poison.wrap(self.data.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until the mutex is free, and holds it while the guard lives.
    ///
    /// # Errors
    /// The guard inside an error, if a holder has panicked: the mutex is poisoned, and the
    /// value may be half changed.
    ///
    /// # Examples
    ///
    /// ```
    /// let m = gosched::sync::Mutex::new(1);
    /// *m.lock().unwrap() += 1;
    /// assert_eq!(*m.lock().unwrap(), 2);
    /// ```
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        self.raw.lock();
        self.poison.wrap(self.guard())
    }

    /// Holds the mutex if it is free at this moment.
    ///
    /// As in Go, the mutex is also not free while it is handed to a goroutine that has waited
    /// long.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is not free, [`TryLockError::Poisoned`] with the guard
    /// if a holder has panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// let m = gosched::sync::Mutex::new(1);
    /// let held = m.try_lock().unwrap();
    /// assert!(m.try_lock().is_err());
    /// # drop(held);
    /// ```
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if self.raw.try_lock() {
            Ok(self.poison.wrap(self.guard())?)
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    #[inline]
    fn guard(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            lock: self,
            since: self.poison.locked(),
            not_send: PhantomData,
        }
    }

    /// Has a holder panicked?
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!gosched::sync::Mutex::new(1).is_poisoned());
    /// ```
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.poison.is_set()
    }

    /// Forgets that a holder has panicked: the caller has put the value in order.
    ///
    /// # Examples
    ///
    /// ```
    /// let m = gosched::sync::Mutex::new(1);
    /// # std::panic::catch_unwind(|| { let _held = m.lock(); panic!() }).unwrap_err();
    /// // ... a holder has panicked ...
    /// *m.lock().unwrap_err().into_inner() = 2;
    /// m.clear_poison();
    /// assert_eq!(*m.lock().unwrap(), 2);
    /// ```
    pub fn clear_poison(&self) {
        self.poison.clear();
    }

    /// The value, without locking: `&mut self` says that nobody else can hold it.
    ///
    /// # Errors
    /// The reference inside an error, if the mutex is poisoned.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut m = gosched::sync::Mutex::new(1);
    /// *m.get_mut().unwrap() = 2;
    /// ```
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.poison.wrap(self.data.get_mut())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Mutex::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.poison.debug("Mutex", self.try_lock(), &"<locked>", f)
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard stands for the lock, so nobody changes the data meanwhile.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard stands for the lock, and is borrowed mutably: nobody else looks.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.poison.unlocking(self.since);
        self.lock.raw.unlock();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
