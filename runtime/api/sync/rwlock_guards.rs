//! The guards of `RwLock`: the right to read, the right to write.
#![allow(
    unsafe_code,
    reason = "a guard stands for a held lock, and so for the data"
)]

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::api::sync::poison::{Poison, Since};
use crate::ext::locks::raw_rwlock::RawRwLock;

/// The right to read what a [`RwLock`](crate::sync::RwLock) guards; dropping it unlocks.
///
/// # Examples
/// See [`RwLock`](crate::sync::RwLock).
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    /// A pointer, so that a guard of a longer-lived type serves as one of a shorter-lived.
    /// It also keeps the guard on its own thread or goroutine (not `Send`).
    data: NonNull<T>,
    raw: &'a RawRwLock,
}

/// The right to change what a [`RwLock`](crate::sync::RwLock) guards; dropping it unlocks.
///
/// # Examples
/// See [`RwLock`](crate::sync::RwLock).
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    data: &'a UnsafeCell<T>,
    raw: &'a RawRwLock,
    poison: &'a Poison,
    since: Since,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` and nothing more.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: a shared guard gives `&T` and nothing more.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// # Safety
    /// `raw`, which guards `data`, is held for reading, and only this guard releases it.
    #[inline]
    pub(crate) unsafe fn new(raw: &'a RawRwLock, data: &'a UnsafeCell<T>) -> Self {
        // SAFETY: a cell's pointer is never null.
        let data = unsafe { NonNull::new_unchecked(data.get()) };
        RwLockReadGuard { data, raw }
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// # Safety
    /// `raw`, which guards `data`, is held for writing, and only this guard releases it.
    #[inline]
    pub(crate) unsafe fn new(
        raw: &'a RawRwLock,
        poison: &'a Poison,
        data: &'a UnsafeCell<T>,
    ) -> Self {
        RwLockWriteGuard {
            data,
            raw,
            poison,
            since: poison.locked(),
            not_send: PhantomData,
        }
    }

    /// Turns the right to write into a right to read, without letting a writer in between.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::{RwLock, RwLockWriteGuard};
    ///
    /// let l = RwLock::new(1);
    /// let mut writer = l.write().unwrap();
    /// *writer = 2;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!((*reader, *l.read().unwrap()), (2, 2));
    /// ```
    pub fn downgrade(s: Self) -> RwLockReadGuard<'a, T> {
        let (raw, data) = (s.raw, s.data);
        s.poison.unlocking(s.since);
        std::mem::forget(s);
        raw.downgrade();
        // SAFETY: held for reading now, and the writer's guard will not give it back.
        unsafe { RwLockReadGuard::new(raw, data) }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: held for reading (`new`), so nobody changes the data, and it lives for 'a.
        unsafe { self.data.as_ref() }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: held for writing (`new`): nobody else has the data.
        unsafe { &*self.data.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: held for writing (`new`): nobody else has the data; the borrow is exclusive.
        unsafe { &mut *self.data.get() }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.raw.read_unlock();
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.poison.unlocking(self.since);
        self.raw.write_unlock();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
