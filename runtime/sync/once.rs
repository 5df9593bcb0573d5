//! `Once` with the interface and the poisoning of `std`.
//!
//! One word: the state, and how many wait for it to change. Whoever changes it takes the whole
//! word and wakes exactly those. README.md#once-word.
//!
//! Go: sync/once.go.
#![forbid(unsafe_code)]

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::base::prim::AtomicU32;
use crate::base::prim::Ordering::{AcqRel, Acquire};
use crate::g::reason::WaitReason;
use crate::sync::sema;

const NEW: u32 = 0;
const POISONED: u32 = 1;
const RUNNING: u32 = 2;
const DONE: u32 = 3;
const STATE: u32 = 3;
/// One waiter.
const WAITER: u32 = 4;

/// Runs a function once in a program's life, and makes everybody else wait for it.
///
/// The interface is that of [`std::sync::Once`].
///
/// Go: `sync.Once`.
///
/// # Examples
///
/// ```
/// use gosched::sync::Once;
///
/// static START: Once = Once::new();
/// let mut runs = 0;
/// for _ in 0..3 {
///     START.call_once(|| runs += 1);
/// }
/// assert_eq!(runs, 1);
/// ```
pub struct Once {
    word: AtomicU32,
    sema: AtomicU32,
}

impl UnwindSafe for Once {}
impl RefUnwindSafe for Once {}

/// What the function of [`Once::call_once_force`] is told.
#[derive(Debug)]
pub struct OnceState {
    poisoned: bool,
}

impl OnceState {
    /// Has an earlier run panicked?
    ///
    /// # Examples
    ///
    /// ```
    /// gosched::sync::Once::new().call_once_force(|state| assert!(!state.is_poisoned()));
    /// ```
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

impl Once {
    /// One that has not run.
    #[cfg(not(loom))]
    #[inline]
    #[must_use]
    pub const fn new() -> Once {
        Once {
            word: AtomicU32::new(NEW),
            sema: AtomicU32::new(0),
        }
    }

    /// One that has not run.
    #[cfg(loom)]
    pub fn new() -> Once {
        Once {
            word: AtomicU32::new(NEW),
            sema: AtomicU32::new(0),
        }
    }

    /// Runs `f` if nothing has run yet, or waits until whoever runs has finished.
    ///
    /// # Panics
    /// If an earlier run has panicked.
    ///
    /// # Examples
    ///
    /// See [`Once`].
    #[inline]
    #[track_caller]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        if !self.is_completed() {
            self.call(false, |_| f());
        }
    }

    /// As [`Once::call_once`], but runs `f` even if earlier runs have panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::Once;
    ///
    /// let once = Once::new();
    /// # std::panic::catch_unwind(|| once.call_once(|| panic!())).unwrap_err();
    /// // ... the first run has panicked ...
    /// once.call_once_force(|state| assert!(state.is_poisoned()));
    /// assert!(once.is_completed());
    /// ```
    #[inline]
    pub fn call_once_force<F: FnOnce(&OnceState)>(&self, f: F) {
        if !self.is_completed() {
            self.call(true, f);
        }
    }

    /// Has a run come to its end?
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!gosched::sync::Once::new().is_completed());
    /// ```
    #[inline]
    pub fn is_completed(&self) -> bool {
        // Acquire pairs(once): Run's Release.
        self.word.load(Acquire) & STATE == DONE
    }

    /// Waits until a run, by whomever, has come to its end.
    ///
    /// # Panics
    /// If a run has panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::Once;
    ///
    /// let once = Once::new();
    /// std::thread::scope(|s| {
    ///     s.spawn(|| once.call_once(|| ()));
    ///     once.wait();
    /// });
    /// ```
    #[track_caller]
    pub fn wait(&self) {
        while !self.is_completed() {
            self.sleep(false);
        }
    }

    /// As [`Once::wait`], but goes on waiting when a run panics.
    ///
    /// # Examples
    ///
    /// See [`Once::wait`].
    pub fn wait_force(&self) {
        while !self.is_completed() {
            self.sleep(true);
        }
    }

    #[cold]
    #[track_caller]
    fn call<F: FnOnce(&OnceState)>(&self, force: bool, f: F) {
        let poisoned = loop {
            // Acquire pairs(once): Run's Release.
            let now = self.word.load(Acquire);
            match now & STATE {
                DONE => return,
                POISONED if !force => poisoned(),
                RUNNING => self.sleep(force),
                state => {
                    if self.swap(now, now - state + RUNNING) {
                        break state == POISONED;
                    }
                }
            }
        };
        let mut run = Run {
            once: self,
            leaves: POISONED,
        };
        f(&OnceState { poisoned });
        run.leaves = DONE;
    }

    /// Waits for the state to change, if it is not done now.
    #[track_caller]
    fn sleep(&self, force: bool) {
        // Acquire pairs(once): Run's Release.
        let now = self.word.load(Acquire);
        match now & STATE {
            DONE => (),
            POISONED if !force => poisoned(),
            _ => {
                if self.swap(now, now + WAITER) {
                    sema::acquire(&self.sema, false, WaitReason::OnceWait);
                }
            }
        }
    }

    fn swap(&self, now: u32, next: u32) -> bool {
        // Acquire pairs(once): Run's Release.
        self.word
            .compare_exchange(now, next, Acquire, Acquire)
            .is_ok()
    }
}

#[cold]
#[track_caller]
fn poisoned() -> ! {
    panic!("Once instance has previously been poisoned")
}

/// A run under way; its end, by return or panic, sets the state and wakes the waiters.
struct Run<'a> {
    once: &'a Once,
    leaves: u32,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // Release pairs(once): the Acquires above.
        let word = self.once.word.swap(self.leaves, AcqRel);
        for _ in 0..word / WAITER {
            sema::release(&self.once.sema, false);
        }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    /// Two call and one waits: one of the two runs, and all see what it did.
    #[test]
    fn one_runs_and_everybody_sees_it() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let shared = Arc::new((Once::new(), UnsafeCell::new(0)));
            let handles = [true, false].map(|calls| {
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || {
                    match calls {
                        true => shared.0.call_once(|| shared.1.with_mut(|_| ())),
                        false => shared.0.wait(),
                    }
                    shared.1.with(|_| ());
                })
            });
            shared.0.call_once(|| shared.1.with_mut(|_| ()));
            shared.1.with(|_| ());
            handles.into_iter().for_each(|h| h.join().unwrap());
        });
    }
}
