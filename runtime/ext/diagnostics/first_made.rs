//! A value that is made when it is first asked for, by one of those who ask at the same time.
//!
//! Unlike `OnceLock` nobody waits: who comes second drops what it has made.
#![allow(unsafe_code, reason = "a Box kept as a pointer")]

use std::marker::PhantomData;
use std::ptr;

#[cfg(loom)]
use loom::sync::atomic::AtomicPtr;
#[cfg(not(loom))]
use std::sync::atomic::AtomicPtr;

use crate::core::base::atomic::Ordering::{AcqRel, Acquire};

/// See the file's header.
#[derive(Debug)]
pub(crate) struct FirstMade<T> {
    /// Null, or from `Box::into_raw`; never changed after that.
    at: AtomicPtr<T>,
    owns: PhantomData<T>,
}

impl<T: Send + Sync> FirstMade<T> {
    pub(crate) fn none() -> FirstMade<T> {
        FirstMade {
            at: AtomicPtr::new(ptr::null_mut()),
            owns: PhantomData,
        }
    }

    /// The value, if it was made.
    pub(crate) fn get(&self) -> Option<&T> {
        // Acquire pairs(first-made): the maker's Release.
        let at = self.at.load(Acquire);
        // SAFETY: null, or a box that lives as long as `self`.
        unsafe { at.as_ref() }
    }

    /// The value; what `make` returns, if there is none.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(made) = self.get() {
            return made;
        }
        let mine = Box::into_raw(Box::new(make()));
        // Release pairs(first-made): who finds it reads it. Acquire pairs(first-made): if another was
        // first.
        let first = self
            .at
            .compare_exchange(ptr::null_mut(), mine, AcqRel, Acquire);
        let at = match first {
            Ok(_) => mine,
            Err(theirs) => {
                // SAFETY: ours, and nobody has seen it.
                drop(unsafe { Box::from_raw(mine) });
                theirs
            }
        };
        // SAFETY: not null, and lives as long as `self`.
        unsafe { &*at }
    }
}

impl<T> Drop for FirstMade<T> {
    fn drop(&mut self) {
        // Acquire pairs(first-made): the maker's Release.
        let at = self.at.load(Acquire);
        if !at.is_null() {
            // SAFETY: from `Box::into_raw`, and `self` was its owner.
            drop(unsafe { Box::from_raw(at) });
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    struct Value(UnsafeCell<u32>);

    // SAFETY: loom reports accesses that are not ordered.
    unsafe impl Sync for Value {}

    impl Value {
        fn new(by: u32) -> Value {
            let value = Value(UnsafeCell::new(0));
            // SAFETY: nobody else knows it yet.
            value.0.with_mut(|value| unsafe { *value = by });
            value
        }

        fn read(&self) -> u32 {
            // SAFETY: nobody writes to it any more, or loom reports it.
            self.0.with(|value| unsafe { *value })
        }
    }

    /// Both have the same value, and what was written before it.
    #[test]
    fn all_have_the_value_that_was_first() {
        loom::model(|| {
            let shared = Arc::new(FirstMade::none());
            let theirs = Arc::clone(&shared);
            let other =
                loom::thread::spawn(move || theirs.get_or_make(|| Value::new(1)).read());
            let mine = shared.get_or_make(|| Value::new(2)).read();
            assert_eq!(mine, other.join().unwrap(), "two values");
            assert_eq!(shared.get().map(Value::read), Some(mine), "two values");
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn what_came_second_is_dropped_and_all_have_the_first() {
        for _ in 0..100 {
            let counted = Arc::new(());
            let shared = FirstMade::none();
            assert!(shared.get().is_none());
            thread::scope(|s| {
                let ask = || {
                    Arc::as_ptr(shared.get_or_make(|| Arc::new(Arc::clone(&counted)))).addr()
                };
                let others = [(); 3].map(|()| s.spawn(ask));
                let mine = ask();
                for other in others {
                    assert_eq!(other.join().unwrap(), mine);
                }
            });
            assert_eq!(Arc::strong_count(&counted), 2);
            drop(shared);
            assert_eq!(Arc::strong_count(&counted), 1);
        }
    }
}
