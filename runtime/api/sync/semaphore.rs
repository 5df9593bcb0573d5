//! A weighted semaphore: a goroutine that needs a large share is not overtaken by others that
//! need a small one.
//!
//! The free amount and the queue are under one runtime lock. A goroutine that releases takes the
//! shares of the waiters that it wakes. core/wait/README.md#semaphore-in-order. Go:
//! golang.org/x/sync/semaphore.
#![forbid(unsafe_code)]

use std::fmt;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::wait_reason::WaitReason;
use crate::core::g::wait_round::WaitId;
use crate::core::wait::sched_api::{GRef, RawLock, enter, enter_to_wait, park, ready};
use crate::core::wait::waiter::Waiter;
use crate::ext::locks::wait_list::WaitList;

/// The two that may claim a wait that can be given up.
const SERVED: u16 = 0;
pub(crate) const GIVEN_UP: u16 = 1;
/// How many goroutines a release wakes before it leaves the runtime for a moment.
const BATCH: usize = 32;

/// Limits how much of something is in use at a time; each user takes its share.
///
/// There are two ways to hold a share. A *permit* ([`permit`](Semaphore::permit),
/// [`permit_owned`](Semaphore::permit_owned)) gives it back when it is dropped: the usual way.
/// Go's pair [`acquire`](Semaphore::acquire) and [`release`](Semaphore::release) is for shares that
/// no scope or value stands for: taken here and given back elsewhere, or in other portions. Each
/// has a `try_` form, and one that gives up when a context is done.
///
/// Waiters are served in the order of their coming: one that needs much waits until there is
/// enough, and those behind it wait for it.
///
/// Go: `golang.org/x/sync/semaphore.Weighted`.
///
/// # Examples
///
/// ```
/// use gosched::sync::Semaphore;
///
/// let memory = Semaphore::new(100);
/// let share = memory.permit(70);
/// assert!(!memory.try_acquire(40));
/// drop(share);
///
/// memory.acquire(70);
/// memory.release(70);
/// assert!(memory.try_acquire(40));
/// ```
#[doc(alias = "Weighted")]
pub struct Semaphore {
    size: usize,
    lock: RawLock,
    /// Under the lock.
    used: OwnerCell<usize>,
    /// Under the lock.
    list: WaitList,
}

impl Semaphore {
    /// A semaphore for `size` in all, nothing of it in use.
    ///
    /// # Examples
    ///
    /// See [`Semaphore`].
    #[must_use]
    pub const fn new(size: usize) -> Semaphore {
        Semaphore {
            size,
            lock: RawLock::new(),
            used: OwnerCell::zero(),
            list: WaitList::new(),
        }
    }

    /// Under the lock.
    fn fits(&self, n: usize) -> bool {
        n <= self.size - self.used.get()
    }

    /// Under the lock: takes `n` if they are free.
    fn take(&self, n: usize) -> bool {
        let fits = self.fits(n);
        if fits {
            self.used.set(self.used.get() + n);
        }
        fits
    }

    /// Waits until `n` are free and no earlier waiter is left, and takes them.
    ///
    /// # Panics
    /// If `n` is more than the semaphore's size: the wait would never end.
    ///
    /// # Examples
    ///
    /// See [`Semaphore`].
    #[track_caller]
    pub fn acquire(&self, n: usize) {
        self.demand(n);
        let rt = enter_to_wait();
        let me = rt.current();
        Waiter::on_stack(me, n, None, |waiter| {
            let guard = rt.lock(&self.lock);
            if self.list.is_empty() && self.take(n) {
                return;
            }
            me.announce_park_for(
                WaitReason::SemaphoreAcquire,
                std::ptr::from_ref(self).addr(),
            );
            self.list.push_back(waiter);
            drop(guard);
            park(rt);
        });
    }

    #[track_caller]
    pub(crate) fn demand(&self, n: usize) {
        let size = self.size;
        assert!(n <= size, "semaphore: cannot acquire {n} of {size}");
    }

    /// As `acquire`, unless whoever was told the round claims it first, for [`GIVEN_UP`]: false.
    /// `tell` is called inside of the runtime, with the park announced; its false: no need to wait.
    pub(crate) fn acquire_unless(&self, n: usize, tell: impl FnOnce(WaitId) -> bool) -> bool {
        let rt = enter_to_wait();
        let me = rt.current();
        let round = me.open_round();
        let given_up = Waiter::on_stack(me, n, Some(round), |waiter| {
            let guard = rt.lock(&self.lock);
            if self.list.is_empty() && self.take(n) {
                return false;
            }
            let what = std::ptr::from_ref(self).addr();
            me.announce_park_for(WaitReason::SemaphoreAcquire, what);
            self.list.push_back(waiter);
            drop(guard);
            if !tell(round) && me.wait_round.claim(round, GIVEN_UP) {
                me.status.cancel_park();
                drop(rt);
            } else {
                park(rt);
            }
            if me.wait_round.winner() == Some(SERVED) {
                return false;
            }
            let rt = enter();
            let _guard = rt.lock(&self.lock);
            self.list.leave(waiter);
            true
        });
        if given_up {
            // Those behind may need less than the one that has left.
            while self.serve_some() {}
        }
        !given_up
    }

    /// Takes `n`, if they are free and there are no waiters.
    ///
    /// # Examples
    ///
    /// See [`Semaphore`].
    #[must_use = "false: nothing was acquired"]
    pub fn try_acquire(&self, n: usize) -> bool {
        let rt = enter();
        let _guard = rt.lock(&self.lock);
        self.list.is_empty() && self.take(n)
    }

    /// Gives `n` back and wakes the waiters whose share is free now.
    ///
    /// # Panics
    /// If more is given back than was taken.
    ///
    /// # Examples
    ///
    /// See [`Semaphore`].
    #[track_caller]
    pub fn release(&self, n: usize) {
        if !self.release_some(n) {
            panic!("semaphore: released more than held");
        }
    }

    /// As `release`. Returns `false`, and gives nothing back, if `n` is more than was taken.
    pub(crate) fn release_some(&self, n: usize) -> bool {
        let held = self.give_back(n);
        while held && self.serve_some() {}
        held
    }

    fn give_back(&self, n: usize) -> bool {
        let rt = enter();
        let _guard = rt.lock(&self.lock);
        match self.used.get().checked_sub(n) {
            Some(used) => {
                self.used.set(used);
                true
            }
            None => false,
        }
    }

    /// Wakes up to [`BATCH`] waiters whose share is free now. Returns `true` if there may be more.
    fn serve_some(&self) -> bool {
        if self.list.is_empty() {
            // Whoever enrols after our `give_back`, under the same lock, has seen what is free.
            return false;
        }
        let mut served: [Option<GRef>; BATCH] = [None; BATCH];
        let rt = enter();
        let guard = rt.lock(&self.lock);
        let mut looked_at = 0;
        while looked_at < BATCH
            && let Some(first) = self.list.first()
            && self.fits(first.key)
        {
            self.list.unlink(first);
            looked_at += 1;
            let round = first.round;
            if round.is_some_and(|round| !first.g.wait_round.claim(round, SERVED)) {
                continue; // it has given up, and waits for the lock
            }
            self.take(first.key);
            served[looked_at - 1] = Some(first.g);
        }
        drop(guard);
        for g in served.into_iter().flatten() {
            ready(&rt, g);
        }
        looked_at == BATCH
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("size", &self.size)
            .field("used", &self.used.peek())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;
    use std::thread;

    #[test]
    fn nobody_overtakes_one_who_needs_much() {
        let (sem, order) = (Semaphore::new(10), std::sync::Mutex::new(vec![]));
        let queued = |n| {
            let rt = enter();
            let _guard = rt.lock(&sem.lock);
            let all = std::iter::successors(sem.list.first(), |w| w.next.get());
            all.count() == n
        };
        sem.acquire(10);
        thread::scope(|s| {
            for (i, n) in [8, 1, 1, 9].into_iter().enumerate() {
                let (sem, order) = (&sem, &order);
                s.spawn(move || {
                    sem.acquire(n);
                    order.lock().unwrap().push(n);
                });
                while !queued(i + 1) {
                    thread::yield_now();
                }
            }
            sem.release(7);
            assert!(!sem.try_acquire(1), "3 are free, but somebody waits");
            assert!(queued(4));
            let until_served = |n| {
                while order.lock().unwrap().len() < n {
                    thread::yield_now();
                }
            };
            sem.release(1); // the first one's 8 fit now, the others' do not
            until_served(1);
            sem.release(2); // two times 1
            until_served(3);
            sem.release(9); // of the 10 in use: 1 left, 9 fit
        });
        assert_eq!(order.into_inner().unwrap(), [8, 1, 1, 9]);
        assert_eq!(format!("{sem:?}"), "Semaphore { size: 10, used: 10, .. }");
    }

    #[test]
    fn never_more_in_use_than_there_is() {
        let (sem, used) = (Semaphore::new(10), AtomicUsize::new(0));
        thread::scope(|s| {
            for t in 1..=6 {
                let (sem, used) = (&sem, &used);
                s.spawn(move || {
                    for i in 0..1000 {
                        let n = 1 + (i * t) % 10;
                        if i % 4 != 0 {
                            sem.acquire(n);
                        } else if !sem.try_acquire(n) {
                            continue;
                        }
                        assert!(used.fetch_add(n, Relaxed) + n <= 10);
                        used.fetch_sub(n, Relaxed);
                        sem.release(n);
                    }
                });
            }
        });
        assert_eq!(sem.used.peek(), 0);
        sem.acquire(10);
        sem.acquire(0);
        sem.release(10);
    }

    #[test]
    fn a_release_wakes_more_than_one_batch() {
        let sem = Semaphore::new(100);
        sem.acquire(100);
        thread::scope(|s| {
            (0..100).for_each(|_| drop(s.spawn(|| sem.acquire(1))));
            sem.release(100);
        });
        assert!(!sem.try_acquire(1));
    }

    #[test]
    fn misuse_panics() {
        let sem = Semaphore::new(2);
        let words = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).unwrap_err();
        let e = words(&|| sem.release(1));
        assert_eq!(
            e.downcast_ref::<&str>(),
            Some(&"semaphore: released more than held")
        );
        let e = words(&|| sem.acquire(3));
        assert_eq!(
            e.downcast_ref::<String>().map(String::as_str),
            Some("semaphore: cannot acquire 3 of 2")
        );
    }
}
