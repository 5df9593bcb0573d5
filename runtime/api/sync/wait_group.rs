//! Go's WaitGroup: waits until a counter is zero.
//!
//! One word holds the counter in the upper half and the number of waiters in the lower. The
//! goroutine that takes the counter to zero resets the word and wakes all waiters.
//! core/wait/README.md#waitgroup-word.
//!
//! Go: sync/waitgroup.go.
#![forbid(unsafe_code)]

use std::fmt;

use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::core::base::atomic::{AtomicU32, AtomicU64};
use crate::core::g::wait_reason::WaitReason;
use crate::core::wait::sema;

/// Counts tasks, and waits until all of them are done.
///
/// [`add`](WaitGroup::add) before a task is started, [`done`](WaitGroup::done) at its end,
/// [`wait`](WaitGroup::wait) for all of them. Shared by reference, or in an
/// [`Arc`](std::sync::Arc). It may be used again after all waits have returned.
///
/// Go: `sync.WaitGroup`.
///
/// # Examples
///
/// ```
/// use gosched::sync::WaitGroup;
///
/// let wg = WaitGroup::new();
/// std::thread::scope(|s| {
///     for n in 0..3 {
///         wg.add(1);
///         s.spawn(|| wg.done());
///     }
///     wg.wait();
/// });
/// ```
pub struct WaitGroup {
    /// Bits 0..31: waiters. Bits 32..64: the counter, signed.
    state: AtomicU64,
    sema: AtomicU32,
}

const WAITERS: u64 = 0x7fff_ffff;

fn counter(state: u64) -> i32 {
    (state >> 32) as i32
}

impl WaitGroup {
    /// A group of no tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// gosched::sync::WaitGroup::new().wait(); // there is nothing to wait for
    /// ```
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> WaitGroup {
        WaitGroup {
            state: AtomicU64::new(0),
            sema: AtomicU32::new(0),
        }
    }

    /// A group of no tasks.
    #[cfg(loom)]
    pub fn new() -> WaitGroup {
        WaitGroup {
            state: AtomicU64::new(0),
            sema: AtomicU32::new(0),
        }
    }

    /// Adds `delta`, which may be negative, to the counter. At zero all waiters wake up.
    ///
    /// To add to a counter of zero must happen before the wait that is meant to wait for it:
    /// so add before the task starts, not in it.
    ///
    /// # Panics
    /// With Go's words, when the counter gets negative, or when a wait is under way while the
    /// counter leaves zero; when `delta` is beyond 32 bits, which is what the counter has.
    ///
    /// # Examples
    ///
    /// ```
    /// let wg = gosched::sync::WaitGroup::new();
    /// wg.add(2);
    /// wg.add(-2);
    /// wg.wait();
    /// ```
    #[track_caller]
    pub fn add(&self, delta: isize) {
        let Ok(delta) = i32::try_from(delta) else {
            panic!("sync: WaitGroup counter overflow");
        };
        self.change(delta);
    }

    #[inline]
    #[track_caller]
    fn change(&self, delta: i32) {
        let change = (delta as u64) << 32;
        // Release pairs(waitgroup): wait's Acquire. AcqRel: the last one passes on the others'.
        let state = self.state.fetch_add(change, AcqRel).wrapping_add(change);
        let (count, waiters) = (counter(state), state & WAITERS);
        if count < 0 {
            panic!("sync: negative WaitGroup counter");
        }
        if waiters != 0 && delta > 0 && count == delta {
            panic!("sync: WaitGroup misuse: Add called concurrently with Wait");
        }
        if count == 0 && waiters != 0 {
            self.release(state, waiters);
        }
    }

    /// The counter has come to zero with waiters: from now on only this call may change the word.
    #[cold]
    #[track_caller]
    fn release(&self, state: u64, waiters: u64) {
        if self.state.load(Relaxed) != state {
            panic!("sync: WaitGroup misuse: Add called concurrently with Wait");
        }
        // Release pairs(waitgroup): a wait that finds zero.
        self.state.store(0, Release);
        for _ in 0..waiters {
            sema::release(&self.sema, false);
        }
    }

    /// A task is done: takes one from the counter.
    ///
    /// # Panics
    /// With Go's words, when the counter gets negative.
    ///
    /// # Examples
    ///
    /// See [`WaitGroup`].
    #[inline]
    #[track_caller]
    pub fn done(&self) {
        self.change(-1);
    }

    /// Waits until the counter is zero.
    ///
    /// # Panics
    /// With Go's words, when the group is used again before this call has returned.
    ///
    /// # Examples
    ///
    /// See [`WaitGroup`].
    #[track_caller]
    pub fn wait(&self) {
        // Acquire pairs(waitgroup): add's Release.
        let mut state = self.state.load(Acquire);
        loop {
            if counter(state) == 0 {
                return;
            }
            let joined = state + 1;
            // Acquire pairs(waitgroup): add's Release.
            match self
                .state
                .compare_exchange_weak(state, joined, Relaxed, Acquire)
            {
                Ok(_) => break,
                Err(seen) => state = seen,
            }
        }
        sema::acquire(&self.sema, false, WaitReason::WaitGroupWait);
        if self.state.load(Relaxed) != 0 {
            panic!("sync: WaitGroup is reused before previous Wait has returned");
        }
    }
}

impl Default for WaitGroup {
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.load(Relaxed);
        f.debug_struct("WaitGroup")
            .field("count", &counter(state))
            .field("waiters", &(state & WAITERS))
            .finish()
    }
}

// Plain threads wait in these tests; the core alone cannot do that.
#[cfg(all(test, feature = "ext", not(loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    /// Go: TestWaitGroup: two groups as barriers of 16, eight times over.
    #[test]
    fn nobody_is_released_early_and_groups_can_be_used_again() {
        let (first, second, passed) = (WaitGroup::new(), WaitGroup::new(), AtomicU32::new(0));
        for _ in 0..8 {
            first.add(16);
            second.add(16);
            passed.store(0, Relaxed);
            thread::scope(|s| {
                for _ in 0..16 {
                    s.spawn(|| {
                        first.done();
                        second.wait();
                        passed.fetch_add(1, Relaxed);
                    });
                }
                first.wait();
                for _ in 0..16 {
                    assert_eq!(passed.load(Relaxed), 0);
                    second.done();
                }
            });
            assert_eq!(passed.load(Relaxed), 16);
        }
    }

    fn words(f: impl FnOnce()) -> String {
        let payload = catch_unwind(AssertUnwindSafe(f)).unwrap_err();
        payload.downcast_ref::<&str>().unwrap().to_string()
    }

    /// Go: TestWaitGroupMisuse.
    #[test]
    fn misuse_panics_with_gos_words() {
        let wg = WaitGroup::new();
        wg.add(1);
        wg.done();
        assert_eq!(words(|| wg.done()), "sync: negative WaitGroup counter");

        let wg = WaitGroup::new();
        wg.state.store(1, Relaxed); // a wait is under way, the counter is zero
        assert_eq!(
            words(|| wg.add(1)),
            "sync: WaitGroup misuse: Add called concurrently with Wait"
        );

        let wg = WaitGroup::new();
        wg.state.store(1 << 32, Relaxed);
        wg.sema.store(1, Relaxed); // woken, but the counter is not zero
        assert_eq!(
            words(|| wg.wait()),
            "sync: WaitGroup is reused before previous Wait has returned"
        );
    }

    #[test]
    fn says_what_it_counts() {
        let wg = WaitGroup::default();
        wg.add(3);
        assert_eq!(format!("{wg:?}"), "WaitGroup { count: 3, waiters: 0 }");
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    /// Everybody who waits sees what all tasks did.
    fn tasks_and_waiters(tasks: usize, waiters: usize) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(move || {
            let shared = Arc::new((WaitGroup::new(), [UnsafeCell::new(0), UnsafeCell::new(0)]));
            shared.0.add(tasks as isize);
            let spawn = |f: fn(&(WaitGroup, [UnsafeCell<u32>; 2]), usize), i| {
                let s = Arc::clone(&shared);
                loom::thread::spawn(move || f(&s, i))
            };
            let look = |s: &(WaitGroup, [UnsafeCell<u32>; 2]), _| {
                s.0.wait();
                s.1.iter().for_each(|cell| cell.with(|_| ()));
            };
            let task = |s: &(WaitGroup, [UnsafeCell<u32>; 2]), i: usize| {
                s.1[i].with_mut(|_| ());
                s.0.done();
            };
            let mut handles: Vec<_> = (0..tasks).map(|i| spawn(task, i)).collect();
            handles.extend((1..waiters).map(|i| spawn(look, i)));
            look(&shared, 0);
            handles.into_iter().for_each(|h| h.join().unwrap());
        });
    }

    #[test]
    fn waiters_see_what_the_tasks_did() {
        tasks_and_waiters(2, 1);
        tasks_and_waiters(1, 2);
    }
}
