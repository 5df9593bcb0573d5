//! `RwLock<T>` with the interface and the poisoning of `std`, on Go's algorithm.
#![allow(unsafe_code, reason = "hands out the data to whoever holds the lock")]

use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{LockResult, TryLockError, TryLockResult};

use crate::api::sync::poison::Poison;
use crate::api::sync::rwlock_guards::{RwLockReadGuard, RwLockWriteGuard};
use crate::ext::locks::raw_rwlock::RawRwLock;

/// A lock that many readers, or one writer, may hold.
///
/// The interface is that of [`std::sync::RwLock`], poisoning included. A writer that waits keeps
/// new readers out, and when it has gone, the readers that waited come before the next writer. So
/// no goroutine starves; and so a goroutine that holds a read lock must not ask for another one:
/// a writer may have come in between.
///
/// Go: `sync.RWMutex`.
///
/// # Examples
///
/// ```
/// use gosched::sync::RwLock;
///
/// let price = RwLock::new(5);
/// {
///     let (one, two) = (price.read().unwrap(), price.read().unwrap());
///     assert_eq!(*one + *two, 10);
/// }
/// *price.write().unwrap() += 1;
/// assert_eq!(*price.read().unwrap(), 6);
/// ```
#[doc(alias = "RWMutex")]
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    poison: Poison,
    data: UnsafeCell<T>,
}

// SAFETY: the data moves with the lock.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: readers share the data between threads, a writer takes it to its own.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

impl<T> RwLock<T> {
    /// A free lock around `value`.
    ///
    /// # Examples
    ///
    /// ```
    /// static LIMIT: gosched::sync::RwLock<u32> = gosched::sync::RwLock::new(10);
    /// ```
    #[inline]
    pub const fn new(value: T) -> RwLock<T> {
        RwLock {
            raw: RawRwLock::new(),
            poison: Poison::new(),
            data: UnsafeCell::new(value),
        }
    }

    /// Takes the lock apart and gives the value back.
    ///
    /// # Errors
    /// The value inside an error, if the lock is poisoned.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(gosched::sync::RwLock::new(7).into_inner().unwrap(), 7);
    /// ```
    pub fn into_inner(self) -> LockResult<T> {
        self.poison.wrap(self.data.into_inner())
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until no writer holds the lock or waits for it, and holds it for reading.
    ///
    /// # Errors
    /// The guard inside an error, if a writer has panicked.
    ///
    /// # Panics
    /// If there are 2^29 (536,870,912) read guards already, forgotten ones included.
    ///
    /// # Examples
    ///
    /// See [`RwLock`].
    #[inline]
    #[track_caller]
    #[doc(alias = "RLock")]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.raw.read();
        self.poison.wrap(self.read_guard())
    }

    /// Holds the lock for reading, if no writer holds it or waits for it.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if one does, [`TryLockError::Poisoned`] with the guard if a
    /// writer has panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// let l = gosched::sync::RwLock::new(1);
    /// let writer = l.write().unwrap();
    /// assert!(l.try_read().is_err());
    /// # drop(writer);
    /// ```
    #[inline]
    #[doc(alias = "TryRLock")]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if self.raw.try_read() {
            Ok(self.poison.wrap(self.read_guard())?)
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    /// Waits until no other goroutine holds the lock, and holds it for writing.
    ///
    /// # Errors
    /// The guard inside an error, if a writer has panicked.
    ///
    /// # Examples
    ///
    /// See [`RwLock`].
    #[inline]
    #[doc(alias = "Lock")]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.raw.write();
        self.poison.wrap(self.write_guard())
    }

    /// Holds the lock for writing, if it is free.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is held, [`TryLockError::Poisoned`] with the guard if a
    /// writer has panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// let l = gosched::sync::RwLock::new(1);
    /// let reader = l.read().unwrap();
    /// assert!(l.try_write().is_err());
    /// # drop(reader);
    /// ```
    #[inline]
    #[doc(alias = "TryLock")]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        if self.raw.try_write() {
            Ok(self.poison.wrap(self.write_guard())?)
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    #[inline]
    fn read_guard(&self) -> RwLockReadGuard<'_, T> {
        // SAFETY: held for reading just now, and the guard gives it back: no writer meanwhile.
        unsafe { RwLockReadGuard::new(&self.raw, &self.data) }
    }

    #[inline]
    fn write_guard(&self) -> RwLockWriteGuard<'_, T> {
        // SAFETY: held for writing just now, and the guard gives it back: nobody else meanwhile.
        unsafe { RwLockWriteGuard::new(&self.raw, &self.poison, &self.data) }
    }

    /// Has a writer panicked?
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!gosched::sync::RwLock::new(1).is_poisoned());
    /// ```
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.poison.is_set()
    }

    /// Forgets that a writer has panicked.
    ///
    /// # Examples
    ///
    /// See [`Mutex::clear_poison`](crate::sync::Mutex::clear_poison).
    pub fn clear_poison(&self) {
        self.poison.clear();
    }

    /// The value, without locking: `&mut self` says that nobody else can hold it.
    ///
    /// # Errors
    /// The reference inside an error, if the lock is poisoned.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut l = gosched::sync::RwLock::new(1);
    /// *l.get_mut().unwrap() = 2;
    /// ```
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.poison.wrap(self.data.get_mut())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        RwLock::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.poison
            .debug("RwLock", self.try_read(), &format_args!("<locked>"), f)
    }
}
