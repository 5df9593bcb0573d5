//! The store behind `goroutine_local!`: one for each goroutine, one for each foreign thread.
//!
//! Values are boxed, so they do not move while the store grows. They are found by the number of
//! their key, and destroyed in the reverse order of their creation. A value with a destructor is
//! gone from the moment that the destructor begins; a value without one exists to the end.
//!
//! Invariants: only the goroutine (or thread) of a store uses it; a value is created, lent and
//! destroyed as the type of its key, since the numbers of keys are never used twice.
#![allow(
    unsafe_code,
    reason = "type-erased values, and the store as a word in the G"
)]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use crate::core::g::goroutine::G;
use crate::core::sys::fatal::fatal;

/// See the file's header.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    /// In the order of creation. Borrowed for moments only, never while user code runs.
    entries: RefCell<Vec<Entry>>,
}

type Destroy = unsafe fn(NonNull<()>);

#[derive(Debug)]
struct Entry {
    key: u32,
    /// A `Box<T>`'s pointer; `None`: destroyed.
    value: Option<NonNull<()>>,
    /// Drops the box, and whether that runs anything of the user's.
    destroy: Destroy,
    has_destructor: bool,
}

/// The value of a key has been destroyed.
#[derive(Debug)]
pub(crate) struct Destroyed;

/// # Safety
/// The pointer is of a `Box<T>`, which is not dropped elsewhere.
unsafe fn destroy<T>(value: NonNull<()>) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(value.cast::<T>().as_ptr()) });
}

impl Locals {
    /// The value of `key`, if it has been created. `T` is the type of the key's values.
    fn get<T>(&self, key: u32) -> Result<Option<NonNull<T>>, Destroyed> {
        let entries = self.entries.borrow();
        match entries.iter().find(|entry| entry.key == key) {
            None => Ok(None),
            Some(Entry { value: None, .. }) => Err(Destroyed),
            Some(Entry { value, .. }) => Ok(value.map(NonNull::cast)),
        }
    }

    /// Calls `f` with the value of `key`, which is created by `init` if there is none.
    ///
    /// # Safety
    /// `T` is the type of all values of `key`. `self` and the value outlive the call:
    /// `destroy_all` is not called, and the store is not dropped, except by its own destructors.
    pub(crate) unsafe fn with<T: 'static, R>(
        &self,
        key: u32,
        init: impl FnOnce() -> T,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, Destroyed> {
        let value = match self.get::<T>(key)? {
            Some(value) => value,
            None => self.create(key, init())?,
        };
        // SAFETY: alive until its destructor begins (the caller's promise), and from then on
        // `get` does not hand it out.
        Ok(f(unsafe { value.as_ref() }))
    }

    /// Keeps `value`, unless `init` has created one on its way: that one may be lent already.
    fn create<T: 'static>(&self, key: u32, value: T) -> Result<NonNull<T>, Destroyed> {
        if let Some(there) = self.get::<T>(key)? {
            return Ok(there);
        }
        let value = NonNull::from(Box::leak(Box::new(value)));
        self.entries.borrow_mut().push(Entry {
            key,
            value: Some(value.cast()),
            destroy: destroy::<T>,
            has_destructor: std::mem::needs_drop::<T>(),
        });
        Ok(value)
    }

    /// Destroys the values that have destructors, the youngest first, and those that the
    /// destructors create.
    ///
    /// A destructor that panics ends the process, as a thread-local's does.
    pub(crate) fn destroy_all(&self) {
        while let Some((value, destroy)) = self.youngest() {
            // SAFETY: created by `create`, and taken out.
            let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { destroy(value) }));
            if dropped.is_err() {
                fatal!("goroutine local panicked on drop");
            }
        }
    }

    fn youngest(&self) -> Option<(NonNull<()>, Destroy)> {
        let mut entries = self.entries.borrow_mut();
        let alive = |entry: &&mut Entry| entry.has_destructor && entry.value.is_some();
        let entry = entries.iter_mut().rev().find(alive)?;
        Some((entry.value.take()?, entry.destroy))
    }
}

impl Drop for Locals {
    fn drop(&mut self) {
        self.destroy_all();
        for entry in self.entries.get_mut() {
            if let Some(value) = entry.value.take() {
                // SAFETY: created by `create`, and taken out.
                unsafe { (entry.destroy)(value) };
            }
        }
    }
}

/// The store of `g`, the calling goroutine; made now if it has none.
pub(crate) fn of(g: &'static G) -> &'static Locals {
    if g.locals.get() == 0 {
        let fresh = Box::leak(Box::<Locals>::default());
        g.locals.set(std::ptr::from_mut(fresh).addr());
    }
    let locals = g.locals.get() as *const Locals;
    // SAFETY: the goroutine itself frees it, as the last thing that it does.
    unsafe { &*locals }
}

/// Called by `g` at its end, before another goroutine can learn of the end: destroys the values
/// of `g`.
#[inline]
pub(crate) fn end(g: &'static G) {
    if g.locals.get() != 0 {
        of(g).destroy_all();
    }
}

/// As the last thing that `g` does: frees the store.
#[inline]
pub(crate) fn free(g: &'static G) {
    let locals = g.locals.get() as *mut Locals;
    if !locals.is_null() {
        // SAFETY: made by `of`, and nobody but the goroutine itself uses it.
        unsafe { free_store(g, locals) };
    }
}

/// # Safety
/// `locals` is the store of `g`, the calling goroutine, which does not use it again.
#[cold]
unsafe fn free_store(g: &G, locals: *mut Locals) {
    // SAFETY: the caller's promise. Destructors come first, while the store can be found.
    unsafe { &*locals }.destroy_all();
    g.locals.set(0);
    // SAFETY: made by `Box::leak`.
    drop(unsafe { Box::from_raw(locals) });
}
