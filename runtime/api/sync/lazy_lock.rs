//! `LazyLock<T>` with the interface of `std`: a value that is made when it is first used.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use crate::api::sync::mutex::Mutex;
use crate::api::sync::once_lock::OnceLock;

/// A value that is made once, at its first use.
///
/// The interface is that of [`std::sync::LazyLock`].
///
/// Go: `sync.OnceValue`.
///
/// # Examples
///
/// ```
/// use gosched::sync::LazyLock;
///
/// static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| "go sched".split(' ').collect());
/// assert_eq!(WORDS.len(), 2);
/// ```
#[doc(alias = "OnceValue")]
#[doc(alias = "OnceFunc")]
pub struct LazyLock<T, F = fn() -> T> {
    value: OnceLock<T>,
    /// The first user takes it to make the value. If it is gone and there is no value, it has
    /// panicked.
    make: Mutex<Option<F>>,
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// A value that `f` will make.
    ///
    /// # Examples
    ///
    /// See [`LazyLock`].
    #[inline]
    pub const fn new(f: F) -> LazyLock<T, F> {
        LazyLock {
            value: OnceLock::new(),
            make: Mutex::new(Some(f)),
        }
    }

    /// The value, made now if it was not before. What `*this` does.
    ///
    /// # Panics
    /// If the function panics, and ever after.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::LazyLock;
    ///
    /// assert_eq!(*LazyLock::force(&LazyLock::new(|| 5)), 5);
    /// ```
    #[inline]
    #[track_caller]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        match this.value.get() {
            Some(value) => value,
            None => this.make(),
        }
    }

    /// As [`LazyLock::force`], for changing the value.
    ///
    /// # Panics
    /// As [`LazyLock::force`].
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::LazyLock;
    ///
    /// let mut lazy = LazyLock::new(|| 5);
    /// *LazyLock::force_mut(&mut lazy) += 1;
    /// assert_eq!(*lazy, 6);
    /// ```
    #[inline]
    #[track_caller]
    pub fn force_mut(this: &mut LazyLock<T, F>) -> &mut T {
        LazyLock::force(this);
        this.value.get_mut().expect("forced just now")
    }

    #[cold]
    #[track_caller]
    fn make(&self) -> &T {
        let made = self.value.get_or_try(|| {
            let make = self.make.lock();
            let make = make.unwrap_or_else(PoisonError::into_inner).take();
            make.map(|make| make())
        });
        match made {
            Some(value) => value,
            None => panic!("LazyLock instance has previously been poisoned"),
        }
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value, if it has been made.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 5);
    /// assert_eq!(LazyLock::get(&lazy), None);
    /// let _ = *lazy;
    /// assert_eq!(LazyLock::get(&lazy), Some(&5));
    /// ```
    #[inline]
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        this.value.get()
    }

    /// The value, to be changed, if it has been made.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::LazyLock;
    ///
    /// let mut lazy = LazyLock::new(|| 5);
    /// assert_eq!(LazyLock::get_mut(&mut lazy), None);
    /// ```
    #[inline]
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        this.value.get_mut()
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    #[inline]
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        LazyLock::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_tuple("LazyLock");
        match self.value.get() {
            Some(value) => d.field(value),
            None => d.field(&format_args!("<uninit>")),
        };
        d.finish()
    }
}
