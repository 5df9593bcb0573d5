//! `Once` with the interface and the poisoning of `std`.
//!
//! One word holds the state, and whether a waiter waits for it to change.
//! core/wait/README.md#once-word.
//!
//! Go: sync/once.go.
#![forbid(unsafe_code)]

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{Acquire, Release};
use crate::core::g::wait_reason::WaitReason;
#[cfg(not(loom))]
use crate::core::wait::owner;
use crate::core::wait::owner::Owner;
use crate::ext::locks::atomic_wait;

const NEW: u32 = 0;
const POISONED: u32 = 1;
const RUNNING: u32 = 2;
const DONE: u32 = 3;
const STATE: u32 = 3;
/// A waiter waits for the state to change.
const WAITED_FOR: u32 = 4;

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
#[repr(C)]
pub struct Once {
    word: AtomicU32,
    runner: Owner,
}

#[cfg(not(loom))]
const _: () = assert!(std::mem::offset_of!(Once, runner) == owner::BEHIND_A_WORD);

impl UnwindSafe for Once {}
impl RefUnwindSafe for Once {}

/// What the function of [`Once::call_once_force`] is told.
///
/// # Examples
/// See [`Once::call_once_force`].
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

#[allow(clippy::new_without_default, reason = "std's has none")]
impl Once {
    /// One that has not run.
    #[cfg(not(loom))]
    #[inline]
    #[must_use]
    pub const fn new() -> Once {
        Once {
            word: AtomicU32::new(NEW),
            runner: Owner::nobody(),
        }
    }

    /// One that has not run.
    #[cfg(loom)]
    pub fn new() -> Once {
        Once {
            word: AtomicU32::new(NEW),
            runner: Owner::nobody(),
        }
    }

    /// Runs `f` if no closure has run yet; if one is running, waits until it has finished.
    ///
    /// # Panics
    /// If an earlier run has panicked.
    ///
    /// # Examples
    ///
    /// See [`Once`].
    #[inline]
    #[track_caller]
    #[doc(alias = "Do")]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        if !self.is_completed() {
            self.call(false, |_| {
                f();
                true
            });
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
            self.call(true, |state| {
                f(state);
                true
            });
        }
    }

    /// As `call_once_force`, for a call that may be in vain: false, and it is poisoned (again).
    pub(crate) fn try_call_force(&self, f: impl FnOnce() -> bool) {
        if !self.is_completed() {
            self.call(true, |_| f());
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
        self.wait_done(false);
    }

    /// As [`Once::wait`], but goes on waiting when a run panics.
    ///
    /// # Examples
    ///
    /// See [`Once::wait`].
    pub fn wait_force(&self) {
        self.wait_done(true);
    }

    #[track_caller]
    fn wait_done(&self, force: bool) {
        loop {
            // Acquire pairs(once): Run's Release.
            let now = self.word.load(Acquire);
            match now & STATE {
                DONE => return,
                POISONED if !force => poisoned(),
                _ => self.sleep(now),
            }
        }
    }

    #[cold]
    #[track_caller]
    fn call<F: FnOnce(&OnceState) -> bool>(&self, force: bool, f: F) {
        let poisoned = loop {
            // Acquire pairs(once): Run's Release.
            let now = self.word.load(Acquire);
            match now & STATE {
                DONE => return,
                POISONED if !force => poisoned(),
                RUNNING => self.sleep(now),
                state => {
                    if self.swap(now, now - state + RUNNING) {
                        break state == POISONED;
                    }
                }
            }
        };
        self.runner.note();
        let mut run = Run {
            once: self,
            leaves: POISONED,
        };
        if f(&OnceState { poisoned }) {
            run.leaves = DONE;
        }
    }

    /// Waits for the word to change, if it is still as it was `seen`.
    fn sleep(&self, seen: u32) {
        let waited_for = seen | WAITED_FOR;
        if seen == waited_for || self.swap(seen, waited_for) {
            atomic_wait::wait(&self.word, waited_for, WaitReason::OnceWait);
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
        let word = self.once.word.swap(self.leaves, Release);
        if word & WAITED_FOR != 0 {
            atomic_wait::wake_all(&self.once.word);
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
    use crate::core::base::atomic::Ordering::Relaxed;
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

    /// The first run fails; one who waits through it, and one who would run, both get there.
    #[test]
    fn a_run_that_fails_wakes_whoever_runs_next() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let once = Arc::new(Once::new());
            once.word.store(RUNNING, Relaxed);
            let handles = [true, false].map(|calls| {
                let once = Arc::clone(&once);
                loom::thread::spawn(move || match calls {
                    true => once.call_once_force(|_| ()),
                    false => once.wait_force(),
                })
            });
            drop(Run {
                once: &once,
                leaves: POISONED,
            });
            handles.into_iter().for_each(|h| h.join().unwrap());
            assert!(once.is_completed());
        });
    }
}
