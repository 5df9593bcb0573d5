//! `goroutine_local!`: what `thread_local!` is for threads.
//!
//! A goroutine moves between threads, so a thread-local does not belong to it. A goroutine-local
//! does: each goroutine has one value for each key, on whichever thread it runs. A plain OS
//! thread has its own values.
//!
//! std: `thread_local!`, `std::thread::LocalKey`.
#![allow(
    unsafe_code,
    reason = "the store is untyped; a key's number stands for its type"
)]

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::m::current::this_m;
use crate::ext::thread_locals::locals::{self, Destroyed, Locals};

/// Numbers keys; 0 is for a key that was not used yet.
static NEXT: AtomicU32 = AtomicU32::new(1);

thread_local! {
    /// Of a plain thread. Never touched on a goroutine.
    static PLAIN: Locals = Locals::default();
}

/// A key of [`goroutine_local!`](crate::goroutine_local).
///
/// # Examples
/// ```
/// use std::cell::{Cell, RefCell};
/// gosched::goroutine_local! {
///     /// How often this goroutine was asked.
///     static ASKED: Cell<u32> = const { Cell::new(0) };
///     pub static TRAIL: RefCell<Vec<u32>> = RefCell::new(Vec::new());
/// }
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     ASKED.set(7);
///     gosched::thread::spawn(|| {
///         assert_eq!(ASKED.get(), 0);
///         TRAIL.with_borrow_mut(|t| t.push(1));
///     }).join().unwrap();
///     assert_eq!(ASKED.get(), 7);
///     assert!(TRAIL.with_borrow(Vec::is_empty));
/// }) };
/// ```
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
    number: AtomicU32,
}

/// The value has been destroyed, or is being destroyed: the goroutine is at its end.
///
/// # Examples
/// See [`LocalKey::try_with`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessError;

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessError").finish()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("already destroyed")
    }
}

impl Error for AccessError {}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// At the end of the calling goroutine, before `join` can return its result.
#[inline]
pub(crate) fn end_locals() {
    if let Some(g) = this_m().and_then(|m| m.curg()) {
        locals::end(g);
    }
}

/// Never inlined: it has no business in a goroutine, and the address of a thread-local even less.
#[inline(never)]
fn on_plain_thread<R>(
    in_store: impl FnOnce(&Locals) -> Result<R, AccessError>,
) -> Result<R, AccessError> {
    PLAIN.try_with(in_store).unwrap_or(Err(AccessError))
}

#[cold]
#[track_caller]
fn gone() -> ! {
    panic!("cannot access a goroutine local value during or after destruction: AccessError")
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> LocalKey<T> {
        LocalKey {
            init,
            number: AtomicU32::new(0),
        }
    }

    #[inline]
    fn number(&self) -> u32 {
        match self.number.load(Relaxed) {
            0 => self.first_use(),
            number => number,
        }
    }

    #[cold]
    fn first_use(&self) -> u32 {
        // None is used twice: it stands for its key's type.
        let fresh = NEXT.fetch_update(Relaxed, Relaxed, |number| number.checked_add(1));
        let Ok(fresh) = fresh else {
            panic!("goroutine_local: out of keys");
        };
        match self.number.compare_exchange(0, fresh, Relaxed, Relaxed) {
            Ok(_) => fresh,
            Err(number) => number,
        }
    }

    /// The value, made by `init` if there is none yet.
    fn with_or<R>(
        &'static self,
        init: impl FnOnce() -> T,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, AccessError> {
        let number = self.number();
        let in_store = |store: &Locals| {
            // SAFETY: the number is this key's alone, and its values are of type T. The store
            // is the caller's own, and lives until the caller's end.
            unsafe { store.with(number, init, f) }.map_err(|Destroyed| AccessError)
        };
        match this_m().and_then(|m| m.curg()) {
            Some(g) => in_store(locals::of(g)),
            None => on_plain_thread(in_store),
        }
    }

    /// Calls `f` with the calling goroutine's value, which is made first if there is none.
    ///
    /// # Panics
    /// During and after the value's destructor; and as the initialiser and `f`.
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(answer) => answer,
            Err(AccessError) => gone(),
        }
    }

    /// As [`LocalKey::with`], but returns an error instead of panicking.
    ///
    /// # Errors
    /// During and after the value's destructor.
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[inline]
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        self.with_or(self.init, f)
    }

    /// Puts `value` in its place: as the first value, without the initialiser, or by `over`.
    #[track_caller]
    fn set_or(&'static self, value: T, over: impl FnOnce(&T, T)) {
        let first = Cell::new(Some(value));
        let init = || first.take().expect("the value is moved once");
        let done = self.with_or(init, |there| {
            if let Some(value) = first.take() {
                over(there, value);
            }
        });
        if done.is_err() {
            gone();
        }
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets the value; if it is the first, the initialiser does not run.
    ///
    /// # Panics
    /// As [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn set(&'static self, value: T) {
        self.set_or(Cell::new(value), |there, value| {
            there.set(value.into_inner())
        });
    }

    /// A copy of the value.
    ///
    /// # Panics
    /// As [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the value, with `Default::default()` in its place.
    ///
    /// # Panics
    /// As [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Takes the value, with `value` in its place.
    ///
    /// # Panics
    /// As [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with the value borrowed.
    ///
    /// # Panics
    /// If it is borrowed mutably; and as [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        not_borrowed(self.with(|cell| cell.try_borrow().map(|value| f(&value))))
    }

    /// Calls `f` with the value borrowed mutably.
    ///
    /// # Panics
    /// If it is borrowed; and as [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        not_borrowed(self.with(|cell| cell.try_borrow_mut().map(|mut value| f(&mut value))))
    }

    /// Sets the value; if it is the first, the initialiser does not run.
    ///
    /// # Panics
    /// If it is borrowed; and as [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn set(&'static self, value: T) {
        let mut answer = Ok(());
        self.set_or(RefCell::new(value), |there, value| {
            answer = there
                .try_borrow_mut()
                .map(|mut place| *place = value.into_inner());
        });
        not_borrowed(answer);
    }

    /// Takes the value, with `Default::default()` in its place.
    ///
    /// # Panics
    /// If it is borrowed; and as [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with_borrow_mut(std::mem::take)
    }

    /// Takes the value, with `value` in its place.
    ///
    /// # Panics
    /// If it is borrowed; and as [`LocalKey::with`].
    ///
    /// # Examples
    /// See [`LocalKey`].
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with_borrow_mut(|place| std::mem::replace(place, value))
    }
}

/// Panics as the `RefCell` itself would, but at the caller's line.
#[track_caller]
fn not_borrowed<R, E: fmt::Display>(answer: Result<R, E>) -> R {
    match answer {
        Ok(value) => value,
        Err(e) => panic!("{e}"),
    }
}

/// Declares values of which each goroutine has its own, as `thread_local!` does for threads:
/// same syntax, `const { .. }` initialisers and attributes included. The keys are
/// [`LocalKey`](crate::thread::LocalKey)s.
///
/// A value is made when the goroutine first uses it, and destroyed at the goroutine's end, on
/// the goroutine, before [`JoinHandle::join`](crate::thread::JoinHandle::join) returns; the
/// youngest first. A destructor may suspend.
///
/// # Examples
/// See [`LocalKey`](crate::thread::LocalKey).
#[macro_export]
macro_rules! goroutine_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = const $init:block; $($rest:tt)*) => {
        $crate::goroutine_local!($(#[$attr])* $vis static $name: $t = const $init);
        $crate::goroutine_local!($($rest)*);
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = const $init:block) => {
        $(#[$attr])*
        $vis static $name: $crate::thread::LocalKey<$t> = {
            fn init() -> $t {
                const { $init }
            }
            $crate::thread::LocalKey::new(init)
        };
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr; $($rest:tt)*) => {
        $crate::goroutine_local!($(#[$attr])* $vis static $name: $t = $init);
        $crate::goroutine_local!($($rest)*);
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr) => {
        $(#[$attr])*
        $vis static $name: $crate::thread::LocalKey<$t> = {
            fn init() -> $t {
                $init
            }
            $crate::thread::LocalKey::new(init)
        };
    };
}
