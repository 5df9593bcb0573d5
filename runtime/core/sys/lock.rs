//! The runtime's own lock: a futex word, no poisoning, no owner, no allocation.
//!
//! The lock is held only in the runtime's non-preemptible regions (`core/m/enter.rs`), for a few
//! instructions. Code that holds it does not block, allocate or run user code.
//!
//! Go: lock_futex.go lock, unlock.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::core::base::atomic::spin_hint;
use crate::core::sys::futex::Futex;

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;
/// How often to look at a lock that is held before sleeping.
const LOOKS: u32 = if cfg!(loom) { 0 } else { 7 };
/// The pauses before the first look, and the most before a later one; they double each time. A
/// waiter that looks all the time takes the cache line from the holder, and both become slow. A
/// waiter that stays away for a microsecond lets the holder do several rounds
/// (`docs/benchmarks.md`).
const FIRST_PAUSES: u32 = 16;
const MOST_PAUSES: u32 = 64;

/// A lock without data: the comments of the data say which lock guards them.
#[derive(Debug)]
pub(crate) struct RawLock(Futex);

impl RawLock {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> RawLock {
        RawLock(Futex::new(FREE))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> RawLock {
        RawLock(Futex::new(FREE))
    }

    #[inline]
    pub(crate) fn lock(&self) {
        // Acquire pairs(raw-lock): unlock's Release.
        if self
            .0
            .word
            .compare_exchange(FREE, HELD, Acquire, Relaxed)
            .is_err()
        {
            self.lock_slow();
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        // Acquire pairs(raw-lock): unlock's Release.
        self.0
            .word
            .compare_exchange(FREE, HELD, Acquire, Relaxed)
            .is_ok()
    }

    #[cold]
    fn lock_slow(&self) {
        let mut pauses = FIRST_PAUSES;
        for _ in 0..LOOKS {
            (0..pauses).for_each(|_| spin_hint());
            if self.0.word.load(Relaxed) == FREE && self.try_lock() {
                return;
            }
            pauses = (pauses * 2).min(MOST_PAUSES);
        }
        // Acquire pairs(raw-lock): unlock's Release.
        while self.0.word.swap(CONTENDED, Acquire) != FREE {
            self.0.wait(CONTENDED, None);
        }
    }

    #[inline]
    pub(crate) fn unlock(&self) {
        // Release pairs(raw-lock): the Acquires above.
        if self.0.word.swap(FREE, Release) == CONTENDED {
            self.0.wake(1);
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    struct Shared(RawLock, UnsafeCell<u32>);

    #[test]
    fn three_threads_never_meet_inside() {
        // Three threads in a queue of their own make millions of orders: those with at most
        // two forced switches show every bug that we could think of.
        let mut few = loom::model::Builder::new();
        few.preemption_bound = few.preemption_bound.or(Some(2));
        few.check(|| {
            let shared = Arc::new(Shared(RawLock::new(), UnsafeCell::new(0)));
            let add = |s: &Shared| {
                s.0.lock();
                s.1.with_mut(|_| ()); // loom reports a second visitor
                s.0.unlock();
            };
            let handles: Vec<_> = (0..2)
                .map(|_| {
                    let s = Arc::clone(&shared);
                    loom::thread::spawn(move || add(&s))
                })
                .collect();
            add(&shared);
            handles.into_iter().for_each(|h| h.join().unwrap());
        });
    }
}
