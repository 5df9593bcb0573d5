//! `Condvar` with the interface of `std`, without spurious wake-ups, on `notify_list.rs`.
#![forbid(unsafe_code)]

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

use crate::api::sync::mutex::MutexGuard;
use crate::core::g::wait_reason::WaitReason;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::locks::notify_list::NotifyList;
use crate::ext::timers::instant::nanos_after;

/// A place to wait for a change of what a [`Mutex`](crate::sync::Mutex) guards.
///
/// The interface is that of [`std::sync::Condvar`]. Waiters are woken in the order in which
/// they came, a signal cannot be taken by one who comes after it, and there are no spurious
/// wake-ups; still, another one may have changed the value before the woken has the lock back.
///
/// Go: `sync.Cond`.
///
/// # Examples
///
/// ```
/// use gosched::sync::{Arc, Condvar, Mutex};
///
/// let pair = Arc::new((Mutex::new(false), Condvar::new()));
/// let other = Arc::clone(&pair);
/// std::thread::spawn(move || {
///     *other.0.lock().unwrap() = true;
///     other.1.notify_one();
/// });
/// let (lock, changed) = &*pair;
/// let started = changed.wait_while(lock.lock().unwrap(), |started| !*started);
/// assert!(*started.unwrap());
/// ```
#[doc(alias = "Cond")]
pub struct Condvar {
    list: NotifyList,
}

impl UnwindSafe for Condvar {}
impl RefUnwindSafe for Condvar {}

/// Did a wait with a time-out end because time ran out?
///
/// # Examples
/// See [`Condvar::wait_timeout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Returns `true` if time ran out before a notification came.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (lock, changed) = (Mutex::new(()), Condvar::new());
    /// let guard = lock.lock().unwrap();
    /// let (_guard, why) = changed.wait_timeout(guard, Duration::from_millis(1)).unwrap();
    /// assert!(why.timed_out());
    /// ```
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable without waiters.
    #[inline]
    #[must_use]
    pub const fn new() -> Condvar {
        Condvar {
            list: NotifyList::new(),
        }
    }

    /// Frees the mutex, waits to be notified, and locks the mutex again.
    ///
    /// # Errors
    /// The guard inside an error, if the mutex is poisoned when it is locked again.
    ///
    /// # Examples
    ///
    /// See [`Condvar`].
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_inner(&guard, None);
        guard.lock.poison.wrap(guard)
    }

    /// Waits as long as `condition` is true.
    ///
    /// # Errors
    /// As [`Condvar::wait`].
    ///
    /// # Examples
    ///
    /// See [`Condvar`].
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`Condvar::wait`], but gives up after `dur`.
    ///
    /// # Errors
    /// As [`Condvar::wait`].
    ///
    /// # Examples
    ///
    /// See [`WaitTimeoutResult::timed_out`].
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let notified = self.wait_inner(&guard, Some(nanos_after(dur)));
        let poisoned = guard.lock.is_poisoned();
        let answer = (guard, WaitTimeoutResult(!notified));
        if poisoned {
            Err(PoisonError::new(answer))
        } else {
            Ok(answer)
        }
    }

    /// As [`Condvar::wait_while`], but gives up after `dur`. The result says that time ran out
    /// only if the condition still holds.
    ///
    /// # Errors
    /// As [`Condvar::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (lock, changed) = (Mutex::new(3), Condvar::new());
    /// let soon = Duration::from_millis(1);
    /// let guard = lock.lock().unwrap();
    /// let (n, why) = changed.wait_timeout_while(guard, soon, |n| *n > 5).unwrap();
    /// assert_eq!((*n, why.timed_out()), (3, false));
    /// ```
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        dur: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let until = nanos_after(dur);
        loop {
            if !condition(&mut *guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            if nanotime() >= until {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            let left = Duration::from_nanos(until - nanotime().min(until));
            guard = match self.wait_timeout(guard, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => return Err(poisoned),
            };
        }
    }

    /// Wakes the waiter that has waited longest, if there is one.
    ///
    /// # Examples
    ///
    /// See [`Condvar`].
    #[inline]
    #[doc(alias = "Signal")]
    pub fn notify_one(&self) {
        self.list.notify_one();
    }

    /// Wakes all that wait at this moment.
    ///
    /// # Examples
    ///
    /// See [`Barrier`](crate::sync::Barrier), which is made of this.
    #[inline]
    #[doc(alias = "Broadcast")]
    pub fn notify_all(&self) {
        self.list.notify_all();
    }

    /// Returns `false` if time ran out. The mutex is held again either way.
    fn wait_inner<T>(&self, guard: &MutexGuard<'_, T>, until: Option<Nanos>) -> bool {
        let raw = &guard.lock.raw;
        let notified = self.list.wait(WaitReason::CondWait, until, || raw.unlock());
        raw.lock();
        notified
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
