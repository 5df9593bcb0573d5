//! `OnceLock<T>` with the interface of `std`: a value that is written once.
#![allow(unsafe_code, reason = "shares the value of a cell after its one write")]

use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::api::sync::once::Once;

/// A value that is written once, by the first caller, and can then be read by all.
///
/// The interface is that of [`std::sync::OnceLock`].
///
/// Go: `sync.OnceValue`.
///
/// # Examples
///
/// ```
/// use gosched::sync::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
/// assert_eq!(CONFIG.get(), None);
/// assert_eq!(CONFIG.get_or_init(|| "first".to_string()), "first");
/// assert_eq!(CONFIG.get_or_init(|| "second".to_string()), "first");
/// ```
pub struct OnceLock<T> {
    once: Once,
    /// `Some` when `once` has completed; written only in its one run.
    value: UnsafeCell<Option<T>>,
}

// SAFETY: readers share the value, and one thread may write what another drops.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe + RefUnwindSafe> RefUnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// An empty place.
    ///
    /// # Examples
    ///
    /// See [`OnceLock`].
    #[inline]
    #[must_use]
    pub const fn new() -> OnceLock<T> {
        OnceLock {
            once: Once::new(),
            value: UnsafeCell::new(None),
        }
    }

    /// The value, if it has been written. Never waits.
    ///
    /// # Examples
    ///
    /// See [`OnceLock`].
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if !self.once.is_completed() {
            return None;
        }
        // SAFETY: the only write came before `once` completed, and `take` needs `&mut self`.
        unsafe { (*self.value.get()).as_ref() }
    }

    /// The value, to be changed, if it has been written.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut place = gosched::sync::OnceLock::from(1);
    /// *place.get_mut().unwrap() += 1;
    /// assert_eq!(place.get(), Some(&2));
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// The value; waits until it is written.
    ///
    /// # Examples
    ///
    /// ```
    /// let place = gosched::sync::OnceLock::new();
    /// std::thread::scope(|s| {
    ///     s.spawn(|| place.set(5));
    ///     assert_eq!(*place.wait(), 5);
    /// });
    /// ```
    #[inline]
    pub fn wait(&self) -> &T {
        self.once.wait_force();
        self.written()
    }

    /// Writes the value, if it was not written yet.
    ///
    /// # Errors
    /// The value back, if the place was written already.
    ///
    /// # Examples
    ///
    /// ```
    /// let place = gosched::sync::OnceLock::new();
    /// assert_eq!(place.set(1), Ok(()));
    /// assert_eq!(place.set(2), Err(2));
    /// ```
    #[inline]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.write(|| value.take());
        match value {
            None => Ok(()),
            Some(value) => Err(value),
        }
    }

    /// The value, which `f` makes if there is none. One caller's `f` runs, the others wait for
    /// it; if it panics, the next caller's runs.
    ///
    /// To ask for the value of the same place in `f` is a deadlock.
    ///
    /// # Examples
    ///
    /// See [`OnceLock`].
    #[inline]
    pub fn get_or_init<F: FnOnce() -> T>(&self, f: F) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        self.write(|| Some(f()));
        self.written()
    }

    /// The value, or what `f` makes of it if it can; `None` if it cannot.
    pub(crate) fn get_or_try(&self, f: impl FnOnce() -> Option<T>) -> Option<&T> {
        self.once.try_call_force(|| {
            let value = f();
            let made = value.is_some();
            if made {
                // SAFETY: as in `write`.
                unsafe { *self.value.get() = value };
            }
            made
        });
        self.get()
    }

    #[cold]
    fn write(&self, f: impl FnOnce() -> Option<T>) {
        self.once.call_once_force(|_| {
            let value = f();
            // SAFETY: one run at a time, and nobody reads before one has completed.
            unsafe { *self.value.get() = value };
        });
    }

    #[inline]
    fn written(&self) -> &T {
        self.get().expect("a completed OnceLock has a value")
    }

    /// Takes the place apart and gives the value back, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(gosched::sync::OnceLock::from(1).into_inner(), Some(1));
    /// ```
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out and leaves the place empty, to be written again.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut place = gosched::sync::OnceLock::from(1);
    /// assert_eq!((place.take(), place.take()), (Some(1), None));
    /// ```
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => d.field(value),
            None => d.field(&format_args!("<uninit>")),
        };
        d.finish()
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get()
            .cloned()
            .map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        let place = OnceLock::new();
        place.write(|| Some(value));
        place
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
